import { dialledTodo, dialledWords, toLiveKit } from './dialled.ts'
import { JAMBONZ_BACKEND_RULES } from './jambonz-backends.ts'
import { JAMBONZ_SBC_RULES } from './jambonz-sbc.ts'
import { type LoggedLine, type LogRule } from './log-rule.ts'

/** Who was dialled, where a line of the call tells it. */
function whoText ({ call }: LoggedLine): string {
  if (toLiveKit(call)) return 'LiveKit'
  if (call.has(/^sending INVITE to \S{1,200} via carrier /)) return 'The carrier'
  return 'The side that Jambonz dialled, a carrier or LiveKit,'
}

const NO_WAY = /^no outbound (?:carriers|gateways) found for /

/** Lines of sbc-outbound. */
export const SBC_OUTBOUND_RULES: readonly LogRule[] = [
  ...JAMBONZ_SBC_RULES,
  {
    pattern: /^no outbound (carriers|gateways) found for (?:account_sid (\S{1,60})|requested carrier)/,
    code: 'log-no-carrier',
    severity: 'failed',
    says: line => line.match[1] === 'carriers'
      ? `Jambonz has no carrier for the outbound call${accountText(line.match[2])}, and answered 603`
      : 'The carrier that was asked for has no outbound gateway, so Jambonz answered 603',
    todo:
      "In Jambonz's portal give the account a carrier with an active outbound gateway, or name it in the dial " +
      '(trunk)',
    source: 'jambonz sbc-outbound lib/call-session.js'
  },
  {
    pattern: /^final call failure\s{1,4}(\d{3})/,
    code: 'log-carrier-refused',
    severity: ({ match: [, status] }) => status === '487' ? 'warning' : 'failed',
    says: line => `${whoText(line)} ended the outbound call with ${dialledWords(line)}`,
    todo: dialledTodo,
    // Jambonz's own refusal, told by the line before.
    unless: ({ call }) => call.has(NO_WAY),
    source: 'jambonz sbc-outbound lib/call-session.js'
  },
  {
    pattern: /^got (\d{3}), cranking back to next destination/,
    code: 'log-crankback',
    severity: 'warning',
    says: line => `One gateway refused with ${dialledWords(line)}: Jambonz tried the next one`,
    todo: 'Nothing is lost if the next one took the call: look for the line after it',
    source: 'jambonz sbc-outbound lib/call-session.js'
  },
  {
    pattern: /returning 404 to (unregistered user in valid|user in invalid) domain/,
    code: 'log-not-registered',
    severity: 'failed',
    says: ({ match: [, who = ''] }) => who.startsWith('unregistered')
      ? 'Jambonz dialled a user who is not registered, and answered 404'
      : 'Jambonz dialled a user of a domain that is no SIP realm of its, and answered 404',
    todo: 'See that the phone is registered with the SIP realm of the account, and dial user@realm',
    source: 'jambonz sbc-outbound lib/middleware.js'
  },
  {
    pattern: /^(?:missing X-Account-Sid on outbound call|missing X-Jambonz-Routing header|invalid request-uri on outbound call)/,
    code: 'log-sbc-refused',
    severity: 'failed',
    says: "Jambonz's SBC refused an INVITE that does not come from its feature-server as it should",
    todo: 'Let only feature-server send to the inner port of the SBC; carriers and phones call the outer one',
    source: 'jambonz sbc-outbound lib/middleware.js'
  },
  {
    pattern: /^(?:Error performing lcr|unexpected call failure|Error setting up outbound call to: |CallSession error sending INVITE)/,
    code: 'log-sbc-failed',
    severity: 'failed',
    says: "Jambonz's SBC failed while it dialled",
    todo: 'Look at the error in that line: a gateway whose name does not resolve, a wrong LCR, or rtpengine',
    source: 'jambonz sbc-outbound lib/call-session.js'
  },
  ...JAMBONZ_BACKEND_RULES
]

const accountText = (account: string | undefined): string => account === undefined ? '' : ` of account ${account}`
