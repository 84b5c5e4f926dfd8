import { randomBytes } from 'node:crypto'
import type { SipHeader, SipRequest, SipResponse } from './message.ts'
import type { TransportName } from './address.ts'
import { cseq, header, headerList, withHeaders } from './message.ts'
import { formatAddress, formatHost, parseUri, tagOf } from './address.ts'

/** The reason phrases of RFC 3261 21 for the statuses that phone calls use. */
const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline'
}

/** The reason phrase of a status. '' for a status that this list lacks. */
export function reasonOf (status: number): string {
  return REASONS[status] ?? ''
}

/** A random token for tags, branches and Call-IDs. */
export function randomToken (bytes = 8): string {
  return randomBytes(bytes).toString('hex')
}

/** A Via value with a new branch that starts with the RFC 3261 cookie and asks for `rport`. */
export function newVia (transport: TransportName, host: string, port: number): string {
  return `SIP/2.0/${transport.toUpperCase()} ${formatHost(host)}:${port};branch=z9hG4bK${randomToken()};rport`
}

/** A request outside any dialog. It has no Via and no Contact yet. @throws SipParseError for a malformed URI */
export function outOfDialogRequest (method: string, uri: string, options: {
  /** The user part of From ('' for none), or a full URI. */
  from: string
  displayName?: string | undefined
  callId: string
  /** Our own host. */
  host: string
}): SipRequest {
  const { from, displayName, callId, host } = options
  const fromUri = /^(sips?|tel):/i.test(from) ? from : sipUri('sip', from, host)
  // The transport parameter must not appear in To (RFC 3261 19.1.1).
  const to = parseUri(uri)
  const toUri = sipUri(to.scheme, to.user, to.host) + (to.port === undefined ? '' : `:${to.port}`)
  return {
    kind: 'request',
    method,
    uri,
    headers: [
      { name: 'Max-Forwards', value: '70' },
      { name: 'From', value: formatAddress({ displayName, uri: fromUri, tag: randomToken(4) }) },
      { name: 'To', value: formatAddress({ uri: toUri }) },
      { name: 'Call-ID', value: callId },
      { name: 'CSeq', value: `1 ${method}` }
    ],
    body: ''
  }
}

function sipUri (scheme: string, user: string, host: string): string {
  return `${scheme}:${user === '' ? '' : `${user}@`}${formatHost(host)}`
}

function copied (request: SipRequest, names: readonly string[]): SipHeader[] {
  return names.flatMap(name => headerList(request, name).map(value => ({ name, value })))
}

/** A response to `request`: same Via, From, Call-ID and CSeq, and To with our tag (RFC 3261 8.2.6). */
export function responseTo (
  request: SipRequest,
  status: number,
  options: {
    reason?: string | undefined
    toTag?: string | undefined
    headers?: Record<string, string> | undefined
    body?: string | undefined
  } = {}
): SipResponse {
  const to = header(request, 'to') ?? ''
  const tagged = options.toTag !== undefined && tagOf(to) === undefined ? `${to};tag=${options.toTag}` : to
  const headers: SipHeader[] = [
    ...copied(request, ['Via']),
    { name: 'From', value: header(request, 'from') ?? '' },
    { name: 'To', value: tagged },
    { name: 'Call-ID', value: header(request, 'call-id') ?? '' },
    { name: 'CSeq', value: header(request, 'cseq') ?? '' },
    ...(status > 100 && status < 300 ? copied(request, ['Record-Route']) : [])
  ]
  return {
    kind: 'response',
    status,
    reason: options.reason ?? reasonOf(status),
    headers: withHeaders(headers, options.headers),
    body: options.body ?? ''
  }
}

/**
 * A response that was never on the wire. The user agent makes it when the far end stays silent or the connection fails,
 * and adds the error that caused it.
 */
export function localResponse (request: SipRequest, status: number, reason?: string, error?: unknown): SipResponse {
  const { code, message } = (error ?? {}) as { code?: unknown, message?: unknown }
  return {
    ...responseTo(request, status, { reason }),
    local: { code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : '' }
  }
}

/** The ACK of a non-2xx final response, which belongs to the transaction of the INVITE (RFC 3261 17.1.1.3). */
export function ackFor (invite: SipRequest, response: SipResponse): SipRequest {
  return {
    kind: 'request',
    method: 'ACK',
    uri: invite.uri,
    headers: [
      { name: 'Via', value: headerList(invite, 'via')[0] ?? '' },
      { name: 'Max-Forwards', value: '70' },
      ...copied(invite, ['Route']),
      { name: 'From', value: header(invite, 'from') ?? '' },
      { name: 'To', value: header(response, 'to') ?? '' },
      { name: 'Call-ID', value: header(invite, 'call-id') ?? '' },
      { name: 'CSeq', value: `${cseq(invite).number} ACK` }
    ],
    body: ''
  }
}

/** The CANCEL of an INVITE: same branch, same CSeq number, same To (RFC 3261 9.1). */
export function cancelFor (invite: SipRequest, extra?: Record<string, string>): SipRequest {
  const headers: SipHeader[] = [
    { name: 'Via', value: headerList(invite, 'via')[0] ?? '' },
    { name: 'Max-Forwards', value: '70' },
    ...copied(invite, ['Route']),
    { name: 'From', value: header(invite, 'from') ?? '' },
    { name: 'To', value: header(invite, 'to') ?? '' },
    { name: 'Call-ID', value: header(invite, 'call-id') ?? '' },
    { name: 'CSeq', value: `${cseq(invite).number} CANCEL` }
  ]
  return { kind: 'request', method: 'CANCEL', uri: invite.uri, headers: withHeaders(headers, extra), body: '' }
}
