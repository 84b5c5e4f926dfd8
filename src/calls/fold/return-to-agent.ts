import { answer, closeAttempt, endAttempt, goOn } from './attempts.ts'
import { currentAttempt, type Attempt, type Call, type HookName } from './call.ts'
import { note } from './duties.ts'
import { endOf } from './end.ts'
import { replaceLegs } from './legs.ts'
import { TIMES, type Rules } from './rules.ts'
import { openRequest } from './transfers.ts'

/*
 * A leg leaves its room and may come back to it. LiveKit keeps the room and the agent in it for departureTimeout.
 */

/** The leg of this attempt is dialled elsewhere. Its room may be needed again. */
export function park (attempt: Attempt, at: number): void {
  attempt.parked ??= { at, until: at + returnMs(attempt) }
}

/**
 * How long LiveKit keeps an attempt's room without its caller, seconds. It cannot be changed later, so the attempt
 * remembers what was asked for. Records from before do not say it: that was 10 s.
 */
export const departureOf = ({ departureS = 10 }: Pick<Attempt, 'departureS'>): number => departureS

/** How long after it left a leg may come back, milliseconds. */
export const returnMs = (attempt: Pick<Attempt, 'departureS'>): number =>
  departureOf(attempt) * 1000 - TIMES.returnSlack

/** The attempt that waits for its leg to come back. */
export const parkedAttempt = (call: Call): Attempt | undefined =>
  call.attempts.find(({ parked, end }) => parked !== undefined && end === undefined)

/** The room of the attempt that waited is needed no more. */
export function endParked (draft: Call, at: number): void {
  const parked = parkedAttempt(draft)
  if (!parked) return
  parked.parked = undefined
  endAttempt(draft, parked, at, endOf('transferred'))
}

/** Whether somebody waits in the room of an attempt. */
export const isUsable = ({ room, foreign, view, end, parked }: Attempt, at: number): boolean =>
  room !== undefined && !foreign && !end && view.goneAt === undefined && !view.agent?.left &&
  (parked === undefined || at < parked.until)

/**
 * The leg goes back to where it was, as the reply to a hook: to the same room while somebody waits there, else on to
 * a room that is made anew.
 * @returns false when neither is possible
 */
export function goBack (draft: Call, at: number, rules: Rules, hook: HookName, hash: string): boolean {
  const parked = parkedAttempt(draft)
  if (!parked) return false
  const current = currentAttempt(draft)
  if (current && current !== parked) leave(draft, current, at)
  if (isUsable(parked, at)) {
    redial(draft, parked, at)
    answer(draft, hook, hash, { kind: 'dial', attempt: parked.n })
    return true
  }
  parked.parked = undefined
  endAttempt(draft, parked, at, endOf('room-closed'))
  draft.plan = [parked.way, ...draft.plan]
  return goOn(draft, at, rules, hook, hash)
}

/** The leg is taken away from a dial. Why that has come to nothing is known where the transfer was cancelled. */
function leave (draft: Call, attempt: Attempt, at: number): void {
  const transfer = openRequest(draft)
  const isCancelled = transfer?.dials === attempt.n && transfer.failedFor?.reason === 'cancelled'
  if (isCancelled) endAttempt(draft, attempt, at, endOf('transfer-cancelled'))
  else closeAttempt(attempt, at)
}

/** The same attempt is dialled again, with a new leg; what was known of the old one no longer says anything. */
export function redial (draft: Call, attempt: Attempt, at: number): void {
  // The attempt that is dialled last is the current one.
  draft.attempts = [...draft.attempts.filter(other => other !== attempt), attempt]
  draft.phase = 'received'
  draft.deadline = at + TIMES.received
  draft.overdue = false
  draft.settleAt = undefined
  replaceLegs(draft, attempt)
  attempt.parked = undefined
  attempt.answered = false
  attempt.at.answered = undefined
  attempt.final = undefined
  attempt.action = undefined
  attempt.agentless = undefined
  attempt.accepted = undefined
  attempt.bridgesAt = undefined
  forgetParticipant(attempt)
  attempt.at.ringing = attempt.at.lastRinging = undefined
  attempt.at.ended = undefined
  const what = attempt.room === undefined ? 'dialled again' : 'back to the agent'
  note(draft, at, { from: 'bridge', what, attempt: attempt.n })
}

/** What LiveKit shows of the leg before. Where the new leg was dialled already, it may show that one. */
function forgetParticipant ({ view, askedAgain }: Attempt): void {
  if (askedAgain && (view.sip?.joinedAt ?? 0) >= askedAgain.at) return
  if (view.sip?.sid) view.past.push(view.sip.sid)
  view.sip = undefined
}
