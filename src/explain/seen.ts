import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import type { LiveKitEvent } from '../calls/fold/events.ts'
import type { Action, CallHook, Refer, ReferComplete, Status } from '../jambonz/payloads.ts'
import type { SipMessage } from '../sip/message.ts'
import type { Endpoint } from './capture/endpoint.ts'

/** Where something was seen, so that people can look it up. */
export interface Place {
  file: string
  /** Packet or line number, from 1. */
  at: number
}

interface Timed {
  place: Place
  /** Milliseconds since the epoch, or since the moment from which the file counts; undefined where it has no time. */
  at?: number
  /** `at` only puts it in order: the file has no time for it. */
  untimed?: boolean
}

/** A SIP message, from a capture or a log. */
export interface SipSeen extends Timed {
  kind: 'sip'
  message: SipMessage
  source?: Endpoint
  destination?: Endpoint
  transport?: string
  /** Bytes of its UDP datagram. */
  bytes?: number
  /** From a list of packets, which shows its start line and its ends, and none of its headers. */
  startLineOnly?: true
  /** A capture kept only its beginning, and not its Call-ID. */
  cut?: true
  /** A list of packets says that it belongs to a dialog which was there before. */
  inDialog?: true
  /** The method of the request that it answers, where a list of packets says so. */
  answers?: string
  /** Names the dialog of a message without Call-ID. */
  dialog?: string
}

/** The bodies of hooks, as the service reads them. */
interface HookBodies {
  'call-hook': CallHook
  status: Status
  action: Action
  refer: Refer
  'refer-complete': ReferComplete
}
export type HookKind = keyof HookBodies

/** Which hook it is, and its body. */
export type ReadHook = { [Kind in HookKind]: { hook: Kind, body: HookBodies[Kind] } }[HookKind]

/** A webhook of Jambonz. */
export type HookSeen = Timed & ReadHook & {
  kind: 'hook'
  /** What it was answered with, where that was logged. */
  reply?: HookReply
}

export interface HookReply {
  status?: number
  verbs?: unknown
  at?: number
}

/** A body of any hook, for code that needs no more than the ids in it. */
export type AnyHookBody = Partial<CallHook & Status & Action & Refer & ReferComplete> & { call_sid: string }

/** A webhook of LiveKit. */
export interface RoomSeen extends Timed {
  kind: 'room'
  event: LiveKitEvent
  /** SIP Call-ID of the SIP participant (`sip.callIDFull`). */
  callId?: string
  /** Twilio's name of the call (`sip.twilio.callSid`). */
  twilioCallSid?: string
  /** The number at the other end of the SIP participant (`sip.phoneNumber`). */
  phoneNumber?: string
}

/** Who writes log lines that are known. */
export type Service =
  | 'feature-server'
  | 'sbc-inbound'
  | 'sbc-outbound'
  | 'api-server'
  | 'jambonz-alerts'
  | 'livekit-sip'
  | 'livekit-server'
  /** An agent worker, or the SDK of LiveKit in an application. */
  | 'agent'
  | 'asterisk'
  | 'twilio'
  | 'application'

/** A line of a server's own log. */
export interface LogSeen extends Timed {
  kind: 'log'
  from: Service
  level: string
  text: string
  fields: Record<string, unknown>
}

/** A TCP connection to a SIP port that was refused or never answered. */
export interface RefusedSeen extends Timed {
  kind: 'refused'
  source: Endpoint
  destination: Endpoint
}

/** A call detail record: what a system noted of one leg when it was over. */
export interface CdrSeen extends Timed {
  kind: 'cdr'
  system: 'jambonz' | 'twilio' | 'livekit'
  /** The system's own name of the leg: call_sid, Twilio's CA…, LiveKit's SCL_…. */
  id: string
  /** Names that other things of the same call have, too. */
  names: {
    callSid?: string
    /** SIP Call-ID of the leg, and of the caller's leg where this is another one. */
    callId?: string
    callerCallId?: string
    traceId?: string
    room?: string
    /** Two records of one call by their times and numbers alone. */
    partner?: string
  }
  /** In the system's own word. */
  direction: string
  from: string
  to: string
  /** Final SIP status. */
  sipStatus?: number
  /** The system's word for how it ended. */
  result?: string
  reason?: string
  error?: string
  answered?: boolean
  durationS?: number
  endedAt?: number
  /** Host or address of the other side. */
  remoteHost?: string
  trunk?: string
}

/** A trunk or dispatch rule of LiveKit, as the API or the tool `lk` shows it, or as somebody is about to make it. */
export type ConfigSeen = Timed & ConfigObject & {
  kind: 'config'
  form: 'json' | 'table'
  /** What the table does not show of a rule. */
  unshown?: ReadonlySet<'numbers' | 'agents'>
}

/** Without an object: a table of such, which may have no rows. */
export type ConfigObject =
  | { list: 'inbound', object?: SIPInboundTrunkInfo }
  | { list: 'rules', object?: SIPDispatchRuleInfo }
  | { list: 'outbound', object?: SIPOutboundTrunkInfo }

export type Seen = SipSeen | HookSeen | RoomSeen | LogSeen | RefusedSeen | CdrSeen | ConfigSeen

/** How much audio went where: `address:port` of the receiver. */
export type RtpCounts = Map<string, { packets: number, first: number, last: number }>
