import { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from 'livekit-server-sdk'
import { ENCRYPTION } from '../livekit/media-config.ts'

/** What the trunk and the rule are made of; the names are those of the settings. */
export interface ProvisionSettings {
  livekitSipUsername: string
  livekitSipPassword: string
  livekitRoomPrefix: string
  /** The rule's default agent: it answers when the bridge could not create the room. */
  livekitAgentName: string
  /** How long the agent leg may ring, seconds. */
  dialTimeoutS: number
  /** How long an answered call may last, seconds. */
  maxCallDurationS: number
  /** The agent leg's audio is encrypted. */
  livekitSipSrtp?: boolean
  /** User name and password are only for a trunk that has none: a trunk of ours keeps its pair. */
  keepCredentials?: boolean
}

const OWNER = 'jambonz-livekit-bridge'
const NAME = 'jambonz-bridge'
/** LiveKit has no unique names: our trunk and our rule are the ones whose metadata says this. */
export const MARKER = JSON.stringify({ managed_by: OWNER })

/** LiveKit rings longer than Jambonz's dial, so that the dial timeout alone decides (LiveKit then answers 486). */
const RINGING_MARGIN_S = 15
/** LiveKit's default of 15 s without RTP would end a call that is on hold. */
const MEDIA_TIMEOUT_S = 120
/** `SIPHeaderOptions`, an enum that the SDK does not export. */
export const HEADERS = { x: 1, all: 2 } as const

/** How long LiveKit rings, seconds. */
export const ringingTimeoutS = ({ dialTimeoutS }: Pick<ProvisionSettings, 'dialTimeoutS'>): number =>
  dialTimeoutS + RINGING_MARGIN_S

/** LiveKit counts the ringing as part of the call (livekit/sip inbound.go), so its limit must hold both, seconds. */
export const callLimitS = (
  { dialTimeoutS, maxCallDurationS }: Pick<ProvisionSettings, 'dialTimeoutS' | 'maxCallDurationS'>
): number => ringingTimeoutS({ dialTimeoutS }) + maxCallDurationS

/**
 * The inbound trunk that Jambonz's INVITE must match: any dialled user, proven by user name and password. Never with
 * all headers: that hands agents a withheld caller's identity and the trunk's digest.
 * @throws {Error} when one of the two is missing: LiveKit accepts such a trunk but challenges nobody.
 */
export function desiredTrunk (settings: ProvisionSettings): SIPInboundTrunkInfo {
  const { livekitSipUsername, livekitSipPassword, livekitSipSrtp } = settings
  if (!livekitSipUsername || !livekitSipPassword) {
    throw new Error(
      'LIVEKIT_SIP_USERNAME and LIVEKIT_SIP_PASSWORD must both be set: without them anybody who finds the trunk ' +
        'could call your agents'
    )
  }
  return new SIPInboundTrunkInfo({
    name: NAME,
    metadata: MARKER,
    numbers: [],
    authUsername: livekitSipUsername,
    authPassword: livekitSipPassword,
    includeHeaders: HEADERS.x,
    ringingTimeout: { seconds: BigInt(ringingTimeoutS(settings)) },
    media: {
      mediaTimeout: { seconds: BigInt(MEDIA_TIMEOUT_S) },
      ...(livekitSipSrtp && { encryption: ENCRYPTION.allow })
    }
  })
}

/**
 * The rule that puts a call to `sip:<token>@…` into the room `<prefix>_<token>`; the underscore is LiveKit's.
 * Bound to the trunk: a rule without trunk ids takes calls that no trunk has authenticated.
 */
export function desiredRule (settings: ProvisionSettings, trunkId: string): SIPDispatchRuleInfo {
  return new SIPDispatchRuleInfo({
    name: NAME,
    metadata: MARKER,
    trunkIds: [trunkId],
    rule: {
      rule: { case: 'dispatchRuleCallee', value: { roomPrefix: settings.livekitRoomPrefix, pin: '', randomize: false } }
    },
    numbers: [],
    inboundNumbers: [],
    // Takes effect only when the SIP leg makes the room, so it never doubles the agent of a room that exists.
    roomConfig: { agents: [{ agentName: settings.livekitAgentName }] }
  })
}

/** Whether the bridge made the object, or took it over. */
export function isOurs ({ metadata }: { metadata: string }): boolean {
  return parsed(metadata)?.managed_by === OWNER
}

/** Metadata with our mark; what else a JSON object says stays. */
export function marked (metadata: string): string {
  return isOurs({ metadata }) ? metadata : JSON.stringify({ ...parsed(metadata), managed_by: OWNER })
}

function parsed (metadata: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(metadata)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? value as Record<string, unknown>
      : undefined
  } catch {
    return undefined
  }
}
