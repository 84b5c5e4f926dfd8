import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'

/**
 * The address that a host has, IPv4 first as LiveKit's SIP side, and the one of this machine from which packets to it
 * leave. Nothing is sent.
 * @throws the system's error: the host is unknown (ENOTFOUND), or no way leads there (ENETUNREACH)
 */
export async function addressesTowards (host: string, port: number): Promise<{ own: string, remote: string }> {
  const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await lookup(host, { all: true })
  const { address: remote, family } = found.find(({ family }) => family === 4) ?? found[0]!
  const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(port, remote, (error?: Error) => error ? reject(error) : resolve())
    })
    return { own: socket.address().address, remote }
  } finally {
    socket.close()
  }
}

const PRIVATE = new BlockList()
PRIVATE.addSubnet('10.0.0.0', 8)
PRIVATE.addSubnet('172.16.0.0', 12)
PRIVATE.addSubnet('192.168.0.0', 16)
PRIVATE.addSubnet('100.64.0.0', 10)
PRIVATE.addSubnet('169.254.0.0', 16)
PRIVATE.addSubnet('127.0.0.0', 8)
PRIVATE.addSubnet('fc00::', 7, 'ipv6')
PRIVATE.addSubnet('fe80::', 10, 'ipv6')
PRIVATE.addAddress('::1', 'ipv6')

/** Whether an address means something on its own network alone (RFC 1918, RFC 6598, RFC 4193). */
export const isPrivate = (address: string): boolean =>
  isIP(address) !== 0 && PRIVATE.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
