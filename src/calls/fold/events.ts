import type { CallerFacts, CallStatus, HangupReason, Voicemail } from './call.ts'
import type { Order, OrderMark } from './order.ts'
import type {
  CancelTransferEvent,
  CompleteTransferEvent,
  MergeEvent,
  PersonNewsEvent,
  PresenceEvent,
  RedirectEvent,
  ScreenDigitEvent,
  ScreenEvent,
  TransferEvent
} from './transfer-events.ts'
import type { ClaimedRoom, ColdReason, FoundWarmRoom } from './warm.ts'
import type { ApplicationConfig, Route } from './way.ts'

/** A call hook arrived. `refuse`: we shall not connect the call, whatever it is. */
export interface CallHookEvent {
  kind: 'call-hook'
  callSid: string
  hash: string
  facts: CallerFacts
  /**
   * It brings back a call that Jambonz already had: such hooks tell so little that two different ones can be the same,
   * byte by byte.
   */
  redirected?: boolean
  /** The caller leg was already answered (REST-originated, or redirected to us). */
  answered: boolean
  /** What the application's env vars ask for; absent where the hook has none. */
  app?: Partial<ApplicationConfig>
  /** The order that the call is placed for. */
  order?: OrderMark
  /** Longest time that the call may last, seconds. Absent: the settings' limit. */
  longestS?: number
  /** The call in whose LiveKit room the agent is that makes this call. */
  joins?: string
  /** By which LiveKit knows the leg that it has of this call. */
  sipCallIds?: string[]
  /** Chosen for the call, should it be new. A call that has a route keeps it. Absent: the fold guesses. */
  route?: Route
  refuse?: { cause: 'capacity' | 'draining' | 'not-allowed', status: number, reason: string, detail?: string }
}

/** createRoom succeeded, failed, or did not answer in time (its outcome is then unknown until `room-settled`). */
export interface RoomEvent {
  kind: 'room'
  attempt: number
  outcome: 'created' | 'failed' | 'timeout'
  /** Class of the failure, never LiveKit's own text. */
  detail?: string
  /** A room with a waiting agent, which the attempt takes over. Nothing was asked of LiveKit. */
  warm?: ClaimedRoom
  /** Why there is no such room. */
  cold?: ColdReason
}

/** Retell registered the call, or did not do so in time. An id that comes later is not used. */
export interface RegistrationEvent {
  kind: 'registration'
  attempt: number
  outcome: 'created' | 'failed'
  /** Retell's call_id, the SIP user to dial. */
  sipUser?: string
  /** Class of the failure, never Retell's own text. */
  detail?: string
}

/** A createRoom that had not answered in time has now, or has been given up. */
export interface RoomSettledEvent {
  kind: 'room-settled'
  attempt: number
}

/** We failed to answer the call hook properly; the caller is declined. */
export interface DeclinedEvent {
  kind: 'declined'
  hash: string
  cause: 'bridge-error'
  status: number
  reason: string
}

/** Jambonz closed the connection before the call hook was answered. */
export interface HookAbandonedEvent {
  kind: 'hook-abandoned'
}

export interface LegStatus {
  leg: 'caller' | 'agent'
  legSid: string
  callStatus: CallStatus
  sipStatus?: number
  sipReason?: string
  by?: 'caller' | 'jambonz'
}

/** A leg's status. `facts`: what is known of a call that begins with this event. */
export interface StatusEvent extends LegStatus {
  kind: 'status'
  callSid: string
  facts: CallerFacts
  /** Of an agent leg: the SIP user or number that was dialled. */
  dialled?: string
  /** Of the callee's leg: the order that it is placed for. */
  order?: OrderMark
}

export interface ActionEvent {
  kind: 'action'
  callSid: string
  hash: string
  facts: CallerFacts
  /** From the dial's id; undefined when it names none of ours. */
  attempt?: number
  dialCallStatus?: CallStatus
  dialSipStatus?: number
  dialCallSid?: string
  /** The order that the call is placed for. */
  order?: OrderMark
  /** `dial_sbc_callid` is set only by a provisional or 2xx response of the far end. */
  rang: boolean
  callerStatus: CallStatus
  callerSipStatus?: number
  callerEndedBy?: 'caller' | 'jambonz'
}

export interface ReferEvent {
  kind: 'refer'
  callSid: string
  hash: string
  facts: CallerFacts
  leg: 'caller' | 'agent'
  legSid: string
  /** Of an agent leg: the SIP user that was dialled. */
  dialled?: string
  /** Where to, in the form that is dialled once the number policy has let it pass; undefined: nowhere. */
  referTo?: string
  /** What refuses the target: the number policy's reason, and the rule that it is about. Absent: nothing does. */
  refused?: string
}

