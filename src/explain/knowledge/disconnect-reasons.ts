/** What LiveKit's reason for the end of a SIP participant means. */
export interface DisconnectMeaning {
  /** Follows the name of the reason and a colon. */
  means: string
  todo?: string
}

/**
 * Why a call that LiveKit placed was not answered (livekit/sip pkg/sip/errors.go, classifyInviteError). Older versions
 * of livekit-sip name fewer reasons.
 */
export const UNANSWERED_REASONS: Readonly<Record<string, DisconnectMeaning>> = {
  SIP_TRUNK_FAILURE: {
    means: 'usually, the carrier of the outbound trunk answered with an error (5xx), did not answer at all, or its ' +
      'address could not be resolved or reached',
    todo: "Check address, transport and credentials of the outbound trunk. createSIPParticipant's error and the log " +
      'of livekit-sip name the SIP status'
  },
  USER_REJECTED: {
    means: 'the call was refused: busy (486), declined (603), not allowed (403), credentials not accepted (401, ' +
      '407), or no codec or encryption in common (488)',
    todo: "Look at the SIP status in createSIPParticipant's error (sip_status_code) or in the log of livekit-sip"
  },
  USER_UNAVAILABLE: {
    means: 'nobody answered in time, or the number is not known or not available (404, 408, 480)',
    todo: "Look at the SIP status in createSIPParticipant's error (sip_status_code) or in the log of livekit-sip"
  },
  MEDIA_FAILURE: {
    means: 'the two sides have no codec or encryption in common, or no audio came',
    todo: 'Compare media_encryption and codecs of the outbound trunk with what the carrier takes'
  }
}

/** Why any SIP participant left its room (livekit/protocol livekit_models.proto, DisconnectReason). */
export const LEAVING_REASONS: Readonly<Record<string, DisconnectMeaning>> = {
  CLIENT_INITIATED: { means: 'the SIP side hung up, or no audio came from it for too long' },
  DUPLICATE_IDENTITY: {
    means: 'another participant with the same identity joined the room, which ends the older one',
    todo: 'Give each SIP participant of a room an identity of its own: a rule makes it of the number of the caller'
  },
  SERVER_SHUTDOWN: { means: 'the LiveKit server was stopped' },
  PARTICIPANT_REMOVED: { means: 'somebody removed it over the API (RemoveParticipant)' },
  ROOM_DELETED: { means: 'somebody deleted the room over the API (DeleteRoom)' },
  ROOM_CLOSED: { means: 'the room was closed because nobody else was left in it' },
  STATE_MISMATCH: { means: 'LiveKit lost track of the connection' },
  JOIN_FAILURE: { means: 'it could not connect to the room', todo: 'Look at the log of livekit-sip' },
  MIGRATION: { means: 'LiveKit moved the connection to another server' },
  SIGNAL_CLOSE: {
    means: 'the connection between livekit-sip and LiveKit broke',
    todo: 'Look at the log of livekit-sip'
  },
  CONNECTION_TIMEOUT: { means: 'LiveKit heard nothing of it any more' },
  AGENT_ERROR: { means: 'the agent reported an error' },
  MEDIA_FAILURE: { means: 'no audio came from the SIP side for too long, or it could not be negotiated' },
  SIP_TRUNK_FAILURE: { means: 'the SIP trunk failed' },
  USER_REJECTED: { means: 'the SIP side refused the call' },
  USER_UNAVAILABLE: { means: 'nobody answered in time' }
}
