import type { Cause } from '../calls/fold/call.ts'
import type { Facts } from './facts.ts'

const WEBHOOKS = "LiveKit's webhooks would tell"

/** What looks alike in this very call. */
export function notToldApart (cause: Cause, facts: Facts): string[] {
  const { attempt, call, sip, livekitKnown, agentFinal, callerFinal, action, lines } = facts
  const blind = attempt?.strategy === 'room' && attempt.view.events !== true
  switch (cause) {
    case 'no-agent':
      return [
        ...livekitKnown
          ? []
          : [
            `No agent, and one that publishes no audio (agent-without-audio), look alike from Jambonz's side; ${WEBHOOKS}`
            ],
        'An agent name that no worker has, no worker at all, a worker of another LiveKit project, and workers that ' +
        'are all busy look alike: LiveKit says of none of them'
      ]
    case 'agent-without-audio':
      return [
        'An agent that waits for something before it publishes, and one that failed while starting, look alike: its ' +
        'log tells'
      ]
    case 'livekit-no-route':
      return facts.agentFinal?.sipStatus === 404
        ? [
            'A trunk that does not match and a rule that does not match: the reason phrase tells where LiveKit ' +
          'sends one'
          ]
        : [
            'No matching trunk, no matching rule, and an address that the trunk does not allow: LiveKit is silent ' +
          'in the same way'
          ]
    case 'livekit-refused-credentials':
      return ['Whether the user name or the password is wrong: LiveKit answers both alike']
    case 'sip-unreachable':
      return agentFinal?.sipStatus === 503
        ? []
        : !agentFinal && action?.dialSipStatus === 503
            ? [
                "A 503 of LiveKit's own (livekit-overloaded) and one of Jambonz's SBC: only the agent leg's status " +
          'has the phrase that tells, and it did not come'
              ]
            : ['A wrong LiveKit Cloud host, which swallows INVITEs, and a firewall look alike: neither rings']
    case 'media-mismatch':
      return ["Codecs and encryption: the answer is the same; the SDP in Jambonz's SIP trace tells"]
    case 'livekit-overloaded':
      return ['A server that is down or slow, and two trunks that both match: both are "Try again later"']
    case 'room-closed':
      return ["Who deleted the room: LiveKit's log or your other services' tell"]
    case 'agent-hung-up':
      return attempt?.strategy === 'room' && (!sip?.left || sip.left.reason === 'UNSEEN')
        ? [
            'The agent hung up, and LiveKit hung up because no audio came (media-lost), look alike from Jambonz\'s ' +
          `side; ${WEBHOOKS}`
          ]
        : []
    case 'media-lost':
      return [
        ...tooShort(facts),
        "Silence from the caller, a blocked path, and a caller on hold without RTP: Jambonz's packet counts tell"
      ]
    case 'caller-hung-up':
      return attempt?.strategy !== 'room'
        ? []
        : livekitKnown && !blind
          ? [
              'An agent process that was killed less than some 20 s before the caller hung up looks like one that ' +
          'is there'
            ]
          : [
              'That the agent had left before the caller hung up (agent-lost), and that Jambonz had taken the call ' +
          `elsewhere; ${WEBHOOKS}`
            ]
    case 'operator-hung-up':
      return call.hangupAt === undefined
        ? ['Who asked Jambonz: its REST API, another application, or a `hangup` verb that ran on the caller leg']
        : []
    case 'dial-timeout':
      return [
        ...(attempt?.strategy === 'phone' || sip
          ? []
          : [`No agent, an agent without audio, and no route for the call; ${WEBHOOKS}`]),
        'Jambonz cancels in the same way when its time is over and when somebody takes the call elsewhere over its ' +
        'REST API'
      ]
    case 'livekit-failed':
      return (agentFinal?.sipStatus ?? call.end?.sipStatus) === 486
        ? ['A room that was closed, an agent that failed, and LiveKit\'s own ringing timeout: all are "486 Rejected"']
        : []
    case 'caller-gave-up':
      return doubtsOfWaiting(facts)
    case 'transferred':
      return call.transfer?.result === undefined
        ? ['A carrier that took the caller without reporting, and a caller who hung up during the transfer, look alike']
        : []
    case 'transfer-failed':
      return call.transfer?.referStatus === 202 && call.transfer.finalStatus === undefined
        ? ['The carrier took the REFER and reported nothing: it may have put the caller through all the same']
        : []
    case 'reply-refused':
      return [
        ...call.caller.seen
          ? []
          : ['A caller who gave up while the call hook was pending, if the status that tells so was lost'],
        'Verbs that Jambonz refused, a reply that did not arrive, and a feature-server that died look alike from ' +
        "here: Jambonz's alerts tell"
      ]
    case 'media-server-failed':
      return [
        ...callerFinal
          ? []
          : ['A caller who gave up while the call hook was pending, if the status that tells so was lost'],
        'Which of its resources Jambonz lacked: the X-Reason header in its SIP trace tells'
      ]
    case 'lost':
      return [
        callerFinal
          ? 'How the agent leg ended'
          : 'Everything after the last event: a missing status hook, a PUBLIC_URL that Jambonz does not reach, and ' +
            'a Jambonz that died look alike'
      ]
    case 'agent-lost':
      return facts.agent?.left?.reason === 'CONNECTION_TIMEOUT'
        ? ['A crash, a kill and a lost network of the worker: LiveKit sees the same silence']
        : []
    case 'redirected':
      return callerFinal || lines.some(({ what, first }) => what === 'call hook' && first > (attempt?.at.opened ?? 0))
        ? []
        : ['That the agent hung up (agent-hung-up), if the status that the caller leg ended with was lost']
    case 'busy':
    case 'declined':
      return ['Whether the far end or the carrier said so']
    case 'time-limit':
    case 'capacity':
    case 'draining':
    case 'bridge-error':
      return []
  }
}

function doubtsOfWaiting ({ call, livekitKnown, agent }: Facts): string[] {
  switch (call.end?.waitingOn) {
    case 'agent':
      return livekitKnown
        ? ['An agent that was slow and one that would never have come: the caller did not wait long enough to tell']
        : [`An agent that was slow, one that is missing, and one that publishes nothing; ${WEBHOOKS}`]
    case 'agent-audio':
      return agent ? ['An agent that was about to publish audio and one that never would have'] : []
    case 'sip':
      return ['A host that does not answer and one that was slow: nothing had rung when the caller hung up']
    case 'route':
      return ['No matching trunk and no matching rule: LiveKit is silent in the same way']
    default:
      return []
  }
}

/** LiveKit's media timeout is 15 s unless somebody shortened it. */
const SHORTEST_SILENCE_MS = 15_000

const tooShort = ({ answeredAt, sip }: Facts): string[] =>
  answeredAt !== undefined && sip?.left && sip.left.at - answeredAt < SHORTEST_SILENCE_MS
    ? [
        "The talk was shorter than LiveKit's media timeout: Jambonz itself may have ended the agent leg, as when " +
      'verbs of another application ran on it'
      ]
    : []