export interface ReferCompleteEvent {
  kind: 'refer-complete'
  hash: string
  referStatus?: number
  finalStatus?: number
  callerStatus: CallStatus
}

export interface LiveKitEvent {
  kind: 'livekit'
  room: string
  what:
    | 'room_started'
    | 'room_finished'
    | 'participant_joined'
    | 'participant_left'
    | 'participant_connection_aborted'
    | 'track_published'
    | 'track_unpublished'
    | 'other'
  participant?: {
    sid: string
    identity: string
    kind?: 'SIP' | 'AGENT' | 'OTHER'
    reason?: string
    /** By LiveKit's clock: milliseconds since the epoch. */
    joinedAt?: number
    sip?: SipAttributes
    /** What an agent says of who answered, in its attribute `bridge.voicemail`. */
    voicemail?: Voicemail['verdict']
  }
  track?: 'AUDIO' | 'OTHER'
  /** LiveKit's id of the event: a second delivery has the same. */
  id?: string
  /** When LiveKit made it, by its own clock, in whole seconds: milliseconds since the epoch. */
  madeAt?: number
  /** When the room was made, by LiveKit's clock: milliseconds since the epoch. */
  roomMadeAt?: number
}

/** Somebody ordered a call. The event goes to the id of the order. */
export interface OrderedEvent {
  kind: 'ordered'
  order: Order
}

/** createCall is about to be sent for an order. */
export interface SendingEvent {
  kind: 'sending'
}

/**
 * createCall did not name the call. `refused`: Jambonz said no. `not-sent`: it was not reached, or not asked.
 * `unknown`: it may have placed the call all the same.
 */
export interface PlacementEvent {
  kind: 'placement'
  outcome: 'refused' | 'not-sent' | 'unknown'
  detail?: string
}

/** Jambonz placed the call of an order. The event goes to its call_sid. */
export interface PlacedEvent {
  kind: 'placed'
  callSid: string
  order: Order
  /** Somebody asked to end it before it had a name. */
  hangupAt?: number
  hangupFor?: HangupReason
  /** The order has ended as lost, and its events say so. */
  givenUp?: boolean
}

/** The call of an order goes on under its call_sid. The event goes to the id of the order. */
export interface NamedEvent {
  kind: 'named'
  callSid: string
  /** When somebody asked to end the call, by the record that its naming went by. */
  hangupAt?: number
}

/** Somebody found out who answered, or listened in vain. */
export interface VoicemailEvent {
  kind: 'voicemail'
  verdict: Voicemail['verdict'] | 'unknown'
  by: Voicemail['by']
  /** Name of the key that told it. Absent: Jambonz did, or the call's own agent. */
  key?: string
  reason?: string
  /** The machine has stopped speaking: a message may begin. */
  greetingOver?: boolean
  /** The order that the call is placed for. */
  order?: OrderMark
}

/** LiveKit showed in which call's room the leg is of this call, which an agent makes. */
export interface JoinsEvent {
  kind: 'joins'
  /** call_sid of that call. */
  callSid: string
}

/** An agent calls somebody into the room of this call. */
export interface PersonEvent {
  kind: 'person'
  /** call_sid of the agent's call. */
  callSid: string
}

/** LiveKit's leg of this call, which an agent makes, has left its room: nothing is left of the call. */
export interface LegLeftEvent {
  kind: 'leg-left'
  /** LiveKit's DisconnectReason. */
  reason: string
}

/** What LiveKit's attributes say of a SIP participant: there may be others beside our caller, whom the agent called. */
export interface SipAttributes {
  /** `sip.callStatus`: dialing, ringing, active, hangup. */
  callStatus?: string
  /** `sip.h.x-lk-call`: the call_sid that our dial's header carries. */
  callSid?: string
  /** `sip.trunkPhoneNumber`: the SIP user that was called, our token. */
  called?: string
  /** `sip.ruleID` is there: a dispatch rule let it in. */
  dispatched?: boolean
  /** `sip.callID`, LiveKit's own id of the call, and `sip.callIDFull`, the SIP Call-ID, once it was answered. */
  callIds?: string[]
  /** `sip.h.x-call-sid`: Jambonz' call_sid of the leg, once Jambonz has answered or when it calls. */
  jambonzCallSid?: string
}

