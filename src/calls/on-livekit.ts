import { currentAttempt, type Attempt, type Call } from './call.ts'
import { beginClosing } from './ending.ts'
import { note, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { isCallerLeg } from '../livekit/events.ts'
import { agentAnswered, settleSoon } from './on-status.ts'
import { TIMES, type Rules } from './rules.ts'

/** One of LiveKit's own events about a room of ours. */
export function onLiveKit (draft: Call, event: EventOf<'livekit'>): void {
  const attempt = draft.attempts.find(attempt => attempt.room === event.room)
  if (!attempt) return
  const { at, what, participant } = event
  // With LiveKit's own word there is nothing to look for while it rings.
  if (!attempt.view.events && (draft.phase === 'dialing' || draft.phase === 'ringing') && !draft.overdue && !draft.closing) unowe(draft, duty => duty.kind === 'look')
  attempt.view.events = true
  const kind = kindOf(draft, attempt, participant)
  note(draft, at, { from: 'livekit', what, attempt: attempt.n, status: kind, reason: participant?.reason, detail: event.track })
  switch (what) {
    case 'participant_joined': joined(draft, attempt, at, kind, participant!); break
    case 'track_published': if (kind === 'AGENT' && event.track === 'AUDIO') { agentSeen(draft, attempt, at, participant!.identity); agentAudio(draft, attempt, at) } break
    case 'participant_left': case 'participant_connection_aborted': left(draft, attempt, at, kind, participant!); break
    case 'room_finished':
      attempt.view.goneAt ??= at
      if (attempt === currentAttempt(draft)) settleSoon(draft, at)
      break
    case 'room_started': case 'track_unpublished': case 'other': break
  }
}

type Participant = NonNullable<EventOf<'livekit'>['participant']>

/** Track events carry no kind: LiveKit names agents `agent-<job>` and SIP participants `sip_<From user>`. */
function kindOf (call: Call, attempt: Attempt, participant: Participant | undefined): 'SIP' | 'AGENT' | 'OTHER' | undefined {
  if (!participant) return undefined
  const { kind, identity, sid, sip } = participant
  if (kind === 'SIP') return isCallerLeg(sip ?? {}, { callSid: call.callSid, token: attempt.token }) ? 'SIP' : 'OTHER'
  if (kind) return kind
  if (identity === attempt.view.agent?.identity || identity.startsWith('agent-')) return 'AGENT'
  return sid === attempt.view.sip?.sid || identity.startsWith('sip_') ? 'SIP' : 'OTHER'
}

function joined (draft: Call, attempt: Attempt, at: number, kind: string | undefined, { sid, identity }: Participant): void {
  const { view } = attempt
  if (kind === 'AGENT') agentSeen(draft, attempt, at, identity)
  if (kind !== 'SIP' || view.past.includes(sid) || view.sip?.sid === sid) return
  // Whoever is there already stays the caller until it leaves.
  if (view.sip?.sid !== undefined && !view.sip.left) return
  if (view.sip?.sid !== undefined) view.past.push(view.sip.sid)
  view.sip = { sid, joinedAt: at }
  if (attempt === currentAttempt(draft) && !attempt.final && draft.hangupAt === undefined) draft.settleAt = undefined
}

function agentSeen (draft: Call, attempt: Attempt, at: number, identity: string): void {
  const { view } = attempt
  if (view.agent?.identity === identity) return
  view.agent = { identity, joinedAt: at }
  attempt.at.agentJoined ??= at
  draft.at.agentJoined ??= at
}

function agentAudio (draft: Call, attempt: Attempt, at: number): void {
  attempt.view.agent!.audioAt ??= at
  attempt.at.agentAudio ??= at
  draft.at.agentAudio ??= at
}

function left (draft: Call, attempt: Attempt, at: number, kind: string | undefined, { sid, identity, reason = 'UNKNOWN', sip }: Participant): void {
  const { view } = attempt
  if (kind === 'AGENT' && (view.agent === undefined || view.agent.identity === identity)) {
    agentSeen(draft, attempt, at, identity)
    view.agent!.left ??= { at, reason }
  }
  if (kind !== 'SIP' || view.past.includes(sid)) return
  if (view.sip?.sid !== undefined && view.sip.sid !== sid) return
  const known = view.sip?.left?.reason === 'UNSEEN' ? undefined : view.sip?.left
  view.sip = { joinedAt: at, ...view.sip, sid, left: known ?? { at, reason, callStatus: sip?.callStatus } }
  if (attempt === currentAttempt(draft)) settleSoon(draft, at)
}

/** What a look showed. What was seen once stays seen; what was seen before and is not there any more has left. */
export function onLook (draft: Call, event: EventOf<'look'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.n === event.attempt)
  if (!attempt) return
  const { at } = event
  unowe(draft, duty => duty.kind === 'look' && duty.target === String(attempt.n))
  if (event.outcome === 'seen') takeIn(draft, attempt, event)
  else attempt.view.lookFailedAt = at
  const parties = [event.sip && 'SIP', event.agent && 'AGENT', event.agent?.audio && 'audio'].filter(Boolean).join(', ')
  note(draft, at, { from: 'bridge', what: 'look', attempt: attempt.n, status: event.outcome, detail: event.outcome === 'seen' ? parties || (event.exists ? 'nobody there' : 'no room') : undefined })
  if (attempt !== currentAttempt(draft) || attempt.end || draft.phase === 'ended' || draft.closing) return
  if (draft.overdue) judgeOverdue(draft, attempt, event, rules)
  else if (draft.phase === 'connected') {
    if (event.outcome === 'unreachable' && at >= longestLife(attempt, rules)) { beginClosing(draft, at); return }
    oweLook(draft, attempt, at, at + TIMES.look)
    if (event.outcome === 'seen' && !event.sip) settleSoon(draft, at)
  }
}

function takeIn (draft: Call, attempt: Attempt, { at, exists, sip, agent }: EventOf<'look'>): void {
  const { view } = attempt
  view.lookedAt = at
  if (!exists) view.goneAt ??= at
  if (sip && !view.past.includes(sip.sid) && view.sip?.sid !== sip.sid) view.sip = { sid: sip.sid, joinedAt: at }
  if (!sip && view.sip && !view.sip.left) view.sip.left = { at, reason: 'UNSEEN' }
  if (agent) {
    agentSeen(draft, attempt, at, agent.identity)
    if (agent.audio) agentAudio(draft, attempt, at)
  } else if (view.agent && !view.agent.left) {
    view.agent.left = { at, reason: exists ? 'UNSEEN' : 'ROOM_GONE' }
  }
}

/** After this nothing of Jambonz's dial can be left, milliseconds since the epoch. */
const longestLife = (attempt: Attempt, rules: Rules): number =>
  (attempt.at.answered ?? attempt.at.opened) + (rules.dialTimeoutS + rules.timeLimitS) * 1000 + TIMES.dialSlack

/** No deadline ends a call while LiveKit lists its SIP participant, or while LiveKit cannot be asked. */
function judgeOverdue (draft: Call, attempt: Attempt, event: EventOf<'look'>, rules: Rules): void {
  const { at, sip } = event
  draft.overdue = false
  if (event.outcome === 'unreachable' && at < longestLife(attempt, rules)) { draft.deadline = at + TIMES.lookAgain; return }
  if (!sip) {
    const patience = attempt.at.opened + rules.dialTimeoutS * 1000 + TIMES.dialSlack
    // An application without a status hook is silent until /action, which may still want the next way.
    if (draft.phase === 'received' && !draft.caller.seen && !draft.statusesExpected && draft.plan.length > 0 && at < patience) { draft.deadline = patience; return }
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
}
