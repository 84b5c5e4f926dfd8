import type { Attempt, Call } from './fold/call.ts'
import type { Direction } from './fold/vocabulary.ts'
import type { Order } from './fold/order.ts'
import type { EventOf, SipAttributes } from './fold/events.ts'
import type { FoundWarmRoom } from './fold/warm.ts'
import type { LegMark } from './fold/caller-leg.ts'
import type { Way } from './fold/way.ts'
import type { WarmPool, WarmRoom } from './warm/warm-room.ts'

/*
 * What the core asks of the outside. The adapters (src/livekit, src/jambonz, src/retell) implement these ports and
 * import this file; plugins put the two together. The core imports no adapter.
 */

/** A room to be made, with the agent that is dispatched to it. */
export interface RoomRequest {
  name: string
  emptyTimeoutS: number
  departureTimeoutS: number
  metadata: string
  agent: { name: string, metadata: string }
}

/** What a look at a room shows. */
export type Look = Pick<
  EventOf<'look'>,
  'exists' | 'sip' | 'agent' | 'moreAgents' | 'company' | 'people' | 'hosted' | 'voicemail'
>

/** States of a session of LiveKit's Agents SDK, as it writes them into `lk.agent.state` (SDK 1.7, Node and Python). */
export const AGENT_STATES = ['initializing', 'idle', 'listening', 'thinking', 'speaking'] as const
export type AgentState = typeof AGENT_STATES[number]

/** One participant as operators see it. A SIP identity holds the caller's number, so no identity is shown. */
export interface ParticipantView {
  kind: 'SIP' | 'AGENT' | 'OTHER'
  state: string
  joinedAt: string | null
  audio: boolean
  sipCallStatus?: string
  /** What an agent's session says of itself. */
  agentState?: AgentState
}

export interface RoomLiveView {
  exists: boolean
  participants: ParticipantView[]
}

/** What the bridge asks of LiveKit's rooms. Every method rejects with {@link LiveKitError}. */
export interface Rooms {
  create(request: RoomRequest): Promise<void>
  /** @returns false when there was no such room */
  delete(room: string): Promise<boolean>
  /**
   * Removes everybody from a room that cannot be deleted.
   * @returns whether nobody is left in it
   */
  evict(room: string): Promise<boolean>
  /** @param caller whose SIP leg to look for among the participants */
  look(room: string, caller: LegMark): Promise<Look>
  view(room: string): Promise<RoomLiveView>
  /** Returns name and metadata of the named rooms that exist, or of all rooms of the project. */
  list(names?: string[]): Promise<Array<{ name: string, metadata: string }>>
  /** Returns the attributes of a room's SIP participants: they tell whose room it is when it has no metadata. */
  callers(room: string): Promise<SipAttributes[]>
  /**
   * Dispatches an agent to a room again. Earlier dispatches of the same agent are deleted first, so that it does not
   * join twice.
   * @param commit is asked before anything is changed; when it resolves to false, nothing is changed
   */
  redispatch(room: string, agent: { name: string, metadata?: string }, commit: () => Promise<boolean>): Promise<void>
  /**
   * Returns the jobs of a room's dispatches. A listed job proves that a worker took it; a missing one proves nothing,
   * because LiveKit may not list the job of an agent that is in the room.
   */
  jobs(room: string): Promise<Array<{ agent: string, status: string }>>
  /** @returns false when there was no such room */
  setMetadata(room: string, metadata: string): Promise<boolean>
  /**
   * Sends a data message to the agents of a room, and to nobody else in it.
   * @param payload JSON
   * @returns false when there is no such room, or no agent in it
   */
  sendData(room: string, topic: string, payload: string): Promise<boolean>
  /** @returns false when the room had no participant of that identity */
  remove(room: string, identity: string): Promise<boolean>
  /**
   * Asks an agent's SDK for a sign of life. Never rejects.
   * @returns undefined when nothing can be told of it
   */
  answers(room: string, identity: string, timeoutMs: number): Promise<boolean | undefined>
  /** Whether a node of LiveKit has the room. Rooms of a node that crashed remain listed. Never rejects. */
  isHosted(room: string): Promise<boolean>
  /** Resolves when LiveKit answers and accepts the API key. */
  ping(): Promise<void>
}

