import { SipParseError } from './parse-error.ts'

export type TransportName = 'udp' | 'tcp' | 'tls'

/** The parts of a SIP URI. `user` is '' when there is none, and `host` has no brackets. */
export interface SipUri {
  scheme: 'sip' | 'sips' | 'tel'
  user: string
  host: string
  port?: number
  params: Record<string, string>
}

/** The value of From, To, Contact or Route: display name, URI as text, and the parameters after it. */
export interface SipAddress {
  displayName: string
  uri: string
  params: Record<string, string>
}

/** Parameters `;a=b;c` as an object with names in lower case. A parameter without a value is ''. */
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
 * Reads `"Name" <uri>;tag=…` and `uri;tag=…`. In the second form the parameters belong to the header (RFC 3261 20).
 *
 * @throws SipParseError
 */
export function parseAddress (value: string): SipAddress {
  const text = value.trim()
  // No single pattern reads this: with two unlimited gaps it would take quadratic time on hostile input.
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

/** The `tag` of a From or To value, if it has one. */
export function tagOf (value: string | undefined): string | undefined {
  return value === undefined ? undefined : parseAddress(value).params.tag
}

/** Formats `"Name" <uri>;tag=x`. An empty name or tag is left out. */
export function formatAddress (
  address: { displayName?: string | undefined, uri: string, tag?: string | undefined }
): string {
  const name = address.displayName ? `"${address.displayName.replace(/["\\]/g, '\\$&')}" ` : ''
  return `${name}<${address.uri}>${address.tag ? `;tag=${address.tag}` : ''}`
}

/** A host as URIs and Via contain it: an IPv6 address gets brackets. */
export function formatHost (host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Where a request for this URI goes: its host, its `transport` (by default UDP, and TLS for sips:) and its port (by
 * default 5060, and 5061 for TLS). Follows RFC 3261 19.1.2, but without DNS NAPTR and SRV.
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
