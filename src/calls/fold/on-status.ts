import { mayBeReplaced, takeReplacement } from './asked-again.ts'
import { awaitsAcceptance, isAnnouncement, isBeingScreened, isDialled, ringSOf } from './attempt-facts.ts'
import { announcing, beginClosing } from './attempts.ts'
import { currentAttempt, isFinal, type Attempt, type Call, type LegFinal } from './call.ts'
import { addLeg, attemptOfLeg, findLeg, isLatestLeg, legsOf, noteLegStatus } from './legs.ts'
import { agentGone, stopWaiting } from './agent-watch.ts'
import { note, owe, oweLook, unowe } from './duties.ts'
import { onCallee, preparedAttempt } from './on-order.ts'
import { fetchBack } from './on-transfer.ts'
import { personBridged, personProgress } from './person-progress.ts'
import { endParked, park } from './return-to-agent.ts'
import { callerReturned } from './transfer-result.ts'
import { nextVerdictLook } from './on-voicemail.ts'
import type { EventOf } from './events.ts'
import { adoptAttempt, isElsewhere, takeFacts } from './new-call.ts'
import { oweDeleteRoom } from './room-cleanup.ts'
import { timeLimitOf, TIMES, type Rules } from './rules.ts'

/**
 * A status event of either leg. Jambonz sends those of one call one after another, but they may still overtake hooks.
 */
export function onStatus (draft: Call, event: EventOf<'status'>, rules: Rules): void {
  note(draft, event.at, {
    from: 'jambonz',
    what: 'status',
    leg: event.leg,
    status: event.callStatus,
    sipStatus: event.sipStatus,
    reason: event.sipReason,
    by: event.by,
    attempt: event.leg === 'agent' ? attemptOfLeg(draft, event.legSid, event.dialled)?.n : undefined
  })
  draft.caller.seen = true
  if (event.leg === 'caller') takeFacts(draft, event.facts)
  if (event.leg === 'caller') onCallerLeg(draft, event, rules)
  else onAgentLeg(draft, event, rules)
}

function onCallerLeg (draft: Call, event: EventOf<'status'>, rules: Rules): void {
  if (isFinal(event.callStatus)) {
    callerEnded(draft, event.at, event)
    return
  }
  if (draft.caller.final || draft.phase === 'ended') return
  draft.caller.trying = true
  if (draft.facts.direction === 'outbound') {
    onCallee(draft, event, rules)
    return
  }
  if (event.callStatus !== 'in-progress') return
  draft.caller.answered = true
  const attempt = openLeg(draft)
  if (!attempt) return
  if (isAnnouncement(attempt)) announcing(draft, attempt, rules)
  // With answerOnBridge the caller is answered when the agent leg is: its own status may have been lost. Where
  // something else had answered the caller, the status may only be late.
  const answersWithDial = legsOf(draft, attempt).length > 0 && !answeredElsewhere(draft, attempt)
  if (answersWithDial) agentAnswered(draft, attempt, event.at, rules)
}

/** The caller leg is over, whoever says so; the first word stands. */
export function callerEnded (draft: Call, at: number, final: Omit<LegFinal, 'at'>): void {
  if (draft.caller.final) return
  const { callStatus, sipStatus, sipReason, by } = final
  const attempt = currentAttempt(draft)
  // Only an answered leg is `completed`. Unless something else answered the caller, the far end did.
  const isOpen = attempt?.at.replied !== undefined && !attempt.end
  if (callStatus === 'completed' && isOpen && !draft.caller.answeredBefore && !answeredElsewhere(draft, attempt)) {
    attempt.answered = isDialled(attempt)
  }
  if (attempt?.bridgesAt !== undefined && !attempt.action) {
    attempt.answered = true
    personBridged(draft, attempt, at)
  }
  if (attempt && !attempt.end) attempt.at.ended ??= at
  draft.caller.final = { at, callStatus, sipStatus, sipReason, by, beforeAgentLeg: attempt?.final === undefined }
  beginClosing(draft, at)
}

/** An announcement, or an earlier attempt, answered the caller. */
const answeredElsewhere = (draft: Call, attempt: Attempt): boolean =>
  draft.attempts.some(other => isAnnouncement(other) || (other !== attempt && other.answered))

function onAgentLeg (draft: Call, event: EventOf<'status'>, rules: Rules): void {
  const isUnknown = draft.attempts.length === 0 || (!findLeg(draft, event.legSid) && isElsewhere(draft, event.dialled))
  if (draft.phase !== 'ended' && isUnknown) {
    const latest = currentAttempt(draft)
    if (latest) park(latest, event.at)
    adoptAttempt(draft, event.at, { dialled: event.dialled ?? '' }, rules)
  }
  const attempt = attemptOfLeg(draft, event.legSid, event.dialled)
  if (!attempt) return
  // Whoever made the room ahead did not hear of the reply that dials it.
  if (attempt === preparedAttempt(draft)) attempt.at.replied = event.at
  takeReplacement(draft, attempt, event.legSid, event.at)
  if (!findLeg(draft, event.legSid)) {
    addLeg(draft, event.legSid, draft.phase === 'transferring' ? 'foreign' : 'agent', attempt.n)
  }
  noteLegStatus(draft, event.legSid, { at: event.at, status: event.callStatus, sipStatus: event.sipStatus })
  if (findLeg(draft, event.legSid)?.role === 'foreign') return
  if (attempt.end) {
    livesOn(draft, attempt, event, rules)
    return
  }
  if (!isLatestLeg(draft, attempt, event.legSid)) return
  switch (event.callStatus) {
    case 'trying':
      agentDialing(draft, attempt, event.at, rules)
      break
    case 'ringing':
    case 'early-media':
      agentRinging(draft, attempt, event.at, rules)
      break
    case 'in-progress':
      if (isBeingScreened(attempt)) personAnswers(draft, attempt, event.at)
      else agentAnswered(draft, attempt, event.at, rules)
      break
    case 'completed':
    case 'failed':
    case 'busy':
    case 'no-answer':
      agentEnded(draft, attempt, event)
      break
    case 'queued':
      break
  }
}

