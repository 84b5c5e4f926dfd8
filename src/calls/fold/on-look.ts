import { beginClosing } from './attempts.ts'
import { agentAudio, agentLeft, agentSeen, callerAlone, stopWaiting } from './agent-watch.ts'
import { ringSOf } from './attempt-facts.ts'
import { currentAttempt, isBeforeHook, type Attempt, type Call } from './call.ts'
import { note, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { mayHaveMissed, sipLeft, talkedSince } from './evidence.ts'
import { rememberPeople } from './on-joins.ts'
import { agentSaid, nextVerdictLook } from './on-voicemail.ts'
import { legsOf } from './legs.ts'
import { releaseCallee } from './on-order.ts'
import { agentAnswered, agentRinging, settleSoon } from './on-status.ts'
import { longestLife, TIMES, type Rules } from './rules.ts'
import { callerReturned, failTransfer, REPLY_NOT_TAKEN } from './transfer-result.ts'
import { isUnheard, onSought, onVisitSeen } from './unheard.ts'

/** What a look showed. What was seen once stays seen; what was seen before and is not there any more has left. */
export function onLook (draft: Call, event: EventOf<'look'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (!attempt) return
  const { at } = event
  unowe(draft, duty => duty.kind === 'look' && duty.target === String(attempt.n))
  rememberPeople(draft, event)
  if (event.outcome === 'seen' && attempt.visits === undefined) takeIn(draft, attempt, event)
  if (event.outcome !== 'seen') attempt.view.lookFailedAt = at
  const parties = [event.sip && 'SIP', event.agent && 'AGENT', event.agent?.audio && 'audio'].filter(Boolean).join(', ')
  note(draft, at, {
    from: 'bridge',
    what: 'look',
    attempt: attempt.n,
    status: event.outcome,
    detail: event.outcome === 'seen' ? parties || (event.exists ? 'nobody there' : 'no room') : undefined
  })
  if (attempt.visits !== undefined) {
    onVisitSeen(draft, attempt, event, rules)
    return
  }
  if (attempt.parked && isUnheard(draft)) {
    onSought(draft, attempt, event, rules)
    return
  }
  agentSaid(draft, event, rules)
  if (attempt !== currentAttempt(draft) || attempt.end || draft.phase === 'ended' || draft.closing) return
  const seen = withoutStaleRoom(attempt, event)
  if (draft.overdue) judgeOverdue(draft, attempt, seen, rules)
  else if (draft.phase === 'connected') judgeConnected(draft, attempt, seen, rules)
  else if (seen.sip?.callStatus === 'active') agentAnswered(draft, attempt, talkedSince(attempt) ?? at, rules)
}

/** Looks in a row that found a room which no LiveKit node has. */
const STALE_LOOKS = 2
/** Until the look that confirms it, milliseconds. */
const STALE_AGAIN_MS = 10_000

/**
 * What a look shows of who is really there. A LiveKit that crashed still lists the rooms and participants that it had,
 * for hours. They prove nothing once no node answers for the room, twice in a row.
 */
function withoutStaleRoom (attempt: Attempt, event: EventOf<'look'>): EventOf<'look'> {
  const { view } = attempt
  view.staleLooks = event.hosted === false ? (view.staleLooks ?? 0) + 1 : 0
  if (view.staleLooks < STALE_LOOKS) return event

  return { ...event, exists: false, sip: undefined, agent: undefined, moreAgents: undefined, company: undefined }
}

/** A connected call is looked at again and again: its agent may be gone, and its end may not be heard. */
function judgeConnected (draft: Call, attempt: Attempt, event: EventOf<'look'>, rules: Rules): void {
  const { at } = event
  if (event.outcome === 'unreachable' && at >= longestLife(attempt, rules)) {
    beginClosing(draft, at)
    return
  }
  const next = event.hosted === false ? at + STALE_AGAIN_MS : nextVerdictLook(draft, at) ?? at + TIMES.look
  oweLook(draft, attempt, at, next)
  if (event.outcome === 'unreachable') return
  if (event.sip) callerReturned(draft, attempt, at)
  if (!event.sip) settleSoon(draft, at)
  else if (event.company) stopWaiting(draft, attempt)
  else if (!event.agent) callerAlone(draft, attempt, at, rules)
}
/**
 * How long nobody need be in the room of an attempt of which nothing was heard. Jambonz may be dialling all the same:
 * certainly where the caller leg was heard of, perhaps where this application sends no statuses at all; its /action may
 * want the next way.
 */
function patienceWith (draft: Call, attempt: Attempt, rules: Rules): number {
  if (waitsForCallee(draft, attempt)) return attempt.at.opened + draft.order!.ringS * 1000 + TIMES.dialSlack
  const mayDial = draft.caller.seen || (!draft.statusesExpected && draft.plan.length > 0)
  const ringMs = ringSOf(attempt, rules.dialTimeoutS) * 1000

  return attempt.at.opened + (mayDial ? ringMs + TIMES.dialSlack : TIMES.received)
}

/** Whether the room may wait for a callee whose phone rings: nobody need be there but the agent. */
const waitsForCallee = (draft: Call, attempt: Attempt): boolean =>
  draft.order !== undefined && isBeforeHook(draft) && attempt.view.sip === undefined &&
  legsOf(draft, attempt).length === 0

function takeIn (
  draft: Call,
  attempt: Attempt,
  { at, askedAt, exists, sip, agent, moreAgents = [] }: EventOf<'look'>
): void {
  const { view } = attempt
  view.lookedAt = at
  if (sip) view.sipSeenAt = at
  if (!exists) view.goneAt ??= at
  if (sip && view.sip?.sid === sip.sid && view.sip.left?.reason === 'UNSEEN') view.sip.left = undefined
  if (sip && !view.past.includes(sip.sid) && view.sip?.sid !== sip.sid) view.sip = { sid: sip.sid, joinedAt: at }
  if (!sip && view.sip && !view.sip.left && view.sip.joinedAt < askedAt) view.sip.left = { at, reason: 'UNSEEN' }
  const present = [...(agent ? [agent.identity] : []), ...moreAgents]
  for (const identity of [...view.moreAgents ?? []]) {
    if (!present.includes(identity)) agentLeft(attempt, at, identity, 'UNSEEN')
  }
  if (view.agent && !view.agent.left && view.agent.joinedAt < askedAt && !present.includes(view.agent.identity)) {
    agentLeft(attempt, at, view.agent.identity, exists ? 'UNSEEN' : 'ROOM_GONE')
  }
  for (const identity of present) agentSeen(draft, attempt, at, identity)
  if (agent?.audio) agentAudio(draft, attempt, at, agent.identity)
}

/** What was missed while no bridge listened, LiveKit says again. */
const patienceWithLiveKit = (draft: Call, attempt: Attempt): number =>
  mayHaveMissed(draft, attempt) && !sipLeft(attempt) ? TIMES.redelivery : TIMES.evidence

/** No deadline ends a call while LiveKit lists its SIP participant, or while LiveKit cannot be asked. */
function judgeOverdue (draft: Call, attempt: Attempt, event: EventOf<'look'>, rules: Rules): void {
  const { at, sip } = event
  draft.overdue = false
  if (event.outcome === 'unreachable' && at < longestLife(attempt, rules)) {
    draft.deadline = at + TIMES.lookAgain
    return
  }
  if (!sip) {
    const until = patienceWith(draft, attempt, rules)
    if ((draft.phase === 'received' || waitsForCallee(draft, attempt)) && at < until) {
      draft.deadline = until
      return
    }
    if (waitsForCallee(draft, attempt)) releaseCallee(draft, at, rules)
    attempt.at.ended ??= at
    beginClosing(draft, at, patienceWithLiveKit(draft, attempt))
    return
  }
  draft.deadline = at + (event.hosted === false ? STALE_AGAIN_MS : TIMES.look)
  if (draft.phase === 'transferring') {
    // The agent leg is still up: nothing came of the transfer.
    draft.transfer = { ...draft.transfer!, result: 'failed', returned: true }
    draft.phase = 'connected'
    if (draft.transfer.request) failTransfer(draft.transfer, { reason: 'error', detail: REPLY_NOT_TAKEN })
  }
  if (sip.callStatus === 'active') agentAnswered(draft, attempt, talkedSince(attempt) ?? at, rules)
  else if (sip.callStatus === 'ringing') agentRinging(draft, attempt, at, rules)
}
