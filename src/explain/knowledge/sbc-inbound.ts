import { JAMBONZ_BACKEND_RULES } from './jambonz-backends.ts'
import { JAMBONZ_SBC_RULES } from './jambonz-sbc.ts'
import { captured, valueOf, type LoggedLine, type LogRule } from './log-rule.ts'

/** Lines of sbc-inbound, and of the registrar (sbc-sip-sidecar) beside it. */
export const SBC_INBOUND_RULES: readonly LogRule[] = [
  ...JAMBONZ_SBC_RULES,
  {
    pattern: /^No available feature servers(?:, rejecting call| to handle incoming call)/i,
    code: 'no-feature-server',
    severity: 'failed',
    says: "Jambonz's SBC knew no feature-server, and answered 480",
    todo: 'See that feature-server runs, reaches Redis and sends OPTIONS to the SBC, and is not drained',
    source: 'jambonz sbc-inbound lib/call-session.js, lib/fs-tracking.js'
  },
  {
    pattern: /^call failed to connect to feature server with (\d{3})/,
    code: 'log-feature-server-refused',
    severity: ({ match: [, status] }) => status === '487' ? 'warning' : 'failed',
    says: line => `feature-server did not take the caller: it answered ${captured(line)}${refusalText(captured(line))}`,
    todo:
      'Look at the lines of feature-server for the same call: the Call-ID there is sbcCallid, and X-Reason tells ' +
      'more',
    source: 'jambonz sbc-inbound lib/call-session.js'
  },
  {
    pattern: /rejecting call from carrier because DID has not been provisioned/i,
    code: 'log-number-unknown',
    severity: 'failed',
    says: 'Jambonz knows the carrier, and not the number (DID) that was called: it answered 404',
    todo:
      "Add the number in Jambonz's portal in exactly the form in which the carrier sends it, and give it an " +
      'application',
    source: 'jambonz sbc-inbound lib/middleware.js'
  },
  {
    pattern:
      /multiple (?:accounts have added this carrier|carriers with the same gateway have the same number)|^multiple gateways match source address/i,
    code: 'log-carrier-ambiguous',
    severity: 'failed',
    says: 'Several carriers or accounts in Jambonz claim this call, so Jambonz refused it with 503',
    todo: "In Jambonz's portal keep the carrier's address, or the number, in one carrier of one account",
    source: 'jambonz sbc-inbound lib/db-utils.js'
  },
  {
    pattern: /^identifyAccount: incoming user call/,
    code: 'log-caller-unknown',
    severity: 'warning',
    says: line =>
      `Jambonz took the call for one of a registered phone, because the address it came from${addressText(line)} is ` +
      'no gateway of a carrier: it asks for a user name and password (401), or answers 404 if the realm is unknown',
    todo: "If a carrier calls from there: add that address to its inbound gateways in Jambonz's portal",
    source: 'jambonz sbc-inbound lib/middleware.js'
  },
  {
    pattern: /^identifyAccount: static IP for \S{1,60} but call for /,
    code: 'log-account-refused',
    severity: 'failed',
    says: 'This SBC serves another account than the one that the call is for, and answered 404',
    todo: 'Send the call to the SBC of its account, or look at SBC_ACCOUNT_SID',
    source: 'jambonz sbc-inbound lib/middleware.js'
  },
  {
    pattern: /^Error from calling auth callback\b|^Error \S[^\n]{0,200}, rejecting with 403/,
    code: 'log-caller-refused',
    severity: 'failed',
    says: 'Jambonz could not check the credentials of a caller, and refused it',
    todo: 'See that the registration hook of the account answers, and what',
    source: 'jambonz digest-utils index.js'
  },
  {
    pattern:
      /^rejecting REGISTER from |checkAccountLimits: (?:rejecting register for unknown sip realm|device calling not allowed|registration rejected due to limits)/,
    code: 'log-register-refused',
    severity: 'failed',
    says: 'A phone could not register with Jambonz',
    todo:
      "Let it register with the SIP realm of the account (not with an address), and see the account's limit of " +
      'devices',
    source: 'jambonz sbc-sip-sidecar lib/middleware.js'
  },
  {
    pattern: /: got ([3-6]\d\d) registering to |^Deactivating carrier .{1,80} due to registration errors|: Error registering to /,
    code: 'log-carrier-registration',
    severity: 'failed',
    says: line =>
      `Jambonz could not register with a carrier${captured(line) === '' ? '' : `: it answered ${captured(line)}`}`,
    todo:
      "Compare user, password, realm and address of the carrier's registration in Jambonz's portal with the " +
      "carrier's own",
    source: 'jambonz sbc-sip-sidecar lib/regbot.js'
  },
  {
    pattern: /^unexpected error routing inbound call|^hit top-level error handler|^error checking limits error for inbound call/i,
    code: 'log-sbc-failed',
    severity: 'failed',
    says: "Jambonz's SBC failed while it handled the call",
    todo: 'Look at the error in that line, and at the versions of the SBC and its servers',
    source: 'jambonz sbc-inbound lib/call-session.js, app.js'
  },
  ...JAMBONZ_BACKEND_RULES
]

const addressText = (line: LoggedLine): string => {
  const address = valueOf(line, 'source_address')
  return address === '' ? '' : ` (${address})`
}

/** What feature-server means by it (feature-server lib/middleware.js, lib/session/inbound-call-session.js). */
function refusalText (status: string): string {
  switch (status) {
    case '480':
      return '. It does so when it cannot use the reply to the call hook, or when its media server failed'
    case '487':
      return ', because the caller hung up first'
    case '488':
      return ', because its media server took nothing of what the SDP offers'
    case '503':
      return '. It does so for an account that is inactive or unknown'
    case '603':
      return '. It does so when the application ends without an answer to the call'
    case '404':
      return '. It does so when the number has no application'
    default:
      return ''
  }
}
