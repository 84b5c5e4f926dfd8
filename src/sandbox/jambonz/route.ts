import { uriUser } from './payloads.ts'
import type { DialTarget } from './verbs.ts'

export interface Route {
  /** The leg's `to`: the SIP URI unchanged, or the number. */
  to: string
  /** The request URI of the INVITE. Undefined when the SBC cannot route it and answers 400 itself. */
  uri: string | undefined
}

/**
 * Finds where a dial target leads. A SIP URI is used unchanged and needs a user part. A phone number goes to the
 * gateway of its trunk.
 *
 * @param gateways trunk name → `host:port` or `host:port;transport=tcp` of its gateway /
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