/** `skipped`: the request was not sent, because too many were under way already. */
export const LIVEKIT_FAILURES = [
  'timeout',
  'skipped',
  'unreachable',
  'refused-key',
  'refused',
  'not-found',
  'failed'
] as const
export type LiveKitFailure = typeof LIVEKIT_FAILURES[number]

/** A failed request to LiveKit. Its text is our own, because LiveKit's error text may hold the JWT. */
export class LiveKitError extends Error {
  readonly failure: LiveKitFailure
  constructor (operation: string, failure: LiveKitFailure, detail = '') {
    super(`LiveKit ${operation}: ${failure}${detail && ` (${detail})`}`)
    this.name = 'LiveKitError'
    this.failure = failure
  }
}

/** What a room says of its call. Times are milliseconds since the epoch. */
export interface RoomMetadata {
  callSid: string
  attempt: number
  direction: Direction
  from: string
  to: string
  withheld: boolean
  applicationSid?: string
  agent: string
  /** Name of the route that the call matched. */
  route?: string
  /** The attempt's own way, and the ways that are left behind it, in order. */
  ways: Way[]
  /** The order that the call is placed for, without what only the agent and the carrier may know. */
  order?: Order
  receivedAt: number
  openedAt: number
  /** The room was made before its call. */
  warm?: Omit<FoundWarmRoom, 'token'>
}

/** How a call is written into its room and its agent's job, and read back. */
export interface RoomFormat {
  /** Returns the request that makes an attempt's room and dispatches its agent. */
  request(call: Call, attempt: Attempt): RoomRequest
  jobMetadata(call: Call, attempt: Attempt): string
  /** @returns undefined when the text is not the metadata of one of our rooms */
  readMetadata(text: string): RoomMetadata | undefined
  /** Returns the request that makes a warm room, and dispatches the agent that waits in it. */
  warmRequest(room: NewWarmRoom, pool: WarmPool): RoomRequest
  /** Whether metadata say, under our seal, that the room of this name is a pool's and has no call yet. */
  isWarmRoom(room: string, metadata: string): boolean
  /** What such metadata tell of the room besides. @returns undefined when they are others */
  readWarmRoom(room: string, metadata: string): UnclaimedRoom | undefined
}

/** What a warm room says of itself before a call has it. */
export interface UnclaimedRoom extends Pick<FoundWarmRoom, 'madeAt' | 'departureS'> {
  /** Name of the agent that was dispatched to it. */
  agent: string
}

/** What must be known of a warm room before LiveKit is asked for it. */
export type NewWarmRoom = Pick<WarmRoom, 'room' | 'token' | 'departureS' | 'endsAt' | 'madeAt'>

/**
 * Why Retell did not register a call. `key-missing`, `key-unusable`: the environment variable is empty, or holds what
 * no HTTP header can. `bad-answer`: not an answer of Retell's API, or one without a usable call_id. `timeout` and
 * `skipped`: nobody waited for an answer.
 */
export type RegistrationFailure =
  | 'key-missing'
  | 'key-unusable'
  | 'key-refused'
  | 'no-balance'
  | 'no-agent'
  | 'too-many'
  | 'refused'
  | 'failed'
  | 'unreachable'
  | 'bad-answer'
  | 'timeout'
  | 'skipped'

/** A failed registration. Its text is our own, because Retell's may hold anything. */
export class RegistrationError extends Error {
  readonly failure: RegistrationFailure
  constructor (failure: RegistrationFailure, detail = '') {
    super(`Retell registration: ${failure}${detail && ` (${detail})`}`)
    this.name = 'RegistrationError'
    this.failure = failure
  }
}

