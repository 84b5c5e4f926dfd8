import type { OutgoingCall } from '../../sip/user-agent.ts'
import { play, say, wait } from './announce.ts'
import { gather } from './gather.ts'
import type { Hook } from './hooks.ts'
import { legPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import type { Session } from './session.ts'
import { NonFatalError } from './verbs.ts'
import type { GatherVerb, PlayVerb, SayVerb, Verb } from './verbs.ts'

/** The leg that was answered, and on which the verbs of the confirm hook run. */
export interface ConfirmedLeg {
  session: Session
  leg: Leg
  call: OutgoingCall
  /** Aborted when the answered party is gone. */
  gone: AbortSignal
}

/** Verbs that cannot run on a dialled leg. One of them in the confirm hook's reply declines the call. */
const FORBIDDEN = new Set(['sip:decline'])
/**
 * The verbs that a reply may bring into a confirm session. Jambonz 0.9.8 means `play` and has `plays`, so `play` is not
 * among them (feature-server constants.json, `AllowedConfirmSessionVerbs`).
 */
const ALLOWED = new Set(['config', 'gather', 'plays', 'say', 'tag'])

/**
 * Asks the confirm hook of a dial and runs its verbs on the answered leg. Resolves with whether the answered party
 * takes the call: it is still connected when the verbs have run. An empty reply accepts, and a hook that fails declines
 * (feature-server place-outdial, `_executeApp`).
 */
export async function confirm (answered: ConfirmedLeg, hook: Hook): Promise<boolean> {
  const { session, leg, call } = answered
  try {
    const reply = await session.hooks.post(hook, legPayload(leg))
    if (!Array.isArray(reply) || reply.length === 0) return true

    const verbs = session.context.parse(reply)
    if (verbs.some(({ verb }) => FORBIDDEN.has(verb))) throw new Error('unsupported verb in dial url')
    await run(answered, verbs)
  } catch {
    call.bye().catch(() => {})
  }
  return call.state === 'answered'
}

async function run (answered: ConfirmedLeg, verbs: Verb[]): Promise<void> {
  let queue = [...verbs]
  while (queue.length > 0 && !answered.session.over.aborted) {
    const verb = queue.shift() as Verb
    if (verb.verb === 'hangup' && answered.call.state === 'answered') {
      await answered.call.bye(verb['headers'] as Record<string, string> | undefined)
      return
    }
    const next = (await runVerb(answered, verb).catch(nonFatal) ?? []).filter(({ verb }) => ALLOWED.has(verb))
    if (next.length > 0) queue = next
  }
}

/** Resolves with the verbs in the reply to the verb's action hook. */
async function runVerb (answered: ConfirmedLeg, verb: Verb): Promise<Verb[] | undefined> {
  const { session, leg, gone } = answered
  switch (verb.verb) {
    case 'gather':
      return await gather(answered, verb as GatherVerb)
    case 'play':
      await play(session, verb as PlayVerb, gone)
      return undefined
    case 'say':
      await say(session, verb as SayVerb, gone)
      return undefined
    case 'pause':
      await wait(session, Number(verb['length']) * 1000, gone)
      return undefined
    case 'tag':
      leg.customerData = verb['data']
      return undefined
    default:
      return undefined
  }
}

function nonFatal (error: unknown): undefined {
  if (!(error instanceof NonFatalError)) throw error
}
