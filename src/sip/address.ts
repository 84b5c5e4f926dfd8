import { SipParseError } from './parse-error.ts'

export type TransportName = 'udp' | 'tcp' | 'tls'

/** A SIP URI in its parts. `user` is '' when there is none, `host` has no brackets. */
export interface SipUri {
  scheme: 'sip' | 'sips' | 'tel'
  user: string
  host: string
  port?: number
  params: Record<string, string>
}

/** A From, To, Contact or Route value: name, URI text and the parameters behind it. */
export interface SipAddress {
  displayName: string
  uri: string
  params: Record<string, string>
}

/** Parameters `;a=b;c` as an object with lower-case names; one without a value is ''. */
export function parseParams (text: string): Record<string, string> {
  const params: Record<string, string> = {}
  for (const part of text.split(';')) {
    const [name = '', ...value] = part.split('=')
    const key = name.trim().toLowerCase()
    if (key !== '' && key !== '__proto__') params[key] = value.join('=').trim()
  }
  return params
}

/** @throws SipParseError for anything but sip:, sips: and tel: URIs */
export function parseUri (text: string): SipUri {
  const tel = /^tel:([^;]+)(;.*)?$/i.exec(text)
  if (tel) return { scheme: 'tel', user: tel[1] ?? '', host: '', params: parseParams(tel[2] ?? '') }
  const match = /^(sips?):(?:([^@]*)@)?(\[[^\]]+\]|[^:;?@]+)(?::(\d{1,5}))?(;[^?]*)?(?:\?.*)?$/i.exec(text)
  if (!match) throw new SipParseError('malformed URI')
  const port = match[4] === undefined ? undefined : Number(match[4])
  return {
    scheme: match[1]?.toLowerCase() === 'sips' ? 'sips' : 'sip',
    user: (match[2] ?? '').split(':')[0] ?? '',
    host: (match[3] ?? '').replace(/^\[|\]$/g, ''),
    ...(port !== undefined && { port }),
    params: parseParams(match[5] ?? '')
  }
}

/**
 * Reads `"Name" <uri>;tag=…` as well as `uri;tag=…`, where the parameters belong to the header (RFC 3261 20). @throws
 * SipParseError
 */
export function parseAddress (value: string): SipAddress {
  const text = value.trim()
  // Cut by hand where it can be: a pattern with two unlimited gaps takes quadratic time on hostile input.
  const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text)
  const open = text.indexOf('<', quoted?.[0].length)
  const close = text.indexOf('>', open)
  if (open >= 0 && close > open) {
    const displayName = quoted ? (quoted[1] ?? '').replace(/\\(.)/g, '$1') : text.slice(0, open).trim()
    return { displayName, uri: text.slice(open + 1, close), params: parseParams(text.slice(close + 1)) }
  }
  const [uri = '', ...params] = text.split(';')
  if (uri === '' || /[<>"\s]/.test(uri)) throw new SipParseError('malformed address')
  return { displayName: '', uri, params: parseParams(params.join(';')) }
}

/** The `tag` of a From or To value, if any. */
export function tagOf (value: string | undefined): string | undefined {
  return value === undefined ? undefined : parseAddress(value).params.tag
}

/** `"Name" <uri>;tag=x`; an empty name is left out. */
export function formatAddress (
  address: { displayName?: string | undefined, uri: string, tag?: string | undefined }
): string {
  const name = address.displayName ? `"${address.displayName.replace(/["\\]/g, '\\$&')}" ` : ''
  return `${name}<${address.uri}>${address.tag ? `;tag=${address.tag}` : ''}`
}

/** An address for a URI or Via: IPv6 in brackets. */
export function formatHost (host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Where a request for this URI goes: its host, `transport` (UDP without one, TLS for sips:) and port (5060, TLS 5061;
 * RFC 3261 19.1.2, without DNS NAPTR/SRV).
 */
export function targetOf (uri: string): { transport: TransportName, host: string, port: number } {
  const { scheme, host, port, params } = parseUri(uri)
  if (host === '') throw new SipParseError('URI without a host')
  const transport = scheme === 'sips' ? 'tls' : transportNamed(params.transport)
  return { transport, host, port: port ?? (transport === 'tls' ? 5061 : 5060) }
}

function transportNamed (name = ''): TransportName {
  const lower = name.toLowerCase()
  return lower === 'tcp' || lower === 'tls' ? lower : 'udp'
}