/** What a look at LiveKit saw of an attempt's room. */
export interface LookEvent {
  kind: 'look'
  attempt: number
  /** When LiveKit was asked, milliseconds since the epoch: who came after that was not to be seen. */
  askedAt: number
  outcome: 'seen' | 'unreachable'
  exists: boolean
  /** The caller's leg. */
  sip?: { sid: string, callStatus?: string }
  /** The one that came first. */
  agent?: { identity: string, audio: boolean }
  /** What an agent says of who answered. */
  voicemail?: Voicemail['verdict']
  /** Identities of the others. */
  moreAgents?: string[]
  /** Somebody else is there, whom the caller may be talking to. */
  company?: boolean
  /** SIP legs in the room that are not the caller's. */
  people?: SipAttributes[]
  /** LiveKit lists the room, but no node answers for it. */
  hosted?: false
}

/** Whoever holds the claim of an at-most-once duty is about to do it. */
export interface DutyBegunEvent {
  kind: 'duty-begun'
  id: string
  claim: string
}

/** A room was made for an attempt that the call does not have: another replica had opened a different one. */
export interface StrayRoomEvent {
  kind: 'stray-room'
  room: string
}

/** No bridge listened for a while: what happened to the call then may not have been heard. */
export interface AwayEvent {
  kind: 'away'
  /** Milliseconds since the epoch. */
  from: number
  to: number
}

/** LiveKit has a room of ours whose call nobody here knows: what its metadata says of it. */
export interface FoundEvent {
  kind: 'found'
  callSid: string
  /** Absent: the room does not tell. */
  attempt?: number
  facts: CallerFacts
  app: ApplicationConfig
  /** The attempt's way, and those that were left behind it. */
  route: Route
  /** The order that the call is placed for. */
  order?: Order
  /** The room was made before the call. Absent: its name is derived. */
  warm?: FoundWarmRoom
  /** Milliseconds since the epoch. */
  receivedAt: number
  openedAt: number
}

/** Events that a replica kept while the store was gone. */
export interface HandedOverEvent {
  kind: 'handed-over'
  callSid: string
  events: CallEvent[]
}

/**
 * A duty's outcome: `done`, or `failed` and to be tried again. `detail` of a deleted room: `deleted`, or `absent` when
 * LiveKit had no such room.
 */
export interface DutyEvent {
  kind: 'duty'
  id: string
  /** Whose outcome it is. One whose claim has lapsed says nothing. */
  claim?: string
  outcome: 'done' | 'failed'
  detail?: string
}

export interface HangupEvent {
  kind: 'hangup'
  /** Name of the key that asked for it, or `agent`: the call's own. Absent: not known, or the bridge itself. */
  by?: string
  /** Of a person's call: why the bridge ends it. */
  for?: 'caller-gone' | 'cancelled'
}

/** Somebody asked for something over the API, and was not allowed to. */
export interface RefusedEvent {
  kind: 'refused'
  /** Name of the operation. */
  operation: string
  /** Name of the key, or `agent`. */
  by: string
  /** Code of the error. */
  code: string
}

/** Digits were sent to a phone, because somebody asked for it. */
export interface DigitsEvent {
  kind: 'digits'
  /** Name of the key, or `agent`. */
  by: string
  /** They went to the person whom a transfer has called. */
  to?: 'person'
}

/** Time passed. `claim` names whoever will do the duties that are due; without it they stay due. */
export interface WakeEvent {
  kind: 'wake'
  claim?: string
  /** Another call of this application sent statuses: silence of this one means something. */
  statusesExpected: boolean
}

export type CallEvent =
  & { /** Milliseconds since the epoch. */ at: number }
  & (
    | CallHookEvent
    | OrderedEvent
    | SendingEvent
    | PlacementEvent
    | PlacedEvent
    | NamedEvent
    | VoicemailEvent
    | JoinsEvent
    | PersonEvent
    | LegLeftEvent
    | RoomEvent
    | RegistrationEvent
    | RoomSettledEvent
    | DeclinedEvent
    | HookAbandonedEvent
    | StatusEvent
    | ActionEvent
    | ReferEvent
    | ReferCompleteEvent
    | LiveKitEvent
    | LookEvent
    | DutyBegunEvent
    | StrayRoomEvent
    | AwayEvent
    | FoundEvent
    | HandedOverEvent
    | DutyEvent
    | HangupEvent
    | RefusedEvent
    | DigitsEvent
    | TransferEvent
    | CompleteTransferEvent
    | CancelTransferEvent
    | PersonNewsEvent
    | MergeEvent
    | RedirectEvent
    | PresenceEvent
    | ScreenEvent
    | ScreenDigitEvent
    | WakeEvent
  )

/** An event of one kind, with its time. */
export type EventOf<K extends CallEvent['kind']> = Extract<CallEvent, { kind: K }>
