import { SipClient } from 'livekit-server-sdk'
import type { Settings } from '../config.ts'
import { isOurs } from '../provisioning/livekit-wish.ts'

/** The part of LiveKit's SIP API that is read. */
export type TrunkReader = Pick<SipClient, 'listSipInboundTrunk'>

/** After which time LiveKit itself ends a call of a trunk. */
export interface TrunkLimits {
  id: string
  /** Ringing included, seconds; undefined: a day. */
  maxCallDurationS?: number | undefined
}

const REQUEST_TIMEOUT_S = 5

/** The limits of the bridge's trunk; undefined where there is none, or LiveKit does not say. */
export async function ourTrunkLimits (
  { LIVEKIT_URL: url, LIVEKIT_API_KEY: key, LIVEKIT_API_SECRET: secret }: Settings,
  sip: TrunkReader = new SipClient(url, key, secret, { requestTimeout: REQUEST_TIMEOUT_S, failover: false })
): Promise<TrunkLimits | undefined> {
  const trunk = await sip.listSipInboundTrunk().then(trunks => trunks.find(isOurs), () => undefined)
  if (!trunk) return undefined
  const seconds = Number(trunk.maxCallDuration?.seconds ?? 0)
  return { id: trunk.sipTrunkId, ...(seconds > 0 && { maxCallDurationS: seconds }) }
}
