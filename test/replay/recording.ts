import type { Json } from './json.ts'

/** A verb of a reply, as far as a replay reads it. */
export interface Verb {
  verb: string
  id?: string
  target?: Array<{ type?: string, sipUri?: string, number?: string }>
  actionHook?: HookAddress
  referHook?: HookAddress
  confirmHook?: HookAddress
}

export type HookAddress = string | { url: string }

/** A request of Jambonz to the application. */
export interface Hook {
  /** Milliseconds from the start of the recording. */
  at: number
  /** Which endpoint of the bridge it is for; undefined: it was for another application. */
  path: HookPath | undefined
  headers: Record<string, string>
  /** The raw body. */
  body: string
  /** What the recorder's application answered, where the file has it. */
  verbs: Verb[]
  status: number | undefined
  repliedAt: number | undefined
}

export type HookPath =
  | '/livekit-api'
  | '/action'
  | '/status'
  | '/refer'
  | '/refer-complete'
  | '/redirect'
  | '/screen'
  | '/screen-digit'

/** A webhook of LiveKit. */
export interface RoomEvent {
  /** Milliseconds from the start of the recording. */
  at: number
  /** The raw body and its Authorization header, as LiveKit signed it. */
  raw: string
  authorization: string | undefined
  body: Json
  /** LiveKit's API shows it, but no webhook tells of it. */
  silent?: boolean
}

/** A SIP participant's attributes changed, as the agent in its room saw it. */
export interface AttributeChange {
  at: number
  room: string | undefined
  identity: string
  changed: Record<string, string>
}

/** Who was in a room at a moment, as LiveKit's API answered. */
export interface RoomLook {
  at: number
  room: string | undefined
  participants: Json[]
}

/** What LiveKit's API answered instead of doing what it was asked. */
export interface ApiFailure {
  at: number
  /** `RoomService/DeleteRoom` */
  method: string
  room: string | undefined
  status: number
  body: Json
}

/** A call that the recorder placed by createCall. */
export interface RecordedOrder {
  at: number
  /** Jambonz answered then, and named the call. */
  answeredAt: number
  callSid: string
  from: string
  to: string
  carrier: string | undefined
  ringS: number | undefined
  longestS: number | undefined
  /** When the recorder made the room. */
  agentAt: 'dial' | 'ringing' | 'answer'
  /** Nobody but the bridge places it, for a transfer. */
  isForTransfer?: boolean
}

/** The recorder handed a caller to a person. Times are those of the requests to Jambonz' REST API. */
export interface RecordedTransfer {
  at: number
  mode: 'blind' | 'refer' | 'screen' | 'consult' | 'add'
  /** call_sid of the caller's call. */
  callSid: string
  /** call_sid of the person's call, where they have one. */
  personSid?: string
  to: string
  carrier?: string
  ringS?: number
  /** The recorder had the person join the caller. */
  completedAt?: number
  /** The recorder changed its mind while the caller was there. */
  cancelledAt?: number
}

/** What is true of a transfer. */
export interface RightOutcome {
  result: 'bridged' | 'returned' | 'failed'
  /** Any of them. */
  reasons: string[]
  /** What else nobody could tell from it. */
  orElse?: Omit<RightOutcome, 'orElse'>
}

/** A room is deleted between these times, milliseconds from the start of the recording. */
export interface RightDeletion {
  token: string
  from: number
  to: number
}

/** The recorder ended a call by updateCall, and Jambonz accepted it. */
export interface RecordedHangUp {
  at: number
  callSid: string
  /** It was not recorded, nor what follows from it. */
  isNew?: boolean
}

/** A room that the recorder made before its call came, with an agent that waited in it. */
export interface WaitingRoom {
  /** The call that came; undefined: none did. */
  callSid: string | undefined
  /** What LiveKit said of it before. Times count from when the room was made, milliseconds. */
  events: RoomEvent[]
  /** The `sid` of every agent that was in it. */
  agents: string[]
}

