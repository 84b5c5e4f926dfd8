/*
 * Why calls end, in plain words. docs/troubleshooting.md has a section for each cause.
 */

/**
 * The causes in the order in which they are offered: what went wrong first, as that is what people look for.
 * @type {Record<'wrong' | 'expected', { title: string, causes: Record<string, string> }>}
 */
export const CAUSE_GROUPS = {
  wrong: {
    title: 'Something went wrong',
    causes: {
      'caller-gave-up': 'The caller hung up before anybody answered',
      'no-agent': 'No agent joined the room',
      'agent-without-audio': 'The agent joined and published no audio',
      'agent-lost': 'The agent left during the call',
      'agent-gave-up': 'The agent’s call was ended before an answer',
      'media-lost': 'No audio came from the caller',
      'media-mismatch': 'No common codec or encryption',
      'sip-unreachable': 'LiveKit or the SIP address was not reached',
      'livekit-no-route': 'LiveKit has no trunk or rule for the call',
      'livekit-refused-credentials': 'LiveKit refused user name and password',
      'livekit-overloaded': 'LiveKit could take no call',
      'livekit-failed': 'LiveKit failed in another way',
      'room-closed': 'The room was closed while it rang',
      'dial-timeout': 'Nobody answered in time',
      busy: 'Busy',
      declined: 'Declined',
      'number-unobtainable': 'The number does not exist or has no route',
      'carrier-failed': 'The carrier failed or did not respond',
      'retell-failed': 'Retell did not register the call',
      'media-server-failed': 'Jambonz’ media server took no call',
      'reply-refused': 'Jambonz did not run the bridge’s reply',
      'transfer-failed': 'The carrier did not carry out the transfer',
      'not-placed': 'Jambonz did not place the ordered call',
      'not-allowed': 'The number policy refused the call',
      capacity: 'MAX_CALLS calls were under way',
      draining: 'The bridge was shutting down',
      'bridge-error': 'The bridge failed',
      lost: 'No event shows how it ended'
    }
  },
  expected: {
    title: 'Ended as calls do',
    causes: {
      'caller-hung-up': 'The caller hung up',
      'agent-hung-up': 'The agent hung up',
      'callee-hung-up': 'The callee hung up',
      'person-hung-up': 'The person hung up after a transfer',
      'operator-hung-up': 'Ended over an API',
      transferred: 'Transferred to somebody else',
      redirected: 'Jambonz sent the caller elsewhere',
      'transfer-cancelled': 'The transfer was cancelled',
      'caller-gone': 'The caller of a transfer had left',
      'no-answer': 'The callee did not answer',
      'machine-answered': 'A machine answered',
      'time-limit': 'The time limit was reached',
      announced: 'Ended with an announcement'
    }
  }
}

/** @type {Record<string, string>} */
const WORDS = { ...CAUSE_GROUPS.wrong.causes, ...CAUSE_GROUPS.expected.causes }

/** A cause in plain words; one that this page does not know, as it is. @param {string} cause */
export const causeInWords = cause => WORDS[cause] ?? cause
