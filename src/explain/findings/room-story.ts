import type { End } from '../../calls/fold/call.ts'
import { endOf } from '../../calls/fold/end.ts'
import { duration } from '../../diagnosis/facts.ts'
import type { Finding } from '../../finding.ts'
import { LEAVING_REASONS, UNANSWERED_REASONS, type DisconnectMeaning } from '../knowledge/disconnect-reasons.ts'
import { quote } from '../quote.ts'
import { roomsOf, type Guest, type RoomStory } from '../rooms.ts'
import type { RoomSeen } from '../seen.ts'
import { agentFindings, isHere, phoneOf, WAITED_MS } from './agent-in-room.ts'

/** What LiveKit's events alone say of a call. */
export interface RoomVerdict {
  findings: Finding[]
  end?: End
  /** Who called whom, where a SIP participant shows it. */
  from?: string
  to?: string
}

/** SIP participants of a room that are told of. */
const MOST_TOLD = 5

/** Judges a call by LiveKit's events: who was in its room, and when. */
export function judgeRooms (events: readonly RoomSeen[]): RoomVerdict {
  const stories = roomsOf(events)
  const told = stories.flatMap(story =>
    story.guests.filter(({ kind }) => kind === 'SIP').map(guest => ({ story, guest }))
  )
  const verdicts = told.slice(0, MOST_TOLD).map(({ story, guest }) => verdictOf(story, guest))
  const [{ guest } = { guest: undefined }] = told
  const end = verdicts.find(verdict => verdict.end)?.end
  return {
    findings: [...verdicts.flatMap(({ findings }) => findings), ...stories.flatMap(uncalled)],
    ...(end && told.length === 1 && { end }),
    ...guest && partiesOf(guest)
  }
}

/** A room that nobody called into, as far as its events tell: it was made before its call, and not needed. */
function uncalled ({ guests, fromStart, endAt }: RoomStory): Finding[] {
  const [agent] = guests
  if (!agent || !fromStart || guests.some(({ kind }) => kind !== 'AGENT')) return []

  const waited = duration((agent.leftAt ?? endAt) - (agent.joinedAt ?? endAt))
  const leftEarly = agent.leftAt !== undefined && !agent.reason?.startsWith('ROOM_')
  return [{
    code: 'room-without-caller',
    severity: leftEarly ? 'skipped' : 'ok',
    seen: `Nobody called into this room. Its agent was alone in it for ${waited}${howLeft(agent)}.`,
    todo: leftEarly
      ? 'An agent that waits for a call must stay until its room ends: look at the log of its worker'
      : 'A room with a waiting agent that no call needs ends like this. If a call should have come here, add the SIP ' +
        "capture or Jambonz's webhooks of that call"
  }]
}

function howLeft ({ leftAt, reason }: Guest): string {
  if (leftAt === undefined) return ' when the files end'
  switch (reason) {
    case 'ROOM_CLOSED':
      return ', until LiveKit closed the room because nobody came (its empty timeout)'
    case 'ROOM_DELETED':
      return ', until somebody deleted the room'
    case 'CLIENT_INITIATED':
      return ', and left by itself'
    default:
      return reason === undefined ? '' : ` (${quote(reason)})`
  }
}

function partiesOf ({ direction, number, ownNumber }: Guest): Pick<RoomVerdict, 'from' | 'to'> {
  const [from, to] = direction === 'outbound' ? [ownNumber, number] : [number, ownNumber]
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) }
}

interface Verdict {
  findings: Finding[]
  end?: End
}

function verdictOf (story: RoomStory, guest: Guest): Verdict {
  if (isUnansweredOutbound(guest)) return { findings: [unanswered(guest)] }

  const agents = agentsFor(story, guest)
  const without = agents.length === 0 && !hasCompany(story, guest) ? withoutAgent(story, guest) : undefined
  return {
    findings: [
      ...without?.findings ?? [],
      ...agents.flatMap(agent => agentFindings(story, guest, agent)),
      ...leaving(guest)
    ],
    ...(without?.end && { end: without.end })
  }
}

/** These reasons come of an INVITE that was not answered. */
const isUnansweredOutbound = ({ direction, reason = '', callStatus, leftAt }: Guest): boolean =>
  direction !== 'inbound' && leftAt !== undefined &&
  (/^(?:SIP_TRUNK_FAILURE|USER_REJECTED|USER_UNAVAILABLE)$/.test(reason) ||
    (direction === 'outbound' && (callStatus === 'dialing' || callStatus === 'ringing')))