/** Everything of one file that a replay plays, whatever kind of recording it is. */
export interface Recording {
  /** Folder and file, for people: `chain/normal-caller-hangs-up`. Of a file with several calls: `file#2`. */
  name: string
  kind: string
  says: string
  /** Causes of design.md 5 that are right with everything that was recorded; `*`: any. Empty: the file gives none. */
  causes: string[]
  /** Causes of single calls, where those of the recording are not right for all of its calls; by `call_sid`. */
  causesOf?: Record<string, string[]>
  /** Calls whose room is that of another one, each by its `call_sid`, where that can be known. */
  joins?: Record<string, string>
  /** The calls in whose rooms others are, by their `call_sid`. */
  hosts?: string[]
  /** Calls that are placed: their hooks bring the tag that the bridge gave them. */
  orders: RecordedOrder[]
  hangUps: RecordedHangUp[]
  /** Transfers that somebody asks for over the API. */
  transfers: RecordedTransfer[]
  /**
   * When the recorder ended a person's call. What follows happens only where the bridge ends it as well; by the
   * `call_sid`.
   */
  endedByRecorder?: Record<string, number>
  /** What is right of each of the transfers. */
  outcomes?: RightOutcome[]
  /** When the bridge deletes which room. */
  deletions?: RightDeletion[]
  /** The recorder's number policy refused the call: ours has to as well. */
  callsRefused?: boolean
  /** Rooms that were made before their calls. The bridge has a pool of as many. */
  waiting?: WaitingRoom[]
  /** A 403 to the recorded REFER is right. */
  refused: boolean
  /** Milliseconds since the epoch that the recorded times count from. */
  start: number
  /** In the order of their arrival. */
  hooks: Hook[]
  /** In the order of their arrival. */
  roomEvents: RoomEvent[]
  attributes: AttributeChange[]
  looks: RoomLook[]
  failures: ApiFailure[]
  /** Jambonz' hooks are made of what the SIP side or the API requests show: the file has none of its own. */
  derived: boolean
  /** LiveKit is what the statuses of the agent leg imply: the file has nothing of it. */
  livekitUnseen: boolean
  /** The application made the room of its first dial; otherwise createRoom failed and the SIP leg made it. */
  roomMade: boolean
  /** SIP users and numbers that the recorded application dialled, in order. */
  dialled: string[]
  /** Prefix of the recorded rooms' names, with the underscore. */
  roomPrefix: string
  /** It stops while the call is up: the call is not expected to end. */
  unfinished: boolean
  /** Fields that one would expect of its kind and that the file does not have. */
  missing: string[]
}

/** A file that cannot be played, and why. */
export interface Unplayable {
  name: string
  kind: string
  /** `nothing`: there is no call in it. `unsupported`: this program does not know its kind yet. */
  why: 'nothing' | 'unsupported' | 'unreadable'
  detail: string
}

export const isPlayable = (file: Recording | Unplayable): file is Recording => !('why' in file)

/** The calls of a recording: the `call_sid` of every placed call and of every call hook, in order. */
export function callSidsOf ({ hooks, orders }: Pick<Recording, 'hooks' | 'orders'>): string[] {
  const placed = orders.map(({ callSid }) => callSid)
  const called = hooks.filter(({ path }) => path === '/livekit-api').map(({ body }) => field(body, 'call_sid'))
  return [...new Set([...placed, ...called.filter(sid => sid !== undefined)])]
}

/** `call_status` of a leg that is over. */
export const FINAL_STATUSES: ReadonlySet<string> = new Set(['completed', 'failed', 'busy', 'no-answer'])

/** A string of a JSON body, if it has it. */
export function field (body: string, name: string): string | undefined {
  try {
    const value = (JSON.parse(body) as Record<string, unknown> | null)?.[name]
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

/** The call of a hook, whichever of its legs the hook is about. */
export const callOf = ({ body }: Pick<Hook, 'body'>): string =>
  field(body, 'parent_call_sid') ?? field(body, 'call_sid') ?? ''

/** Path and query of a hook's address. The fragment, which holds Jambonz' retry policy, is not sent. */
export function pathOf (address: HookAddress): string {
  const url = typeof address === 'string' ? address : address.url
  return url.replace(/^https?:\/\/[^/]+/, '').replace(/#.*/, '')
}

/** User part of a SIP URI, or a number as it is. */
export const userOf = (uri: string | undefined): string | undefined =>
  uri?.replace(/^sips?:/, '').split(/[@;]/)[0] || undefined

/** What a dial dials: the user of its SIP URI, or its number. */
export const dialledBy = ({ target }: Verb): string | undefined =>
  userOf(target?.[0]?.sipUri) ?? target?.[0]?.number

/** Room and token of a LiveKit event. */
export const roomNameOf = (body: Json): string | undefined => (body['room'] as Json | undefined)?.['name'] as
  | string
  | undefined
