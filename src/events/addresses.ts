import { BlockList, isIP } from 'node:net'

/*
 * Addresses that lead to machines which are nobody else's business: whoever chooses a receiver must not reach the
 * network around the bridge. From the IANA special-purpose address registries (RFC 6890).
 */

const IPV4: ReadonlyArray<[network: string, prefix: number]> = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  // Shared by carriers (RFC 6598), and by clouds for their own services.
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Link-local, where clouds tell machines their credentials (169.254.169.254).
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4]
]

/** Of IPv6 only global unicast is public (RFC 4291), without what stands for other addresses. */
const IPV6: ReadonlyArray<[network: string, prefix: number]> = [
  // Unspecified, loopback, IPv4-mapped and -compatible, and the NAT64 prefixes.
  ['::', 3],
  ['4000::', 2],
  ['8000::', 1],
  // Teredo, benchmarking and other protocol assignments.
  ['2001::', 23],
  ['2001:db8::', 32],
  // 6to4 holds an IPv4 address.
  ['2002::', 16],
  ['3fff::', 20]
]

// One list for each: a BlockList takes an IPv4 address for the mapped IPv6 one, which is not public.
const notPublic4 = new BlockList()
const notPublic6 = new BlockList()
for (const [network, prefix] of IPV4) notPublic4.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of IPV6) notPublic6.addSubnet(network, prefix, 'ipv6')

/** Whether an address belongs to the public internet. What is no IP address does not. */
export function isPublicAddress (address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !notPublic4.check(address, 'ipv4')
    case 6:
      return !notPublic6.check(address, 'ipv6')
    default:
      return false
  }
}
