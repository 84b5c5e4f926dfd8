import { onDispatched, onDispatching } from './agent-watch.ts'
import type { Call, Duty } from './call.ts'
import { AT_MOST_ONCE, note } from './duties.ts'
import type { EventOf } from './events.ts'
import { mergeFailed } from './on-merge.ts'
import { LEG_GONE, REDIRECT_NOT_TAKEN, redirectFailed } from './on-transfer.ts'
import { roomDeleteOutcome } from './room-cleanup.ts'
import { TIMES, type Rules } from './rules.ts'
import { openRequest } from './transfers.ts'
import { onAgentTold, onMadeAgain, onNotDispatched } from './warm-watch.ts'

/**
 * Whoever holds the claim of an at-most-once duty is about to do it. From now on it is never tried again, whatever
 * becomes of it. Nothing changes when the duty was taken back or belongs to somebody else.
 */
export function onDutyBegun (draft: Call, { at, id, claim }: EventOf<'duty-begun'>): void {
  const duty = draft.duties.find(duty => duty.id === id && duty.claim === claim)
  if (!duty || duty.begun !== undefined || !AT_MOST_ONCE.has(duty.kind)) return
  if (duty.kind === 'redispatch' && !onDispatching(draft, duty, at)) return
  const begun = { ...duty, begun: at, due: at + TIMES.onceLease }
  draft.duties = draft.duties.map(other => other.id === id ? begun : other)
}

/** Nobody reported the outcome of a duty that had begun: its process is gone, and the outcome stays unknown. */
export function lapseDuties (draft: Call, at: number, rules: Rules): void {
  const lapsed = { at, outcome: 'failed', detail: 'unknown' } as const
  for (const duty of draft.duties) if (duty.begun !== undefined && duty.due <= at) settle(draft, duty, lapsed, rules)
}

type Outcome = Pick<EventOf<'duty'>, 'at' | 'outcome' | 'detail'>

/**
 * Records the outcome of a duty: done, due again with back-off, or given up. The outcome of a claim that has lapsed, or
 * of a duty that was owed again meanwhile, says nothing about the duty that stands now.
 */
export function onDuty (draft: Call, event: EventOf<'duty'>, rules: Rules): void {
  const duty = draft.duties.find(({ id, claim }) => id === event.id && claim === event.claim)
  if (duty) settle(draft, duty, event, rules)
}

function settle (draft: Call, duty: Duty, outcome: Outcome, rules: Rules): void {
  if (outcome.outcome === 'failed' && mayTryAgain(duty, outcome.at)) {
    retry(draft, duty, outcome.at)
    return
  }
  draft.duties = draft.duties.filter(other => other.id !== duty.id)
  switch (duty.kind) {
    case 'look':
    case 'publish':
      return
    case 'redispatch':
      if (duty.begun !== undefined) onDispatched(draft, duty, outcome)
      else if (outcome.outcome === 'done') onNotDispatched(draft, duty, outcome.at)
      return
    case 'delete-room':
      if (outcome.outcome === 'done') roomDeleteOutcome(draft, duty, outcome)
      else noteOutcome(draft, duty, outcome)
      return
    case 'tell-agent':
      if (outcome.outcome === 'failed') noteOutcome(draft, duty, outcome)
      else onAgentTold(draft, duty.target, outcome.at, outcome.detail, rules)
      return
    case 'make-room':
      if (outcome.outcome === 'failed') noteOutcome(draft, duty, outcome)
      else onMadeAgain(draft, duty.target, outcome.at, outcome.detail, rules)
      return
    case 'find-call':
      if (outcome.outcome === 'failed') noteOutcome(draft, duty, outcome)
      return
    case 'redirect':
      if (outcome.outcome === 'failed') onRedirectRefused(draft, outcome.at)
      if (outcome.detail === LEG_GONE) onLegGone(draft, outcome.at)
      return
    case 'call-person':
    case 'tell-person':
    case 'tell-call':
    case 'check-person':
    case 'send-message':
      if (outcome.outcome === 'failed') noteOutcome(draft, duty, outcome)
      return
    case 'hang-up':
    case 'remove-agent':
      noteOutcome(draft, duty, outcome)
  }
}

/** Jambonz refused to redirect a leg, or could not be asked. */
function onRedirectRefused (draft: Call, at: number): void {
  if (draft.merge) mergeFailed(draft, at, REDIRECT_NOT_TAKEN)
  const transfer = openRequest(draft)
  if (transfer?.redirect) redirectFailed(draft, transfer, at, REDIRECT_NOT_TAKEN)
}

/** Jambonz does not know the leg any more. A person's last status says why; a caller's transfer comes to nothing. */
function onLegGone (draft: Call, at: number): void {
  note(draft, at, { from: 'jambonz', what: 'redirect', status: LEG_GONE })
  if (!draft.merge) onRedirectRefused(draft, at)
}

function mayTryAgain (duty: Duty, at: number): boolean {
  // A leg that is redirected twice loses what the first time brought.
  if (duty.begun !== undefined || duty.kind === 'redirect') return false
  // A look is what wakes a connected call. Without one nothing would. An event waits for a store that is gone.
  return duty.kind === 'look' || duty.kind === 'publish' || at - duty.since < TIMES.giveUp
}

function retry (draft: Call, duty: Duty, at: number): void {
  const backOff = Math.min(TIMES.longestRetry, TIMES.firstRetry * 2 ** (duty.tries - 1))
  const again = { ...duty, due: at + backOff, claim: undefined }
  draft.duties = draft.duties.map(other => other.id === duty.id ? again : other)
}

function noteOutcome (draft: Call, duty: Duty, { at, outcome, detail }: Outcome): void {
  const attempt = draft.attempts.find(attempt => attempt.room === duty.target)?.n
  note(draft, at, {
    from: 'bridge',
    what: outcome === 'done' ? `${duty.kind} done` : `${duty.kind} given up`,
    attempt,
    detail
  })
}
