import { inflateSync, gunzipSync } from 'node:zlib'
import type { Endpoint } from './endpoint.ts'
import { ipv4Address, ipv6Address } from './ip.ts'
import { looksLikeSip } from './sip-bytes.ts'
import { MAX_BODY_BYTES, MAX_HEAD_BYTES } from '../../sip/message.ts'

/** What Homer's agents send to it: a message, and where and when they saw it. */
export interface HepPacket {
  payload: Buffer
  source: Endpoint
  destination: Endpoint
  transport: string
  /** Milliseconds since the epoch; undefined where the packet has no time. */
  at?: number
}

const HEP3 = 'HEP3'
/** The header of a HEP3 packet: the magic, and the length of the whole. */
const HEADER = 6

export const isHep3 = (data: Buffer): boolean => data.length >= HEADER && data.toString('latin1', 0, 4) === HEP3

/** Bytes of the HEP3 packet that the data begin with. */
export const hep3Length = (data: Buffer): number => data.readUInt16BE(4)

/** Chunks of the generic vendor (HEP3 Network Protocol Specification, rev. 12). */
const CHUNK = {
  protocol: 2,
  ipv4Source: 3,
  ipv4Destination: 4,
  ipv6Source: 5,
  ipv6Destination: 6,
  sourcePort: 7,
  destinationPort: 8,
  seconds: 9,
  microseconds: 10,
  payload: 15,
  compressed: 16
}

/**
 * Reads a HEP packet of any version; undefined for other data.
 * @throws {RangeError} when it ends within a field
 */
export function readHep (data: Buffer): HepPacket | undefined {
  if (isHep3(data)) return readHep3(data)
  const version = data.readUInt8(0)
  return version === 1 || version === 2 ? readOldHep(data) : undefined
}

function readHep3 (data: Buffer): HepPacket | undefined {
  const chunks = chunksOf(data)
  const compressed = chunks.get(CHUNK.compressed)
  const payload = compressed ? inflated(compressed) : chunks.get(CHUNK.payload)
  if (!payload) return undefined

  const seconds = chunks.get(CHUNK.seconds)?.readUInt32BE(0)
  const micros = chunks.get(CHUNK.microseconds)?.readUInt32BE(0) ?? 0
  return {
    payload,
    source: endOf(chunks, CHUNK.ipv4Source, CHUNK.ipv6Source, CHUNK.sourcePort),
    destination: endOf(chunks, CHUNK.ipv4Destination, CHUNK.ipv6Destination, CHUNK.destinationPort),
    transport: transportOf(chunks.get(CHUNK.protocol)?.readUInt8(0) ?? 0),
    ...(seconds !== undefined && { at: seconds * 1000 + micros / 1000 })
  }
}

/** Each has a vendor, a type and a length that counts these six bytes too. */
function chunksOf (data: Buffer): Map<number, Buffer> {
  const chunks = new Map<number, Buffer>()
  for (let at = HEADER; at + 6 <= data.length;) {
    const length = data.readUInt16BE(at + 4)
    if (length < 6) break
    if (data.readUInt16BE(at) === 0) chunks.set(data.readUInt16BE(at + 2), data.subarray(at + 6, at + length))
    at += length
  }
  return chunks
}

function endOf (chunks: ReadonlyMap<number, Buffer>, ipv4: number, ipv6: number, port: number): Endpoint {
  const four = chunks.get(ipv4)
  const six = chunks.get(ipv6)
  const long = six ? ipv6Address(six, 0) : ''
  return { address: four ? ipv4Address(four, 0) : long, port: chunks.get(port)?.readUInt16BE(0) ?? 0 }
}

function inflated (data: Buffer): Buffer | undefined {
  const limits = { maxOutputLength: MAX_HEAD_BYTES + MAX_BODY_BYTES }
  try {
    return data[0] === 0x1f ? gunzipSync(data, limits) : inflateSync(data, limits)
  } catch {
    return undefined
  }
}

/** `struct hep_timehdr` of version 2, which compilers round up to a multiple of four bytes. */
const TIME_BYTES = 12
const AF_INET = 2
const UDP_AND_TCP: readonly number[] = [6, 17]

/**
 * Versions 1 and 2: a header of 8 bytes, both addresses, in version 2 a time in the byte order of the sender, and the
 * message (kamailio src/modules/sipcapture/hep.h).
 */
function readOldHep (data: Buffer): HepPacket | undefined {
  const [version = 0, length = 0, family, protocol = 0] = data
  const isIpv4 = family === AF_INET
  const addresses = isIpv4 ? 8 : 32
  if (!UDP_AND_TCP.includes(protocol) || length < 8 + addresses) return undefined

  const timeAt = 8 + addresses
  const payload = [length, length + TIME_BYTES].map(at => data.subarray(at)).find(looksLikeSip)
  if (!payload) return undefined

  const read = isIpv4 ? ipv4Address : ipv6Address
  return {
    payload,
    source: { address: read(data, 8), port: data.readUInt16BE(4) },
    destination: { address: read(data, 8 + addresses / 2), port: data.readUInt16BE(6) },
    transport: transportOf(protocol),
    ...(version === 2 && { at: data.readUInt32LE(timeAt) * 1000 + data.readUInt32LE(timeAt + 4) / 1000 })
  }
}

function transportOf (protocol: number): string {
  if (protocol === 6) return 'tcp'
  return protocol === 17 ? 'udp' : ''
}
