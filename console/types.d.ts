/*
 * What the operator API answers, as the page reads it. docs: /docs of the bridge.
 */

export type Phase = 'requested' | 'received' | 'dialing' | 'ringing' | 'connected' | 'transferring' | 'ended'
export type Direction = 'inbound' | 'outbound' | 'agent'
export type WaitingOn = 'hook' | 'sip' | 'route' | 'agent' | 'agent-audio' | 'none'

export interface End {
  cause: string
  by: string
  waitingOn: WaitingOn
  sipStatus?: number
  detail?: string
}

/**
 * A call as a list shows it. Of two rows with the same `at.received` the one with the larger `seq` is right; of two with
 * the same `seq` the later one. Times are ISO 8601. `since`: when the present phase began.
 */
export interface CallRow {
  callSid: string
  seq: number
  /** Of an ordered call: its callSid until Jambonz names it. */
  orderId?: string
  direction: Direction
  phase: Phase
  from: string
  to: string
  agent?: string
  route?: string
  strategy?: string
  attempt: number
  at: { received: string, answered?: string, ended?: string }
  waitingOn: WaitingOn
  since?: string
  end?: End
  failed: boolean
  transfer?: { mode: string, state: string }
  calledFor?: string
}

export type Counts = Partial<Record<Phase, number>>

/** What each frame of the stream says. `counts` is absent when the bridge cannot count now. */
interface Frame {
  at: string
  counts?: Counts
  calls: CallRow[]
  /** What is wrong with the store of calls. */
  trouble?: string
}

/** All active calls, the newest first; `more` when there are more than these. */
export interface Picture extends Frame {
  more: boolean
}

/**
 * Calls that changed. `gone`: call_sids that are not under way any more, though nobody heard them end. `leftOut`: so many
 * changed rows had no room, and a picture follows.
 */
export interface Changes extends Frame {
  gone?: string[]
  leftOut?: number
}

/** Calls that were received in the last hour and failed, by cause; `before` counts those of the hour before. */
export interface Failures {
  at: string
  hour: {
    since: string
    /** All calls that were received, failed or not. */
    received: number
    failed: number
    causes: { cause: string, count: number, before: number }[]
  }
}

/** Who has signed in. */
export interface Session {
  name: string
  role: 'operator' | 'viewer' | 'caller'
  version: string
  /** The clock of the bridge. */
  now: string
  /** Calls can be placed and moved: the bridge has Jambonz' REST settings. */
  callControl: boolean
  /** The calls of several replicas are seen. */
  shared: boolean
}

/** How the page stands with a stream of the bridge. `heardAt` is in milliseconds since the epoch, of this device. */
export interface Connection {
  state: 'off' | 'connecting' | 'live' | 'lost'
  heardAt?: number
  /** Why the stream is not there. */
  problem?: string
}

export interface ServerEvent {
  event: string
  data: string
}
