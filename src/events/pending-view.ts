import { Type, type Static } from 'typebox'
import type { WaitingEvent } from '../calls/store/event-queue.ts'
import type { Receiver } from './receivers.ts'

/** What operators see of an event that waits. */
export const PendingEventSchema = Type.Object({
  id: Type.String({ examples: ['d00d8a36-93f1-4a61-b3df-98751116d97a:call.ended'] }),
  type: Type.String({ examples: ['call.ended'] }),
  callSid: Type.String({ description: 'Call whose events are delivered in order, or the id of its order' }),
  receiver: Type.String({
    description: "Origin of the receiver's URL; `unknown` of one that EVENTS_URL no longer names",
    examples: ['https://example.com']
  }),
  queued: Type.String({ format: 'date-time' }),
  due: Type.String({ format: 'date-time', description: 'Not delivered before then' }),
  tries: Type.Integer({ description: 'Deliveries that were begun' })
}, { $id: 'PendingEvent', description: 'An event that waits for one receiver' })
export type PendingEventView = Static<typeof PendingEventSchema>

export const presentPending = (event: WaitingEvent, receivers: readonly Receiver[]): PendingEventView => ({
  id: event.id,
  type: event.type,
  callSid: event.callSid,
  receiver: receivers.find(({ id }) => id === event.receiver)?.origin ?? 'unknown',
  queued: new Date(event.queuedAt).toISOString(),
  due: new Date(event.due).toISOString(),
  tries: event.tries
})
