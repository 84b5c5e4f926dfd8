/** One payload format of an audio line. */
export interface SdpCodec {
  payload: number
  name: string
  rate: number
}

/** The audio part of a session description: the address for RTP and the payload formats. */
export interface Sdp {
  ip: string
  port: number
  profile: string
  codecs: SdpCodec[]
  direction: string
}

/** Static payload types, which need no rtpmap (RFC 3551 6). */
const STATIC: Readonly<Record<number, string>> = { 0: 'PCMU', 8: 'PCMA', 9: 'G722', 18: 'G729' }

const PCMU: SdpCodec = { payload: 0, name: 'PCMU', rate: 8000 }
const PCMA: SdpCodec = { payload: 8, name: 'PCMA', rate: 8000 }
const DTMF: SdpCodec = { payload: 101, name: 'telephone-event', rate: 8000 }

/** The codecs that this user agent offers by default: both laws of G.711, and digits (RFC 4733). */
export const DEFAULT_CODECS: readonly SdpCodec[] = [PCMU, PCMA, DTMF]

/** A minimal audio session description (RFC 4566) for RTP at `ip`:`port`. */
export function buildSdp (
  input: { ip: string, port: number, codecs?: readonly SdpCodec[], name?: string, version?: number }
): string {
  const codecs = input.codecs ?? DEFAULT_CODECS
  const family = input.ip.includes(':') ? 'IP6' : 'IP4'
  return [
    'v=0',
    `o=- 1 ${input.version ?? 1} IN ${family} ${input.ip}`,
    `s=${input.name ?? '-'}`,
    `c=IN ${family} ${input.ip}`,
    't=0 0',
    `m=audio ${input.port} RTP/AVP ${codecs.map(c => c.payload).join(' ')}`,
    ...codecs.flatMap(c => [
      `a=rtpmap:${c.payload} ${c.name}/${c.rate}`,
      ...(c.name === 'telephone-event' ? [`a=fmtp:${c.payload} 0-16`] : [])
    ]),
    'a=ptime:20',
    'a=sendrecv',
    ''
  ].join('\r\n')
}

/** Reads the first audio line. Undefined when no audio line can be used. */
export function parseSdp (text: string): Sdp | undefined {
  let ip = ''
  let direction = 'sendrecv'
  let audio: { port: number, profile: string, payloads: number[], ip?: string } | undefined
  let section = 'session'
  const names = new Map<number, { name: string, rate: number }>()
  for (const line of text.split(/\r?\n/)) {
    const value = line.slice(2)
    if (line.startsWith('m=')) {
      const match = /^audio (\d{1,5})(?:\/\d+)? (\S+)((?: \d{1,3})+)\s*$/.exec(value)
      section = match && !audio ? 'audio' : 'other'
      if (match && !audio) {
        audio = {
          port: Number(match[1]),
          profile: match[2] ?? '',
          payloads: (match[3] ?? '').trim().split(' ').map(Number)
        }
      }
    } else if (section === 'other') continue
    else if (line.startsWith('c=')) {
      const address = /^IN IP[46] (\S+)/.exec(value)?.[1] ?? ''
      if (audio) audio.ip = address
      else ip = address
    } else if (line.startsWith('a=')) {
      const map = /^rtpmap:(\d{1,3}) ([^/\s]+)\/(\d+)/.exec(value)
      if (map) names.set(Number(map[1]), { name: map[2] ?? '', rate: Number(map[3]) })
      else if (/^(sendrecv|sendonly|recvonly|inactive)$/.test(value)) direction = value
    }
  }
  const address = audio?.ip ?? ip
  if (!audio || address === '' || audio.port > 65535) return undefined
  const codecs = audio.payloads.flatMap(payload => {
    const known = names.get(payload) ?? (STATIC[payload] ? { name: STATIC[payload], rate: 8000 } : undefined)
    return known ? [{ payload, ...known }] : []
  })
  return { ip: address, port: audio.port, profile: audio.profile, codecs, direction }
}

/**
 * The codecs for an answer: the first of `accepted` that the offer contains, in any case, and telephone-event if it is
 * offered. Empty when they have no codec in common.
 */
export function commonCodecs (offer: Sdp, accepted: readonly string[]): SdpCodec[] {
  const offered = (name: string) => offer.codecs.filter(codec => codec.name.toLowerCase() === name.toLowerCase())
  const [best] = accepted.flatMap(offered)
  const dtmf = offered('telephone-event').find(codec => codec.rate === 8000)
  if (!best) return []
  return dtmf ? [best, dtmf] : [best]
}
