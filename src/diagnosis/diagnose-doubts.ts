import type { End } from '../calls/fold/call.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import { lackedBy } from '../livekit/not-found.ts'
import { awayWhile, causesLeft, endWasHeard } from './away.ts'
import { DOUBTS_OF_CALLEES, doubtsOfLostOrder, doubtsOfRefusal } from './callee-doubts.ts'
import { calleeIn } from './callee-summary.ts'
import { HARDLY_HEARD_MS, since, type AttemptFacts } from './facts.ts'
import { leadsToOurRoom } from './far-end.ts'
import { doubtsOfTransfers } from './transfer-steps.ts'

/*
 * What cannot be told apart in one particular call: other causes, or other reasons for the same cause, that would have
 * left the same evidence.
 */

const WEBHOOKS = "LiveKit's webhooks would show which"
const LOST_STATUS = 'A caller who gave up while the call hook was pending, if the status that reports it was lost'

const DOUBTS: Record<Cause, (facts: AttemptFacts) => string[]> = {
  'no-agent': doubtsOfNoAgent,
  'agent-without-audio': () => [
    'An agent that waits for something before it publishes looks like one that failed while starting: its log shows ' +
    'which'
  ],
  'livekit-no-route': doubtsOfRoute,
  'livekit-refused-credentials': () => ['A wrong user name and a wrong password look alike: LiveKit gives one answer'],
  'sip-unreachable': doubtsOfUnreachable,
  'media-mismatch': () => [
    "Codecs and encryption look alike, because the answer is the same: the SDP in Jambonz's SIP trace shows which"
  ],
  'livekit-overloaded': () => [
    'A server that is down or slow looks like two trunks that both match: both are "Try again later"'
  ],
  'room-closed': () => ["Who deleted the room: LiveKit's log or those of your other services show it"],
  'agent-hung-up': doubtsOfAgentHangup,
  'media-lost': facts => [
    ...tooShort(facts),
    "A silent caller, a blocked path, and a caller on hold without RTP look alike: Jambonz's packet counts show which"
  ],
  'caller-hung-up': doubtsOfCallerHangup,
  'operator-hung-up': ({ call }) =>
    call.hangupAt === undefined
      ? ['Who asked Jambonz: its REST API, another application, or a `hangup` verb that ran on the caller leg']
      : [],
  'dial-timeout': facts => [
    ...doubtsOfSilence(facts),
    'Jambonz cancels in the same way when the dial times out and when somebody takes the call elsewhere over its ' +
    'REST API'
  ],
  'livekit-failed': ({ agentFinal, call }) =>
    (agentFinal?.sipStatus ?? call.end?.sipStatus) === 486
      ? [
          'A room that was closed, an agent that failed, and LiveKit\'s own ringing timeout look alike: each is "486 ' +
          'Rejected"'
        ]
      : [],
  'caller-gave-up': facts => DOUBTS_OF_WAITING[facts.call.end?.waitingOn ?? 'none'](facts),
  transferred: ({ call }) =>
    call.transfer?.result === undefined
      ? ['A carrier that took the caller without reporting looks like a caller who hung up during the transfer']
      : [],
  'transfer-failed': ({ call }) =>
    call.transfer?.referStatus === 202 && call.transfer.finalStatus === undefined
      ? ['The carrier accepted the REFER and reported nothing: it may still have connected the caller']
      : [],
  'reply-refused': ({ call }) => [
    ...call.caller.seen ? [] : [LOST_STATUS],
    'Verbs that Jambonz refused, a reply that did not arrive, and a feature-server that died look alike from here: ' +
    "Jambonz's alerts show which"
  ],
  'media-server-failed': ({ callerFinal }) => [
    ...callerFinal ? [] : [LOST_STATUS],
    'Which of its resources Jambonz lacked: the X-Reason header in its SIP trace shows it'
  ],
  lost: doubtsOfLost,
  'agent-lost': ({ agent }) =>
    agent?.left?.reason === 'CONNECTION_TIMEOUT'
      ? ['A crash, a kill, and a lost network of the worker look alike: LiveKit sees the same silence']
      : [],
  redirected: ({ callerFinal, lines, attempt }) =>
    callerFinal || lines.some(({ what, first }) => what === 'call hook' && first > (attempt?.at.opened ?? 0))
      ? []
      : ['The agent may have hung up (agent-hung-up), if the status with which the caller leg ended was lost'],
  busy: doubtsOfBusy,
  declined: doubtsOfDeclined,
  'time-limit': () => [],
  'retell-failed': ({ call: { end } }) =>
    end?.detail?.startsWith('no-agent')
      ? ['A wrong agent id, a wrong version, and a key of another workspace look alike: Retell answers the same']
      : [],
  ...DOUBTS_OF_CALLEES,
  'transfer-cancelled': () => [],
  'person-hung-up': () => [],
  'caller-gone': ({ call }) =>
    call.hangupFor === undefined
      ? [
          'A caller who left, a room that was deleted and a person who was removed from it look alike from the ' +
          "person's call"
        ]
      : [],
  // As of a caller: what became of the agent may not have been seen.
  'callee-hung-up': facts =>
    facts.attempt?.answered
      ? doubtsOfCallerHangup(facts)
      : DOUBTS_OF_WAITING[facts.call.end?.waitingOn ?? 'none'](facts),
  announced: doubtsOfAnnouncement,
  capacity: () => [],
  draining: () => [],
  'bridge-error': () => []
}

