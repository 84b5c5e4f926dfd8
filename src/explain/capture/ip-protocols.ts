import { behind, layer, unreadable, type Decoded, type LayerDecoder } from './layer.ts'

/** Decoders by IP protocol number (IANA protocol-numbers), besides UDP and TCP. */
export const IP_PROTOCOLS: ReadonlyArray<[number, LayerDecoder]> = [
  // IP in IP (RFC 2003), IPv6 in IPv4 (RFC 4213)
  [4, behind(0, 'ip')],
  [41, behind(0, 'ip')],
  [47, readGre],
  [50, unreadable('IPsec (ESP)')],
  [51, readAuthenticated],
  // Ethernet in IP (RFC 3378), MPLS in IP (RFC 4023)
  [97, behind(2, 'ethernet')],
  [137, behind(0, 'mpls')],
  [115, unreadable('L2TPv3')],
  [132, unreadable('SCTP')]
]

const ERSPAN = 0x88be

/**
 * GRE (RFC 2784, 2890): a checksum, a key and a sequence number where the flags say so; PPTP's version 1 may also
 * acknowledge (RFC 2637 4.1).
 */
export function readGre (data: Buffer): Decoded {
  const flags = data.readUInt16BE(0)
  const protocol = data.readUInt16BE(2)
  const has = (mask: number): boolean => (flags & mask) !== 0
  const isPptp = (flags & 7) === 1
  const words = [has(0xc000), has(0x2000), has(0x1000), isPptp && has(0x80)].filter(Boolean).length
  const payload = data.subarray(4 + words * 4)
  // ERSPAN type I has no header, and type II is known by the sequence number (draft-foschiano-erspan 4.1).
  if (protocol === ERSPAN) return layer('ethernet', payload.subarray(has(0x1000) ? 8 : 0))
  return layer(`ether-type:${protocol}`, payload)
}

/** IPsec's authentication header leaves the packet readable (RFC 4302 2). */
function readAuthenticated (data: Buffer): Decoded {
  const length = (data.readUInt8(1) + 2) * 4
  return layer(`ip-protocol:${data.readUInt8(0)}`, data.subarray(length))
}
