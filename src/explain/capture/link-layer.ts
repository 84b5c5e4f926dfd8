import { readExportedPdu } from './exported-pdu.ts'
import { behind, etherType, layer, type Decoded, type LayerDecoder, type LayerKind } from './layer.ts'

/** Decoders by link-layer type (tcpdump.org/linktypes.html). */
export const LINK_LAYERS: ReadonlyArray<[number, LayerDecoder]> = [
  // BSD loopback: the address family stands in front, in the byte order of the machine that captured.
  [0, behind(4, 'ip')],
  [108, behind(4, 'ip')],
  // Ethernet
  [1, behind(0, 'ethernet')],
  // PPP, PPP with HDLC framing, PPPoE, Cisco HDLC
  [9, behind(0, 'ppp')],
  [50, behind(0, 'ppp')],
  [51, behind(0, `ether-type:${0x8864}`)],
  [104, frame => etherType(frame, 2)],
  // Raw IP
  [12, behind(0, 'ip')],
  [14, behind(0, 'ip')],
  [101, behind(0, 'ip')],
  [228, behind(0, 'ip')],
  [229, behind(0, 'ip')],
  // OpenBSD's enc and pflog interfaces
  [109, behind(12, 'ip')],
  [117, readPflog],
  // Linux cooked capture, versions 1 and 2
  [113, frame => etherType(frame, 14)],
  [276, frame => etherType(frame, 0, 20)],
  // IP over FireWire, as macOS has it
  [138, frame => etherType(frame, 16)],
  [219, behind(0, 'mpls')],
  [239, readNflog],
  [252, readExportedPdu],
  [258, readPktap]
]

/** What is captured by other link-layer types that people meet. */
const UNKNOWN_LINKS: ReadonlyArray<[first: number, last: number, name: string]> = [
  [105, 105, 'Wi-Fi (802.11)'],
  [107, 107, 'frame relay'],
  [119, 119, 'Wi-Fi (802.11)'],
  [127, 127, 'Wi-Fi (802.11)'],
  [147, 162, 'reserved for private use: who wrote the capture knows what it is'],
  [163, 163, 'Wi-Fi (802.11)'],
  [187, 187, 'Bluetooth'],
  [189, 189, 'USB'],
  [192, 192, 'Wi-Fi (802.11)'],
  [201, 201, 'Bluetooth'],
  [220, 220, 'USB'],
  [249, 249, 'USB'],
  [253, 253, 'netlink']
]

/** `127: Wi-Fi (802.11)` */
export function linkName (link: number): string {
  const name = UNKNOWN_LINKS.find(([first, last]) => link >= first && link <= last)?.[2]
  return name === undefined ? String(link) : `${link}: ${name}`
}

/** Its header begins with its length, which is rounded up to a multiple of four (OpenBSD pflog(4)). */
function readPflog (frame: Buffer): Decoded {
  const length = frame.readUInt8(0)
  return layer('ip', frame.subarray(length + (4 - length % 4) % 4))
}

const NFULA_PAYLOAD = 9

/** iptables -j NFLOG: attributes in the byte order of the machine, one of which is the packet. */
function readNflog (frame: Buffer): Decoded {
  const little = frame.readUInt16LE(4) <= frame.readUInt16BE(4)
  const u16 = (at: number): number => little ? frame.readUInt16LE(at) : frame.readUInt16BE(at)
  for (let at = 4; at + 4 <= frame.length;) {
    const length = u16(at)
    if (length < 4) return undefined
    if (u16(at + 2) === NFULA_PAYLOAD) return layer('ip', frame.subarray(at + 4, at + length))
    at += length + (4 - length % 4) % 4
  }
  return undefined
}

/** macOS `tcpdump -i any` and `-i pktap`: the length of the header and the link type of what follows. */
function readPktap (frame: Buffer): Decoded {
  const length = frame.readUInt32LE(0)
  const kind: LayerKind = `link:${frame.readUInt32LE(8)}`
  return length < 12 ? undefined : layer(kind, frame.subarray(length))
}
