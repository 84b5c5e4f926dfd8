import type { FindingCode } from '../finding-codes.ts'
import type { WaitsFor } from './check.ts'

const explainedBy = (check: string, ...explains: FindingCode[]): WaitsFor => ({ check, explains })

/** A LiveKit API that cannot be used fails everything that asks it. */
export const WAITS_FOR_LIVEKIT_API = explainedBy(
  'livekit-api',
  'livekit-unreachable',
  'livekit-url-scheme',
  'livekit-key-refused',
  'livekit-key-without-rooms',
  'livekit-failed',
  'livekit-refused',
  'not-livekit',
  'clock-skew',
  'room-not-deleted'
)

/** Without a SIP host that answers no call arrives. */
export const WAITS_FOR_SIP_HOST = ['sip-host', 'sip-reach'].map(check =>
  explainedBy(check, 'sip-unreachable', 'jambonz-call-lost', 'livekit-no-route')
)

/** What a wrong trunk or rule does to a call. */
export const WAITS_FOR_TRUNK_AND_RULE = explainedBy(
  'trunk-and-rule',
  'livekit-no-route',
  'livekit-refused-credentials',
  'livekit-overloaded',
  'sip-unreachable',
  'trunk-conflict',
  'rule-without-trunks',
  'rule-pin',
  'other-room',
  'matching-callers',
  'media-mismatch',
  'room-closed',
  'jambonz-call-lost'
)

/** A Jambonz API that cannot be used fails everything that asks it. */
export const WAITS_FOR_JAMBONZ_API = explainedBy(
  'application',
  'jambonz-unreachable',
  'jambonz-key-refused',
  'jambonz-refused'
)
