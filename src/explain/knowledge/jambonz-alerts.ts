import type { LogRule } from './log-rule.ts'

const SOURCE = 'jambonz time-series index.js'

/** Alerts of Jambonz, by their type. Their texts are time-series' own. */
export const JAMBONZ_ALERT_RULES: readonly LogRule[] = [
  {
    pattern: /^webhook-failure\b.{0,1500}?\breturned (\d{3})\b/,
    code: 'log-hook-status',
    severity: 'failed',
    says: ({ match }) => `A webhook of Jambonz was answered with ${match[1]}, which Jambonz does not take`,
    todo: 'See that the URL reaches the bridge itself: no redirect, no login page, no missing path prefix',
    source: SOURCE
  },
  {
    pattern: /^webhook-(?:failure|url-notfound)\b/,
    code: 'log-hook-status',
    severity: 'failed',
    says: 'The server of a webhook answered with a status that Jambonz does not take',
    todo: 'See that the URL reaches the bridge itself: no redirect, no login page, no missing path prefix',
    source: SOURCE
  },
  {
    pattern: /^webhook-auth-failure\b/,
    code: 'log-hook-status',
    severity: 'failed',
    says: 'The server of a webhook did not accept the user name and password that Jambonz sent',
    todo: "Compare the webhook's user name and password in Jambonz's application with what the server expects",
    source: SOURCE
  },
  {
    pattern: /^webhook-connection-failure\b/,
    code: 'log-hook-failed',
    severity: 'failed',
    says: 'Jambonz could not deliver a webhook',
    todo: 'See that Jambonz reaches PUBLIC_URL: DNS, certificate, firewall, and an answer within 10 s',
    source: `${SOURCE}, jambonz-feature-server lib/utils/http-requestor.js`
  },
  {
    pattern: /^invalid-app-payload\b/,
    code: 'log-application-refused',
    severity: 'failed',
    says: 'Jambonz could not use what a webhook was answered with, or got no answer',
    todo: 'The call hook must answer 200 with a JSON array of verbs that this version of Jambonz knows, within 10 s',
    source: `${SOURCE}, jambonz-feature-server lib/middleware.js`
  },
  {
    pattern: /^no-carrier\b/,
    code: 'log-no-carrier',
    severity: 'failed',
    says: 'Jambonz was to dial a number, and the account has no outbound carrier',
    todo: "Add a carrier with an outbound gateway in Jambonz's portal",
    source: SOURCE
  },
  {
    pattern: /^(?:account|service-provider)-call-limit\b/,
    code: 'log-limit-exceeded',
    severity: 'failed',
    says: 'Jambonz refused calls with 503: the limit of calls at the same time was reached',
    todo: "Raise the limit of calls in Jambonz's portal, or find calls that never ended",
    source: `${SOURCE}, jambonz sbc-inbound lib/middleware.js`
  },
  {
    pattern: /^(?:account|service-provider)-(?:device|api)-limit\b/,
    code: 'alert-limit',
    severity: 'failed',
    says: 'A limit of the account for registered devices or API requests was reached',
    todo: "Raise the limit in Jambonz's portal",
    source: SOURCE
  },
  {
    pattern: /^(?:account is inactive or suspended|account-inactive)\b/,
    code: 'alert-account',
    severity: 'failed',
    says: 'The account in Jambonz is inactive or suspended: its calls are refused',
    todo: "Activate the account in Jambonz's portal",
    source: SOURCE
  },
  {
    pattern: /^wallet-(?:low-balance|depleted|recharge-failed)\b/,
    code: 'alert-account',
    severity: 'failed',
    says: 'The prepaid balance of the account in Jambonz is low or used up',
    todo: 'Add funds: calls over carriers of Jambonz stop without them',
    source: SOURCE
  },
  {
    pattern: /^no-(tts|stt|llm|krisp)\b/,
    code: 'alert-speech',
    severity: 'failed',
    says: ({ match }) => `Jambonz has no credentials for what a call needed (${SPEECH[match[1] ?? ''] ?? 'a vendor'})`,
    todo: "Add the vendor's credentials in Jambonz's portal, under Speech. A dial to LiveKit needs none: a say, " +
      'gather or transcribe verb does',
    source: SOURCE
  },
  {
    pattern: /^(tts|stt|llm)(?:-streaming-connection)?-failure\b/,
    code: 'alert-speech',
    severity: 'failed',
    says: ({ match }) => `A vendor that Jambonz used for a call failed (${SPEECH[match[1] ?? ''] ?? 'a vendor'})`,
    todo: "Check the vendor's credentials and state. A dial to LiveKit uses none: a say, gather or transcribe verb " +
      'does',
    source: SOURCE
  },
  {
    pattern: /^play-url-notfound\b/,
    code: 'alert-play',
    severity: 'failed',
    says: 'Jambonz was to play a file that it did not find',
    todo: 'Open the URL of the play verb from the host of feature-server',
    source: `${SOURCE}, jambonz-feature-server lib/tasks/play.js`
  },
  {
    pattern: /^[\s\S]/,
    code: 'jambonz-alert',
    severity: 'warning',
    says: 'Jambonz has an alert',
    source: SOURCE
  }
]

const SPEECH: Readonly<Record<string, string>> = {
  tts: 'text to speech',
  stt: 'speech to text',
  llm: 'a language model',
  krisp: 'noise cancellation'
}
