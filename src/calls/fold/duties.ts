import { DUTY_KINDS, type Attempt, type Call, type Duty, type DutyKind } from './call.ts'
import { isHeldBack } from './wake.ts'
import { addLine, type NewLine } from './event-list.ts'
import { TIMES } from './rules.ts'

/*
 * Work that a call owes to the outside, as data on the call. Most duties are done at least once: one whose outcome is
 * not reported within its lease is due again. Duties in AT_MOST_ONCE are marked as begun before they are done, and are
 * never tried a second time.
 *
 * Every function here that takes a `draft` changes it. advance() hands out a private copy, so the fold stays pure.
 */

/** Kinds that must not be done twice: whoever hears of them acts on each. */
export const AT_MOST_ONCE: ReadonlySet<DutyKind> = new Set(['redispatch'])

/** Adds a line to the call's event list. */
export function note (draft: Call, at: number, line: NewLine): void {
  const { events, dropped } = addLine(draft.events, line, at)
  draft.events = events
  draft.eventsDropped += dropped
}

/** Adds a duty. It replaces one with the same id. */
export function owe (
  draft: Call,
  at: number,
  duty: Pick<Duty, 'kind' | 'target' | 'due'> & Partial<Pick<Duty, 'id' | 'room'>>
): void {
  const id = duty.id ?? `${duty.kind}:${duty.target}`
  draft.duties = [...draft.duties.filter(other => other.id !== id), { ...duty, id, tries: 0, since: at }]
}

/** Takes duties back, except those that have begun and cannot be undone. */
export function unowe (draft: Call, test: (duty: Duty) => boolean): void {
  draft.duties = draft.duties.filter(duty => duty.begun !== undefined || !test(duty))
}

/** Owes a look at the room of an attempt. */
export function oweLook (draft: Call, attempt: Attempt, at: number, due: number): void {
  if ((attempt.room ?? attempt.visits) !== undefined) owe(draft, at, { kind: 'look', target: String(attempt.n), due })
}

/**
 * Gives the duties that are due to `claim`. Without an outcome they are due again after the lease. A duty of a kind
 * that this version does not know is left for the version that does, and events keep their order.
 */
export function claimDuties (draft: Call, at: number, claim: string): void {
  const isOurs = ({ kind }: Duty): boolean => (DUTY_KINDS as readonly string[]).includes(kind)
  draft.duties = draft.duties.map((duty, _i, duties) => {
    if (duty.due > at || duty.begun !== undefined || !isOurs(duty) || isHeldBack(duty, duties)) return duty
    const lease = AT_MOST_ONCE.has(duty.kind) ? TIMES.onceLease : TIMES.lease
    if (duty.kind === 'make-room') makesRoom(draft, duty, at)

    return { ...duty, claim, due: at + lease, tries: duty.tries + 1 }
  })
}

/** From now on a createRoom may be under way. */
function makesRoom ({ attempts }: Call, { target }: Duty, at: number): void {
  const attempt = attempts.find(({ n }) => String(n) === target)
  if (attempt) attempt.pendingSince = at
}
