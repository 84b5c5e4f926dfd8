import { isDialled } from './attempt-facts.ts'
import { currentAttempt, type AnsweredHook, type Attempt, type Call } from './call.ts'
import { note } from './duties.ts'
import { findLeg, legsOf } from './legs.ts'
import { redial } from './return-to-agent.ts'
import { TIMES } from './rules.ts'

/*
 * A redirect hook comes a second time after its dial has begun. Either a network on the way repeated the hook, and
 * nothing happens, or our request reached Jambonz twice: a process that dies after it sends it again. Then Jambonz
 * replaces the dial by a new one of the same reply. Only the new leg tells which, and it comes last: before it, the
 * replaced leg ends, and Jambonz asks what is next and ignores the answer.
 */

/** The hook comes again: it gets the same reply, or the dial that its leg is in by now. */
export function askedAgain (draft: Call, known: AnsweredHook, at: number): void {
  const attempt = currentAttempt(draft)
  if (!attempt || attempt.end || !isDialled(attempt) || !hasLeg(draft, attempt) || draft.closing) return
  if (known.reply?.kind !== 'dial') return
  note(draft, at, { from: 'jambonz', what: 'redirect hook repeated', attempt: attempt.n })
  known.reply = { kind: 'dial', attempt: attempt.n }
  attempt.askedAgain = { at, until: at + TIMES.replaces }
}

const hasLeg = (call: Call, attempt: Attempt): boolean => legsOf(call, attempt).some(({ replaced }) => !replaced)

/** Whether a new dial of the same attempt may replace its leg at that time. */
export const mayBeReplaced = ({ askedAgain }: Attempt, at: number): boolean =>
  askedAgain !== undefined && at < askedAgain.until

/** A new leg of the attempt shows that Jambonz has replaced the one before. */
export function takeReplacement (draft: Call, attempt: Attempt, legSid: string, at: number): void {
  if (findLeg(draft, legSid) || attempt.end || !mayBeReplaced(attempt, at)) return
  if (draft.caller.final || draft.hangupAt !== undefined) return
  redial(draft, attempt, at)
  attempt.askedAgain = undefined
  draft.closing = undefined
}
