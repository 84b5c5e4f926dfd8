import { ETHER_TYPES, readEthernet, readMpls, readPpp } from './ether-types.ts'
import { IP_PROTOCOLS } from './ip-protocols.ts'
import type { LayerDecoder, LayerKind } from './layer.ts'
import { LINK_LAYERS } from './link-layer.ts'
import { UDP_PORTS } from './udp-ports.ts'

/** How to go on inside each kind of layer. IP, whose fragments are remembered, is decoded by the packet decoder. */
export const DECODERS: ReadonlyMap<LayerKind, LayerDecoder> = new Map<LayerKind, LayerDecoder>([
  ['ethernet', readEthernet],
  ['mpls', readMpls],
  ['ppp', readPpp],
  ...numbered('link', LINK_LAYERS),
  ...numbered('ether-type', ETHER_TYPES),
  ...numbered('ip-protocol', IP_PROTOCOLS),
  ...numbered('udp-port', UDP_PORTS)
])

export const knowsLayer = (kind: LayerKind): boolean => kind === 'ip' || DECODERS.has(kind)

export const knowsLink = (link: number): boolean => DECODERS.has(`link:${link}`)

function numbered (
  registry: 'link' | 'ether-type' | 'ip-protocol' | 'udp-port',
  decoders: ReadonlyArray<[number, LayerDecoder]>
): Array<[LayerKind, LayerDecoder]> {
  return decoders.map(([number, decode]) => [`${registry}:${number}`, decode])
}
