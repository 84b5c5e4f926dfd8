import { valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

export const ROUTE =
  'Compare toUser, fromUser and fromIP of the call with the inbound trunk and the rule: an exact match, including ' +
  '+; inbound_numbers of a rule are callers'

export const NO_TRUNK = 'LiveKit received the INVITE and found no inbound trunk for it.'
export const NO_RULE = 'LiveKit received the INVITE and found no dispatch rule for it.'

/** Whose call it is, as trunk and rule see it. */
export function partiesText (line: LoggedLine): string {
  const parties = [
    ['to', valueOf(line, 'toUser')],
    ['from', valueOf(line, 'fromUser')],
    ['at', valueOf(line, 'fromIP', 'src')]
  ].filter(([, value]) => value !== '').map(words => words.join(' '))
  return parties.length > 0 ? ` (${parties.join(' ')})` : ''
}

/** Two trunks for one call. livekit-server writes it, and livekit-sip repeats it. */
const TRUNK_CONFLICT: LogRule = {
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

const RULE_MATCHED = /^SIP dispatch rule matched\b/

/** How a call found its trunk and its rule. Both servers write such lines. */
export const SIP_MATCH_RULES: readonly LogRule[] = [
  TRUNK_CONFLICT,
  {
    pattern: /No SIP trunk matched|no trunk found|(?:doesn't|does not) match any (?:SIP )?Trunks/i,
    code: 'log-no-trunk',
    severity: 'failed',
    says: line => `LiveKit found no inbound trunk for this call${partiesText(line)}`,
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    meaning: NO_TRUNK,
    // A rule without trunks may have taken the call.
    unless: ({ call, others }) => call.has(RULE_MATCHED) || others.has(RULE_MATCHED),
    source: 'livekit/sip pkg/sip/inbound.go'
  },
  {
    pattern: /doesn't match any Dispatch Rules|no-dispatch|Does not match Trunks or Dispatch Rules/i,
    code: 'log-no-rule',
    severity: 'failed',
    says: line => `No dispatch rule matched${partiesText(line)}`,
    todo: ROUTE,
    command: 'bridge provision --plan',
    cause: 'livekit-no-route',
    // Without a trunk a rule may have been missing, or the trunk.
    meaning: ({ match: [words] }) => /Trunks or/i.test(words) ? undefined : NO_RULE,
    source: 'livekit/sip pkg/sip/inbound.go, livekit/protocol sip/sip.go'
  }
]
