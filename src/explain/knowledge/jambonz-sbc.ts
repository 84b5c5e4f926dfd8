import type { LogRule } from './log-rule.ts'

/** Lines that sbc-inbound and sbc-outbound both write. */
export const JAMBONZ_SBC_RULES: readonly LogRule[] = [
  {
    pattern: /Failed to get \d{1,4} consecutive ports on interface|Ran out of ports\b/,
    code: 'log-rtpengine',
    severity: 'failed',
    says: 'rtpengine had no free port for the audio of the call',
    todo: 'Widen port-min and port-max of rtpengine, and see whether calls that have ended keep their ports',
    source: 'rtpengine daemon/media_socket.c'
  },
  {
    pattern: /^No available rtpengines, rejecting call/i,
    code: 'log-rtpengine',
    severity: 'failed',
    says: "Jambonz's SBC had no rtpengine for the audio, and answered 480",
    todo: 'See that rtpengine runs and is known to the SBC (JAMBONES_RTPENGINES, or its registration in Redis)',
    source: 'jambonz sbc-inbound lib/call-session.js, sbc-outbound lib/call-session.js'
  },
  {
    pattern:
      /rtpengine timeout|RtpEngineError|rtpengine (?:offer|answer) failed|rtpengine failed: |rtpengine play ?Dtmf failed/i,
    code: 'log-rtpengine',
    severity: 'failed',
    says: ({ match: [words] }) => /timeout/i.test(words)
      ? "rtpengine did not answer Jambonz's SBC in time, so the call failed"
      : "rtpengine gave Jambonz's SBC an error, so the call failed",
    todo:
      'See that rtpengine runs and is not overloaded, and that the SBC reaches its ng port (22222, UDP); look at ' +
      "rtpengine's log",
    source: 'jambonz rtpengine-utils, sbc-inbound lib/call-session.js'
  },
  {
    pattern: /No (?:connected )?clients found to handle incoming INVITE|No providers available for INVITE/,
    code: 'log-backend-down',
    severity: 'failed',
    says: 'drachtio had no application to give the INVITE to: none is connected to it',
    todo: 'See that sbc-inbound, sbc-outbound or feature-server runs and is connected to this drachtio',
    source: 'drachtio-server src/client-controller.cpp, src/pending-request-controller.cpp'
  },
  {
    pattern: /^checkLimits: (?:limits|account limits|service provider limits) exceeded/,
    code: 'log-limit-exceeded',
    severity: 'failed',
    says: line =>
      `Jambonz refused the call with 503 because ${limitText(line.match[0])} had as many calls as it may have`,
    todo: "Raise the limit of calls in Jambonz's portal, or see whether ended calls are still counted",
    source: 'jambonz sbc-inbound lib/middleware.js, sbc-outbound lib/middleware.js'
  },
  {
    pattern: /^checkLimits: no active subscription found for account/,
    code: 'log-account-refused',
    severity: 'failed',
    says: 'Jambonz refused the call with 503 because its account has no active subscription',
    todo: "Look at the account and its plan in Jambonz's portal",
    source: 'jambonz sbc-inbound lib/middleware.js, sbc-outbound lib/middleware.js'
  },
  {
    pattern: /^caller hungup before connecting(?: to feature server)?$/,
    code: 'log-caller-gave-up',
    severity: 'warning',
    says: 'The side that calls hung up before the call was connected',
    todo: 'That is normal after a short time. After a long one, find out what the call waited for',
    source: 'jambonz sbc-inbound lib/middleware.js, sbc-outbound lib/middleware.js'
  },
  {
    pattern: /Loop Detected/,
    code: 'log-loop',
    severity: 'failed',
    says: 'Jambonz found that the call comes back to itself, and answered 482',
    todo:
      'See where the dial leads: not to a realm, carrier or number of the same Jambonz that leads to the same ' +
      'application',
    source: 'jambonz sbc-inbound lib/middleware.js, sbc-outbound lib/middleware.js'
  }
]

const limitText = (words: string): string =>
  words.includes('service provider') ? 'the service provider' : 'the account'
