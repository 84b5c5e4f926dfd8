import { callTarget } from './dialled-leg.ts'
import { hasTelephoneCodec } from './media.ts'
import { actionPayload } from './payloads.ts'
import type { Session } from './session.ts'
import { nonEmpty } from './verbs.ts'
import type { DialVerb, Verb } from './verbs.ts'

/** Ways in which the double fails as a real Jambonz does. They may change at any time. */
export interface Faults {
  /**
   * The target answers the CANCEL of a leg late: the last status of that leg is lost, and the action hook carries the
   * status before it.
   */
  staleAfterCancel?: boolean
  /** Milliseconds that the media server takes before a dial can begin. */
  mediaDelayMs?: number
  /** The media server is down: dials end before they begin, without an action hook. */
  noMediaServer?: boolean
}

/**
 * The `dial` verb as the feature server and its SBC run it: one leg, its status events, then the action hook. Resolves
 * with the verbs of the action hook's reply, or with undefined when the remaining verbs run next.
 *
 * @throws {Error} when there is no media for the caller, or when the action hook fails
 */
export async function dial (session: Session, verb: DialVerb, signal: AbortSignal): Promise<Verb[] | undefined> {
  const { context } = session
  if (context.faults.noMediaServer === true) throw new Error('media server failure')
  if (!session.answered && !hasTelephoneCodec(session.caller.offer)) {
    session.decline(488, 'Not Acceptable Here')
    return undefined
  }
  await session.endpoint(verb.answerOnBridge !== true)

  const [target] = verb.target
  // A dial that is stopped before its INVITE has no dial_ fields in the action hook.
  const result = signal.aborted || target === undefined ? {} : await callTarget(session, verb, target, signal)
  session.onCallerRefer = undefined
  if (verb.actionHook === undefined) return undefined

  const reply = await session.hooks.post(verb.actionHook, actionPayload(session.leg, result, verb.id))
  // The reply counts only when neither a hangup nor other verbs have stopped this dial.
  if (signal.aborted || !Array.isArray(reply)) return undefined
  return nonEmpty(context.parse(reply))
}
