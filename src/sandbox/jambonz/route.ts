import { parseSdp } from '../../sip/sdp.ts'
import { uriUser } from './payloads.ts'
import type { DialTarget } from './verbs.ts'

export interface Route {
  /** The leg's `to`: the SIP URI as written, or the number. */
  to: string
  /** What the INVITE is addressed to; undefined when the SBC cannot send it anywhere and answers 400 itself. */
  uri: string | undefined
}

/**
 * Where a dial target leads. A SIP URI is taken verbatim and needs a user part; a phone number goes to the gateway of
 * its trunk.
 *
 * @param gateways trunk name → `host:port`, or `host:port;transport=tcp`, of its gateway
 */
export function routeOf (target: DialTarget, gateways: Record<string, string>): Route {
  if (target.type !== 'phone') {
    const to = target.sipUri ?? ''
    return { to, uri: uriUser(to) ? to : undefined }
  }
  const to = target.number ?? ''
  const gateway = target.trunk === undefined ? Object.values(gateways)[0] : gateways[target.trunk]
  return { to, uri: to === '' || gateway === undefined ? undefined : `sip:${to}@${gateway}` }
}

/**
 * Whether Jambonz's media server finds PCMU or PCMA in a caller's offer; without either it answers 488. No offer at all
 * is taken as one that does not care, for tests that talk about something else.
 */
export function hasTelephoneCodec (offer: string): boolean {
  if (offer === '') return true
  return parseSdp(offer)?.codecs.some(codec => /^PCM[UA]$/i.test(codec.name)) ?? false
}
