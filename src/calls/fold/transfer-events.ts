import type { CallerFacts, CallStatus } from './call.ts'
import type { OrderMark } from './order.ts'
import type { NewsOfPerson, TransferRequest } from './transfers.ts'
import type { JoinWay } from './way.ts'

/*
 * The events of transfers: what people and agents ask for, what the two calls tell each other, and Jambonz' hooks.
 */

/** Somebody asked for a transfer of the caller. */
export interface TransferEvent {
  kind: 'transfer'
  request: TransferRequest
}

/** The person who was consulted is to be brought into the caller's room. */
export interface CompleteTransferEvent {
  kind: 'complete-transfer'
  id: string
  /** Name of the key that asked for it, or `agent`. */
  by: string
}

/** Nobody wants the transfer any more. */
export interface CancelTransferEvent {
  kind: 'cancel-transfer'
  id: string
  /** Name of the key that asked for it, or `agent`. */
  by: string
}

/** How the person's call of a transfer stands. The event goes to the caller's call. */
export interface PersonNewsEvent {
  kind: 'person-news'
  news: NewsOfPerson
}

/** The person's call is to be brought into the caller's room. The event goes to the person's call. */
export interface MergeEvent {
  kind: 'merge'
}

/** Jambonz asks what to do with a leg that it was asked to redirect. */
export interface RedirectEvent {
  kind: 'redirect'
  callSid: string
  hash: string
  facts: CallerFacts
  /** The transfer that the leg was asked for. */
  transfer?: string
  /** Which time that it was asked for. */
  n?: number
  callerStatus: CallStatus
  /** The order that the call is placed for. */
  order?: OrderMark
}

/** Whether the caller is still there whom a person is to join. `unknown`: nobody can say in time. */
export interface PresenceEvent {
  kind: 'presence'
  attempt: number
  outcome: 'there' | 'gone' | 'unknown'
  /** The caller is in another room: that of this attempt, with its token where that is not derived. */
  moved?: Pick<JoinWay, 'attempt' | 'token'>
}

/** The person whom a screened dial called has answered. */
export interface ScreenEvent {
  kind: 'screen'
  callSid: string
  hash: string
  legSid: string
  transfer?: string
}

/** The person pressed a key, or did not in time. */
export interface ScreenDigitEvent {
  kind: 'screen-digit'
  callSid: string
  hash: string
  legSid: string
  transfer?: string
  /** Absent: none was pressed. */
  digits?: string
  /** Status of the person's leg. */
  legStatus: CallStatus
}
