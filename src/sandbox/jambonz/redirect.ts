import { legPayload } from './payloads.ts'
import type { Session } from './session.ts'
import { nonEmpty } from './verbs.ts'
import type { RedirectVerb, Verb } from './verbs.ts'

/**
 * The `redirect` verb: posts the caller leg to the hook, whose verbs replace the remaining ones. An empty reply, or one
 * that is no list, lets the remaining ones run. A hook on another host takes over as the host of relative hooks, and
 * from then on no hook carries credentials (feature-server redirect).
 *
 * @throws {Error} when the hook fails or replies with invalid verbs, which ends all verbs
 */
export async function redirect (
  session: Session,
  verb: RedirectVerb,
  signal: AbortSignal
): Promise<Verb[] | undefined> {
  const { actionHook, id } = verb
  session.handOver(typeof actionHook === 'string' ? actionHook : actionHook.url)
  const reply = await session.hooks.post(actionHook, {
    ...legPayload(session.leg),
    ...id !== undefined && { verb_id: id }
  })
  return signal.aborted || !Array.isArray(reply) ? undefined : nonEmpty(session.context.parse(reply))
}
