/*
 * What LiveKit's SIP side makes of the `media` of a trunk and a rule, and whether a call that Jambonz sends can be
 * answered with it. Pure.
 */

/** `SIPMediaEncryption`, an enum that the SDK does not export. Not set means `disable`. */
export const ENCRYPTION = { disable: 0, allow: 1, require: 2 } as const

/**
 * What Jambonz offers LiveKit unless its SBC is told otherwise (JAMBONES_CODEC_OFFER_WITH_ORDER of sbc-outbound): its
 * SDP filter lets nothing else through. Payload types are the static ones of RFC 3551, section 6.
 */
export const OFFERED_CODECS = [{ name: 'PCMU', payload: 0 }, { name: 'PCMA', payload: 8 }] as const

/** The rate of both, Hz. */
export const CODEC_RATE = 8000

/** The part of the SDK's `SIPMediaConfig` that decides whether a call can be answered. */
export interface MediaConfig {
  /** The list replaces LiveKit's own codecs (G722, PCMU, PCMA) instead of adding to them. */
  onlyListedCodecs: boolean
  /** A rate of 0 stands for the codec's usual one. */
  codecs: ReadonlyArray<{ name: string, rate: number }>
  encryption?: number | undefined
}

/** A trunk or rule; `mediaEncryption` is the deprecated field, which counts where `media.encryption` is not set. */
export interface HasMedia {
  media?: MediaConfig | undefined
  mediaEncryption: number
}

/** The encryption that an object asks for; undefined when it leaves the choice to the other one. */
export function encryptionOf ({ media, mediaEncryption }: HasMedia): number | undefined {
  if (media?.encryption !== undefined) return media.encryption
  return mediaEncryption === ENCRYPTION.disable ? undefined : mediaEncryption
}

/**
 * The media settings of a call. The rule's encryption and codecs win where it sets them, but a rule cannot switch off
 * the encryption of its trunk. Source: livekit/protocol livekit/sip.go, UpgradeWith and Merge.
 */
export function effectiveMedia (trunk: HasMedia, rule: HasMedia): MediaConfig & { encryption: number } {
  const ofTrunk = encryptionOf(trunk) ?? ENCRYPTION.disable
  const ofRule = encryptionOf(rule) ?? ENCRYPTION.disable
  const codecs = (rule.media?.codecs.length ?? 0) > 0 ? rule.media : trunk.media
  return {
    encryption: ofRule === ENCRYPTION.disable ? ofTrunk : ofRule,
    onlyListedCodecs: codecs?.onlyListedCodecs ?? false,
    codecs: codecs?.codecs ?? []
  }
}

/** Whether an encryption can carry the audio of the bridge's dial; `allow` carries both kinds. */
export const fitsDial = (encryption: number, srtp: boolean): boolean =>
  encryption !== (srtp ? ENCRYPTION.disable : ENCRYPTION.require)

/** Whether a list of codecs leaves one of those that Jambonz offers. */
export function hasOfferedCodec (
  { onlyListedCodecs, codecs }: Pick<MediaConfig, 'onlyListedCodecs' | 'codecs'>
): boolean {
  if (!onlyListedCodecs) return true
  return codecs.some(({ name, rate }) =>
    (rate === 0 || rate === CODEC_RATE) && OFFERED_CODECS.some(offered => offered.name === name)
  )
}
