import { header } from '../../sip/message.ts'
import type { SipMessage } from '../../sip/message.ts'
import type { ReferAnswer } from './caller-leg.ts'
import { HookError } from './hooks.ts'
import { referPayload } from './payloads.ts'
import type { Leg } from './payloads.ts'
import type { Session } from './session.ts'
import type { DialVerb, Verb } from './verbs.ts'

/**
 * Answers a REFER on a bridged leg. Jambonz asks the refer hook before it answers, and runs the hook's verbs on the
 * other leg. The answer is 501 without a hook, and when the hook fails without a status.
 */
export async function answerRefer (
  session: Session,
  verb: DialVerb,
  leg: Leg,
  otherCallSid: string,
  message: SipMessage,
  transfer: (verbs: Verb[]) => void
): Promise<ReferAnswer> {
  // The feature server throws on a caller's REFER without Referred-By. The agent's REFER comes through the SBC, which
  // adds that header.
  const incomplete = leg.parentCallSid === undefined && header(message, 'Referred-By') === undefined
  if (verb.referHook === undefined || incomplete) return { status: 501, reason: 'Not Implemented' }
  try {
    const reply = await session.hooks.post(verb.referHook, referPayload(leg, otherCallSid, message))
    const verbs = Array.isArray(reply) ? session.context.parse(reply) : []
    if (verbs.length > 0) transfer(verbs)
    return { status: 202, reason: 'Accepted' }
  } catch (error) {
    return { status: (error instanceof HookError ? error.status : undefined) ?? 501 }
  }
}
