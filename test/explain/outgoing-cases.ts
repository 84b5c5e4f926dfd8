import type { EXPLAIN_CODES } from '../../src/finding-codes.ts'

/** SIP as text, of calls that LiveKit or Jambonz dial: made from the forms that servers.md and livekit/sip show. */

const CARRIER = '203.0.113.80:5060'
const OURS = '198.51.100.7:5060'

export interface OutgoingLeg {
  callId?: string
  from?: string
  fromTag?: string
  to?: string
  host?: string
  headers?: string
  /** Who sends it: address and port. */
  source?: string
  destination?: string
  /** Added to all times, milliseconds. */
  at?: number
}

/** Milliseconds since the INVITE, start line, more headers. A response goes back. */
export type Said = [at: number, start: string, headers?: string, more?: { back?: boolean, cseq?: string, tag?: string }]

const OFFER =
  'v=0\r\no=- 7 7 IN IP4 198.51.100.7\r\ns=-\r\nc=IN IP4 198.51.100.7\r\nt=0 0\r\nm=audio 40010 RTP/AVP 0 8\r\n'

/** A leg as sngrep prints it. */
export function sngrep (leg: OutgoingLeg, ...script: Said[]): string {
  return script.map(said => messageText(leg, said)).join('\n')
}

function messageText (leg: OutgoingLeg, [at, start, headers = '', more = {}]: Said): string {
  const {
    callId = 'outgoing-1',
    from = '+15550100001',
    fromTag = 'ours1',
    to = '+15550100002',
    host = 'carrier.example.com',
    source = OURS,
    destination = CARRIER
  } = leg
  const isResponse = start.startsWith('SIP/2.0')
  const method = isResponse ? 'INVITE' : start
  const back = more.back ?? isResponse
  const time = new Date(Date.UTC(2026, 0, 31, 10) + (leg.at ?? 0) + at).toISOString().replace('T', ' ').slice(0, -1)
  const ends = back ? `${destination} -> ${source}` : `${source} -> ${destination}`
  const body = method === 'INVITE' && (!isResponse || / 200 /.test(start)) ? OFFER : ''
  const isTagged = isResponse ? !/ 100 /.test(start) : !['INVITE', 'CANCEL'].includes(method)
  const tag = isTagged ? `;tag=${more.tag ?? 'far1'}` : ''
  const near = `<sip:${from}@198.51.100.7>;tag=${fromTag}`
  const far = `<sip:${to}@${host}>${tag}`
  const isFarRequest = !isResponse && back
  const cseq = more.cseq ?? `${method === 'BYE' || method === 'REFER' ? 2 : 1} ${method}`
  return [
    `${time} ${ends}`,
    isResponse ? start : `${start} sip:${to}@${host} SIP/2.0`,
    `Via: SIP/2.0/UDP ${isFarRequest ? destination : source};branch=z9hG4bK${callId}${cseq.replace(/\W/g, '')}`,
    `From: ${isFarRequest ? far : near}`,
    `To: ${isFarRequest ? near : far}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq}`,
    ...method === 'INVITE' && !isResponse && leg.headers ? leg.headers.trim().split('\n') : [],
    ...headers === '' ? [] : headers.trim().split('\n'),
    `Content-Length: ${body.length}`,
    '',
    body
  ].join('\r\n')
}

/** What sbc-outbound sends along to carriers (jambonz/sbc-outbound lib/call-session.js). */
export const JAMBONZ: OutgoingLeg = {
  headers: 'X-Account-Sid: acct-1\nX-Call-Sid: 0b1e6a52-54a5-4d0f-9a0f-6a5f6f7c0001'
}
/** livekit-sip has its own id of the call as tag (livekit/sip pkg/sip/outbound.go). */
export const LIVEKIT: OutgoingLeg = { fromTag: 'SCL_a1b2c3d4e5' }

export const INVITE: Said = [0, 'INVITE']
export const TRYING: Said = [40, 'SIP/2.0 100 Trying']
export const RINGING: Said = [900, 'SIP/2.0 180 Ringing']

/** The leg to LiveKit of the same call as a fallback, and the caller's. */
export const TO_LIVEKIT: OutgoingLeg = {
  callId: 'to-livekit',
  to: 'c4k2m9x7q1w8e5r3t6y0',
  host: 'abcdefghijk.sip.livekit.cloud',
  destination: '203.0.113.90:5060',
  headers: 'X-Call-Sid: 0b1e6a52-54a5-4d0f-9a0f-6a5f6f7c0002\nX-CID: from-caller',
  at: 300
}
export const FROM_CALLER: OutgoingLeg = {
  callId: 'from-caller',
  from: '+15550100009',
  fromTag: 'caller1',
  source: CARRIER,
  destination: OURS,
  host: '198.51.100.7'
}
export const FALLBACK: OutgoingLeg = {
  callId: 'fallback',
  to: '+15550100055',
  host: '203.0.113.80',
  headers: 'X-Call-Sid: 0b1e6a52-54a5-4d0f-9a0f-6a5f6f7c0003\nX-CID: from-caller',
  at: 800
}

/** LiveKit has no trunk for the caller; the fallback gets `final`, and the caller 480. */
export const withFallback = (...fallback: Said[]): string =>
  sngrep(FROM_CALLER, INVITE, TRYING, [40_000, 'SIP/2.0 480 Temporarily Unavailable', 'X-Reason: sip decline verb']) +
  '\n' + sngrep(TO_LIVEKIT, INVITE, [90, 'SIP/2.0 404 No trunk found', '', { tag: 'SCL_zz9' }], [95, 'ACK']) +
  '\n' + sngrep(FALLBACK, INVITE, ...fallback)

type OutgoingCode = 'carrier-said' | 'number-form' | 'contact-unreachable' | 'fallback-dialled' | 'other-dial'

/** One way to get each code of these calls, and words that its finding has. */
export const OUTGOING_CASES: Record<OutgoingCode & typeof EXPLAIN_CODES[number], [says: RegExp, text: string]> = {
  'carrier-said': [
    /cause 17: the called party is busy/,
    sngrep(JAMBONZ, INVITE, TRYING, [400, 'SIP/2.0 503 Service Unavailable', 'Reason: Q.850;cause=17;text="User busy"'])
  ],
  'number-form': [
    /has no \+ \(15550100002\)/,
    sngrep(
      { ...LIVEKIT, to: '15550100002', host: 'example.pstn.twilio.com' },
      INVITE,
      TRYING,
      [300, 'SIP/2.0 404 Not Found']
    )
  ],
  'contact-unreachable': [
    /BYE was never answered, though it was sent 4 times.*192\.168\.7\.7, a private address/,
    sngrep(
      LIVEKIT,
      INVITE,
      TRYING,
      [2000, 'SIP/2.0 200 OK', 'Contact: <sip:sbc@192.168.7.7:5060>'],
      [2010, 'ACK'],
      [9000, 'BYE'],
      [9500, 'BYE'],
      [10_500, 'BYE'],
      [12_500, 'BYE']
    )
  ],
  'fallback-dialled': [/Because LiveKit had not taken the call/, withFallback(TRYING, [250, 'SIP/2.0 403 Forbidden'])],
  'other-dial': [
    /Before that, Jambonz got 503 Service Unavailable/,
    sngrep(JAMBONZ, INVITE, TRYING, [200, 'SIP/2.0 503 Service Unavailable']) + '\n' +
    sngrep({ ...JAMBONZ, callId: 'outgoing-2', host: 'second.example.com', at: 260 }, INVITE, TRYING, [
      300,
      'SIP/2.0 486 Busy Here'
    ])
  ]
}
