import type { CallerFacts } from './call.ts'
import { openPurpose, type TransferPurpose } from './transfers.ts'

/*
 * An outbound call that somebody ordered. Jambonz names a call only when it has placed it, so a call begins under the
 * id of its order, and goes on under its call_sid as soon as that is known.
 */

/** When the room of an outbound call is made, with its agent. */
export const AGENT_AT = ['dial', 'ringing', 'answer'] as const
export type AgentAt = typeof AGENT_AT[number]

/** Who finds out whether a machine answered. */
export const VOICEMAIL_DETECTIONS = ['off', 'agent', 'jambonz'] as const
export type VoicemailDetection = typeof VOICEMAIL_DETECTIONS[number]

export const ON_MACHINE = ['continue', 'hangup'] as const
export type OnMachine = typeof ON_MACHINE[number]

/** What was ordered. It does not change, but for what became of it. */
export interface Order {
  /** Ours. Jambonz sends it back in `customerData` of every hook of the callee's leg. */
  id: string
  /** The user's own id. */
  reference?: string
  /** Name of the key that ordered it. */
  placedBy: string
  /** E.164, allowed by the number policy. */
  to: string
  /** One of our own numbers. */
  from: string
  /** Name of the carrier in Jambonz. */
  carrier?: string
  agent: string
  /** Handed to the agent verbatim. */
  metadata?: string
  /** How long the callee's phone may ring, seconds. */
  ringS: number
  /** How long the call may last after the callee has answered, seconds. */
  longestS: number
  /** X- headers of the INVITE to the carrier. */
  headers?: Record<string, string>
  callerName?: string
  /** Not to be placed after that, milliseconds since the epoch. */
  notAfter?: number
  agentAt: AgentAt
  voicemail: VoicemailDetection
  onMachine: OnMachine
  /** The callee is called into the call of somebody else. */
  transfer?: TransferPurpose
  /** For whom it counts in the number policy. Absent: for the key. */
  countedFor?: string
  /** Milliseconds since the epoch. */
  orderedAt: number
  /** createCall was about to be sent then. From then on it is never sent again. */
  sentAt?: number
}

/** What only the agent and the carrier may know. */
export const KEPT_BACK = ['metadata', 'headers', 'callerName'] as const

/** What hooks and rooms may say of an order, so that its call can be followed when nobody knows it any more. */
export function openOrder (order: Order): Order {
  const { metadata: _metadata, headers: _headers, callerName: _callerName, ...rest } = order
  const { countedFor: _countedFor, transfer, ...open } = rest
  return transfer ? { ...open, transfer: openPurpose(transfer) } : open
}

/** What a hook says of the order that its call is placed for. */
export interface OrderMark {
  id: string
  /** What was ordered, but for what only the agent and the carrier may know. Absent: its seal is not ours. */
  order?: Order
}

/** Where an id begins that stands for a call until Jambonz has named it. */
const ID_PREFIX = 'order-'

/** The id of the order for the person's call of a transfer: the same on every replica, however often it is tried. */
export const orderIdOfTransfer = (transferId: string): string => orderId(transferId)

/** Makes the id of an order. @param unique text that no other order has */
export const orderId = (unique: string): string => `${ID_PREFIX}${unique}`

/** Who is called, and by whom. */
export const factsOfOrder = ({ from, to }: Order): CallerFacts =>
  ({ direction: 'outbound', from, to, callerName: '', withheld: false, headers: {} })

/** Whether a text has the form of an order's id. */
export const isOrderId = (text: string): boolean => text.startsWith(ID_PREFIX)
