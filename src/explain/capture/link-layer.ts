const ETHERTYPE_IPV4 = 0x0800
const ETHERTYPE_IPV6 = 0x86dd
/** IEEE 802.1Q and 802.1ad tags stand between the addresses and the EtherType. */
const VLAN_TAGS: readonly number[] = [0x8100, 0x88a8, 0x9100]

/** Finds the IP packet in a frame; undefined when the frame carries something else. */
type LinkReader = (frame: Buffer) => Buffer | undefined

const asItIs: LinkReader = frame => frame
/** BSD loopback: the first four bytes are the address family, in the byte order of the machine that captured. */
const behindFamily: LinkReader = frame => frame.subarray(4)

/** Readers by link-layer type (tcpdump.org/linktypes.html). */
const READERS: ReadonlyMap<number, LinkReader> = new Map([
  // Ethernet
  [1, frame => behindEtherType(frame, 12)],
  // BSD loopback
  [0, behindFamily],
  [108, behindFamily],
  // Raw IP
  [12, asItIs],
  [14, asItIs],
  [101, asItIs],
  [228, asItIs],
  [229, asItIs],
  // Linux cooked capture, versions 1 and 2
  [113, frame => behindEtherType(frame, 14)],
  [276, frame => behindEtherType(frame, 0, 20)]
])

export const knowsLink = (link: number): boolean => READERS.has(link)

/**
 * The IP packet in a frame; undefined when the frame carries something else, or its link type is unknown.
 * @throws {RangeError} when the frame ends within its header
 */
export const ipPacketIn = (link: number, frame: Buffer): Buffer | undefined => READERS.get(link)?.(frame)

/** @param at offset of the EtherType @param start offset of the IP packet when there is no VLAN tag */
function behindEtherType (frame: Buffer, at: number, start = at + 2): Buffer | undefined {
  let type = frame.readUInt16BE(at)
  let begin = start
  while (VLAN_TAGS.includes(type)) {
    type = frame.readUInt16BE(begin + 2)
    begin += 4
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? frame.subarray(begin) : undefined
}
