import { createHash, timingSafeEqual } from 'node:crypto'
import { TokenVerifier, TrackType, WebhookEvent } from 'livekit-server-sdk'
import {
  DisconnectReason,
  ParticipantInfo,
  ParticipantInfo_Kind as Kind,
  Room,
  TrackInfo
} from '@livekit/protocol'
import { cleanText } from '../clean-text.ts'
import { LiveKitSignatureError } from '../errors.ts'
import type { Voicemail } from '../calls/fold/call.ts'
import type { LiveKitEvent, SipAttributes } from '../calls/fold/events.ts'

/** Resolves to the event, or undefined when the signed body is none. */
export type ReceiveLiveKitEvent = (
  rawBody: string,
  authorization: string | undefined
) => Promise<WebhookEvent | undefined>

/**
 * Verifies LiveKit's webhooks: a JWT of our API key over the SHA-256 of the raw body (livekit/protocol
 * webhook/resource_url_notifier.go).
 * @throws {LiveKitSignatureError} whatever was wrong
 */
export function createLiveKitEventReceiver (apiKey: string, apiSecret: string): ReceiveLiveKitEvent {
  const verifier = new TokenVerifier(apiKey, apiSecret)
  return async (rawBody, authorization) => {
    const claims = await verifier.verify((authorization ?? '').replace(/^Bearer /i, '')).catch(() => undefined)
    if (!claims || !isHashOf(claims.sha256 ?? '', rawBody)) throw new LiveKitSignatureError()

    return readWebhook(rawBody)
  }
}

/** Whether a base64 SHA-256 is that of a body. */
export function isHashOf (hash: string, body: string): boolean {
  const [given, expected] = [Buffer.from(hash, 'base64'), createHash('sha256').update(body).digest()]
  return given.length === expected.length && timingSafeEqual(given, expected)
}

type Json = Parameters<typeof WebhookEvent.fromJson>[0]
type JsonObject = Record<string, Json>

/**
 * Reads a webhook's body. LiveKit adds properties and values in new versions, so one that we cannot read counts as
 * absent, at any depth.
 * @returns undefined when the body is no JSON object
 */
export function readWebhook (rawBody: string): WebhookEvent | undefined {
  const body = parseObject(rawBody)
  if (!body) return undefined
  try {
    return WebhookEvent.fromJson(body, TOLERANT) as WebhookEvent
  } catch {
    return WebhookEvent.fromJson({
      ...readable(body, ['event', 'id', 'createdAt'], WebhookEvent),
      room: readable(body['room'], ['name', 'sid', 'metadata'], Room),
      participant: readable(
        withTexts(body['participant'], 'attributes'),
        ['sid', 'identity', 'kind', 'disconnectReason', 'attributes'],
        ParticipantInfo
      ),
      track: readable(body['track'], ['sid', 'type'], TrackInfo)
    }, TOLERANT) as WebhookEvent
  }
}

const TOLERANT = { ignoreUnknownFields: true }

