import { isAnnouncement } from '../calls/fold/attempt-facts.ts'
import type { Call, End } from '../calls/fold/call.ts'
import { openRequest, transfersOf } from '../calls/fold/transfers.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import { awayWhile, endWasHeard, heardUntil } from './away.ts'
import { agentGaps } from './agent-gaps.ts'
import { isAgentsCall } from './callee.ts'
import {
  agentGaveUp,
  calleeHungUp,
  calleeIn,
  calleeSoFar,
  carrierFailed,
  lostOrder,
  machineAnswered,
  noAnswer,
  notAllowed,
  notPlaced,
  numberUnobtainable
} from './callee-summary.ts'
import { besideHook, duration, hadWaited, since, type AttemptFacts } from './facts.ts'
import { farEndOf, leadsToOurRoom, type Naming } from './far-end.ts'
import { reasonOfRetell } from './retell.ts'
import { transfersInWords } from './transfer-summary.ts'

const WAITED_FOR: Record<End['waitingOn'], string> = {
  hook: 'the reply to the call hook',
  sip: "LiveKit's SIP service to ring",
  route: 'LiveKit, which has no trunk or rule for this call',
  agent: 'an agent to join',
  'agent-audio': "the agent's audio",
  none: 'an answer'
}

/** What every sentence needs: the end, the facts, and how long things took in words. */
interface Context {
  end: End
  facts: AttemptFacts
  /** ` after 12 s of talk`, or nothing if the call was not answered. */
  talk: string
  /** How long the attempt lasted. */
  waited: string
  /** ` (486)`, or nothing if no status is known. */
  status: string
  /** What the call was waiting for, in words. */
  waitedFor: string
  naming: Naming
}

/** Who is at the other end of Jambonz' first leg. */
const OF_FIRST_LEG: ReadonlySet<End['by']> = new Set(['caller', 'callee'])

/** One sentence for each cause. */
const SENTENCES: Record<Cause, (context: Context) => string> = {
  'caller-hung-up': ({ facts, talk }) =>
    facts.announcedMs === undefined
      ? `The caller hung up${talk}.`
      : `The caller hung up during the announcement, after ${duration(facts.announcedMs)} of it.`,
  'agent-hung-up': ({ facts, talk }) => facts.call.hangupFor === 'agent'
    ? `The agent ended the call over the bridge's API${talk}.`
    : `${isAgentsCall(facts) ? "The agent's side" : farEndOf(facts.attempt)} hung up${talk}.`,
  'operator-hung-up': ({ facts, talk }) =>
    `The call was ended over ${facts.call.hangupAt === undefined ? "Jambonz's" : "the bridge's"} API${talk}.`,
  'agent-lost': agentLost,
  'media-lost': ({ talk }) => `LiveKit hung up${talk} because it received no audio from the caller.`,
  redirected: ({ talk }) => `Jambonz took the caller elsewhere${talk}.`,
  'time-limit': ({ talk }) => `The call reached its time limit${talk}.`,
  transferred: ({ talk }) => `The agent transferred the caller${talk}.`,
  'transfer-failed': ({ status, talk }) => `The agent's transfer failed${status}${talk}.`,
  'caller-gave-up': callerGaveUp,
  'livekit-no-route': ({ end, waited }) =>
    end.sipStatus === 404
      ? 'LiveKit has no trunk or rule for this call (404).'
      : `LiveKit rang once and dropped the call because no trunk or rule matches it. Jambonz gave up after ${waited}.`,
  'no-agent': noAgent,
  'agent-without-audio': context =>
    `LiveKit ${rang(context)} with the agent in the room, but the agent never published audio${context.status}.`,
  'room-closed': roomClosed,
  'livekit-refused-credentials': ({ end, status }) =>
    end.sipStatus === 407
      ? `LiveKit's trunk refused the INVITE, which had no credentials${status}.`
      : `LiveKit's trunk refused the user name or password${status}.`,
  'livekit-overloaded': ({ status }) => `LiveKit's SIP service could not take the call${status}.`,
  'sip-unreachable': unreachable,
  'media-mismatch': ({ end, status }) =>
    `${OF_FIRST_LEG.has(end.by) ? "The caller's side and Jambonz" : 'Jambonz and LiveKit'} share no codec or ` +
    `encryption${status}.`,
  'dial-timeout': ({ facts, waited, status }) =>
    facts.attempt === undefined || facts.attempt.strategy === 'room'
      ? `Nobody answered within ${waited}${status}.`
      : `${farEndOf(facts.attempt)} did not answer within ${waited}${status}.`,
  busy: ({ facts, status }) => `${calleeIn(facts) ?? farEndOf(facts.attempt)} was busy${status}.`,
  declined,
  'livekit-failed': livekitFailed,
  'media-server-failed': ({ status }) => `Jambonz gave up before it dialled: its media server failed${status}.`,
  'reply-refused': ({ facts: { call } }) =>
    call.facts.direction === 'outbound'
      ? 'Jambonz did not run the reply to its call hook, and hung up on the callee.'
      : 'Jambonz did not run the reply to its call hook, and rejected the caller with 480.',
  'retell-failed': ({ end }) => `Retell did not register the call: ${reasonOfRetell(end.detail)}.`,
  'callee-hung-up': calleeHungUp,
  'agent-gave-up': agentGaveUp,
  'no-answer': noAnswer,
  'number-unobtainable': numberUnobtainable,
  'carrier-failed': carrierFailed,
  'not-allowed': notAllowed,
  'not-placed': notPlaced,
  'machine-answered': machineAnswered,
  'transfer-cancelled': () => 'The transfer was cancelled, and the bridge ended the call of the person.',
  'person-hung-up': personHungUp,
  'caller-gone': ({ facts: { call } }) =>
    call.hangupFor === undefined
      ? 'The leg of the person ended in the room of the caller: the caller had left, or the person was put out.'
      : 'The caller of the transfer had left, and the bridge ended the call of the person.',
  announced,
  capacity: ({ status }) => `The bridge declined the call: MAX_CALLS calls were already active${status}.`,
  draining: ({ status }) => `The bridge declined the call because it was shutting down${status}.`,
  'bridge-error': ({ end, status }) =>
    end.sipStatus === 482
      ? 'The bridge declined the call because Jambonz had sent it back too often (482).'
      : `The bridge failed to answer the call hook and declined the call${status}.`,
  lost
}

