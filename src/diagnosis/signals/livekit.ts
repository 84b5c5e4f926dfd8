import { agentGaps } from '../agent-gaps.ts'
import { duration, hadWaited, since, type AttemptFacts } from '../facts.ts'
import { until, type Evidence, type Signal } from './evidence.ts'

/*
 * Evidence from LiveKit: who was in the room, by its webhooks or by the bridge's own looks.
 */

export const sipJoined: Signal = ({ sip, attempt }) =>
  sip && attempt?.room !== undefined
    ? {
        signal: 'sip-joined',
        at: sip.joinedAt,
        seen: 'SIP participant in the room',
        shows: "LiveKit's trunk and rule accepted the call"
      }
    : undefined

export const noSip: Signal = facts =>
  !facts.sip && facts.livekitKnown
    ? {
        signal: 'no-sip',
        at: until(facts),
        seen: 'no SIP participant in the room',
        shows: facts.undialled ? 'nothing reached LiveKit' : 'LiveKit did not accept the call'
      }
    : undefined

export const sipLeft: Signal = ({ sip }) => {
  const left = sip?.left
  if (!left) return undefined
  const status = left.callStatus === undefined ? '' : `, sip.callStatus ${left.callStatus}`
  return {
    signal: 'sip-left',
    at: left.at,
    seen: left.reason === 'UNSEEN'
      ? 'SIP participant no longer in the room'
      : `SIP participant left: ${left.reason}${status}`,
    shows: whyCallerLeft(left.reason, left.callStatus)
  }
}

function whyCallerLeft (reason: string, callStatus: string | undefined): string {
  switch (reason) {
    case 'ROOM_DELETED':
    case 'ROOM_CLOSED':
      return 'the room ended, and the call with it'
    case 'PARTICIPANT_REMOVED':
      return 'somebody removed the caller from the room'
    case 'UNSEEN':
      return 'a later look at LiveKit did not find it'
    case 'CLIENT_INITIATED':
      return whyClientLeft(callStatus)
    default:
      return 'LiveKit ended it'
  }
}

function whyClientLeft (callStatus: string | undefined): string {
  if (callStatus === 'ringing') return "LiveKit's own ringing timeout"
  return callStatus === 'hangup'
    ? "the SIP leg ended it: Jambonz sent BYE or CANCEL, or LiveKit's media timeout passed"
    : 'the SIP leg ended it'
}

export const agentJoined: Signal = facts => agentWaited(facts) ?? agentCame(facts)

/** The agent was there before the call. */
export const agentWaited: Signal = facts =>
  hadWaited(facts)
    ? {
        signal: 'agent-joined',
        at: Math.min(facts.agent!.joinedAt, facts.agent!.left?.at ?? Infinity),
        seen: 'AGENT participant in the room before the call hook',
        shows: 'an agent waited for the call'
      }
    : undefined

const agentCame: Signal = ({ agent, call, overAt }) =>
  agent && {
    signal: 'agent-joined',
    at: agent.joinedAt,
    seen: `AGENT participant in the room ${since(call, agent.joinedAt)} after the call hook`,
    shows: overAt !== undefined && agent.joinedAt > overAt
      ? 'an agent joined when the call was already over'
      : 'an agent took the job'
  }

export const noAgent: Signal = facts => {
  const { agent, livekitKnown, undialled } = facts
  const leftEarly = hadWaited(facts) && agent!.left !== undefined
  const wasThere = agent !== undefined && agent.joinedAt <= until(facts) && !leftEarly
  if (wasThere || !livekitKnown || undialled) return undefined
  return {
    signal: 'no-agent',
    at: until(facts),
    seen: leftEarly ? 'no other AGENT participant in the room' : 'no AGENT participant in the room',
    shows: leftEarly ? 'no agent took the place of the one that had waited' : 'no agent took the job'
  }
}

export const agentAudio: Signal = facts => {
  const { agent, attempt, overAt } = facts
  if (agent?.audioAt === undefined) return undefined
  const wasThere = hadWaited(facts) && agent.audioAt <= attempt!.at.opened
  return {
    signal: 'agent-audio',
    at: agent.audioAt,
    seen: `AUDIO track of the agent published${wasThere ? ' before the call hook' : ''}`,
    shows: overAt !== undefined && agent.audioAt > overAt
      ? 'it came when the call was already over'
      : 'LiveKit answers a call once it has this'
  }
}

export const noAgentAudio: Signal = facts =>
  facts.agent && (facts.agent.audioAt ?? Infinity) > until(facts) && facts.livekitKnown && !facts.undialled
    ? {
        signal: 'no-agent-audio',
        at: until(facts),
        seen: 'no AUDIO track of the agent',
        shows: 'LiveKit keeps ringing until there is one'
      }
    : undefined

export const agentLeft: Signal = ({ agent }) => {
  const left = agent?.left
  if (!left) return undefined
  return {
    signal: 'agent-left',
    at: left.at,
    seen: left.reason === 'UNSEEN' || left.reason === 'REPLACED'
      ? 'AGENT participant no longer in the room'
      : `AGENT participant left: ${left.reason}`,
    shows: whyAgentLeft(left.reason)
  }
}

/** An agent that had waited for the call was gone before the call was answered. */
export const waitingAgentLeft: Signal = facts => hadWaited(facts) ? agentLeft(facts) : undefined

function whyAgentLeft (reason: string): string {
  if (reason === 'REPLACED') return 'the caller was not answered, and the bridge dispatched another one'
  if (reason === 'CONNECTION_TIMEOUT') return 'its process had died some 20 s before'
  if (reason === 'CLIENT_INITIATED') return 'it left by itself'
  return reason.startsWith('ROOM_') ? 'it had to leave with the room' : 'no agent was with the caller any more'
}

/** An agent that left during the call and was followed by another one: the caller heard silence in between. */
export function agentReplaced (facts: AttemptFacts): Evidence[] {
  return agentGaps(facts).map(({ from, until, reason }) => ({
    signal: 'agent-replaced',
    at: from,
    last: until,
    seen: `AGENT participant left: ${reason}; another one joined ${duration(until - from)} later`,
    shows: `${whyAgentLeft(reason)}, and the caller had no agent until the next one came`
  }))
}

export const roomGone: Signal = ({ goneAt }) =>
  goneAt === undefined
    ? undefined
    : { signal: 'room-gone', at: goneAt, seen: 'the room is gone', shows: 'it ended, or was deleted' }
