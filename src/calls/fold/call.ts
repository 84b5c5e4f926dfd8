import type { ApplicationConfig, Route, Strategy, Way } from './way.ts'
import type { EventLine } from './event-list.ts'
import type { Leg } from './legs.ts'
import type { RoomCleanup } from './room-cleanup.ts'
import type { CallEvent } from './events.ts'
import type { Order } from './order.ts'
import type { Merge, NewsOfPerson, Transfer } from './transfers.ts'
import type { Cause, Direction, EndedBy, Phase, WaitingOn } from './vocabulary.ts'
import type { ColdReason } from './warm.ts'

export interface End {
  cause: Cause
  by: EndedBy
  waitingOn: WaitingOn
  sipStatus?: number
  detail?: string
}

/** What stands for a withheld number. */
export const ANONYMOUS = 'anonymous'

/** What the first hook says about the caller; a withheld number is masked before it gets here. */
export interface CallerFacts {
  direction: Direction
  from: string
  to: string
  callerName: string
  withheld: boolean
  trunk?: string
  /** Inbound SIP headers for the job metadata. */
  headers: Record<string, string>
  applicationSid?: string
}

export type CallStatus =
  | 'trying'
  | 'ringing'
  | 'early-media'
  | 'in-progress'
  | 'completed'
  | 'failed'
  | 'busy'
  | 'no-answer'
  | 'queued'

/** How a leg ended, as Jambonz said first. */
export interface LegFinal {
  at: number
  callStatus: CallStatus
  sipStatus?: number
  sipReason?: string
  by?: 'caller' | 'jambonz'
  /**
   * Of a caller leg's final: the agent leg's was not known yet. Jambonz sends the statuses of both legs one after
   * another.
   */
  beforeAgentLeg?: boolean
}

/** The caller leg as Jambonz's own status events and actions show it. */
export interface CallerLeg {
  /** A status event of either leg arrived: this application has a status hook. */
  seen: boolean
  /** `trying` arrived before any final one; it does not when the caller gave up while Jambonz waited for our verbs. */
  trying: boolean
  answered: boolean
  /** It was answered before it came to us: REST-originated, or redirected here. */
  answeredBefore: boolean
  final?: LegFinal
}

/** What LiveKit showed of an attempt's room, through its events or our looks. Everything seen once stays seen. */
export interface RoomView {
  /** LiveKit's events arrive here for this room. */
  events: boolean
  /** Last time that a look succeeded. */
  lookedAt?: number
  /** Last time that LiveKit could not be asked. */
  lookFailedAt?: number
  sip?: { sid?: string, joinedAt: number, left?: { at: number, reason: string, callStatus?: string } }
  /** `answers`: it has answered when it was asked for a sign of life. */
  agent?: {
    identity: string
    joinedAt: number
    audioAt?: number
    answers?: true
    left?: { at: number, reason: string }
  }
  goneAt?: number
  /** Identities of further agents in the room. */
  moreAgents?: string[]
  /**
   * Shortest time from LiveKit's making an event to its arrival here, milliseconds, the difference of the clocks
   * included.
   */
  lag?: number
  /** Its `room_started` was heard, and with it everything that followed: LiveKit tells of a room in order. */
  started?: boolean
  /** Last time that a look found the caller there. */
  sipSeenAt?: number
  /** Looks in a row that found the room listed though no LiveKit node has it. */
  staleLooks?: number
  /** The same as `lag`, as the room's age tells it. */
  creationLag?: number
  /** SIP participants of earlier legs, whose leaving means nothing any more. */
  past: string[]
}

/** What became of createRoom: `unknown` while it is on its way or after it took too long. */
export type RoomOutcome = 'unknown' | 'created' | 'failed'

