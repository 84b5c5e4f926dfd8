import type { LogRule } from './log-rule.ts'

/** Two trunks for one call. livekit-server writes it, and livekit-sip repeats it. */
export const TRUNK_CONFLICT: LogRule = {
  pattern:
    /Conflicting inbound SIP Trunks(?:: Conflicting inbound SIP Trunks)?(?:: \\?"(ST_\w{1,40})\\?" and \\?"(ST_\w{1,40})\\?")?|Multiple (?:default )?SIP Trunks matched/i,
  code: 'log-trunk-conflict',
  severity: 'failed',
  says: ({ match: [, one, other] }) =>
    one && other ? `Two trunks list the same number: ${one} and ${other}` : 'Two trunks match the same call',
  todo: 'Keep one of them, or give each its own allowed_numbers; in a project of a bridge keep one wildcard trunk',
  command: 'bridge provision --list',
  cause: 'livekit-overloaded',
  source: 'livekit/protocol sip/sip.go'
}
