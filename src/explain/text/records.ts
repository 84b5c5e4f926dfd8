import { WebhookEvent } from 'livekit-server-sdk'
import { fromWebhook } from '../../livekit/events.ts'
import type { LogSeen, Place, RoomSeen, Seen } from '../seen.ts'
import { readAlerts } from './alert-records.ts'
import { readApiError } from './api-errors.ts'
import { readCallRecords } from './call-records.ts'
import { readConfig } from './config-records.ts'
import { hookFromOtherCase } from './field-names.ts'
import { hookIn, isHook, REPLIES } from './hook-records.ts'
import { isObject, objectOf, type Json } from './json.ts'
import { logIn } from './log-records.ts'
import { readPacketRecord } from './packet-records.ts'
import { readSipRecord } from './sip-records.ts'
import { bestTime, timeOf } from './times.ts'

/*
 * Records of a log, or of a collector of webhooks: JSON objects with a webhook or a log line somewhere in them.
 */

/**
 * What a record means; empty when it is none that we know. Lines of logs are read by `logOf`.
 * @param lineTime when it was collected, milliseconds: the record's own time is better
 * @param service who wrote it, in the words of its collector
 */
export function recordsOf (record: Json, place: Place, lineTime?: number, service?: string): Seen[] {
  for (const read of RECORD_READERS) {
    const seen = read(record, place, lineTime, service)
    if (seen) return seen
  }
  return []
}

/** Reads one form of record; undefined for a record of another form. */
type RecordReader = (
  record: Json,
  place: Place,
  lineTime: number | undefined,
  service: string | undefined
) => Seen[] | undefined

/** A webhook, wherever loggers and collectors have put it. */
function readWebhook (record: Json, place: Place, lineTime: number | undefined): Seen[] | undefined {
  const nested = bodyIn(record)
  if (!nested) return undefined

  const [body] = nested
  // LiveKit says when it made an event in whole seconds: the time of its arrival is better.
  const timed = isRoomEvent(body) ? [...nested.slice(1), body] : nested
  const at = bestTime(timed.map(timeOf).find(time => time !== undefined), lineTime)
  const seen = isRoomEvent(body) ? roomEventIn(body, place, at) : hookIn(body, nested, place, at)
  return seen ? [seen] : []
}

/** A line of a log, as a record; undefined for a record without a message. */
export const logOf = (
  record: Json,
  place: Place,
  lineTime: number | undefined,
  service: string | undefined
): LogSeen | undefined => logIn(record, place, bestTime(timeOf(record), lineTime), service)

/** Forms of records, in the order in which they are tried. */
const RECORD_READERS: readonly RecordReader[] = [
  readPacketRecord,
  readSipRecord,
  readCallRecords,
  readAlerts,
  readWebhook,
  readApiError,
  readConfig
]

/** How deep collectors and loggers nest a request's body: `{ req: { body } }`, `{ meta: { req: { body: "…" } } }`. */
const MAX_DEPTH = 4

/** The body of a webhook, followed by the objects around it, from the inside out. */
function bodyIn (record: Json, depth = 0): [Json, ...Json[]] | undefined {
  if (isHook(record) || isRoomEvent(record)) return [record]
  const renamed = hookFromOtherCase(record)
  if (renamed && isHook(renamed)) return [renamed]
  if (depth === MAX_DEPTH) return undefined

  for (const [name, value] of Object.entries(record)) {
    // A reply is no request, even when it repeats one.
    if (REPLIES.includes(name)) continue
    const inner = objectOf(value)
    const nested = inner && bodyIn(inner, depth + 1)
    if (nested) return [...nested, record]
  }
  return undefined
}

const ROOM_EVENT = /^(room|participant|track)_[a-z_]+$/

const isRoomEvent = (body: Json): boolean =>
  typeof body['event'] === 'string' && ROOM_EVENT.test(body['event']) && isObject(body['room'])

function roomEventIn (body: Json, place: Place, at: number | undefined): RoomSeen | undefined {
  const webhook = webhookOf(body)
  const event = webhook && fromWebhook(webhook)
  if (!event) return undefined
  // An event of a participant tells nothing when it does not say whose it is.
  if (/^(participant|track)_/.test(event.what) && !event.participant) return undefined

  const attributes = webhook.participant?.attributes ?? {}
  const callId = attributes['sip.callIDFull']
  const twilioCallSid = attributes['sip.twilio.callSid']
  const phoneNumber = attributes['sip.phoneNumber']
  const time = at ?? event.madeAt
  return {
    kind: 'room',
    place,
    ...(time !== undefined && { at: time }),
    event,
    ...(callId !== undefined && { callId }),
    ...(twilioCallSid !== undefined && { twilioCallSid }),
    ...(phoneNumber !== undefined && { phoneNumber })
  }
}

function webhookOf (body: Json): WebhookEvent | undefined {
  try {
    return WebhookEvent.fromJson(body as Parameters<typeof WebhookEvent.fromJson>[0], {
      ignoreUnknownFields: true
    }) as WebhookEvent
  } catch {
    return undefined
  }
}
