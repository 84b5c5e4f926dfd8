import type { Settings } from '../config.ts'
import { formatHost, parseUri, targetOf } from '../sip/address.ts'
import type { TransportName } from '../sip/user-agent.ts'

/** Where a probe goes. */
export interface Target {
  /** As it is dialled. */
  uri: string
  user: string
  host: string
  port: number
  transport: TransportName
}

/**
 * Reads what somebody wants to call: a sip: or sips: URI, or `user@host`. A transport that is given wins over the
 * URI's; without any it is `fallback`. A password in the URI is dropped, because it would be sent in clear.
 * @throws SipParseError for anything else
 */
export function readTarget (
  text: string,
  options: { transport?: TransportName | undefined, fallback?: TransportName | undefined } = {}
): Target {
  const { scheme, user, host, port, params } = parseUri(
    /^\w+:/.test(text) && !/^[^@:]*:\d+$/.test(text) ? text : `sip:${text}`
  )
  const { transport: named, ...others } = params
  const transport = scheme === 'sips' ? 'tls' : options.transport ?? named?.toLowerCase() ?? options.fallback
  const rest = Object.entries({ ...others, ...(scheme === 'sips' || transport === undefined ? {} : { transport }) })
    .map(([name, value]) => value === '' ? `;${name}` : `;${name}=${value}`)
  const uri = `${scheme}:${user === '' ? '' : `${user}@`}${formatHost(host)}${port === undefined ? '' : `:${port}`}${
    rest.join('')
  }`
  return { uri, user, ...targetOf(uri) }
}

/**
 * Whether a target is the SIP side of the settings' LiveKit project: host and port of LIVEKIT_SIP_HOST, which alone get
 * the trunk's credentials. Without a port in it, each transport has its own (5060, TLS 5061).
 */
export function isProjectHost (
  target: Pick<Target, 'host' | 'port' | 'transport'>,
  settings: Pick<Settings, 'LIVEKIT_SIP_HOST'> | undefined
): boolean {
  if (settings === undefined) return false
  const { host, port } = readTarget(settings.LIVEKIT_SIP_HOST, { transport: target.transport })
  return host.toLowerCase() === target.host.toLowerCase() && port === target.port
}
