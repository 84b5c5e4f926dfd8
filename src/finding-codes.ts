import { CAUSES } from './calls/call.ts'

/** What `bridge explain` says of files and of the calls in them, beside causes and the codes that others have too. */
export const EXPLAIN_CODES = [
  'file-not-found', 'file-unreadable', 'empty-file', 'not-a-capture', 'capture-unknown-link', 'no-sip', 'nothing-known',
  'capture-truncated', 'capture-damaged', 'capture-cut-frames', 'capture-gaps', 'lines-cut', 'left-out', 'sip-encrypted', 'clocks-not-comparable',
  'no-call', 'no-such-call', 'carrier-leg-only', 'agent-leg-only', 'room-only', 'still-going', 'not-told-apart', 'no-call-header',
  'offered-media', 'private-media-address', 'audio-both-ways', 'audio-one-way',
  'refer-accepted', 'refer-refused', 'refer-failed', 'refer-unanswered',
  'call-hook-refused', 'hook-refused', 'slow-call-hook', 'hooks-missing',
  'dial-failed', 'no-feature-server', 'sbc-silent', 'sbc-wants-credentials', 'no-application', 'livekit-dialled',

  // Log lines that say it: the same may be found without a log, under a code of its own
  'log-flood', 'log-no-trunk', 'log-no-rule', 'log-wrong-pin', 'log-trunk-conflict', 'log-cannot-subscribe', 'log-no-worker', 'log-media-timeout',
  'log-media-mismatch', 'log-media-failed', 'log-no-ack', 'log-overloaded', 'log-join-failed', 'log-bad-credentials', 'log-url-parsing-failed', 'log-application-refused', 'log-hook-status',
  'log-hook-failed', 'log-media-server', 'log-no-sbc'
] as const

/**
 * The code of every finding: a thing that two commands find has one code, and a cause of a call is a code too. docs/troubleshooting.md
 * says of each what it means, its signals and what to do; a test compares it with this list.
 */
export const FINDING_CODES = [
  ...CAUSES,

  // Settings and access
  'settings-unusable', 'uri-unusable', 'interrupted', 'consent-needed', 'unsettled',
  'livekit-unreachable', 'livekit-key-refused', 'livekit-key-without-sip', 'livekit-without-redis', 'livekit-refused', 'livekit-object-gone',
  'not-livekit', 'clock-skew',

  // SIP host and transport
  'sip-host-ok', 'sip-host-form', 'sip-host-foreign', 'sip-host-cloud', 'sip-host-retell', 'sip-host-websocket', 'sip-host-websocket-label',
  'sip-host-websocket-suffix', 'sip-host-unresolved', 'sip-host-silent',
  'sip-refused', 'sip-connection-closed', 'tls-failed', 'large-udp-invite', 'options-answered', 'scl-is-no-address', 'sip-credentials-missing',

  // Trunk and rule
  'inbound-trunk-ok', 'dispatch-rule-ok', 'outbound-trunk-ok',
  'trunk-conflict', 'rule-conflict', 'prefix-conflict',
  'trunk-half-credentials', 'trunk-open', 'trunk-addresses-dropped', 'trunk-addresses-with-port', 'trunk-callers-restricted', 'trunk-all-headers',
  'trunk-without-rule',
  'rule-without-trunks', 'rule-unknown-trunk', 'rule-inbound-numbers', 'rule-without-prefix', 'rule-same-prefix', 'rule-unknown-kind',
  'outbound-livekit', 'outbound-retell',

  // Jambonz
  'jambonz-unreachable', 'jambonz-key-refused', 'jambonz-refused',
  'application-skipped', 'application-elsewhere', 'application-numbers', 'application-without-numbers',
  'jambonz-no-record', 'jambonz-leg', 'jambonz-no-trace', 'jambonz-trace', 'jambonz-x-reason', 'jambonz-alert', 'jambonz-no-alert',

  // Calls of the probe
  'answered', 'audio-heard', 'audio-silent', 'audio-missing', 'hung-up-early', 'bye-unanswered', 'room-deleted', 'room-not-deleted',
  'room-in-use', 'probe-cannot-listen',

  // Checks of the doctor: add a code here when a check gets one, and its row to the docs
  'check-timeout', 'check-failed', 'check-not-stopped', 'livekit-not-read',
  'livekit-api-ok', 'livekit-key-without-rooms', 'clock-ok', 'clock-unknown', 'sip-host-address', 'sip-not-asked',
  'trunk-and-rule-ok', 'trunk-missing', 'trunk-second', 'trunk-numbers', 'trunk-credentials', 'trunk-ringing-timeout', 'trunk-media', 'trunk-drift',
  'rule-missing', 'rule-second', 'rule-target', 'rule-trunks', 'rule-numbers', 'rule-agent', 'rule-drift', 'sip-credentials-unset',
  'project-ok', 'matching-ok', 'other-room', 'rule-pin', 'matching-callers', 'matching-addresses',
  'agent-ready', 'agent-slow', 'agent-not-dispatched', 'agent-job-without-join',
  'livekit-events-arrive', 'livekit-events-missing', 'jambonz-call-arrives', 'jambonz-call-lost',
  'public-url-ok', 'public-url-unreachable', 'public-url-not-bridge', 'public-url-path', 'public-url-local', 'public-url-http', 'public-url-redirects',
  'public-url-other-bridge', 'application-form-hidden', 'hook-paths-closed', 'hook-signature-refused', 'hooks-unsigned',
  'application-ok', 'application-missing', 'application-differs', 'webhook-secret-fits', 'webhook-secret-differs', 'webhook-secret-unknown',
  'jambonz-not-asked', 'jambonz-alerts', 'jambonz-alerts-none',
  'redis-unused', 'redis-ok', 'redis-unusable', 'redis-old', 'redis-slow', 'redis-evicts', 'redis-cluster',
  'runtime-ok', 'node-old', 'livekit-sdk-old', 'settings-unwise',

  ...EXPLAIN_CODES
] as const
export type FindingCode = typeof FINDING_CODES[number]
