import { uriUser } from './payloads.ts'
import type { DialTarget } from './verbs.ts'

export interface Route {
  /** The leg's `to`: the SIP URI unchanged, or the number. */
  to: string
  /** The request URI of the INVITE. Undefined when the SBC cannot route it and answers `refusal` itself. */
  uri: string | undefined
  refusal: { status: number, reason: string }
}

/**
 * Finds where a dial target leads. A SIP URI is used unchanged and needs a user part. A phone number goes to the
 * gateway of its trunk. A trunk that the account does not have is ignored, as if the target named none: then the SBC
 * chooses among the account's carriers, and the double takes the first. Without any carrier the SBC answers 603
 * (feature-server dial, sbc-outbound call-session).
 *
 * @param gateways trunk name → `host:port` or `host:port;transport=tcp` of its gateway
 */
export function routeOf (target: DialTarget, gateways: Record<string, string>): Route {
  if (target.type !== 'phone') {
    const to = target.sipUri ?? ''
    return { to, uri: uriUser(to) ? to : undefined, refusal: { status: 400, reason: 'Bad Request' } }
  }
  const to = target.number ?? ''
  const gateway = gateways[target.trunk ?? ''] ?? Object.values(gateways)[0]
  return {
    to,
    uri: to === '' || gateway === undefined ? undefined : `sip:${to}@${gateway}`,
    refusal: { status: 603, reason: 'Decline' }
  }
}

/** The reason of a final response as the SBC words it. When nothing listens at an address, it says no more than 503. */
export function reasonAtSbc (reason: string): string {
  return reason === 'Connection refused' ? 'Service Unavailable' : reason
}