/** Registers a call with a voice platform that must know of it before it is dialled. */
export interface Registrar {
  /**
   * Registers the call of an attempt, once: a registration that fails is never tried again.
   * @returns the SIP user to dial, valid once and for a short time
   * @throws {RegistrationError}
   */
  register(call: Call, attempt: Attempt): Promise<string>
}

/** Live call control: what the bridge asks of Jambonz's REST API. */
export interface CallControl {
  /**
   * Ends the first leg of a call: `completed` when it was answered, `no-answer` before.
   * @returns false when Jambonz does not know the call (any more)
   */
  hangUp(callSid: string, status: 'completed' | 'no-answer'): Promise<boolean>
  /**
   * Has Jambonz ask what to do with the first leg of a call. That it was asked to proves nothing: only the redirect
   * hook tells.
   * @param n which time it is asked
   * @returns false when Jambonz does not know the call (any more)
   */
  redirect(callSid: string, transfer: string, n: number): Promise<boolean>
}

/** Plays key presses to callers, over Jambonz's REST API. */
export interface DigitSender {
  /**
   * Plays one key press on the first leg of a call. The request is sent once. Never rejects.
   * @param digit of 0-9, `*` and `#`: Jambonz' SBCs play no other
   * @param durationMs length of the tone
   */
  send(callSid: string, digit: string, durationMs: number): Promise<SentDigit>
}

/**
 * What became of a key press. `sent`: Jambonz took it. `gone`: Jambonz does not know the call (any more). `refused`:
 * Jambonz said no. `not-sent`: the request did not leave. `unknown`: the digit may have been played.
 */
export type SentDigit =
  | { outcome: 'sent' }
  | { outcome: 'gone' }
  | { outcome: 'refused', status: number }
  /** `retryInMs`: too many requests wait, and there will be room then, milliseconds from now. */
  | { outcome: 'not-sent', detail: string, retryInMs?: number }
  | { outcome: 'unknown', detail: string }

/**
 * What became of createCall. `refused`: Jambonz said no, and nothing was dialled. `not-sent`: the request did not
 * leave, or nobody took it. `unknown`: the call may have been placed.
 */
export type Placement =
  | { outcome: 'placed', callSid: string }
  | { outcome: 'refused', status: number, detail: string }
  | { outcome: 'not-sent', detail: string }
  | { outcome: 'unknown', status?: number, detail: string }

/** Why createCall was not sent: too many requests wait, or too much time passed. */
export class PlacementRefusedError extends Error {
  readonly reason: 'queue-full' | 'too-late' | 'not-wanted'
  /** There will be room then, milliseconds from now. */
  readonly retryInMs: number | undefined
  constructor (reason: 'queue-full' | 'too-late' | 'not-wanted', retryInMs?: number) {
    super(`createCall was not sent: ${reason}`)
    this.name = 'PlacementRefusedError'
    this.reason = reason
    this.retryInMs = retryInMs
  }
}

/** Places calls with Jambonz. */
export interface CallPlacer {
  /**
   * Sends createCall for an order, once, when it is its turn: Jambonz limits how much it may be asked. A request that
   * Jambonz' limit turned away was not carried out, and waits again.
   * @param commit is asked right before the request is sent, also when Jambonz' limit had turned it away before. When
   *   it resolves to false, nothing is sent
   * @throws {PlacementRefusedError} when it was not sent
   */
  place(order: Order, commit: () => Promise<boolean>): Promise<Placement>
  /**
   * Looks for the call of an order in Jambonz' list of calls.
   * @returns its call_sid; undefined when it is not listed, which proves nothing
   */
  find(order: Order): Promise<string | undefined>
}

/** Tells the user's systems of calls. */
export interface Outbox {
  /**
   * Takes an event over for delivery. Resolves when it is kept where it survives this process, if anything does. An
   * event that is taken twice has the same id.
   * @param name of {@link PUBLICATIONS}, with `:n` behind it for one that happens again
   */
  publish(call: Call, name: string): Promise<void>
}