function parseObject (text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as Json
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Those properties of a message that its type can read; null, which is absent, where there is no message. */
function readable (
  value: Json | undefined,
  names: readonly string[],
  type: { fromJson(json: Json, options: typeof TOLERANT): unknown }
): JsonObject | null {
  if (!isObject(value)) return null
  const kept: JsonObject = {}
  for (const name of names) {
    const property = value[name]
    if (property !== undefined && isReadable({ [name]: property }, type)) kept[name] = property
  }
  return kept
}

function isReadable (json: JsonObject, type: { fromJson(json: Json, options: typeof TOLERANT): unknown }): boolean {
  try {
    type.fromJson(json, TOLERANT)
    return true
  } catch {
    return false
  }
}

/** A message without those entries of a map that are no texts. */
function withTexts (value: Json | undefined, name: string): Json | undefined {
  if (!isObject(value) || !isObject(value[name])) return value
  const texts = Object.entries(value[name]).filter(([, text]) => typeof text === 'string')
  return { ...value, [name]: Object.fromEntries(texts) }
}

const KNOWN = [
  'room_started',
  'room_finished',
  'participant_joined',
  'participant_left',
  'participant_connection_aborted',
  'track_published',
  'track_unpublished'
] as const

/** What an event means to a call; undefined when it is about no room. */
export function fromWebhook (event: WebhookEvent): LiveKitEvent | undefined {
  const { room, participant, track } = event
  if (!room?.name) return undefined

  return {
    kind: 'livekit',
    room: room.name,
    what: KNOWN.find(name => name === event.event) ?? 'other',
    ...(event.id ? { id: event.id } : {}),
    ...(event.createdAt ? { madeAt: Number(event.createdAt) * 1000 } : {}),
    ...roomTime(room),
    ...(participant
      ? {
          participant: {
            sid: participant.sid,
            identity: participant.identity,
            kind: kindOf(event),
            reason: reasonOf(participant.disconnectReason),
            ...joinTime(participant),
            sip: sipAttributes(participant.attributes),
            voicemail: participant.kind === Kind.AGENT ? voicemailVerdict(participant.attributes) : undefined
          }
        }
      : {}),
    ...(track ? { track: track.type === TrackType.AUDIO ? 'AUDIO' as const : 'OTHER' as const } : {})
  }
}

/** Undefined also for a reason that is newer than this bridge. */
const reasonOf = (reason: DisconnectReason): string | undefined =>
  reason === DisconnectReason.UNKNOWN_REASON ? undefined : DisconnectReason[reason]

/**
 * LiveKit's names for what a SIP participant is (livekit/protocol livekit/attrs.go; `sip.h.` are the INVITE's X-
 * headers).
 */
export const sipAttributes = (attributes: Record<string, string>): SipAttributes => ({
  callStatus: attributeText(attributes['sip.callStatus']),
  callSid: attributeText(attributes['sip.h.x-lk-call']),
  called: attributeText(attributes['sip.trunkPhoneNumber']),
  dispatched: attributes['sip.ruleID'] !== undefined,
  callIds: ['sip.callID', 'sip.callIDFull'].map(name => attributeText(attributes[name])).filter(isThere),
  jambonzCallSid: attributeText(attributes['sip.h.x-call-sid'])
})

const isThere = (text: string | undefined): text is string => text !== undefined && text !== ''

/** What an agent says of who answered the call (docs/agents.md). */
export function voicemailVerdict (attributes: Record<string, string>): Voicemail['verdict'] | undefined {
  const verdict = attributes['bridge.voicemail']
  return verdict === 'human' || verdict === 'machine' ? verdict : undefined
}

/** Longest attribute that is read, characters: everybody in a room may write its attributes, and a SIP caller some. */
const LONGEST_ATTRIBUTE = 256

const attributeText = (text: string | undefined): string | undefined =>
  text === undefined || text.length > LONGEST_ATTRIBUTE ? undefined : cleanText(text)

/** Of a participant, events about tracks carry only sid and identity. */
function kindOf ({ event, participant }: WebhookEvent): 'SIP' | 'AGENT' | 'OTHER' | undefined {
  if (!participant || event.startsWith('track_')) return undefined
  if (participant.attributes['lk.publish_on_behalf'] !== undefined) return 'OTHER'
  if (participant.kind === Kind.SIP) return 'SIP'
  return participant.kind === Kind.AGENT ? 'AGENT' : 'OTHER'
}

/** When the room was made. Older servers tell it in whole seconds only. */
function roomTime ({ creationTimeMs, creationTime }: Room): { roomMadeAt?: number } {
  const ms = creationTimeMs > 0n ? Number(creationTimeMs) : Number(creationTime) * 1000
  return ms > 0 ? { roomMadeAt: ms } : {}
}

function joinTime ({ joinedAtMs, joinedAt }: ParticipantInfo): { joinedAt?: number } {
  const ms = joinedAtMs > 0n ? Number(joinedAtMs) : Number(joinedAt) * 1000
  return ms > 0 ? { joinedAt: ms } : {}
}