export interface Attempt {
  /** Numbered per call, from 1, on through every record of the call. */
  n: number
  strategy: Strategy
  way: Way
  /** SIP user that is dialled: of `room` also the room's name behind the prefix, of `retell` the registered id. */
  token?: string
  /** LiveKit room. Of `carrier` it is found in LiveKit's events. */
  room?: string
  /** The room is not ours: a rule of the user's own made it. It is watched, and never deleted for being over. */
  foreign?: true
  /**
   * The room into which the leg is dialled, where it is somebody else's (`join`), or may be. It is looked at, and never
   * deleted.
   */
  visits?: string
  /** LiveKit was asked to keep the room for so long without its caller, seconds. See {@link departureOf}. */
  departureS?: number
  agent?: string
  /** The room was made before the call, and its agent waited in it. Its token is random, not derived. */
  warm?: {
    /** When LiveKit was asked for the room, milliseconds since the epoch. */
    madeAt: number
    /** Identity of the agent that waited. Absent: the attempt was rebuilt, and nobody knows. */
    agent?: string
    /**
     * Whether it was gone or dead before the caller was answered, so that another one had to take its place. Absent:
     * that is not decided yet.
     */
    replaced?: boolean
  }
  /** Why the attempt got no such room. Absent: none was asked for. */
  cold?: ColdReason
  /** Dialled number (`phone` and `carrier`). */
  number?: string
  /** What became of the request that comes before the dial: createRoom, or Retell's registration. */
  made: RoomOutcome
  /** That request is still on its way since then. */
  pendingSince?: number
  /** Dialled without our own room: the dispatch rule's agent answers. */
  degraded: boolean
  /** Rebuilt from what LiveKit told of its room. */
  found?: boolean
  /** Rebuilt from a hook of Jambonz: nobody here knew of the reply that dials it. */
  adopted?: true
  at: {
    opened: number
    replied?: number
    dialing?: number
    ringing?: number
    lastRinging?: number
    agentJoined?: number
    agentAudio?: number
    answered?: number
    ended?: number
  }
  /** The latest of them was answered. */
  answered: boolean
  view: RoomView
  /** When the agent was dispatched again because none was there, oldest first. */
  redispatches: Array<{ at: number }>
  /** A createDispatch is on its way since then. It re-creates the room if the room is gone. */
  dispatchingSince?: number
  /** The caller is connected and no agent is there: since when, and when that is to be looked into. */
  agentless?: { since: number, due: number }
  /** The agent did not come back: that the attempt ends now is our doing. */
  agentLostAt?: number
  final?: LegFinal
  action?: { at: number, dialCallStatus?: CallStatus, dialSipStatus?: number, callerStatus: CallStatus, rang: boolean }
  /** The attempt is over; its cause may wait until then for what is still missing. */
  closing?: { until: number }
  /** The caller is dialled elsewhere meanwhile, and may come back to this room. */
  parked?: { at: number, until: number }
  /** Jambonz asked again what to do with the leg. Until then a new dial may replace it. */
  askedAgain?: { at: number, until: number }
  /** Of a screened dial: the person who answered has taken the call. */
  accepted?: boolean
  /** The person has taken the call, and talks with the caller unless Jambonz says something else by then. */
  bridgesAt?: number
  end?: End
}

/**
 * Why the bridge ends a call for a transfer. Of a person's call: the caller has left, or the transfer was cancelled. Of
 * the caller's call: the person has left.
 */
export type TransferHangup = 'caller-gone' | 'cancelled' | 'person-gone'
export type HangupReason = 'agent' | 'machine' | 'given-up' | TransferHangup

/** Who answered an outbound call, as Jambonz or the agent found out. */
export interface Voicemail {
  verdict: 'human' | 'machine'
  by: 'jambonz' | 'agent'
  at: number
  /** What the verdict rests on, where that is told. */
  reason?: string
  /** The machine had stopped speaking then. */
  greetingOverAt?: number
}

/** What a caller gets whom the bridge cannot connect. */
export const UNAVAILABLE = { status: 480, reason: 'Agent Unavailable' }

/** What an agent gets that cannot be connected with whom it calls. LiveKit's API shows it. */
const NOT_CONNECTED = { status: 480, reason: 'Not Connected' }

/** What the first leg of a call gets when it cannot be connected. */
export const unavailableOf = ({ facts }: Pick<Call, 'facts'>): { status: number, reason: string } =>
  facts.direction === 'agent' ? NOT_CONNECTED : UNAVAILABLE

/** What a hook of Jambonz is answered with, as data: verbs are built from it (jambonz/verbs-for.ts). */
export type Reply =
  | { kind: 'dial', attempt: number }
  /** Jambonz asks what is next after the announcement. */
  | { kind: 'announce', attempt: number }
  | { kind: 'decline', status: number, reason: string }
  /** `hangUp`: nothing else is left to do for the leg, should the reply that follows say nothing. */
  | { kind: 'refer', to: string, referredBy?: string, hangUp?: boolean }
  /** `afterS`: the leg has just been answered, and must not be ended at once. */
  | { kind: 'hangup', afterS?: number }
  /** The person who is called hears who calls, and presses a key. */
  | { kind: 'screen', transfer: string }
  /** The person takes the call. */
  | { kind: 'accept' }
  | { kind: 'nothing' }
  | { kind: 'forbid' }

export type HookName = 'call-hook' | 'action' | 'refer' | 'refer-complete' | 'redirect' | 'screen' | 'screen-digit'

/** A hook that was answered, or is about to be: a repeat of it gets the same reply. */
export interface AnsweredHook {
  hook: HookName
  /** Hash of the raw body. */
  hash: string
  /** The attempt that its reply dials, or waits for. */
  attempt?: number
  /** Absent while the room is being made. */
  reply?: Reply
}

export const DUTY_KINDS = [
  'make-room',
  'find-call',
  'delete-room',
  'hang-up',
  'look',
  'redispatch',
  'remove-agent',
  'tell-agent',
  'publish',
  'redirect',
  'call-person',
  'tell-person',
  'check-person',
  'tell-call',
  'send-message'
] as const
export type DutyKind = typeof DUTY_KINDS[number]

