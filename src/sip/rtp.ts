import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'

/** The codecs that this side can send and judge. Each has an RTP clock of 8000 Hz (RFC 3551 4.5.2, 4.5.14). */
export type RtpCodec = 'PCMU' | 'PCMA' | 'G722'

export interface RtpStats {
  sent: number
  /** Audio packets that arrived. */
  received: number
  /** How many of them were louder than silence or comfort noise. */
  audible: number
  /** When the first packet arrived, in milliseconds since the epoch. */
  firstAt?: number
  /** When the first audible packet arrived, in milliseconds since the epoch. */
  firstAudibleAt?: number
  /** The address that the first packet came from, as `host:port`. */
  from?: string
}

export interface RtpSession {
  readonly port: number
  readonly stats: RtpStats
  /** Starts to send a packet every 20 ms, and to count received packets of that codec. */
  start(
    to: { host: string, port: number },
    codec: { name: RtpCodec, payload: number },
    sound?: 'silence' | 'tone'
  ): void
  /** Stops sending and closes the port. `stats` stay readable. */
  close(): Promise<void>
}

/** How much audio a packet holds, in milliseconds. */
const PACKET_MS = 20
/** The payload of a packet in octets, which is also its length in ticks of the RTP clock. */
const PACKET_SIZE = 160
/** A peak of 16-bit samples of about -42 dB, which is louder than comfort noise and softer than speech. */
const AUDIBLE_PEAK = 256

/**
 * Opens a UDP port for the audio of one call. It has no jitter buffer and no RTCP, so it finds out whether audio
 * arrives, and not how well.
 *
 * @param options.host our own address
 * @throws the system's error when it cannot listen there
 */
export async function openRtp ({ host, clock = systemClock }: { host: string, clock?: Clock }): Promise<RtpSession> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  const stats: RtpStats = { sent: 0, received: 0, audible: 0 }
  let judge: ((payload: Uint8Array) => boolean) | undefined
  let expected: number | undefined
  let stop = () => {}
  let closed = false

  socket.on('message', (data, from) => {
    const packet = parseRtp(data)
    if (!packet || packet.payloadType !== expected) return
    stats.received++
    if (stats.firstAt === undefined) {
      stats.firstAt = clock.now()
      stats.from = `${from.address}:${from.port}`
    }
    if (!judge?.(packet.payload)) return
    stats.audible++
    stats.firstAudibleAt ??= clock.now()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(0, host, () => {
      socket.off('error', reject)
      // ICMP reports a far end that has not opened its port yet. It may open the port later, so the session goes on.
      socket.on('error', () => {})
      resolve()
    })
  })

  return {
    port: socket.address().port,
    stats,
    start (to, codec, sound = 'silence') {
      stop()
      judge = createLoudnessJudge(codec.name)
      expected = codec.payload
      const source = randomBytes(4).readUInt32BE()
      const payload = payloadOf(codec.name, sound)
      const began = clock.now()
      let sequence = 0
      const send = () => {
        if (closed) return
        socket.send(
          buildRtp({
            payloadType: codec.payload,
            sequence,
            timestamp: sequence * PACKET_SIZE,
            source,
            marker: sequence === 0,
            payload
          }),
          to.port,
          to.host,
          () => {}
        )
        stats.sent++
        sequence++
        // The delay counts from the start, so that late timers do not add up.
        stop = clock.schedule(Math.max(0, began + sequence * PACKET_MS - clock.now()), send)
      }
      send()
    },
    close: () =>
      new Promise(resolve => {
        stop()
        if (closed) return resolve()
        closed = true
        socket.close(() => resolve())
      })
  }
}

/** One RTP packet (RFC 3550 5.1). */
export function buildRtp (
  packet: {
    payloadType: number
    sequence: number
    timestamp: number
    source: number
    marker?: boolean
    payload: Uint8Array
  }
): Buffer {
  const head = Buffer.alloc(12)
  head[0] = 0x80
  head[1] = (packet.marker ? 0x80 : 0) | packet.payloadType
  head.writeUInt16BE(packet.sequence & 0xffff, 2)
  head.writeUInt32BE(packet.timestamp >>> 0, 4)
  head.writeUInt32BE(packet.source, 8)
  return Buffer.concat([head, packet.payload])
}

