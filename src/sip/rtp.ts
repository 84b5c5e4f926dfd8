import { createSocket } from 'node:dgram'
import { randomBytes } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { systemClock } from '../clock.ts'

/** What this side can send and judge; 8000 Hz RTP clock, 160 octets per packet, all three (RFC 3551 4.5.2, 4.5.14). */
export type RtpCodec = 'PCMU' | 'PCMA' | 'G722'

export interface RtpStats {
  sent: number
  /** Audio packets that came. */
  received: number
  /** Those of them that were louder than silence or comfort noise. */
  audible: number
  /** Milliseconds since the epoch. */
  firstAt?: number
  firstAudibleAt?: number
  /** The address that the first one came from, `host:port`. */
  from?: string
}

export interface RtpSession {
  readonly port: number
  readonly stats: RtpStats
  /** From now on sends a packet every 20 ms, and judges what comes as that codec. */
  start(
    to: { host: string, port: number },
    codec: { name: RtpCodec, payload: number },
    sound?: 'silence' | 'tone'
  ): void
  /** Stops sending and closes the port; `stats` stay. */
  close(): Promise<void>
}

/** Length of a packet, ms, and in octets and clock ticks. */
const PACKET_MS = 20
const PACKET_SIZE = 160
/** Peak of a 16-bit sample, about -42 dB: louder than comfort noise, softer than anybody's speech. */
const AUDIBLE_PEAK = 256

/**
 * Opens a UDP port for the audio of one call. Without jitter buffer and RTCP: it tells whether audio comes, not how
 * well.
 * @param options.host own address
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
      // Nobody at the far end's port (ICMP) is no reason to stop: it may be about to open.
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
        // Against the start, so that late timers do not add up.
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

/** Payload type and payload of an RTP packet; undefined for what is none, RTCP included (RFC 5761 4). */
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

/** Tells packets with sound from silence; one judge per stream, fed in order. */
export function createLoudnessJudge (codec: RtpCodec): (payload: Uint8Array) => boolean {
  if (codec === 'G722') return createG722Judge()
  const peakOf = codec === 'PCMU' ? ulawPeak : alawPeak
  return payload => payload.some(octet => peakOf(octet) >= AUDIBLE_PEAK)
}

/** Magnitude of a mu-law octet as a 16-bit sample (ITU-T G.711). */
function ulawPeak (octet: number): number {
  const code = ~octet & 0x7f
  return ((((code & 0x0f) << 3) + 0x84) << (code >> 4)) - 0x84
}

/** Magnitude of an A-law octet as a 16-bit sample (ITU-T G.711). */
function alawPeak (octet: number): number {
  const code = (octet ^ 0x55) & 0x7f
  const segment = code >> 4
  const base = ((code & 0x0f) << 4) + 8
  return segment === 0 ? base : (base + 0x100) << (segment - 1)
}

/** ITU-T G.722 tables of the lower band: change of the step size's logarithm by the upper four bits of a code. */
const G722_STEP = [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60]
const G722_STEP_MAX = 18_432
/** Noise of -60 dB stays below, noise of -40 dB and speech do not. The size doubles every 2048. */
const G722_AUDIBLE = 5120

/**
 * G.722 is adaptive: the step size of its lower band, which both ends derive from the codes, follows the loudness. That
 * is enough to tell silence, without decoding.
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

/** Octets that decode to nothing; for G.722 the code of +0 in both bands at the smallest step size. */
const SILENCE: Record<RtpCodec, number> = { PCMU: 0xff, PCMA: 0xd5, G722: 0xfd }
/** Octets of a square wave's two halves. */
const TONE: Record<RtpCodec, [number, number]> = { PCMU: [0xa0, 0x20], PCMA: [0xba, 0x3a], G722: [0xe8, 0xd0] }

function payloadOf (codec: RtpCodec, sound: 'silence' | 'tone'): Uint8Array {
  if (sound === 'silence') return Buffer.alloc(PACKET_SIZE, SILENCE[codec])
  const [up, down] = TONE[codec]
  // 400 Hz at 8000 octets a second.
  return Buffer.alloc(PACKET_SIZE).map((_, i) => i % 20 < 10 ? up : down)
}
