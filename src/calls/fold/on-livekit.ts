import { currentAttempt, type Attempt, type Call } from './call.ts'
import { beginClosing } from './ending.ts'
import { agentGone, agentLeft, agentSeen, callerAlone, stopWaiting } from './agent-watch.ts'
import { note, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { isCallerLeg } from './caller-leg.ts'
import { agentAnswered, agentRinging, settleSoon } from './on-status.ts'
import { isSignOfLife, oweDeleteRoom } from './room-cleanup.ts'
import { longestLife, TIMES, type Rules } from './rules.ts'

/** One of LiveKit's own events about a room of ours. */
export function onLiveKit (draft: Call, event: EventOf<'livekit'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.room === event.room)
  if (!attempt || isRepeated(draft, event)) return
  const { what, participant } = event
  const at = happenedAt(attempt, event)
  // With LiveKit's own word there is nothing to look for while it rings.
  if (
    !attempt.view.events && (draft.phase === 'dialing' || draft.phase === 'ringing') && !draft.overdue && !draft.closing
  ) unowe(draft, duty => duty.kind === 'look')
  attempt.view.events = true
  const kind = kindOf(draft, attempt, participant)
  note(draft, at, {
    from: 'livekit',
    what,
    attempt: attempt.n,
    status: kind,
    reason: participant?.reason,
    detail: event.track ?? detailOf(what, kind, participant)
  })
  if (attempt.end && isSignOfLife(attempt, event)) {
    note(draft, at, { from: 'bridge', what: 'life in a room that should be gone', attempt: attempt.n })
    oweDeleteRoom(draft, attempt, event.at)
  }
  switch (what) {
    case 'participant_joined':
      joined(draft, attempt, at, kind, participant!)
      break
    case 'track_published':
      if (kind === 'AGENT' && event.track === 'AUDIO') {
        agentSeen(draft, attempt, at, participant!.identity)
        agentAudio(draft, attempt, at, participant!.identity)
      }
      break
    case 'participant_left':
    case 'participant_connection_aborted':
      left(draft, attempt, at, event, kind, rules)
      break
    case 'room_finished':
      attempt.view.goneAt ??= at
      if (attempt === currentAttempt(draft)) settleSoon(draft, event.at)
      break
    case 'room_started':
    case 'track_unpublished':
    case 'other':
      break
  }
}

const REMEMBER_EVENTS = 32

/** LiveKit delivers an event again when it did not hear that we took it (protocol webhook/resource_url_notifier.go). */
function isRepeated (draft: Call, { id }: EventOf<'livekit'>): boolean {
  if (id === undefined) return false
  if (draft.heard.includes(id)) return true
  draft.heard = [...draft.heard, id].slice(-REMEMBER_EVENTS)
  return false
}

/** LiveKit tells the time of an event in whole seconds. */
const MADE_AT_STEP_MS = 1000

/**
 * When it happened, by our clock. A delivery that had to be repeated comes seconds late: as late as it is behind the
 * quickest one of this room, so that nothing depends on how the two clocks differ.
 */
function happenedAt ({ view, at: { opened } }: Attempt, { at, madeAt }: EventOf<'livekit'>): number {
  if (madeAt === undefined) return at
  const lag = at - madeAt
  view.lag = Math.min(view.lag ?? lag, lag)
  const late = lag - view.lag - MADE_AT_STEP_MS
  return late > 0 ? Math.max(opened, at - late) : at
}

/** Whether the INVITE's X- headers arrived, and how LiveKit saw the call when its leg left. */
function detailOf (
  what: EventOf<'livekit'>['what'],
  kind: string | undefined,
  participant: Participant | undefined
): string | undefined {
  if (kind !== 'SIP') return undefined
  if (what === 'participant_joined') return participant?.sip?.callSid === undefined ? 'no headers' : 'headers'
  return what === 'participant_left' ? participant?.sip?.callStatus : undefined
}

type Participant = NonNullable<EventOf<'livekit'>['participant']>

/** Track events carry no kind: LiveKit names agents `agent-<job>` and SIP participants `sip_<From user>`. */
function kindOf (
  call: Call,
  attempt: Attempt,
  participant: Participant | undefined
): 'SIP' | 'AGENT' | 'OTHER' | undefined {
  if (!participant) return undefined
  const { kind, identity, sid, sip } = participant
  if (kind === 'SIP') return isCallerLeg(sip ?? {}, { callSid: call.callSid, token: attempt.token }) ? 'SIP' : 'OTHER'
  if (kind) return kind
  if (identity === attempt.view.agent?.identity || identity.startsWith('agent-')) return 'AGENT'
  return sid === attempt.view.sip?.sid || identity.startsWith('sip_') ? 'SIP' : 'OTHER'
}

