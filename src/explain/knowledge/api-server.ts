import { JAMBONZ_BACKEND_RULES } from './jambonz-backends.ts'
import { captured, type LogRule } from './log-rule.ts'

/** feature-server answers createCall, and words its errors in the same way. */
export const API_REFUSED: LogRule = {
  pattern: /^(?:Database error|invalid client request|unprocessable request): ([^\n]{1,200})/,
  code: 'log-api-call-failed',
  severity: 'failed',
  says: line => `A request to Jambonz's REST API was refused: ${captured(line)}`,
  todo: 'Correct the request: the error names the property',
  unless: ({ match: [, error = ''] }) => /ECONNREFUSED|ETIMEDOUT|ER_[A-Z]/.test(error),
  source: 'jambonz-feature-server lib/http-routes/error.js, jambonz-api-server lib/routes/error.js'
}

/** Lines of Jambonz's api-server about calls. */
export const API_SERVER_RULES: readonly LogRule[] = [
  {
    pattern: /^No available feature servers (?:to handle createCall API request|at this time)|^getFsUrl: error retreving feature servers/i,
    code: 'no-feature-server',
    severity: 'failed',
    says: "Jambonz's API knew no feature-server to make the call with, and answered 480",
    todo: 'See that feature-server runs, reaches the same Redis as api-server, and has registered there',
    source: 'jambonz-api-server lib/routes/api/accounts.js'
  },
  {
    pattern: /^(?:Error sending createCall POST to|Non-success response returned by createCall) /,
    code: 'log-api-call-failed',
    severity: 'failed',
    says: 'feature-server did not make the call that the API asked for',
    todo: "Look at feature-server's log at that moment: the number, the carrier, or no SBC to dial through",
    source: 'jambonz-api-server lib/routes/api/accounts.js'
  },
  {
    pattern: /^Error sending updateCall POST to \S{1,300}, status: (\d{3})/,
    code: 'log-api-call-failed',
    severity: 'failed',
    says: ({ match: [, status] }) => `feature-server answered ${status} to a change of a running call`,
    todo: 'A 404 means that the call had ended by then',
    source: 'jambonz-api-server lib/routes/api/accounts.js'
  },
  API_REFUSED,
  ...JAMBONZ_BACKEND_RULES
]
