import { play, say, wait } from './announce.ts'
import { dial } from './dial.ts'
import { redirect } from './redirect.ts'
import { referVerb } from './refer.ts'
import type { Session } from './session.ts'
import { NonFatalError } from './verbs.ts'
import type { DialVerb, PlayVerb, RedirectVerb, ReferVerb, SayVerb, Verb } from './verbs.ts'

/** The verb that a call which Jambonz places begins with. No reply may contain it. */
export const REST_DIAL = 'rest:dial'

/**
 * Runs one verb. Resolves with the verbs that replace the remaining ones, if any.
 *
 * @throws {NonFatalError} when the next verb still runs
 * @throws {Error} any other, after which no verb runs any more
 */
export async function runVerb (session: Session, verb: Verb, signal: AbortSignal): Promise<Verb[] | undefined> {
  switch (verb.verb) {
    case 'dial':
      // A dial reports its own errors and gives way to the next verb.
      return await dial(session, verb as DialVerb, signal).catch(() => undefined)
    case 'sip:refer':
      needAnswer(session)
      return await referVerb(session, verb as ReferVerb, signal).catch(() => undefined)
    case 'redirect':
      return await redirect(session, verb as RedirectVerb, signal)
    case 'sip:decline':
      declineVerb(session, verb)
      return undefined
    case 'hangup':
      needAnswer(session)
      session.hangUp(verb['headers'] as Record<string, string> | undefined)
      return undefined
    case 'say':
      await say(session, verb as SayVerb, signal)
      return undefined
    case 'play':
      await play(session, verb as PlayVerb, signal)
      return undefined
    case 'answer':
      await session.endpoint(true)
      return undefined
    case REST_DIAL:
      await untilOver(verb['over'] as Promise<void>, signal)
      if (signal.reason === 'replaced') (verb['replaced'] as () => void)()
      return undefined
    case 'pause':
      await wait(session, Number(verb['length']) * 1000, signal)
      return undefined
    default:
      // The other verbs play no part between Jambonz and LiveKit, so they end at once.
      return undefined
  }
}

/** Resolves when `over` does, or when the verb is stopped. */
async function untilOver (over: Promise<void>, signal: AbortSignal): Promise<void> {
  const stopped = new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()))
  await Promise.race([over, stopped])
}

function needAnswer ({ answered }: Session): void {
  if (!answered) throw new NonFatalError('call was not answered')
}

/** Behind a dial that was answered the verb is skipped. For a call that Jambonz placed it is an error. */
function declineVerb (session: Session, verb: Verb): void {
  if (session.leg.direction === 'outbound') throw new Error('a call that Jambonz placed has nothing to decline')
  if (session.answered) throw new NonFatalError('final sip status already sent')

  session.decline(Number(verb['status']), verb['reason'] as string | undefined, {
    'X-Reason': 'SIP Decline Verb',
    ...verb['headers'] as Record<string, string> | undefined
  })
}