/** What else would look the same in this very call. */
export const notToldApart = (cause: Cause, facts: AttemptFacts): string[] => [
  ...DOUBTS[cause](facts),
  ...doubtsOfTransfers(facts.call),
  ...doubtsOfAway(facts)
]

function doubtsOfRoute ({ agentFinal }: AttemptFacts): string[] {
  if (agentFinal?.sipStatus !== 404) {
    return [
      'A trunk that does not match, a rule that does not match, and an address that the trunk does not allow look ' +
      'alike: LiveKit is silent in each case'
    ]
  }
  if (lackedBy(agentFinal.reason) !== undefined) return []
  return ['A trunk that does not match and a rule that does not match look alike: this 404 has no reason phrase of ' +
    'LiveKit']
}

function doubtsOfNoAgent ({ livekitKnown, attempt }: AttemptFacts): string[] {
  // The agent that waited had this name.
  if (attempt?.warm) {
    return ['Workers that are gone, and workers that are all busy, look alike: LiveKit reports neither of them']
  }
  const names =
    'An agent name that no worker has, no worker at all, a worker of another LiveKit project, and workers that are ' +
    'all busy look alike: LiveKit reports none of them'
  return livekitKnown
    ? [names]
    : [
        'No agent, and one that publishes no audio (agent-without-audio), look alike from Jambonz\'s side; ' + WEBHOOKS,
        names
      ]
}

/** Nobody answered in time, and nothing else is known. */
function doubtsOfSilence ({ attempt, sip, ringing }: AttemptFacts): string[] {
  if (attempt?.strategy === 'room') {
    return sip ? [] : [`No agent, an agent without audio, and no route for the call look alike; ${WEBHOOKS}`]
  }
  if (attempt === undefined) return []
  const rang = ringing !== undefined || attempt.action?.rang === true
  const unreached = rang ? [] : ['A far end that was not reached looks like one that did not ring']
  if (attempt.strategy !== 'carrier' && attempt.strategy !== 'retell') return unreached
  return [
    ...unreached,
    'An agent that did not come, one that published no audio, and a number that nobody answers look alike: what ' +
    'happened behind the SIP leg was not seen'
  ]
}

const WHO_ANSWERED = 'Whether the far end or the carrier answered so'
const NAME_IGNORED = 'Whether Jambonz used the carrier of the route: it ignores a name that it does not know, and ' +
  'dials over another carrier'

function doubtsOfBusy (facts: AttemptFacts): string[] {
  const { attempt } = facts
  if (calleeIn(facts) !== undefined) return doubtsOfRefusal(facts)
  switch (attempt?.strategy) {
    case 'sip':
      return []
    case 'carrier':
    case 'retell':
      return [
        'A line that is busy and LiveKit\'s "Rejected" look alike, where LiveKit is behind it: both are 486, which ' +
        'LiveKit sends when no agent came or the room was closed'
      ]
    default:
      return [WHO_ANSWERED]
  }
}

function doubtsOfDeclined (facts: AttemptFacts): string[] {
  const { attempt, call: { end }, agentFinal } = facts
  if (calleeIn(facts) !== undefined) return doubtsOfRefusal(facts)
  const status = agentFinal?.sipStatus ?? end?.sipStatus
  switch (attempt?.way.strategy) {
    case 'decline':
      return []
    case 'retell':
      return status === 404
        ? ["An id that has expired, one that was used, and another Retell's id look alike: each is 404"]
        : ["Whether Retell or Jambonz's SBC answered so"]
    case 'sip':
      return status === 401 || status === 407
        ? ['Credentials that are wrong and ones that were not sent look alike, except that some servers answer 407 ' +
          'only to the latter']
        : ["Whether the far end or Jambonz's SBC answered so"]
    case 'carrier':
    case 'phone':
      return [
        status === 603
          ? "A far end that declines and a carrier without an outbound gateway look alike: for the latter Jambonz's " +
            'SBC answers 603 itself'
          : WHO_ANSWERED,
        ...attempt.way.carrier === undefined ? [] : [NAME_IGNORED]
      ]
    default:
      return [WHO_ANSWERED]
  }
}

