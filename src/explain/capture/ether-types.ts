import { behind, etherType, layer, unreadable, type Decoded, type LayerDecoder } from './layer.ts'

/** Decoders by EtherType (IANA ieee-802-numbers). The data begin behind the type. */
export const ETHER_TYPES: ReadonlyArray<[number, LayerDecoder]> = [
  [0x0800, behind(0, 'ip')],
  [0x86dd, behind(0, 'ip')],
  // IEEE 802.1Q and 802.1ad tags
  [0x8100, data => etherType(data, 2)],
  [0x88a8, data => etherType(data, 2)],
  [0x9100, data => etherType(data, 2)],
  [0x9200, data => etherType(data, 2)],
  // Tags of Cisco's and the IEEE's port extenders
  [0x8926, data => etherType(data, 4)],
  [0x893f, data => etherType(data, 6)],
  // Provider backbone bridges
  [0x88e7, behind(4, 'ethernet')],
  // Ethernet within GRE and Geneve
  [0x6558, behind(0, 'ethernet')],
  [0x8847, behind(0, 'mpls')],
  [0x8848, behind(0, 'mpls')],
  // PPPoE sessions (RFC 2516 4), PPP within PPTP's GRE
  [0x8864, behind(6, 'ppp')],
  [0x880b, behind(0, 'ppp')],
  [0x22eb, readErspan3],
  [0x88e5, unreadable('MACsec')]
]

/** An Ethernet frame. A type of up to 1500 is a length, and an LLC header follows (IEEE 802.3 3.2.6). */
export function readEthernet (frame: Buffer): Decoded {
  return frame.readUInt16BE(12) > 1500 ? etherType(frame, 12) : etherType(frame, 20)
}

/**
 * A stack of labels (RFC 3032 2.1), and behind it IP or an Ethernet pseudowire, with or without a control word (RFC
 * 4448 4.6). They are told apart by the first four bits (RFC 4385 2).
 */
export function readMpls (data: Buffer): Decoded {
  let at = 0
  while ((data.readUInt8(at + 2) & 1) === 0) at += 4
  const payload = data.subarray(at + 4)
  const version = payload.readUInt8(0) >> 4
  if (version === 4 || version === 6) return layer('ip', payload)
  return layer('ethernet', version === 0 ? payload.subarray(4) : payload)
}

/** PPP (RFC 1661 2), where HDLC's address and control may stand in front, and the protocol may be one byte. */
export function readPpp (data: Buffer): Decoded {
  const at = data.readUInt16BE(0) === 0xff03 ? 2 : 0
  const short = (data.readUInt8(at) & 1) === 1
  const protocol = short ? data.readUInt8(at) : data.readUInt16BE(at)
  const payload = data.subarray(at + (short ? 1 : 2))
  if (protocol === 0x21 || protocol === 0x57) return layer('ip', payload)
  return protocol === 0x281 ? layer('mpls', payload) : undefined
}

/** ERSPAN type III: a header of 12 bytes, and 8 more where its last bit says so (draft-foschiano-erspan 4.3). */
function readErspan3 (data: Buffer): Decoded {
  const platform = (data.readUInt8(11) & 1) === 1
  return layer('ethernet', data.subarray(platform ? 20 : 12))
}
