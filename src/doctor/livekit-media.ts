import type { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from 'livekit-server-sdk'
import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import {
  effectiveMedia,
  encryptionOf,
  ENCRYPTION,
  fitsDial,
  hasOfferedCodec,
  OFFERED_CODECS
} from '../livekit/media-config.ts'
import { FIX } from './livekit-changes.ts'

/** Whether LiveKit can answer what Jambonz offers, by the media settings of our trunk and our rule together. Pure. */
export function mediaFindings (
  { LIVEKIT_SIP_SRTP: srtp }: Pick<Settings, 'LIVEKIT_SIP_SRTP'>,
  trunk: SIPInboundTrunkInfo,
  rule: SIPDispatchRuleInfo
): Finding[] {
  const media = effectiveMedia(trunk, rule)
  const [ofTrunk, ofRule] = [`Inbound trunk ${trunk.sipTrunkId}`, `Dispatch rule ${rule.sipDispatchRuleId}`]
  const findings: Finding[] = []
  if (!fitsDial(media.encryption, srtp)) {
    const who = (encryptionOf(rule) ?? ENCRYPTION.disable) === ENCRYPTION.disable ? ofTrunk : ofRule
    findings.push({
      code: 'media-encryption',
      severity: 'failed',
      seen: srtp
        ? `${ofTrunk} does not allow encryption, and LIVEKIT_SIP_SRTP is set: Jambonz insists on SRTP, which LiveKit ` +
          'does not answer with'
        : `${who} insists on encryption, and LIVEKIT_SIP_SRTP is not set: Jambonz offers plain RTP, and LiveKit ` +
          'refuses every call with 400',
      todo: 'Have it allow both kinds',
      command: FIX
    })
  }
  if (!hasOfferedCodec(media)) {
    const offered = OFFERED_CODECS.map(({ name }) => name).join(' and ')
    findings.push({
      code: 'media-codecs',
      severity: 'failed',
      seen: `${(rule.media?.codecs.length ?? 0) > 0 ? ofRule : ofTrunk} allows only ${
        media.codecs.map(({ name }) => name).join(', ') || 'codecs of an empty list'
      } (only_listed_codecs), and Jambonz offers ${offered}: LiveKit refuses every call with 400. A Jambonz whose ` +
        'SBC offers other codecs (JAMBONES_CODEC_OFFER_WITH_ORDER) may get through',
      todo: `Have it allow ${offered} too`,
      command: FIX
    })
  }
  return findings
}
