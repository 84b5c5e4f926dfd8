import type { LogRule } from './log-rule.ts'

/** Lines of Jambonz' feature-server. */
export const FEATURE_SERVER_RULES: readonly LogRule[] = [
  {
    pattern: /URL parsing failed/i,
    code: 'log-url-parsing-failed',
    severity: 'failed',
    says: 'Jambonz could not use the URL of a hook, so it never sent it',
    todo: 'Give hooks as absolute URLs (PUBLIC_URL), or relative ones that begin with /',
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern: /Error retrieving or parsing application/i,
    code: 'log-application-refused',
    severity: 'failed',
    says: 'Jambonz could not use the reply to its call hook, and declined the caller',
    todo: 'The call hook must answer 200 with a JSON array of verbs that this version of Jambonz knows, within 10 s',
    cause: 'reply-refused',
    source: 'jambonz-feature-server lib/middleware.js'
  },
  {
    pattern: /no application or webhook url|no configured application/i,
    code: 'no-application',
    severity: 'failed',
    says: 'Jambonz has no application for the number that was called',
    todo: "Assign the application to the number in Jambonz' portal",
    source: 'jambonz-feature-server lib/middleware.js'
  },
  {
    pattern: /web callback returned unexpected status code (\d+)/i,
    code: 'log-hook-status',
    severity: 'failed',
    says: 'A hook was answered with a status that Jambonz does not take (only 200, 202 and 204)',
    todo: 'See that the URL reaches the bridge itself: no redirect, no login page, no missing path prefix',
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern:
      /web callback returned unexpected error|(?:hook|callback|requestor|notif).{0,500}?(?:UND_ERR|Headers ?Timeout|ECONNREFUSED|ENOTFOUND|other side closed)/i,
    code: 'log-hook-failed',
    severity: 'failed',
    says: 'A hook could not be delivered',
    todo: 'See that Jambonz reaches PUBLIC_URL: DNS, certificate, firewall, and an answer within 10 s',
    source: 'jambonz-feature-server lib/utils/http-requestor.js'
  },
  {
    pattern: /media server failure|crankback|no available (?:freeswitch|media)|error allocating endpoint/i,
    code: 'log-media-server',
    severity: 'failed',
    says: "Jambonz' media server did not take the call",
    todo: 'See that FreeSWITCH and rtpengine are up and not at their limits',
    cause: 'media-server-failed',
    source: 'jambonz-feature-server lib/session/call-session.js'
  },
  {
    pattern: /no (?:available )?SBCs?\b/i,
    code: 'log-no-sbc',
    severity: 'failed',
    says: 'feature-server found no SBC to dial through',
    todo: 'See that sbc-outbound runs and registers in Redis',
    cause: 'media-server-failed',
    source: 'jambonz-feature-server lib/utils/place-outdial.js'
  }
]
