import { readGre } from './ip-protocols.ts'
import { layer, unreadable, type Decoded, type LayerDecoder } from './layer.ts'

/** Decoders of tunnels by the UDP port at either end. Each checks that the data are of its kind. */
export const UDP_PORTS: ReadonlyArray<[number, LayerDecoder]> = [
  // VXLAN (RFC 7348), also on Linux' old port; VXLAN-GPE
  [4789, readVxlan],
  [8472, readVxlan],
  [4790, readVxlanGpe],
  // Geneve (RFC 8926), which AWS' load balancers use
  [6081, readGeneve],
  // GTP-U of mobile networks (3GPP TS 29.281)
  [2152, readGtp],
  // TaZmen Sniffer Protocol of MikroTik and others
  [37_008, readTzsp],
  // GRE in UDP (RFC 8086), MPLS in UDP (RFC 7510), Teredo (RFC 4380), LISP (RFC 9300)
  [4754, readGre],
  [6635, data => layer('mpls', data)],
  [3544, data => ipIn(data)],
  [4341, data => ipIn(data.subarray(8))],
  [4500, data => data.readUInt32BE(0) === 0 || data.length < 9 ? undefined : unreadable('IPsec (ESP)')(data)],
  [51_820, data => isWireGuard(data) ? unreadable('WireGuard')(data) : undefined],
  [1194, unreadable('OpenVPN')],
  [1701, unreadable('L2TP')]
]

/** IP of either version, by its first four bits. */
function ipIn (data: Buffer): Decoded {
  const version = data.readUInt8(0) >> 4
  return version === 4 || version === 6 ? layer('ip', data) : undefined
}

const VNI_IS_VALID = 0x08

function readVxlan (data: Buffer): Decoded {
  return (data.readUInt8(0) & VNI_IS_VALID) !== 0 ? layer('ethernet', data.subarray(8)) : undefined
}

/** The next protocol stands in the fourth byte (draft-ietf-nvo3-vxlan-gpe 3). */
function readVxlanGpe (data: Buffer): Decoded {
  const payload = data.subarray(8)
  switch (data.readUInt8(3)) {
    case 1:
    case 2:
      return layer('ip', payload)
    case 5:
      return layer('mpls', payload)
    default:
      return layer('ethernet', payload)
  }
}

function readGeneve (data: Buffer): Decoded {
  const first = data.readUInt8(0)
  const options = (first & 0x3f) * 4
  return first >> 6 === 0 ? layer(`ether-type:${data.readUInt16BE(2)}`, data.subarray(8 + options)) : undefined
}

const G_PDU = 255

/** A header of 8 bytes, 4 more when one of three flags is set, and a chain of extensions. */
function readGtp (data: Buffer): Decoded {
  const flags = data.readUInt8(0)
  if (flags >> 4 !== 3 || data.readUInt8(1) !== G_PDU) return undefined
  if ((flags & 7) === 0) return ipIn(data.subarray(8))

  let at = 12
  while (data.readUInt8(at - 1) !== 0) {
    const words = data.readUInt8(at)
    if (words === 0) return undefined
    at += words * 4
  }
  return ipIn(data.subarray(at))
}

const TZSP_PADDING = 0
const TZSP_END = 1

/** A header of 4 bytes, of which two name the protocol (1: Ethernet), and tags. */
function readTzsp (data: Buffer): Decoded {
  if (data.readUInt8(0) !== 1 || data.readUInt16BE(2) !== 1) return undefined

  let at = 4
  for (let tag = data.readUInt8(at); tag !== TZSP_END; tag = data.readUInt8(at)) {
    at += tag === TZSP_PADDING ? 1 : 2 + data.readUInt8(at + 1)
  }
  return layer('ethernet', data.subarray(at + 1))
}

/** Its four kinds of messages, and three bytes of zero (wireguard.com/protocol). */
const isWireGuard = (data: Buffer): boolean => {
  const kind = data.readUInt32LE(0)
  return kind >= 1 && kind <= 4
}
