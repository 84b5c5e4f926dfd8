import { layer, type Decoded } from './layer.ts'
import { ipv4Address, ipv6Address } from './ip.ts'

/** Tags of Wireshark's exported PDUs (wireshark wsutil/exported_pdu_tlvs.h). */
const END = 0
const DISSECTOR = 12
const IPV4_SOURCE = 20
const IPV4_DESTINATION = 21
const IPV6_SOURCE = 22
const IPV6_DESTINATION = 23
const PORT_TYPE = 24
const SOURCE_PORT = 25
const DESTINATION_PORT = 26
const TCP = 2
const UDP = 3

/**
 * Wireshark's File → Export PDUs to File: tags that name the protocol and both ends, and then the message, which
 * Wireshark has decrypted and put together.
 */
export function readExportedPdu (frame: Buffer): Decoded {
  const tags = new Map<number, Buffer>()
  let at = 0
  for (let tag = frame.readUInt16BE(at); tag !== END; tag = frame.readUInt16BE(at)) {
    const end = at + 4 + frame.readUInt16BE(at + 2)
    tags.set(tag, frame.subarray(at + 4, end))
    at = end
  }
  const payload = frame.subarray(at + 4)
  const dissector = tags.get(DISSECTOR)?.toString('latin1') ?? ''
  if (dissector.startsWith('eth')) return layer('ethernet', payload)
  if (/^ip(v6)?$/.test(dissector)) return layer('ip', payload)

  const portType = tags.get(PORT_TYPE)?.readUInt32BE(0)
  return {
    packet: {
      protocol: 'udp',
      source: {
        address: addressIn(tags.get(IPV4_SOURCE), tags.get(IPV6_SOURCE)),
        port: tags.get(SOURCE_PORT)?.readUInt32BE(0) ?? 0
      },
      destination: {
        address: addressIn(tags.get(IPV4_DESTINATION), tags.get(IPV6_DESTINATION)),
        port: tags.get(DESTINATION_PORT)?.readUInt32BE(0) ?? 0
      },
      payload,
      cut: false,
      whole: { transport: transportOf(portType) }
    }
  }
}

function addressIn (ipv4: Buffer | undefined, ipv6: Buffer | undefined): string {
  if (ipv4) return ipv4Address(ipv4, 0)
  return ipv6 ? ipv6Address(ipv6, 0) : ''
}

function transportOf (portType: number | undefined): string {
  if (portType === TCP) return 'tcp'
  return portType === UDP ? 'udp' : ''
}
