import { currentAttempt, type Attempt, type Call } from './call.ts'
import { byOurClock, happenedAt } from './event-time.ts'
import { agentAudio, agentGone, agentLeft, agentSeen } from './agent-watch.ts'
import { note, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { isCallerLeg, markOf } from './caller-leg.ts'
import { adoptForeignRoom } from './foreign-room.ts'
import { rememberPeople } from './on-joins.ts'
import { agentSaid } from './on-voicemail.ts'
import { settleSoon } from './on-status.ts'
import { isSignOfLife, oweDeleteAgain } from './room-cleanup.ts'
import type { Rules } from './rules.ts'
import { warmRoomGone } from './warm-watch.ts'

/** One of LiveKit's own events about a room of ours. */
export function onLiveKit (draft: Call, event: EventOf<'livekit'>, rules: Rules): void {
  const attempt = draft.attempts.find(attempt => attempt.room === event.room) ?? adoptForeignRoom(draft, event)
  if (!attempt || isRepeated(draft, event)) return
  const { what, participant } = event
  const at = happenedAt(attempt, event)
  // With LiveKit's own word there is nothing to look for while it rings.
  if (
    !attempt.view.events && !attempt.foreign && (draft.phase === 'dialing' || draft.phase === 'ringing') &&
    !draft.overdue && !draft.closing
  ) unowe(draft, duty => duty.kind === 'look')
  attempt.view.events = true
  const kind = kindOf(draft, attempt, participant)
  rememberPeople(draft, event)
  note(draft, at, {
    from: 'livekit',
    what,
    attempt: attempt.n,
    status: kind,
    reason: participant?.reason,
    detail: event.track ?? detailOf(what, kind, participant)
  })
  if (attempt.end && !attempt.foreign && isSignOfLife(attempt, event)) {
    note(draft, at, { from: 'bridge', what: 'life in a room that should be gone', attempt: attempt.n })
    oweDeleteAgain(draft, attempt, event, kind)
  }
  agentSaid(draft, { at, voicemail: participant?.voicemail }, rules)
  switch (what) {
    case 'participant_joined':
      joined(draft, attempt, at, kind, participant!)
      lookForAnswer(draft, attempt, event.at)
      break
    case 'track_published':
      if (kind !== 'AGENT' || event.track !== 'AUDIO') break
      agentSeen(draft, attempt, at, participant!.identity)
      agentAudio(draft, attempt, at, participant!.identity)
      lookForAnswer(draft, attempt, event.at)
      break
    case 'participant_left':
    case 'participant_connection_aborted':
      left(draft, attempt, at, event, kind, rules)
      break
    case 'room_finished':
      if (warmRoomGone(draft, attempt, at)) break
      attempt.view.goneAt ??= at
      if (attempt === currentAttempt(draft)) settleSoon(draft, event.at)
      break
    case 'room_started':
      attempt.view.started = true
      break
    case 'track_unpublished':
    case 'other':
      break
  }
}

/** LiveKit has answered by then, milliseconds after both sides are in the room. */
const ANSWERED_BY_MS = 1500

/** Without a status hook nobody says that the caller was answered. LiveKit shows it, in its SIP participant. */
function lookForAnswer (draft: Call, attempt: Attempt, at: number): void {
  const { sip, agent } = attempt.view
  if (attempt !== currentAttempt(draft) || attempt.end || attempt.answered || draft.caller.seen) return
  if (sip && !sip.left && agent?.audioAt !== undefined) oweLook(draft, attempt, at, at + ANSWERED_BY_MS)
}

const REMEMBER_EVENTS = 32

/** LiveKit delivers an event again when it did not hear that we took it (protocol webhook/resource_url_notifier.go). */
function isRepeated (draft: Call, { id }: EventOf<'livekit'>): boolean {
  if (id === undefined) return false
  if (draft.heard.includes(id)) return true
  draft.heard = [...draft.heard, id].slice(-REMEMBER_EVENTS)
  return false
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
  if (kind === 'SIP') {
    const isCaller = sid === attempt.view.sip?.sid || isCallerLeg(sip ?? {}, markOf(call, attempt))
    return isCaller ? 'SIP' : 'OTHER'
  }
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
  if (kind === 'SIP' && view.sip?.sid === sid) view.sip.joinedAt = Math.min(view.sip.joinedAt, at)
  if (kind !== 'SIP' || view.past.includes(sid) || view.sip?.sid === sid) return
  // Whoever is there already stays the caller until it leaves.
  if (view.sip?.sid !== undefined && !view.sip.left) return
  if (view.sip?.sid !== undefined) view.past.push(view.sip.sid)
  view.sip = { sid, joinedAt: at }
  if (attempt === currentAttempt(draft) && !attempt.final && draft.hangupAt === undefined) draft.settleAt = undefined
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
  const { sid, identity, reason = 'UNKNOWN', sip, joinedAt } = event.participant!
  const since = byOurClock(attempt, joinedAt) ?? at
  if (kind === 'AGENT') {
    if (view.agent === undefined || view.agent.identity === identity) agentSeen(draft, attempt, since, identity)
    if (agentLeft(attempt, at, identity, reason) && !isWithRoom(reason)) agentGone(draft, attempt, event.at, rules)
  }
  // The caller has no agent, and may be alone from now on.
  const isAgentless = view.agent?.left !== undefined && draft.phase === 'connected' && attempt === currentAttempt(draft)
  if (kind !== 'AGENT' && kind !== 'SIP' && isAgentless) oweLook(draft, attempt, event.at, event.at)
  if (kind !== 'SIP' || view.past.includes(sid)) return
  if (view.sip?.sid !== undefined && view.sip.sid !== sid) return
  const known = view.sip?.left?.reason === 'UNSEEN' ? undefined : view.sip?.left
  view.sip = { joinedAt: since, ...view.sip, sid, left: known ?? { at, reason, callStatus: sip?.callStatus } }
  if (attempt === currentAttempt(draft)) settleSoon(draft, event.at)
}

/** The room ended, and everybody in it had to leave. */
const isWithRoom = (reason: string): boolean => reason.startsWith('ROOM_')