function doubtsOfAnnouncement ({ attempt, announcedMs }: AttemptFacts): string[] {
  const brief = announcedMs !== undefined && announcedMs < HARDLY_HEARD_MS
  if (attempt?.strategy === 'play') {
    return [brief ? 'A recording of less than a second looks like one that Jambonz could not fetch' : HEARD]
  }
  return [
    brief
      ? 'A very short text looks like one that was not spoken: without speech credentials Jambonz skips it and goes on'
      : HEARD
  ]
}

const HEARD = 'Whether the caller heard it: Jambonz reports no error when it cannot play or speak something'

function doubtsOfUnreachable ({ agentFinal, action, attempt }: AttemptFacts): string[] {
  if (!leadsToOurRoom(attempt)) return ['A host that does not exist, one that is down, and a firewall look alike']
  if (agentFinal?.sipStatus === 503) return []
  if (!agentFinal && action?.dialSipStatus === 503) {
    return [
      "A 503 of LiveKit's own (livekit-overloaded) looks like one of Jambonz's SBC: only the agent leg's status has " +
      'the phrase that distinguishes them, and it did not come'
    ]
  }
  return ['A wrong LiveKit Cloud host, which swallows INVITEs, and a firewall look alike: neither rings']
}

function doubtsOfAgentHangup ({ attempt, sip, call }: AttemptFacts): string[] {
  if (call.hangupFor === 'agent') return []
  if (attempt?.strategy !== 'room' || (sip?.left && sip.left.reason !== 'UNSEEN')) return []
  return [
    'An agent that hung up, and LiveKit hanging up because no audio came (media-lost), look alike from Jambonz\'s ' +
    `side; ${WEBHOOKS}`
  ]
}

function doubtsOfCallerHangup ({ attempt, livekitKnown }: AttemptFacts): string[] {
  if (attempt?.strategy !== 'room') return []
  if (livekitKnown && attempt.view.events) {
    return ['An agent that was killed within some 20 s before the caller hung up looks like one that was there']
  }
  return [
    'The agent may have left before the caller hung up (agent-lost), or Jambonz may have taken the call elsewhere; ' +
    WEBHOOKS
  ]
}

function doubtsOfLost (facts: AttemptFacts): string[] {
  const { callerFinal, call: { end } } = facts
  const ofOrder = doubtsOfLostOrder(facts)
  if (ofOrder.length > 0) return ofOrder
  return [
    ...end?.detail === undefined ? [] : [end.detail],
    callerFinal
      ? 'How the agent leg ended'
      : 'A missing status hook, a PUBLIC_URL that Jambonz does not reach, and a Jambonz that died look alike: ' +
        'nothing came after the last event'
  ]
}

/** What may have happened while no bridge was running, if nobody reported the end of the call later. */
function doubtsOfAway (facts: AttemptFacts): string[] {
  if (endWasHeard(facts)) return []

  const alike = causesLeft(facts)
  return awayWhile(facts).map(({ from, to }) =>
    `The bridge was not running from ${since(facts.call, from)} to ${since(facts.call, to)} after the call hook. ` +
    (alike.length > 1
      ? `If the call ended then, these causes look alike: ${alike.join(', ')}`
      : `If the call ended then, the cause was ${alike.join()}`)
  )
}

const DOUBTS_OF_WAITING: Record<End['waitingOn'], (facts: AttemptFacts) => string[]> = {
  agent: ({ livekitKnown }) => [
    livekitKnown
      ? 'A slow agent looks like one that would never have come: the caller did not wait long enough to tell'
      : `A slow agent, a missing one, and one that publishes nothing look alike; ${WEBHOOKS}`
  ],
  'agent-audio': ({ agent }) =>
    agent ? ['An agent that was about to publish audio looks like one that never would have'] : [],
  sip: () => ['A host that does not answer looks like a slow one: nothing had rung when the caller hung up'],
  route: () => ['A trunk and a rule that do not match look alike: LiveKit is silent in each case'],
  hook: () => [],
  none: () => []
}

/** LiveKit's media timeout is 15 s unless somebody shortened it. */
const SHORTEST_SILENCE_MS = 15_000

const tooShort = ({ answeredAt, sip }: AttemptFacts): string[] =>
  answeredAt !== undefined && sip?.left && sip.left.at - answeredAt < SHORTEST_SILENCE_MS
    ? [
        "The talk was shorter than LiveKit's media timeout: Jambonz itself may have ended the agent leg, as happens " +
        'when verbs of another application run on it'
      ]
    : []
