import type { End } from '../calls/fold/call.ts'
import { duration, type Facts } from './facts.ts'

const WAITED_FOR: Record<End['waitingOn'], string> = {
  hook: 'the reply to the call hook',
  sip: "LiveKit's SIP service to ring",
  route: 'LiveKit, which has no trunk or rule for this call',
  agent: 'an agent to join',
  'agent-audio': "the agent's audio",
  none: 'an answer'
}

/**
 * One sentence about how an attempt, or the call, ended. It is logged: no number, name, token or text of anybody else
 * may be in it.
 */
export function summaryOf (end: End, facts: Facts): string {
  const {
    call,
    attempt,
    answeredAt,
    callerFinal,
    overAt = call.at.ended ?? call.at.received,
    sip,
    agent,
    ringing,
    livekitKnown
  } = facts
  const opened = attempt?.at.opened ?? call.at.received
  const talk = answeredAt === undefined ? '' : ` after ${duration(overAt - answeredAt)} of talk`
  const waited = duration(overAt - opened)
  const status = end.sipStatus === undefined ? '' : ` (${end.sipStatus})`
  const rang = ringing ? `rang for ${duration(overAt - ringing.first)}` : `was waited for ${waited}`
  switch (end.cause) {
    case 'caller-hung-up':
      return `The caller hung up${talk}.`
    case 'agent-hung-up':
      return attempt?.strategy === 'phone' ? `The fallback number hung up${talk}.` : `The agent's side hung up${talk}.`
    case 'operator-hung-up':
      return `The call was ended over ${call.hangupAt === undefined ? "Jambonz's" : "the bridge's"} API${talk}.`
    case 'agent-lost':
      return `The agent ${agent?.left?.reason === 'CONNECTION_TIMEOUT' ? 'died' : 'left'}${
        agent?.left && answeredAt !== undefined ? ` ${duration(agent.left.at - answeredAt)} after the answer` : ''
      } and none came back; ${
        end.by === 'caller'
          ? 'the caller hung up'
          : end.by === 'bridge'
          ? 'the bridge ended the call'
          : 'the call ended'
      }${talk}.`
    case 'media-lost':
      return `LiveKit hung up${talk} because no audio came from the caller.`
    case 'redirected':
      return `Jambonz took the caller elsewhere${talk}.`
    case 'time-limit':
      return `The call reached its time limit${talk}.`
    case 'transferred':
      return `The agent transferred the caller${talk}.`
    case 'transfer-failed':
      return `The agent's transfer failed${status}${talk}.`
    // Jambonz tells of a caller who leaves while the call hook is pending only after the reply.
    case 'caller-gave-up':
      return `The caller hung up ${end.waitingOn === 'hook' ? 'within' : 'after'} ${
        duration((callerFinal?.at ?? overAt) - opened)
      }, waiting for ${WAITED_FOR[end.waitingOn]}.`
    case 'livekit-no-route':
      return end.sipStatus === 404
        ? 'LiveKit has no trunk or rule for this call (404).'
        : `LiveKit rang once and dropped the call: no trunk or rule of it takes this call; Jambonz gave up after ${waited}.`
    case 'no-agent':
      if (!livekitKnown) {
        return `LiveKit ${rang} and nobody answered${status}: no agent joined the room, or the one that did ` +
          'published no audio.'
      }
      return `LiveKit ${rang} with the caller in the room, and no agent ever joined${status}.`
    case 'agent-without-audio':
      return `LiveKit ${rang} with the agent in the room, which never published audio${status}.`
    case 'room-closed':
      return `The room was deleted while LiveKit rang, ${
        duration(overAt - (sip?.joinedAt ?? opened))
      } after the caller came into it${status}.`
    case 'livekit-refused-credentials':
      return `LiveKit's trunk refused the ${
        end.sipStatus === 407 ? 'INVITE, which had no credentials' : 'user name or password'
      }${status}.`
    case 'livekit-overloaded':
      return `LiveKit's SIP service could not take the call${status}.`
    case 'sip-unreachable':
      return end.sipStatus === 503
        ? 'Jambonz could not send the INVITE to LIVEKIT_SIP_HOST (503).'
        : `Nothing rang within ${waited}: LiveKit's SIP service was not reached${status}.`
    case 'media-mismatch':
      return `${
        end.by === 'caller' ? "The caller's side and Jambonz" : 'Jambonz and LiveKit'
      } share no codec or encryption${status}.`
    case 'dial-timeout':
      return `Nobody answered within ${waited}${status}.`
    case 'busy':
      return `The far end was busy${status}.`
    case 'declined':
      return `The far end did not take the call${status}.`
    case 'livekit-failed':
      return end.sipStatus === undefined
        ? 'LiveKit could not make the room, and nothing else could be dialled.'
        : end.sipStatus === 486
          ? 'LiveKit rejected the call while it rang (486).'
          : `LiveKit, or Jambonz's SBC before it, refused the call${status}.`
    case 'media-server-failed':
      return `Jambonz gave up before it dialled: its media server failed${status}.`
    case 'reply-refused':
      return 'Jambonz did not run the reply to its call hook, and turned the caller away with a 480.'
    case 'capacity':
      return `The bridge declined the call: MAX_CALLS were under way${status}.`
    case 'draining':
      return `The bridge declined the call: it was shutting down${status}.`
    case 'bridge-error':
      return end.sipStatus === 482
        ? 'The bridge declined the call: Jambonz had brought it back too often (482).'
        : `The bridge failed to answer the call hook and declined the call${status}.`
    case 'lost':
      return `Nothing more was heard of the call${talk}; only a deadline ended it.`
  }
}

/** One sentence about a call that is under way. */
export function summarySoFar ({ call, attempt }: Facts, waitingOn: End['waitingOn']): string {
  if (call.phase === 'connected') {
    return attempt?.agentless
      ? 'The caller is connected, and no agent is there.'
      : 'The caller is connected.'
  }
  if (call.phase === 'transferring') return 'The agent asked for a transfer, which is under way.'
  return `The call is ${call.phase}, waiting for ${WAITED_FOR[waitingOn]}.`
}