/**
 * Says how an attempt, or the call, ended. The text is logged, so it holds no number, name, token, or text that
 * somebody else wrote.
 */
export function summaryOf (end: End, facts: AttemptFacts, naming: Naming): string {
  const context: Context = {
    naming,
    end,
    facts,
    // When the end was not heard, nobody knows how long the talk was.
    talk: facts.answeredAt === undefined || facts.call.end?.cause === 'lost'
      ? ''
      : ` after ${duration(overAt(facts) - facts.answeredAt)} of talk`,
    waited: duration(overAt(facts) - openedAt(facts)),
    status: end.sipStatus === undefined ? '' : ` (${end.sipStatus})`,
    waitedFor: WAITED_FOR[end.waitingOn]
  }
  return [SENTENCES[end.cause](context), ...replacements(facts), ...unheard(end, facts)].join(' ')
}

const openedAt = ({ attempt, call }: AttemptFacts): number => attempt?.at.opened ?? call.at.received
const overAt = ({ overAt, call }: AttemptFacts): number => overAt ?? call.at.ended ?? call.at.received

const rang = ({ facts, waited }: Context): string =>
  facts.ringing ? `rang for ${duration(overAt(facts) - facts.ringing.first)}` : `did not answer within ${waited}`

function agentLost ({ end, facts: { agent, answeredAt }, talk }: Context): string {
  const went = agent?.left?.reason === 'CONNECTION_TIMEOUT' ? 'died' : 'left'
  const when = agent?.left && answeredAt !== undefined
    ? ` ${duration(agent.left.at - answeredAt)} after the answer`
    : ''
  const then: Partial<Record<End['by'], string>> = { caller: 'The caller hung up', bridge: 'The bridge ended the call' }
  return `The agent ${went}${when} and none came back. ${then[end.by] ?? 'The call ended'}${talk}.`
}

function unreachable ({ end, facts: { attempt }, waited, status }: Context): string {
  if (!leadsToOurRoom(attempt)) return `${farEndOf(attempt)} was not reached: Jambonz got no answer from it${status}.`
  return end.sipStatus === 503
    ? 'Jambonz could not send the INVITE to LIVEKIT_SIP_HOST (503).'
    : `Nothing rang within ${waited}: LiveKit's SIP service was not reached${status}.`
}

function declined ({ end, facts, status, naming }: Context): string {
  const { attempt, call } = facts
  if (attempt?.strategy === 'decline') {
    const name = naming === 'with names' && call.route?.name !== undefined ? ` "${call.route.name}"` : ''
    return `The route${name} declines such calls${status}.`
  }
  if (attempt?.strategy === 'retell' && end.sipStatus === 404) {
    return 'Retell did not know the id that was dialled (404).'
  }
  if (attempt?.strategy === 'sip' && (end.sipStatus === 401 || end.sipStatus === 407)) {
    return `The SIP address that was dialled did not accept the user name and password of the route${status}.`
  }
  if (end.sipStatus === 403 && calleeIn(facts) !== undefined) {
    return `The carrier, or the callee, refused the call${status}.`
  }
  return `${calleeIn(facts) ?? farEndOf(attempt)} declined the call${status}.`
}

function announced ({ facts: { attempt, announcedMs } }: Context): string {
  const what = attempt?.strategy === 'play' ? 'a recording' : 'an announcement'
  const took = announcedMs === undefined ? '' : `, which took ${duration(announcedMs)}`
  return `The route ended with ${what}${took}, and Jambonz hung up after it.`
}

