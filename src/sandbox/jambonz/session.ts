import type { Clock } from '../../clock.ts'
import type { SipMessage, SipResponse } from '../../sip/message.ts'
import type { UserAgent } from '../../sip/user-agent.ts'
import { dial } from './dial.ts'
import type { Faults } from './dial.ts'
import type { Hook, HookClient, StatusQueue } from './hooks.ts'
import { customHeaders, legPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import { referVerb } from './refer.ts'
import { nonEmpty } from './verbs.ts'
import type { DialVerb, ParseVerbs, ReferVerb, Verb } from './verbs.ts'

/** The caller leg's SIP side, whoever started it. */
export interface CallerLeg {
  /** Headers of the caller's INVITE that go on to the agent leg: identity and privacy. */
  identity: Record<string, string>
  offer: string
  early(): void
  answer(): void
  reject(status: number, reason: string | undefined, headers?: Record<string, string>): void
  bye(headers?: Record<string, string>): Promise<unknown>
  refer(to: string, headers: Record<string, string>): Promise<SipResponse>
}

/** What a call needs of the double that it runs in. */
export interface Surroundings {
  clock: Clock
  parse: ParseVerbs
  /** The user agent that dials. */
  agentSide: UserAgent
  gateways: Record<string, string>
  faults: Faults
  /** Milliseconds to wait for the final NOTIFY after a REFER was accepted. */
  notifyTimeoutMs: number
}

/** One call in the double, from its first verbs to its end. */
export interface Session {
  readonly leg: Leg
  readonly around: Surroundings
  readonly hooks: HookClient
  readonly caller: CallerLeg
  /** Sends a leg's state to the status hook. */
  notify(leg: Leg): void
  /** Media for the caller: early (183) or, when the call may be answered, 200. */
  endpoint(answer: boolean): Promise<void>
  answer(): void
  /** Refuses the unanswered call, with a status event; nothing runs after it. */
  decline(status: number, reason: string | undefined, headers?: Record<string, string>): void
  /** Runs these verbs instead of whatever runs now; what that one's action hook replies is then ignored. */
  replace(verbs: Verb[]): void
  /** Who answers the caller's REFER just now. */
  onCallerRefer: ((message: SipMessage) => Promise<{ status: number, reason?: string }>) | undefined
  /** Told of every NOTIFY that the caller sends. */
  onCallerNotify: ((message: SipMessage) => void) | undefined
  /** Something goes on beside the verbs that the session has to outlive. */
  outlive(work: Promise<unknown>): void

  /** Runs the verbs to the end of the call, and waits for what outlives it. */
  run(verbs: Verb[]): Promise<void>
  callerCancelled(): void
  callerHungUp(bye: SipMessage): void
  /** Live call control. */
  hangUp(): void
  noAnswer(): void
  redirect(hook: Hook): Promise<void>
  readonly answered: boolean
  /** A dial has had somebody on the line since then; the dial says so. */
  talkingSince: number | undefined
}

/** Why a running verb was stopped. */
export type Stop = 'gone' | 'replaced'

export function createSession (options: {
  leg: Leg
  around: Surroundings
  caller: CallerLeg
  hooks: HookClient
  statuses: StatusQueue
}): Session {
  const { leg, around, caller, hooks, statuses } = options
  const { clock } = around
  const work = new Set<Promise<unknown>>()
  let answeredAt: number | undefined
  let gone = false
  let early = false
  let running: AbortController | undefined
  let replacement: Verb[] | undefined

  const alive = () => !gone

  function update (patch: Partial<Leg>): void {
    Object.assign(leg, patch)
    statuses.send(legPayload(leg))
  }

  function stop (reason: Stop): void {
    if (reason === 'gone') gone = true
    session.talkingSince = undefined
    running?.abort(reason)
  }

  function completed (by: 'caller' | 'jambonz', headers?: Record<string, string>): void {
    const duration = Math.floor((clock.now() - (answeredAt ?? clock.now())) / 1000)
    update({
      callStatus: 'completed',
      sipStatus: 200,
      sipReason: 'OK',
      callTerminationBy: by,
      duration,
      ...headers && { headers }
    })
  }

  function hangUp (headers?: Record<string, string>): void {
    if (gone) return
    completed('jambonz')
    session.outlive(caller.bye(headers))
    stop('gone')
  }

  /** Runs one verb; resolves with the verbs that replace the remaining ones, if any. */
  async function execute (verb: Verb, signal: AbortSignal): Promise<Verb[] | undefined> {
    switch (verb.verb) {
      case 'dial':
        return await dial(session, verb as DialVerb, signal)
      case 'sip:refer':
        return answeredAt === undefined ? undefined : await referVerb(session, verb as ReferVerb, signal)
      case 'sip:decline':
        // Its precondition is an unanswered call: behind a dial that was answered it does nothing.
        if (answeredAt === undefined) {
          session.decline(Number(verb['status']), verb['reason'] as string | undefined, {
            'X-Reason': 'SIP Decline Verb',
            ...verb['headers'] as Record<string, string> | undefined
          })
        }
        return undefined
      case 'hangup':
        // Its precondition is an answered call, so on a ringing one it does nothing.
        if (answeredAt !== undefined) hangUp(verb['headers'] as Record<string, string> | undefined)
        return undefined
      case 'redirect':
        return nonEmpty(around.parse(await hooks.post(verb['actionHook'] as Hook, legPayload(leg))))
      case 'pause':
        await pause(Number(verb['length']) * 1000, signal)
        return undefined
      case 'answer':
      case 'say':
      case 'play':
        session.answer()
        return undefined
      default:
        // A verb that plays no part between Jambonz and LiveKit is over at once.
        return undefined
    }
  }

  function pause (ms: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const cancel = clock.schedule(ms, resolve)
      signal.addEventListener('abort', () => {
        cancel()
        resolve()
      })
    })
  }

  const session: Session = {
    leg,
    around,
    hooks,
    caller,
    onCallerRefer: undefined,
    talkingSince: undefined,
    onCallerNotify: undefined,
    notify (of) {
      statuses.send(legPayload(of))
    },
    async endpoint (answer) {
      const { mediaDelayMs } = around.faults
      if (mediaDelayMs !== undefined) {
        await new Promise<void>(resolve => {
          clock.schedule(mediaDelayMs, resolve)
        })
      }
      if (answeredAt !== undefined || gone) return
      if (answer) return session.answer()
      if (!early) caller.early()
      early = true
    },
    answer () {
      if (answeredAt !== undefined || gone) return
      answeredAt = clock.now()
      caller.answer()
      update({ callStatus: 'in-progress', sipStatus: 200, sipReason: 'OK' })
    },
    decline (status, reason, headers) {
      if (gone) return
      caller.reject(status, reason, headers)
      // Without a reason of its own the leg keeps the last one, `Trying`.
      update({ callStatus: 'failed', sipStatus: status, ...reason !== undefined && { sipReason: reason } })
      gone = true
    },
    replace (verbs) {
      replacement = verbs
      stop('replaced')
    },
    outlive (promise) {
      const settled = promise.catch(() => {}).finally(() => work.delete(settled))
      work.add(settled)
    },
    async run (verbs) {
      let queue = [...verbs]
      while (queue.length > 0 && alive()) {
        const verb = queue.shift() as Verb
        running = new AbortController()
        // A verb that throws, as a dial does when its action hook fails, gives way to the next one.
        const next = await execute(verb, running.signal).catch(() => undefined)
        if (replacement !== undefined) queue = [...replacement]
        else if (next !== undefined) queue = [...next]
        replacement = undefined
      }
      running = undefined
      // Out of verbs: an answered caller is hung up on, any other gets a bare 603, of which no status event tells.
      if (!gone) {
        if (answeredAt !== undefined) hangUp()
        else caller.reject(603, 'Decline')
      }
      gone = true
      while (work.size > 0) await Promise.all(work)
    },
    callerCancelled () {
      if (gone) return
      update({ callStatus: 'no-answer', sipStatus: 487, sipReason: 'Request Terminated', callTerminationBy: 'caller' })
      stop('gone')
    },
    callerHungUp (bye) {
      if (gone) return
      completed('caller', customHeaders(bye.headers))
      stop('gone')
    },
    hangUp () {
      // On an unanswered call Jambonz does nothing for `completed`; only `no-answer` ends that one.
      if (answeredAt !== undefined) hangUp()
    },
    noAnswer () {
      if (answeredAt !== undefined || gone) return
      caller.reject(503, undefined)
      stop('gone')
    },
    async redirect (hook) {
      // The new application is asked before the old one is stopped; one without verbs leaves the old one running.
      const verbs = nonEmpty(around.parse(await hooks.post(hook, legPayload(leg))))
      if (verbs !== undefined && !gone) session.replace(verbs)
    },
    get answered () {
      return answeredAt !== undefined
    }
  }
  return session
}
