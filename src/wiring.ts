import type { Rules } from './calls/rules.ts'
import type { Settings } from './config.ts'
import type { VerbConfig } from './jambonz/verb-config.ts'
import { createTokenOf } from './livekit/token.ts'

/** What the state machine takes from the settings. */
export const rulesOf = (settings: Settings): Rules => ({
  tokenOf: createTokenOf(settings.LIVEKIT_API_SECRET),
  roomPrefix: settings.LIVEKIT_ROOM_PREFIX,
  app: { agent: settings.LIVEKIT_AGENT_NAME, metadata: settings.AGENT_METADATA ?? '', fallbackNumber: settings.FALLBACK_NUMBER },
  dialTimeoutS: settings.DIAL_TIMEOUT_S,
  timeLimitS: settings.MAX_CALL_DURATION_S,
  retentionS: settings.CALL_RETENTION_S,
  callControl: settings.JAMBONZ_API_KEY !== undefined
})

/** What the verbs take from the settings. */
export const verbConfigOf = (settings: Settings): VerbConfig => ({
  publicUrl: settings.PUBLIC_URL.replace(/\/+$/, ''),
  sipHost: settings.LIVEKIT_SIP_HOST,
  sipTransport: settings.LIVEKIT_SIP_TRANSPORT,
  sipAuth: settings.LIVEKIT_SIP_USERNAME && settings.LIVEKIT_SIP_PASSWORD ? { username: settings.LIVEKIT_SIP_USERNAME, password: settings.LIVEKIT_SIP_PASSWORD } : undefined,
  srtp: settings.LIVEKIT_SIP_SRTP,
  dialTimeoutS: settings.DIAL_TIMEOUT_S,
  timeLimitS: settings.MAX_CALL_DURATION_S,
  ringbackTone: settings.RINGBACK_TONE
})
