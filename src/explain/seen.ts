import type { LiveKitEvent } from '../calls/fold/events.ts'
import type { Action, CallHook, Refer, ReferComplete, Status } from '../jambonz/payloads.ts'
import type { SipMessage } from '../sip/message.ts'
import type { Endpoint } from './capture/packet.ts'

/** Where something was seen, for whoever wants to look it up. */
export interface Place {
  file: string
  /** Packet or line number, from 1. */
  at: number
}

interface Timed {
  place: Place
  /** Milliseconds since the epoch, or since whatever the file counts from; undefined: the file has no time there. */
  at?: number
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
}

export const HOOKS = ['call-hook', 'status', 'action', 'refer', 'refer-complete'] as const
export type HookKind = typeof HOOKS[number]
export type HookBody = Partial<CallHook & Status & Action & Refer & ReferComplete> & { call_sid: string }

/** A webhook of Jambonz. */
export interface HookSeen extends Timed {
  kind: 'hook'
  hook: HookKind
  body: HookBody
  /** What it was answered, where that was logged. */
  reply?: { status?: number, verbs?: unknown, at?: number }
}

/** A webhook of LiveKit. */
export interface RoomSeen extends Timed {
  kind: 'room'
  event: LiveKitEvent
  /** SIP Call-ID of the SIP participant (`sip.callIDFull`). */
  callId?: string
}

/** A line of a server's own log. */
export interface LogSeen extends Timed {
  kind: 'log'
  from: 'feature-server' | 'livekit-sip'
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

export type Seen = SipSeen | HookSeen | RoomSeen | LogSeen | RefusedSeen

/** How much audio went where: `address:port` of the receiver. */
export type RtpCounts = Map<string, { packets: number, first: number, last: number }>
