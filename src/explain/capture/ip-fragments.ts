import type { Fragment, IpPacket } from './ip.ts'

/** A datagram of which not all fragments have come. */
interface Incomplete {
  parts: Array<{ offset: number, data: Buffer }>
  /** Length of the whole datagram, once its last fragment has come. */
  total?: number
  packet: IpPacket
}

/** Datagrams that wait for more fragments. */
const MAX_PENDING = 256
/** A datagram of 64 KiB in the smallest packets that IPv4 knows has no more (RFC 791 3.2 asks for 576 bytes). */
const MAX_PARTS = 128
const MAX_DATAGRAM_BYTES = 0xffff

/** Joins the fragments of IP datagrams: a large INVITE over UDP comes in several. */
export class IpFragments {
  readonly #pending = new Map<string, Incomplete>()

  /** Takes a fragment. Returns the whole datagram when this completes it. */
  add (packet: IpPacket, fragment: Fragment): IpPacket | undefined {
    const datagram = this.#datagramOf(packet, fragment)
    addPart(datagram, fragment, packet.payload)
    const payload = joined(datagram)
    if (!payload) return undefined

    this.#pending.delete(fragment.datagram)
    return { ...packet, payload, fragment: undefined }
  }

  /** The capture is over. Returns the beginnings of the datagrams whose other fragments never came. */
  finish (): IpPacket[] {
    return [...this.#pending.values()].flatMap(({ parts: [first], packet }) =>
      first?.offset === 0 ? [{ ...packet, payload: first.data, cut: true, fragment: undefined }] : []
    )
  }

  #datagramOf (packet: IpPacket, { datagram: key }: Fragment): Incomplete {
    const known = this.#pending.get(key)
    if (known) return known

    // The oldest one is given up: its missing fragment was not captured.
    if (this.#pending.size >= MAX_PENDING) this.#pending.delete(this.#pending.keys().next().value!)
    const datagram: Incomplete = { parts: [], packet }
    this.#pending.set(key, datagram)
    return datagram
  }
}

function addPart (datagram: Incomplete, { offset, more }: Fragment, payload: Buffer): void {
  const { parts } = datagram
  if (parts.length < MAX_PARTS && !parts.some(part => part.offset === offset)) {
    // A copy, because the payload is a view of a buffer that holds much more of the file.
    parts.push({ offset, data: Buffer.from(payload) })
    parts.sort((a, b) => a.offset - b.offset)
  }
  if (!more) datagram.total = offset + payload.length
}

/** The datagram's payload; undefined while a part is missing. */
function joined ({ parts, total }: Incomplete): Buffer | undefined {
  let end = 0
  for (const { offset, data } of parts) {
    if (offset > end) return undefined
    end = Math.max(end, offset + data.length)
  }
  if (total === undefined || end < total || total > MAX_DATAGRAM_BYTES) return undefined

  const payload = Buffer.alloc(total)
  for (const { offset, data } of parts) data.copy(payload, offset)
  return payload
}