/** The person has answered, and hears who calls. */
function personAnswers (draft: Call, attempt: Attempt, at: number): void {
  attempt.at.answered ??= at
  personProgress(draft, attempt, 'answered')
}

/** Our verbs were so late that the call had ended before they were run: what was done to end it is done again. */
function livesOn (draft: Call, attempt: Attempt, { at, callStatus }: EventOf<'status'>, rules: Rules): void {
  if (isFinal(callStatus) || attempt.final || attempt.action || draft.caller.final) return
  oweDeleteRoom(draft, attempt, at)
  if (draft.hangupAt !== undefined && rules.callControl) {
    owe(draft, at, { kind: 'hang-up', target: 'completed', due: at })
  }
}

/** The attempt whose leg may move the call's phase now. */
function openLeg (draft: Call): Attempt | undefined {
  const attempt = currentAttempt(draft)
  return attempt && !attempt.end && !attempt.closing && !attempt.final && draft.phase !== 'ended' &&
      draft.phase !== 'transferring' && !draft.closing
    ? attempt
    : undefined
}

function agentDialing (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  if (openLeg(draft) !== attempt || draft.phase !== 'received') return
  draft.phase = 'dialing'
  attempt.at.dialing ??= at
  draft.deadline = at + ringSOf(attempt, rules.dialTimeoutS) * 1000 + TIMES.dialSlack
  draft.overdue = false
}

/** The agent leg rings. */
export function agentRinging (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  if (attempt.answered || attempt.final) return
  const first = attempt.at.ringing === undefined
  attempt.at.ringing ??= at
  attempt.at.lastRinging = Math.max(at, attempt.at.lastRinging ?? at)
  // Of an outbound call it is the callee's phone that rings.
  if (draft.facts.direction !== 'outbound') draft.at.ringing ??= at
  if (openLeg(draft) !== attempt) return
  agentDialing(draft, attempt, at, rules)
  if (draft.phase === 'dialing') draft.phase = 'ringing'
  personProgress(draft, attempt, 'ringing')
  if (first && !attempt.view.events) oweLook(draft, attempt, at, at + TIMES.firstLook)
}

/** The agent leg is up: the two are talking. */
export function agentAnswered (draft: Call, attempt: Attempt, at: number, rules: Rules): void {
  attempt.answered = true
  // LiveKit does not answer before somebody is there to talk.
  const alone = attempt.view.agent?.left !== undefined
  if (attempt.at.answered === undefined && !alone) stopWaiting(draft, attempt)
  attempt.at.answered ??= at
  draft.at.answered ??= at
  draft.at.connected ??= at
  if (openLeg(draft) !== attempt) return
  draft.phase = 'connected'
  draft.overdue = false
  personBridged(draft, attempt, at)
  // Of a person's call: the room in which they were consulted is needed no more.
  if (attempt.strategy === 'join') endParked(draft, at)
  callerReturned(draft, attempt, at)
  // A phone cannot be looked at; the agent's room is, again and again.
  const longestMs = timeLimitOf(draft, rules, attempt) * 1000
  draft.deadline = attempt.room === undefined ? at + longestMs + TIMES.dialSlack : undefined
  unowe(draft, duty => duty.kind === 'look')
  oweLook(draft, attempt, at, nextVerdictLook(draft, at) ?? at + TIMES.look)
  if (alone) agentGone(draft, attempt, at, rules)
}

function agentEnded (draft: Call, attempt: Attempt, event: EventOf<'status'>): void {
  if (attempt.final) return
  attempt.final = { at: event.at, callStatus: event.callStatus, sipStatus: event.sipStatus, sipReason: event.sipReason }
  if (event.callStatus === 'completed' && !isBeingScreened(attempt)) {
    attempt.answered = true
    personBridged(draft, attempt, event.at)
  }
  if (attempt !== currentAttempt(draft)) return
  // The caller leg's is next in Jambonz' queue.
  if (draft.closing) draft.closing.until = Math.max(draft.closing.until, event.at + TIMES.evidence)
  const isUndecided = awaitsAcceptance(attempt) && !mayBeReplaced(attempt, event.at)
  if (event.callStatus === 'completed' && isUndecided) personHungUp(draft, attempt, event.at)
  else settleSoon(draft, event.at)
}

/**
 * The person hung up instead of pressing a key. Jambonz notices only when the time for the key is over (recorded on
 * feature-server 0.9.8): the caller is fetched back now.
 */
function personHungUp (draft: Call, attempt: Attempt, at: number): void {
  fetchBack(draft, attempt, at, 'declined')
  settleSoon(draft, at, TIMES.screening)
}

/** Whether anybody was dialled for the callee of an order. A room that waits for the callee was not. */
function wasDialled (draft: Call): boolean {
  const attempt = currentAttempt(draft)
  return attempt !== undefined && (attempt.at.replied !== undefined || legsOf(draft, attempt).length > 0)
}

/** The attempt seems over: what comes next is for /action or the caller leg to say, but not for ever. */
export function settleSoon (draft: Call, at: number, afterMs: number = TIMES.settle): void {
  if (draft.order && !wasDialled(draft)) return
  if (draft.phase === 'ended' || draft.phase === 'transferring' || draft.closing) return
  draft.settleAt ??= at + afterMs
}
