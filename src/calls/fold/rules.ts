import { isAnnouncement, ringSOf } from './attempt-facts.ts'
import type { Attempt, Call, CallerFacts } from './call.ts'
import type { ApplicationConfig, OpenContext, Route, Way } from './way.ts'

/** What the fold needs to know of this installation. */
export interface Rules {
  /** The token of a call's nth attempt; the same on every replica and after a restart. */
  tokenOf(callSid: string, attempt: number): string
  roomPrefix: string
  /** Returns the route of a call whose call hook was not heard, from what other hooks say of it. */
  guessRoute(facts: CallerFacts, app: ApplicationConfig, callSid: string, at: number): Route
  /** Returns a route that was read from a room, with what a room does not say. */
  completeRoute(route: Route): Route
  /** Returns what an attempt of a way has from the beginning. */
  openWay(way: Way, context: OpenContext): Partial<Pick<Attempt, 'token' | 'room' | 'visits' | 'agent' | 'number'>>
  /** What an application gets that says nothing. */
  app: ApplicationConfig
  /** The dispatch rule's own agent, which answers where we could not make the room. */
  ruleAgent: string
  dialTimeoutS: number
  /** timeLimit of every dial, seconds. */
  timeLimitS: number
  /** How long a room and its agent wait for a caller who was dialled elsewhere, seconds. */
  departureS: number
  /** How long an ended call is kept. */
  retentionS: number
  /** After this without an agent it is called again, milliseconds; 0: never. */
  redispatchMs: number
  /** An agent that left is waited for that long, milliseconds; 0: for ever. */
  rejoinMs: number
  /** What becomes of a caller whose agent is lost. */
  agentLost: 'end' | 'next'
  /** The Jambonz REST settings are there: a caller leg can be hung up. */
  callControl: boolean
  /** The user's systems receive events of calls. */
  publishes: boolean
}

/** Times of the state machine, milliseconds. */
export const TIMES = {
  /** Without any event after the call hook's reply the call is overdue. */
  received: 15_000,
  /** A REST-originated call rings before its call hook comes; and Jambonz may have placed one without saying so. */
  outboundReceived: 120_000,
  /** An order that Jambonz was not asked for by then is not placed any more: its process is gone. */
  orderWaits: 60_000,
  /** From createCall to the first look at Jambonz' list of calls; sooner when the answer is known to be missing. */
  findCall: 15_000,
  findCallSoon: 2000,
  /** A callee's leg that is ended sooner after its answer may stay connected to nobody. */
  answerSettles: 1000,
  /** Beyond the dial timeout, for statuses on their way. */
  dialSlack: 15_000,
  transferring: 30_000,
  /** The caller must be back this much before the room closes. LiveKit may close it up to a second early. */
  returnSlack: 2000,
  /** From a sign that the attempt is over to the bridge ending the call by itself. */
  settle: 5000,
  /** From a person's hanging up to the end of their time to press a key, which Jambonz waits for. */
  screening: 30_000,
  /** Longest wait of an end for what could still tell its cause. */
  evidence: 1500,
  /** LiveKit repeats an event that nobody took for 15 s. */
  redelivery: 16_000,
  /** From the first ringing to the look that tells no route from no agent. */
  firstLook: 3000,
  /** Between looks at a connected call. */
  look: 60_000,
  /** Until the next try when LiveKit cannot be reached to say whether an overdue call lives. */
  lookAgain: 30_000,
  /** Jambonz asks what to do with a leg within this time of being asked to redirect it. */
  redirect: 8000,
  /** Jambonz says within this time that it did not bring a person to the caller who had taken the call. */
  acceptanceSettles: 1000,
  /** From `complete` to the person in the caller's room, or to the news that it failed. */
  completing: 20_000,
  /** From the reply that dials a person into the caller's room to the first word of that dial. */
  joining: 6000,
  /** From the reply to a redirect hook to the first status of its dial. Both come within milliseconds. */
  replaces: 2000,
  /** From the end of somebody's leg to LiveKit's having removed them from the room. */
  leaves: 500,
  /** Between two looks at the person's call of a transfer, should its news not arrive. */
  checkPerson: 30_000,
  /** An operator's hang-up shows its effect within this time. */
  hangup: 5000,
  /** From the reply to the answer of an agent that waited: without one it is silent. It takes a tenth of a second. */
  warmAnswers: 3000,
  /** A createRoom of unknown outcome has happened by then, or never will. */
  roomSettles: 15_000,
  /** Lease of a duty that somebody is doing: longer than that can take. */
  lease: 15_000,
  /** Lease of a duty that is done at most once: it consists of several requests. */
  onceLease: 30_000,
  /** Within this time all replicas have noticed that the store is back and handed over what they kept. */
  handOver: 2000,
  firstRetry: 1000,
  longestRetry: 30_000,
  /** A duty is given up after this. */
  giveUp: 600_000
} as const

/**
 * Longest time that a call may last once it is answered, seconds.
 * @param attempt that is answered
 */
export function timeLimitOf (
  { order, longestS }: Call,
  { timeLimitS }: Pick<Rules, 'timeLimitS'>,
  attempt: Pick<Attempt, 'way'> | undefined
): number {
  const ofWay = attempt && 'longestS' in attempt.way ? attempt.way.longestS : undefined
  return Math.min(timeLimitS, order?.longestS ?? Infinity, longestS ?? Infinity, ofWay ?? Infinity)
}

/** After this nothing of Jambonz's dial can be left, milliseconds since the epoch. */
export function longestLife (attempt: Attempt, rules: Rules): number {
  const { answered, opened } = attempt.at
  const ringMs = isAnnouncement(attempt) ? 0 : ringSOf(attempt, rules.dialTimeoutS) * 1000

  return (answered ?? opened + ringMs) + rules.timeLimitS * 1000 + TIMES.dialSlack
}
