import { isIP } from 'node:net'

/*
 * Which proxies in front of the bridge are believed when they say for whom a request is. X-Forwarded-For is read from
 * its end: each proxy appends the address that it was called from, and what stands before the first address that is
 * not a trusted proxy may be invented.
 */

/** Names of address ranges that Fastify knows (@fastify/proxy-addr). */
const RANGES = new Set(['loopback', 'linklocal', 'uniquelocal'])

/** Whether a text is a list of addresses, networks and ranges, or a number of proxies. */
export function isTrustedProxies (text: string): boolean {
  return /^[1-9]\d?$/.test(text) || itemsOf(text).every(item => RANGES.has(item) || isNetwork(item))
}

function isNetwork (text: string): boolean {
  const [address, prefix, ...more] = text.split('/')
  const version = isIP(address!)
  if (version === 0 || more.length > 0) return false
  return prefix === undefined ||
    (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
}

/** Fastify's `trustProxy` option. @param setting one that {@link isTrustedProxies} */
export function trustProxyOf (
  setting: string | undefined
): false | string[] | ((address: string, hop: number) => boolean) {
  if (setting === undefined) return false
  const proxies = Number(setting)
  return Number.isNaN(proxies) ? itemsOf(setting) : (_address, hop) => hop < proxies
}

const itemsOf = (list: string): string[] => list.split(',').map(item => item.trim())
