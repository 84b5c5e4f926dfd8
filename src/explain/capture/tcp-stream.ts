import type { Endpoint } from './endpoint.ts'
import { looksLikeSip } from './sip-bytes.ts'
import { createStreamCutter, startsWrapped, type CarriedSip } from './stream-cutter.ts'

/** What was noticed in all directions of all connections. */
export interface TcpCounts {
  /** Directions that begin as TLS does. */
  encrypted: number
  /** Places where segments are missing in directions that carry SIP. */
  gaps: number
}

/** Segments that wait for the ones in front of them. */
const MAX_EARLY_BYTES = 64 * 1024
const MAX_EARLY_SEGMENTS = 64
/** After this many bytes without SIP a direction is no longer collected, only looked at. */
const MAX_FOREIGN_BYTES = 64 * 1024

/** One direction of a TCP connection: its segments in order (RFC 9293 3.4), cut into SIP messages. */
export class TcpStream {
  readonly source: Endpoint
  readonly destination: Endpoint
  readonly #counts: TcpCounts
  readonly #cutter = createStreamCutter()
  /** Sequence number of the next byte; undefined until the first segment. */
  #next: number | undefined
  /** Segments that came before the ones in front of them, by sequence number. */
  readonly #early = new Map<number, Buffer>()
  #earlyBytes = 0
  /** Bytes since the last SIP message. */
  #foreignBytes = 0

  constructor (ends: { source: Endpoint, destination: Endpoint }, counts: TcpCounts) {
    this.source = ends.source
    this.destination = ends.destination
    this.#counts = counts
  }

  /** The connection begins: its first byte follows the SYN's sequence number. */
  open (syn: number): void {
    this.#next = (syn + 1) >>> 0
  }

  /**
   * Takes a segment. Returns the messages that it completes.
   * @param cut the capture kept only its beginning
   */
  push (seq: number, payload: Buffer, cut: boolean): CarriedSip[] {
    if (this.#foreignBytes === 0 && isTlsHandshake(payload)) this.#counts.encrypted++
    this.#next ??= seq
    const known = distance(seq, this.#next)
    if (known >= payload.length) return []

    const messages = known >= 0
      ? [...this.#feed(payload.subarray(known)), ...this.#drain()]
      : this.#pushEarly(seq, payload)
    return cut ? [...messages, ...this.#breakOff()] : messages
  }

  /** No further segment will come. Returns what waited for missing ones. */
  flush (): CarriedSip[] {
    const messages: CarriedSip[] = []
    while (this.#early.size > 0) messages.push(...this.#skipGap())
    return messages
  }

  /** The capture is over. Also returns the beginning of a message whose end never came. */
  finish (): CarriedSip[] {
    const messages = this.flush()
    const part = this.#cutter.end()
    return part ? [...messages, part] : messages
  }

  get #isForeign (): boolean {
    return this.#foreignBytes > MAX_FOREIGN_BYTES
  }

  /** Takes the bytes that follow next. */
  #feed (data: Buffer): CarriedSip[] {
    this.#next = (this.#next! + data.length) >>> 0
    if (this.#isForeign && !looksLikeSip(data) && !startsWrapped(data)) return []

    const messages = this.#cutter.push(data)
    this.#foreignBytes = messages.length > 0 ? 0 : this.#foreignBytes + data.length
    return messages
  }

  /** Takes a segment that follows bytes which have not come yet. */
  #pushEarly (seq: number, payload: Buffer): CarriedSip[] {
    if (this.#isForeign) {
      // Nobody needs the bytes that are missing in what is no SIP.
      this.#next = seq
      return this.#feed(payload)
    }

    const known = this.#early.get(seq)
    if (!known || known.length < payload.length) {
      this.#earlyBytes += payload.length - (known?.length ?? 0)
      this.#early.set(seq, Buffer.from(payload))
    }
    const tooMany = this.#earlyBytes > MAX_EARLY_BYTES || this.#early.size > MAX_EARLY_SEGMENTS
    return tooMany ? this.#skipGap() : []
  }

  /** Feeds the early segments that nothing is missing in front of any more. */
  #drain (): CarriedSip[] {
    const messages: CarriedSip[] = []
    for (let seq = this.#reached(); seq !== undefined; seq = this.#reached()) {
      const data = this.#early.get(seq)!
      this.#early.delete(seq)
      this.#earlyBytes -= data.length
      const known = distance(seq, this.#next!)
      if (known < data.length) messages.push(...this.#feed(data.subarray(known)))
    }
    return messages
  }

  #reached (): number | undefined {
    for (const seq of this.#early.keys()) {
      if (distance(seq, this.#next!) >= 0) return seq
    }
    return undefined
  }

  /** What is missing will not come any more: goes on behind it. */
  #skipGap (): CarriedSip[] {
    const next = this.#next!
    const [nearest] = [...this.#early.keys()].sort((a, b) => distance(next, a) - distance(next, b))
    if (nearest === undefined) return []

    this.#cutter.gap()
    this.#next = nearest
    if (!this.#isForeign) this.#counts.gaps++
    return this.#drain()
  }

  /** The rest of the last segment is missing: its message ends here. */
  #breakOff (): CarriedSip[] {
    const part = this.#cutter.end()
    this.#cutter.gap()
    return part ? [part] : []
  }
}

/** Bytes from one sequence number to another, which may have begun again at 0 in between (RFC 9293 3.4). */
const distance = (from: number, to: number): number => (to - from) | 0

/** A TLS record of type handshake (RFC 8446 5.1). */
const isTlsHandshake = (data: Buffer): boolean => data[0] === 22 && data[1] === 3