/** Work that a call still owes to the outside. */
export interface Duty {
  /** Unique within the call. */
  id: string
  kind: DutyKind
  /**
   * Room name, attempt number, status of the leg, attempt number and identity, our id of the call, the event that is
   * published, or id of the transfer, with what the person's call is to do before it.
   */
  target: string
  /** Milliseconds since the epoch: not before then. */
  due: number
  tries: number
  since: number
  /** Who is doing it, while somebody is. */
  claim?: string
  /** A duty that is done at most once has begun then. It is never tried again. */
  begun?: number
  /** Of `delete-room`: how far the deletion has come. */
  room?: RoomCleanup
}

/**
 * Raised when a record means something else to an older reader. Within a version fields are only added, and readers
 * keep those that they do not know.
 */
export const RECORD_VERSION = 2

export interface Call {
  /** Version of this record. */
  v: typeof RECORD_VERSION
  callSid: string
  phase: Phase
  facts: CallerFacts
  app: ApplicationConfig
  /** The bridge placed this call itself, because somebody ordered it. */
  order?: Order
  /** Of a call that an agent makes: the call in whose LiveKit room the agent is. */
  joins?: string
  /**
   * By which LiveKit knows SIP legs. Of a call that an agent makes: its own leg. Of any other: legs in its room that
   * are no leg of this call.
   */
  sipCallIds?: string[]
  /** Of a call that an agent makes: LiveKit's leg left its room then. */
  legLeftAt?: number
  /** call_sids of the calls that agents of this call made into its room. */
  people?: string[]
  /** What voicemail detection said of who answered. */
  voicemail?: Voicemail
  /** Names of the events that the user's systems were told of, or will be. */
  published?: string[]
  /** Chosen when the call hook came. Absent: no call hook was heard, and LiveKit's room does not tell it. */
  route?: Route
  /** The ways of the route that were not tried yet, in order. */
  plan: Way[]
  attempts: Attempt[]
  /** The legs that Jambonz dialled for this call, in the order they were heard of. */
  legs: Leg[]
  /** Attempts in earlier records of this call. */
  attemptsBefore: number
  hooks: AnsweredHook[]
  caller: CallerLeg
  transfer?: Transfer
  /** Of a person's call: it is to be brought into the caller's room. */
  merge?: Merge
  /** Of a person's call: why they were not brought into the caller's room the last time. */
  mergeFailed?: string
  /** Of a person's call: how often Jambonz was asked to redirect it. The hook's address tells one time from another. */
  merges?: number
  /** Of a person's call: what its caller's call was told last. */
  news?: NewsOfPerson
  /** Times when no bridge listened, oldest first: what happened then may not have been heard. */
  away?: Array<{ from: number, to: number }>
  /** How many transfers there were so far, over all records of the call. */
  transfers?: number
  /** Those before the current one, oldest first. */
  earlierTransfers?: Transfer[]
  /** The bridge hung up, or is about to. */
  hangupAt?: number
  /** Why: the agent asked for it, or a reason of the bridge itself. Absent: an operator asked for it. */
  hangupFor?: HangupReason
  /** Longest time that the call may last once it is answered, seconds. Absent: the settings' limit. */
  longestS?: number
  at: {
    /** Of an outbound call: when it was ordered. */
    received: number
    replied?: number
    /** The agent leg rings. Of an outbound call: the callee's phone. */
    ringing?: number
    agentJoined?: number
    agentAudio?: number
    /** The caller is connected. Of an outbound call: the callee has answered. */
    answered?: number
    /** Both sides are connected. */
    connected?: number
    ended?: number
  }
  /** The phase is over then, unless LiveKit shows that the call lives. */
  deadline?: number
  /** The deadline passed and a look has to say whether the call lives. */
  overdue: boolean
  /** Other calls of the same application sent statuses, as far as the waker knew. */
  statusesExpected: boolean
  /** The attempt seems over: without word from Jambonz until then the bridge ends the call. */
  settleAt?: number
  /** The call is over; its cause may wait until then for what is still missing. */
  closing?: { until: number }
  /**
   * Handed over by replicas after the store was gone, and not taken yet. `known`: the rest of this record is a call's;
   * `rooms`: those that it has with these events.
   */
  late?: { events: CallEvent[], until: number, known: boolean, rooms?: string[] }
  /** Written once, together with `phase: ended`. */
  end?: End
  duties: Duty[]
  /** Ids of LiveKit's latest events: it may deliver one twice. */
  heard: string[]
  events: EventLine[]
  /** Events dropped from the middle of the list. */
  eventsDropped: number
  earlier: EarlierCall[]
  /** A tombstone is forgotten then. */
  expiresAt?: number
}

/** A record of the same call that had ended before the call came back. */
export interface EarlierCall {
  at: Call['at']
  end: End
  attempts: Array<Pick<Attempt, 'n' | 'strategy' | 'room' | 'end'>>
  /** call_sids of its legs. */
  legs: string[]
}

export const currentAttempt = (call: Call): Attempt | undefined => call.attempts.at(-1)

/** Whether the call hook of a call was not heard yet. */
export const isBeforeHook = ({ hooks }: Call): boolean => !hooks.some(({ hook }) => hook === 'call-hook')

const FINAL: ReadonlySet<CallStatus> = new Set(['completed', 'failed', 'busy', 'no-answer'])
export const isFinal = (status: CallStatus): boolean => FINAL.has(status)
