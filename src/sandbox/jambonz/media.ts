import { buildSdp, parseSdp } from '../../sip/sdp.ts'

/** No media flows in the sandbox, so every session description names the discard port. */
const DISCARD_PORT = 9

/** The session description that the double offers or answers with. */
export function sandboxSdp (host: string): string {
  return buildSdp({ ip: host, port: DISCARD_PORT })
}

/**
 * Whether Jambonz's media server finds PCMU or PCMA in a caller's offer; without either it answers 488. An empty offer
 * passes, for tests that are not about media.
 */
export function hasTelephoneCodec (offer: string): boolean {
  if (offer === '') return true
  return parseSdp(offer)?.codecs.some(codec => /^PCM[UA]$/i.test(codec.name)) ?? false
}
