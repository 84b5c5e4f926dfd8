import { TrackType, WebhookReceiver, type WebhookEvent } from 'livekit-server-sdk'
import { DisconnectReason, ParticipantInfo_Kind as Kind } from '@livekit/protocol'
import { LiveKitSignatureError } from '../errors.ts'
import type { LiveKitEvent } from '../calls/events.ts'

export type ReceiveLiveKitEvent = (rawBody: string, authorization: string | undefined) => Promise<WebhookEvent>

/**
 * Verifies LiveKit's webhooks: a JWT of our API key over the SHA-256 of the raw body (livekit/protocol webhook/resource_url_notifier.go).
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

const KNOWN = ['room_started', 'room_finished', 'participant_joined', 'participant_left', 'participant_connection_aborted', 'track_published', 'track_unpublished'] as const

/** What an event means to a call; undefined when it is about no room. */
export function fromWebhook (event: WebhookEvent): LiveKitEvent | undefined {
  const { room, participant, track } = event
  if (!room?.name) return undefined
  return {
    kind: 'livekit',
    room: room.name,
    what: KNOWN.find(name => name === event.event) ?? 'other',
    ...(participant
      ? {
          participant: {
            sid: participant.sid,
            identity: participant.identity,
            kind: kindOf(event),
            reason: participant.disconnectReason === DisconnectReason.UNKNOWN_REASON ? undefined : DisconnectReason[participant.disconnectReason],
            sipCallStatus: participant.attributes['sip.callStatus']
          }
        }
      : {}),
    ...(track ? { track: track.type === TrackType.AUDIO ? 'AUDIO' as const : 'OTHER' as const } : {})
  }
}

/** Events about tracks carry sid and identity of the participant alone. */
function kindOf ({ event, participant }: WebhookEvent): 'SIP' | 'AGENT' | 'OTHER' | undefined {
  if (!participant || event.startsWith('track_')) return undefined
  return participant.kind === Kind.SIP ? 'SIP' : participant.kind === Kind.AGENT ? 'AGENT' : 'OTHER'
}