function joined (
  draft: Call,
  attempt: Attempt,
  at: number,
  kind: string | undefined,
  { sid, identity }: Participant
): void {
  const { view } = attempt
  if (kind === 'AGENT') agentSeen(draft, attempt, at, identity)
  if (kind !== 'SIP' || view.past.includes(sid) || view.sip?.sid === sid) return
  // Whoever is there already stays the caller until it leaves.
  if (view.sip?.sid !== undefined && !view.sip.left) return
  if (view.sip?.sid !== undefined) view.past.push(view.sip.sid)
  view.sip = { sid, joinedAt: at }
  if (attempt === currentAttempt(draft) && !attempt.final && draft.hangupAt === undefined) draft.settleAt = undefined
}

function agentAudio (draft: Call, attempt: Attempt, at: number, identity: string): void {
  if (attempt.view.agent?.identity !== identity && !attempt.view.moreAgents?.includes(identity)) return
  attempt.view.agent!.audioAt ??= at
  attempt.at.agentAudio ??= at
  draft.at.agentAudio ??= at
}

function left (
  draft: Call,
  attempt: Attempt,
  at: number,
  event: EventOf<'livekit'>,
  kind: string | undefined,
  rules: Rules
): void {
  const { view } = attempt
  const { sid, identity, reason = 'UNKNOWN', sip } = event.participant!
  if (kind === 'AGENT') {
    if (view.agent === undefined) agentSeen(draft, attempt, at, identity)
    if (agentLeft(attempt, at, identity, reason) && !isWithRoom(reason)) agentGone(draft, attempt, event.at, rules)
  }
  if (kind !== 'SIP' || view.past.includes(sid)) return
  if (view.sip?.sid !== undefined && view.sip.sid !== sid) return
  const known = view.sip?.left?.reason === 'UNSEEN' ? undefined : view.sip?.left
  view.sip = { joinedAt: at, ...view.sip, sid, left: known ?? { at, reason, callStatus: sip?.callStatus } }
  if (attempt === currentAttempt(draft)) settleSoon(draft, event.at)
}

/** The room ended, and everybody in it had to leave. */
const isWithRoom = (reason: string): boolean => reason.startsWith('ROOM_')

/** What a look showed. What was seen once stays seen; what was seen before and is not there any more has left. */
export function onLook (draft: Call, event: EventOf<'look'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (!attempt) return
  const { at } = event
  unowe(draft, duty => duty.kind === 'look' && duty.target === String(attempt.n))
  if (event.outcome === 'seen') takeIn(draft, attempt, event)
  else attempt.view.lookFailedAt = at
  const parties = [event.sip && 'SIP', event.agent && 'AGENT', event.agent?.audio && 'audio'].filter(Boolean).join(', ')
  note(draft, at, {
    from: 'bridge',
    what: 'look',
    attempt: attempt.n,
    status: event.outcome,
    detail: event.outcome === 'seen' ? parties || (event.exists ? 'nobody there' : 'no room') : undefined
  })
  if (attempt !== currentAttempt(draft) || attempt.end || draft.phase === 'ended' || draft.closing) return
  if (draft.overdue) judgeOverdue(draft, attempt, event, rules)
  else if (draft.phase === 'connected') {
    if (event.outcome === 'unreachable' && at >= longestLife(attempt, rules)) {
      beginClosing(draft, at)
      return
    }
    oweLook(draft, attempt, at, at + TIMES.look)
    if (event.outcome === 'unreachable') return
    if (!event.sip) settleSoon(draft, at)
    else if (event.company) stopWaiting(draft, attempt)
    else if (!event.agent) callerAlone(draft, attempt, at, rules)
  }
}

/**
 * How long nobody need be in the room of an attempt of which nothing was heard. Jambonz may be dialling all the same:
 * certainly where the caller leg was heard of, perhaps where this application sends no statuses at all; its /action may
 * want the next way.
 */
function patienceWith (draft: Call, { at: { opened } }: Attempt, rules: Rules): number {
  const mayDial = draft.caller.seen || (!draft.statusesExpected && draft.plan.length > 0)
  return opened + (mayDial ? rules.dialTimeoutS * 1000 + TIMES.dialSlack : TIMES.received)
}

function takeIn (
  draft: Call,
  attempt: Attempt,
  { at, askedAt, exists, sip, agent, moreAgents = [] }: EventOf<'look'>
): void {
  const { view } = attempt
  view.lookedAt = at
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
    if (draft.phase === 'received' && at < until) {
      draft.deadline = until
      return
    }
    attempt.at.ended ??= at
    beginClosing(draft, at)
    return
  }
  draft.deadline = at + TIMES.look
  if (draft.phase === 'transferring') {
    // The agent leg is still up: nothing came of the transfer.
    draft.transfer = { ...draft.transfer!, result: 'failed', returned: true }
    draft.phase = 'connected'
  }
  if (sip.callStatus === 'active') agentAnswered(draft, attempt, at, rules)
  else if (sip.callStatus === 'ringing') agentRinging(draft, attempt, at, rules)
}