function unanswered ({ reason, callStatus, direction }: Guest): Finding {
  const known = reason === undefined ? undefined : UNANSWERED_REASONS[reason] ?? LEAVING_REASONS[reason]
  const status = callStatus === undefined ? '' : ` (its last status was "${quote(callStatus)}")`
  return {
    code: 'room-call-failed',
    severity: 'failed',
    seen: `${direction === 'outbound' ? 'The call that LiveKit placed' : 'A SIP call'} was not answered${status}${
      reason === undefined ? '' : `. LiveKit's reason is ${reason}${known ? `: ${known.means}` : ''}`
    }.`,
    todo: known?.todo ?? "Look at createSIPParticipant's error, or at the log of livekit-sip: they name the SIP status"
  }
}

/** Agents who were in the room together with a SIP participant, or before it. */
const agentsFor = ({ guests }: RoomStory, guest: Guest): Guest[] =>
  guests.filter(other => other.kind === 'AGENT' && (other.joinedAt ?? 0) <= (guest.leftAt ?? Infinity))

/** Somebody else to talk with: a person on a web page, or another phone. */
const hasCompany = ({ guests }: RoomStory, guest: Guest): boolean =>
  guests.some(other => other !== guest && other.kind !== 'AGENT' && isHere(other, guest))

/** Nobody but the SIP participant was in the room. */
function withoutAgent (story: RoomStory, guest: Guest): Verdict {
  const { joinedAt, leftAt, reason, callStatus, direction } = guest
  const phone = phoneOf(guest)
  if (!story.fromStart || joinedAt === undefined) {
    return {
      findings: [{
        code: 'agent-not-seen',
        severity: 'skipped',
        seen: 'No agent joins in these events, which begin after the room was made: one may have been there before.',
        todo: "Add LiveKit's events from the beginning of the room (room_started)"
      }]
    }
  }
  const waitedMs = (leftAt ?? story.endAt) - joinedAt
  const who = `${phone.charAt(0).toUpperCase()}${phone.slice(1)}`
  const seen = `${who} was in the room for ${duration(waitedMs)}, and no agent joined.`
  const doubtful: Finding = { code: 'agent-not-seen', severity: 'warning', seen, todo: WORKER }
  if (leftAt === undefined) return { findings: [doubtful] }
  if (waitedMs >= WAITED_MS || direction === 'outbound') {
    return {
      findings: [{ ...doubtful, code: 'no-agent', severity: 'failed' }],
      ...(direction !== 'outbound' && { end: endOf('no-agent') })
    }
  }
  const gaveUp = reason === 'CLIENT_INITIATED' && callStatus === 'hangup'
  return { findings: [doubtful], ...(gaveUp && { end: endOf('caller-gave-up', { waitingOn: 'agent' }) }) }
}

const WORKER = 'Check that a worker runs with the URL and key of this project and under the agent name of the ' +
  'dispatch rule or room, and that its log says "registered worker" and then "received job request"'

/** livekit-sip gives up by itself, and its participant keeps the status. */
const RINGING_OVER: DisconnectMeaning = { means: 'livekit-sip gave up while it rang: its ringing timeout was over' }

const FAILURES: ReadonlySet<string> = new Set([
  'DUPLICATE_IDENTITY',
  'STATE_MISMATCH',
  'JOIN_FAILURE',
  'SIGNAL_CLOSE',
  'CONNECTION_TIMEOUT',
  'MEDIA_FAILURE',
  'AGENT_ERROR'
])

/** How a SIP participant left. */
function leaving ({ reason, leftAt, callStatus }: Guest): Finding[] {
  if (leftAt === undefined || reason === undefined) return []
  const isRinging = callStatus === 'ringing'
  const known = isRinging && reason === 'CLIENT_INITIATED' ? RINGING_OVER : LEAVING_REASONS[reason]
  return [{
    code: 'room-left',
    severity: FAILURES.has(reason) ? 'failed' : 'skipped',
    seen: `The SIP participant left for the reason ${quote(reason)}${known ? `: ${known.means}` : ''}.${
      isRinging ? ' The call had not been answered.' : ''
    }`,
    ...(known?.todo !== undefined && { todo: known.todo })
  }]
}
