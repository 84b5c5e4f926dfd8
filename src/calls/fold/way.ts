/*
 * The ways in which a call may be connected. A new way is a new member here, a file in src/routing/ways, and a line in
 * src/routing/strategies.ts.
 */

/** What every way has that dials somebody. */
interface Dialling {
  /** How long it may ring, seconds. Absent: the settings' dial timeout. */
  ringS?: number
}

/** A LiveKit room of ours, with an agent. */
export interface RoomWay extends Dialling {
  strategy: 'room'
  agent: string
  /** Passed to the agent verbatim. Absent: what the application or the settings say. */
  metadata?: string
}

/** A phone number that a carrier of Jambonz dials. */
export interface PhoneWay extends Dialling {
  strategy: 'phone'
  number: string
  /** Name of the carrier in Jambonz. Absent: Jambonz chooses. */
  carrier?: string
  /** The caller id: one of our own numbers. Absent: the caller's. */
  from?: string
  /** X- headers of the INVITE. */
  headers?: Record<string, string>
  /** The transfer that the dial is for, where the person is to press a key first. */
  screen?: string
  /** How long the call may last once it is answered, seconds. Absent: as every call. */
  longestS?: number
}

/** A carrier of Jambonz that leads to LiveKit, Retell or another platform. The number decides what happens there. */
export interface CarrierWay extends Dialling {
  strategy: 'carrier'
  carrier: string
  number: string
}

/** A Retell agent, through a call that is registered first. */
export interface RetellWay extends Dialling {
  strategy: 'retell'
  agent: string
  /** Name of the environment variable that holds the API key, never the key itself. */
  key: string
  version?: number
  /** A JSON object, as text. */
  metadata?: string
  /** Retell's dynamic variables. */
  variables?: Record<string, string>
}

/** Any SIP address. */
export interface SipWay extends Dialling {
  strategy: 'sip'
  uri: string
  /** Names of the environment variables that hold user name and password. */
  auth?: { username: string, password: string }
  /** The caller id. Absent: the caller's. */
  from?: string
  headers?: Record<string, string>
  /** See {@link PhoneWay}. */
  screen?: string
  /** See {@link PhoneWay}. */
  longestS?: number
}

/** Answers the caller and speaks. */
export interface SayWay {
  strategy: 'say'
  text: string
  language?: string
  voice?: string
  vendor?: string
}

/** Answers the caller and plays a recording. */
export interface PlayWay {
  strategy: 'play'
  url: string
}

/** Refuses the call. */
export interface DeclineWay {
  strategy: 'decline'
  /** SIP status, 400 to 699. */
  status: number
  reason: string
}

/** The room of somebody else's call, into which a person is called. Only transfers have this way. */
export interface JoinWay {
  strategy: 'join'
  /** call_sid of that call. */
  callSid: string
  /** The attempt in whose room the caller is. */
  attempt: number
  /** SIP user that leads into that room, where it was made before its call. Absent: derived from the two. */
  token?: string
  /** From user of the leg. Absent: the person's number. */
  joinAs?: string
  ringS?: number
}

export type Way = RoomWay | PhoneWay | CarrierWay | RetellWay | SipWay | SayWay | PlayWay | DeclineWay | JoinWay

export const STRATEGIES = ['room', 'phone', 'carrier', 'retell', 'sip', 'say', 'play', 'decline', 'join'] as const
export type Strategy = typeof STRATEGIES[number]

/** What one Jambonz application asks of the bridge: its environment variables first, then the settings. */
export interface ApplicationConfig {
  agent: string
  /** Handed to the agent verbatim. */
  metadata: string
  fallbackNumber?: string
}

/**
 * The route that a call matched when its call hook came. It stays with the call: a routes file that changes later does
 * not change it.
 */
export interface Route {
  /** Absent: no route of the file matched, or there is no file. */
  name?: string
  /** The ways in which the call may be connected, in order. */
  ways: Way[]
  /** Why a way that was asked for is not among them. */
  refused?: 'number-is-called-number'
}

/** What an attempt is opened with. */
export interface OpenContext {
  callSid: string
  n: number
}
