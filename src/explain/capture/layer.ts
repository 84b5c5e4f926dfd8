import type { Packet } from './packet.ts'

/**
 * What the bytes of a layer are: an Ethernet frame, an IP packet, what a number of one of the registries stands for.
 */
export type LayerKind =
  | 'ethernet'
  | 'ip'
  | 'mpls'
  | 'ppp'
  | `link:${number}`
  | `ether-type:${number}`
  | `ip-protocol:${number}`
  | `udp-port:${number}`

/** A part of a frame that is not decoded yet. */
export interface Layer {
  kind: LayerKind
  data: Buffer
}

/** What a decoder found: another layer, the packet itself, or something that only the ends of a tunnel can read. */
export type Decoded = Layer | { packet: Packet } | { unreadable: string } | undefined

/**
 * Decodes one layer; undefined for data of another kind.
 * @throws {RangeError} when the data end within a header
 */
export type LayerDecoder = (data: Buffer) => Decoded

export const layer = (kind: LayerKind, data: Buffer): Layer => ({ kind, data })

/** What an EtherType stands for. @param at offset of the EtherType @param start offset of what follows */
export const etherType = (frame: Buffer, at: number, start = at + 2): Layer =>
  layer(`ether-type:${frame.readUInt16BE(at)}`, frame.subarray(start))

/** A decoder that passes over a header of so many bytes. */
export const behind = (bytes: number, kind: LayerKind): LayerDecoder => data => layer(kind, data.subarray(bytes))

/** A decoder of what cannot be decoded, and its name. */
export const unreadable = (name: string): LayerDecoder => () => ({ unreadable: name })
