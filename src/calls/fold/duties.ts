import { DUTY_KINDS, type Attempt, type Call, type Duty, type DutyKind } from './call.ts'
import { addLine, type NewLine } from './event-list.ts'
import type { EventOf } from './events.ts'
import { TIMES } from './rules.ts'

/*
 * Everything in src/calls that takes a `draft` changes it: advance() hands out a private copy, so that the fold stays
 * pure from outside.
 */

/** Adds a line to the call's event list. */
export function note (draft: Call, at: number, line: NewLine): void {
  const { events, dropped } = addLine(draft.events, line, at)
  draft.events = events
  draft.eventsDropped += dropped
}

/** Adds a duty; one with the same id is replaced. */
export function owe (
  draft: Call,
  at: number,
  kind: DutyKind,
  target: string,
  due: number,
  id = `${kind}:${target}`
): void {
  draft.duties = [...draft.duties.filter(duty => duty.id !== id), { id, kind, target, due, tries: 0, since: at }]
}

/** Takes duties back. */
export function unowe (draft: Call, test: (duty: Duty) => boolean): void {
  draft.duties = draft.duties.filter(duty => !test(duty))
}

export const oweLook = (draft: Call, attempt: Attempt, at: number, due: number): void => {
  if (attempt.room !== undefined) owe(draft, at, 'look', String(attempt.n), due)
}

/**
 * The room of an attempt that is over is deleted at once. Where a request that makes it is still on its way it may come
 * into being later: then also as soon as that settles, or when it must have.
 */
export function oweDeleteRoom (draft: Call, attempt: Attempt, at: number): void {
  if (attempt.room === undefined) return
  const pending = attempt.pendingSince ?? attempt.dispatchingSince
  const dialled = attempt.at.replied !== undefined
  if (pending === undefined || dialled) owe(draft, at, 'delete-room', attempt.room, at)
  if (pending !== undefined) {
    owe(draft, at, 'delete-room', attempt.room, Math.max(at, pending + TIMES.roomSettles), lateDeleteId(attempt))
  }
}

export const lateDeleteId = (attempt: Attempt): string => `delete-room:${attempt.room}:late`

/**
 * Marks the duties that are due as being done by `claim`; when it never reports back they are due again after the
 * lease. A duty that this version does not know is left for the one that does.
 */
export function claimDuties (draft: Call, at: number, claim: string): void {
  draft.duties = draft.duties.map(duty =>
    duty.due <= at && (DUTY_KINDS as readonly string[]).includes(duty.kind)
      ? {
          ...duty,
          claim,
          due: at + (duty.kind === 'redispatch' ? TIMES.redispatchLease : TIMES.lease),
          tries: duty.tries + 1
        }
      : duty
  )
}

/** Books the outcome of a duty: gone, or due again with back-off, or given up. */
export function onDuty (draft: Call, event: EventOf<'duty'>): void {
  const duty = draft.duties.find(duty => duty.id === event.id)
  if (!duty) return
  // A look is what wakes a connected call: without one nothing would.
  const tooOld = duty.kind !== 'look' && event.at - duty.since >= TIMES.giveUp
  if (event.outcome === 'failed' && !tooOld) {
    const backOff = Math.min(TIMES.longestRetry, TIMES.firstRetry * 2 ** (duty.tries - 1))
    draft.duties = draft.duties.map(other =>
      other === duty ? { ...duty, due: event.at + backOff, claim: undefined } : other
    )
    return
  }
  unowe(draft, other => other.id === duty.id)
  if (duty.kind === 'look' || duty.kind === 'redispatch') return
  const what = event.outcome === 'done' ? `${duty.kind} done` : `${duty.kind} given up`
  note(draft, event.at, {
    from: 'bridge',
    what,
    attempt: draft.attempts.find(attempt => attempt.room === duty.target)?.n,
    detail: event.detail
  })
}
