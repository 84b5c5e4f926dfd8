import type { Clock } from '../../clock.ts'
import type { RtpCodec } from '../../sip/rtp.ts'
import type { Sdp, SdpCodec } from '../../sip/sdp.ts'
import { openRtp } from '../../sip/rtp.ts'

/** The audio of one call. */
export interface Media {
  readonly port: number
  start(): void
  stop(): void
}

/** Opens the RTP port of a call. `start` sends silence or a tone to the address in the offer. */
export async function openMedia (options: {
  host: string
  clock: Clock
  offer: Sdp
  codec: SdpCodec | undefined
  sound: 'silence' | 'tone'
}): Promise<Media> {
  const { host, clock, offer, codec, sound } = options
  const rtp = await openRtp({ host, clock })
  return {
    port: rtp.port,
    start () {
      if (!codec) return
      const name = codec.name.toUpperCase() as RtpCodec
      rtp.start({ host: offer.ip, port: offer.port }, { name, payload: codec.payload }, sound)
    },
    stop () {
      rtp.close().catch(() => {})
    }
  }
}