/** The payload type and the payload of an RTP packet. Undefined for anything else, also for RTCP (RFC 5761 4). */
export function parseRtp (data: Uint8Array): { payloadType: number, payload: Uint8Array } | undefined {
  const [first = 0, second = 0] = data
  if (data.length < 12 || first >> 6 !== 2 || (second >= 192 && second <= 223)) return undefined
  let start = 12 + 4 * (first & 0x0f)
  if (first & 0x10) {
    if (data.length < start + 4) return undefined
    start += 4 + 4 * (((data[start + 2] ?? 0) << 8) | (data[start + 3] ?? 0))
  }
  const padding = first & 0x20 ? data[data.length - 1] ?? 0 : 0
  if (start + padding > data.length) return undefined
  return { payloadType: second & 0x7f, payload: data.subarray(start, data.length - padding) }
}

/** Creates a function that tells packets with sound from silence. Each stream needs its own, with packets in order. */
export function createLoudnessJudge (codec: RtpCodec): (payload: Uint8Array) => boolean {
  if (codec === 'G722') return createG722Judge()
  const peakOf = codec === 'PCMU' ? ulawPeak : alawPeak
  return payload => payload.some(octet => peakOf(octet) >= AUDIBLE_PEAK)
}

/** The magnitude of a mu-law octet as a 16-bit sample (ITU-T G.711). */
function ulawPeak (octet: number): number {
  const code = ~octet & 0x7f
  return ((((code & 0x0f) << 3) + 0x84) << (code >> 4)) - 0x84
}

/** The magnitude of an A-law octet as a 16-bit sample (ITU-T G.711). */
function alawPeak (octet: number): number {
  const code = (octet ^ 0x55) & 0x7f
  const segment = code >> 4
  const base = ((code & 0x0f) << 4) + 8
  return segment === 0 ? base : (base + 0x100) << (segment - 1)
}

/** ITU-T G.722, lower band: how the upper four bits of a code change the logarithm of the step size. */
const G722_STEP = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60]
const G722_STEP_MAX = 18_432
/** Noise of -60 dB stays below this, noise of -40 dB and speech do not. The step size doubles with every 2048. */
const G722_AUDIBLE = 5120

/**
 * G.722 is adaptive: both ends derive the step size of its lower band from the codes, and the step size follows the
 * loudness. So silence can be recognized without decoding.
 */
function createG722Judge (): (payload: Uint8Array) => boolean {
  let step = 0
  return payload => {
    let loudest = 0
    for (const octet of payload) {
      const change = G722_STEP[(octet >> 2) & 0x0f] ?? 0
      step = Math.min(G722_STEP_MAX, Math.max(0, ((step * 127) >> 7) + change))
      loudest = Math.max(loudest, step)
    }
    return loudest >= G722_AUDIBLE
  }
}

/** Octets that decode to silence. For G.722 this is the code of +0 in both bands at the smallest step size. */
const SILENCE: Record<RtpCodec, number> = { PCMU: 0xff, PCMA: 0xd5, G722: 0xfd }
/** The octets of the two halves of a square wave. */
const TONE: Record<RtpCodec, [number, number]> = { PCMU: [0xa0, 0x20], PCMA: [0xba, 0x3a], G722: [0xe8, 0xd0] }

function payloadOf (codec: RtpCodec, sound: 'silence' | 'tone'): Uint8Array {
  if (sound === 'silence') return Buffer.alloc(PACKET_SIZE, SILENCE[codec])
  const [up, down] = TONE[codec]
  // 400 Hz at 8000 octets a second.
  return Buffer.alloc(PACKET_SIZE).map((_, i) => i % 20 < 10 ? up : down)
}