/** The talk with the person begins when both are connected, not when the caller talked with the agent. */
function personHungUp ({ facts }: Context): string {
  const { call } = facts
  const transfer = transfersOf(call).findLast(({ outcome }) => outcome?.result === 'bridged')
  const since = transfer?.person?.joinedAt ?? transfer?.outcome?.at
  const leftAt = transfer?.person?.end ? lineOfPersonsEnd(call) : undefined
  const talk = since === undefined ? '' : ` after ${duration((leftAt ?? overAt(facts)) - since)} with the caller`
  return `The person to whom the caller was handed hung up${talk}.`
}

const lineOfPersonsEnd = ({ events }: Call): number | undefined =>
  events.findLast(({ what, status }) => what === 'person' && status === 'ended')?.first

/** Jambonz reports a caller who leaves while the call hook is pending only after the reply. */
function callerGaveUp ({ end, facts }: Context): string {
  const preposition = end.waitingOn === 'hook' ? 'within' : 'after'
  const waited = duration((facts.callerFinal?.at ?? overAt(facts)) - openedAt(facts))
  return `The caller hung up ${preposition} ${waited}, waiting for ${WAITED_FOR[end.waitingOn]}.`
}

function noAgent (context: Context): string {
  const { facts, status } = context
  const { agent, call, overAt } = facts
  if (hadWaited(facts) && agent?.left) return `LiveKit ${rang(context)}${status}. ${waitingAgentWent(facts)}`
  if (agent && agent.joinedAt <= (overAt ?? Infinity)) {
    const left = agent.left ? `, and it had left ${besideHook(call, agent.left.at)}` : ''
    return `LiveKit ${rang(context)} and nobody answered${status}. An agent had joined the room${left}.`
  }
  return facts.livekitKnown
    ? `LiveKit ${rang(context)} with the caller in the room, and no agent ever joined${status}.`
    : `LiveKit ${rang(context)} and nobody answered${status}: no agent joined the room, or the one that did ` +
      'published no audio.'
}

/** Why the agent that had waited for the call was not there for its caller. */
function waitingAgentWent ({ agent, call }: AttemptFacts): string {
  const { at, reason } = agent!.left!
  switch (reason) {
    case 'ROOM_CLOSED':
    case 'ROOM_DELETED':
      return 'The room in which an agent had waited was gone, and no agent came into the one that took its place.'
    case 'REPLACED':
      return 'The agent that had waited in the room did not answer the caller, and none came in its place.'
    default:
      return `The agent that had waited in the room left ${besideHook(call, at)}, and none came in its place.`
  }
}

function roomClosed ({ facts, status }: Context): string {
  if (facts.answeredAt !== undefined) {
    return 'The room of the agent could not be used any more when the caller came back from a transfer.'
  }
  const waited = duration(overAt(facts) - (facts.sip?.joinedAt ?? openedAt(facts)))
  return `The room was deleted while LiveKit rang, ${waited} after the caller joined it${status}.`
}

function livekitFailed ({ end, status }: Context): string {
  if (end.sipStatus === undefined) return 'LiveKit could not create the room, and nothing else could be dialled.'
  return end.sipStatus === 486
    ? 'LiveKit rejected the call while it rang (486).'
    : `LiveKit, or Jambonz's SBC before it, refused the call${status}.`
}

function lost ({ facts, talk }: Context): string {
  const ofOrder = lostOrder(facts)
  if (ofOrder !== undefined) return ofOrder
  const last = heardUntil(facts)
  return `The end of the call was not heard${talk}. The last sign of it came ${since(facts.call, last)} after the ` +
    'call hook.'
}

/** An agent that left and was replaced changed what the caller heard, whatever the call ended by. */
function replacements (facts: AttemptFacts): string[] {
  return agentGaps(facts).map(({ from, until, reason }) => {
    const went = reason === 'CONNECTION_TIMEOUT' ? 'lost its connection' : 'left'
    return `The agent ${went} ${since(facts.call, from)} after the call hook, and another one joined ` +
      `${duration(until - from)} later.`
  })
}

/** When nobody listened, where that is why the end is not certain. */
function unheard (end: End, facts: AttemptFacts): string[] {
  if (end.cause !== 'lost' && endWasHeard(facts)) return []
  return awayWhile(facts).map(({ from, to }) =>
    `The bridge was not running from ${since(facts.call, from)} to ${since(facts.call, to)} after the call hook.`
  )
}

/** One sentence about a call that is under way. */
export function summarySoFar (facts: AttemptFacts, waitingOn: End['waitingOn']): string {
  const { call, attempt } = facts
  const ofCallee = calleeSoFar(facts, WAITED_FOR[waitingOn])
  if (ofCallee !== undefined) return ofCallee
  const ofTransfer = transfersInWords(call)
  if (ofTransfer !== undefined && openRequest(call)) {
    return call.phase === 'connected' ? `The caller is connected. ${ofTransfer}` : ofTransfer
  }
  if (call.phase === 'connected') {
    if (attempt && isAnnouncement(attempt)) return 'The caller is connected and hears an announcement.'
    return attempt?.agentless
      ? 'The caller is connected, and no agent is in the room.'
      : 'The caller is connected.'
  }
  if (call.phase === 'transferring') return 'The agent requested a transfer, which is in progress.'
  return `The call is ${call.phase}, waiting for ${WAITED_FOR[waitingOn]}.`
}
