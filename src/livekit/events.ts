import { TrackType, WebhookReceiver, type WebhookEvent } from 'livekit-server-sdk'
import { DisconnectReason, ParticipantInfo_Kind as Kind } from '@livekit/protocol'
import { LiveKitSignatureError } from '../errors.ts'
import type { LiveKitEvent, SipAttributes } from '../calls/fold/events.ts'

export type ReceiveLiveKitEvent = (rawBody: string, authorization: string | undefined) => Promise<WebhookEvent>

/**
 * Verifies LiveKit's webhooks: a JWT of our API key over the SHA-256 of the raw body (livekit/protocol
 * webhook/resource_url_notifier.go).
 * @throws {LiveKitSignatureError} whatever was wrong
 */
export function createLiveKitEventReceiver (apiKey: string, apiSecret: string): ReceiveLiveKitEvent {
  const receiver = new WebhookReceiver(apiKey, apiSecret)
  return async (rawBody, authorization) => {
    if (!authorization) throw new LiveKitSignatureError()
    try {
      return await receiver.receive(rawBody, authorization.replace(/^Bearer /i, ''))
    } catch {
      throw new LiveKitSignatureError()
    }
  }
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
    ...(participant
      ? {
          participant: {
            sid: participant.sid,
            identity: participant.identity,
            kind: kindOf(event),
            reason: participant.disconnectReason === DisconnectReason.UNKNOWN_REASON
              ? undefined
              : DisconnectReason[participant.disconnectReason],
            sip: sipAttributes(participant.attributes)
          }
        }
      : {}),
    ...(track ? { track: track.type === TrackType.AUDIO ? 'AUDIO' as const : 'OTHER' as const } : {})
  }
}

/**
 * LiveKit's names for what a SIP participant is (livekit/protocol livekit/attrs.go; `sip.h.` are the INVITE's X-
 * headers).
 */
export const sipAttributes = (attributes: Record<string, string>): SipAttributes => ({
  callStatus: attributes['sip.callStatus'],
  callSid: attributes['sip.h.x-lk-call'],
  called: attributes['sip.trunkPhoneNumber'],
  dispatched: attributes['sip.ruleID'] !== undefined
})

/** Events about tracks carry sid and identity of the participant alone. */
function kindOf ({ event, participant }: WebhookEvent): 'SIP' | 'AGENT' | 'OTHER' | undefined {
  if (!participant || event.startsWith('track_')) return undefined
  if (participant.attributes['lk.publish_on_behalf'] !== undefined) return 'OTHER'
  return participant.kind === Kind.SIP ? 'SIP' : participant.kind === Kind.AGENT ? 'AGENT' : 'OTHER'
}
