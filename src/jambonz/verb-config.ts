import type { Settings } from '../config.ts'

/** Jambonz retries a hook only when told to in the URL's fragment, which it keeps to itself (http-requestor.js). */
export const HOOK_RETRY = '#rc=2&rp=all'

/** What verbs are made with, besides the call. */
export interface VerbConfig {
  publicUrl: string
  sipHost: string
  sipTransport: 'udp' | 'tcp' | 'tls'
  sipAuth?: { username: string, password: string }
  srtp: boolean
  dialTimeoutS: number
  timeLimitS: number
  /** Empty: none. */
  ringbackTone: string
  /** Host or host:port on which Retell accepts SIP. */
  retellSipHost: string
  /** Returns the value of an environment variable that a routes file names. */
  secretOf(name: string): string | undefined
}

/**
 * What the verbs take from the settings.
 * @param secretOf reads an environment variable that a routes file names
 */
export const verbConfigOf = (settings: Settings, secretOf: VerbConfig['secretOf'] = () => undefined): VerbConfig => ({
  publicUrl: settings.PUBLIC_URL.replace(/\/+$/, ''),
  sipHost: settings.LIVEKIT_SIP_HOST,
  sipTransport: settings.LIVEKIT_SIP_TRANSPORT,
  sipAuth: settings.LIVEKIT_SIP_USERNAME && settings.LIVEKIT_SIP_PASSWORD
    ? { username: settings.LIVEKIT_SIP_USERNAME, password: settings.LIVEKIT_SIP_PASSWORD }
    : undefined,
  srtp: settings.LIVEKIT_SIP_SRTP,
  dialTimeoutS: settings.DIAL_TIMEOUT_S,
  timeLimitS: settings.MAX_CALL_DURATION_S,
  ringbackTone: settings.RINGBACK_TONE,
  retellSipHost: settings.RETELL_SIP_HOST,
  secretOf
})
