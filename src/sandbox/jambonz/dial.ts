import { callTarget } from './dialled-leg.ts'
import { actionPayload } from './payloads.ts'
import type { Session } from './session.ts'
import { nonEmpty } from './verbs.ts'
import type { DialVerb, Verb } from './verbs.ts'

/**
 * The `dial` verb as the feature server and its SBC run it: one leg, its status events, then the action hook. Resolves
 * with the verbs of the action hook's reply, or with undefined when the remaining verbs run next.
 *
 * @throws {Error} when there is no media for the caller, or when the action hook fails
 */
export async function dial (session: Session, verb: DialVerb, signal: AbortSignal): Promise<Verb[] | undefined> {
  const { context } = session
  await session.endpoint(verb.answerOnBridge !== true)

  const [target] = verb.target
  // A dial that is stopped before its INVITE has no dial_ fields in the action hook.
  const result = signal.aborted || target === undefined ? {} : await callTarget(session, verb, target, signal)
  session.onCallerRefer = undefined
  if (verb.actionHook === undefined) return undefined

  const reply = await session.hooks.post(verb.actionHook, actionPayload(session.leg, result, verb.id))
  // The session ignores these verbs when others have replaced the dial, or when the caller is gone.
  return Array.isArray(reply) ? nonEmpty(context.parse(reply)) : undefined
}
