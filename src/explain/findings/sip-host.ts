import type { Finding } from '../../finding.ts'
import { isProjectId } from '../../livekit/sip-host.ts'
import { isLiveKitHost } from '../roles.ts'
import type { LogSeen } from '../seen.ts'

/** A host of LiveKit Cloud that no project has. */
export function sipHostFindings (host: string): Finding[] {
  if (!isLiveKitHost(host) || isProjectId(host.split('.')[0] ?? '')) return []

  return [{
    code: 'sip-host-form',
    severity: 'warning',
    seen: `${host} does not look like a project's SIP host (11 letters and digits).`,
    todo: `Set LIVEKIT_SIP_HOST to the project id without p_${hostHint(host)}`,
    command: 'lk project list --json'
  }]
}

/** What a wrong SIP host seems to be. */
export function hostHint (host: string): string {
  if (!isLiveKitHost(host)) return ''

  const label = host.split('.')[0] ?? ''
  if (/-[a-z0-9]{8}$/.test(label)) return `; ${label} looks like the websocket's name`
  return /^[a-z0-9]{8}$/.test(label) ? `; ${label} looks like the end of the websocket's name` : ''
}

const CLOUD_URI = /\bsips?:[^\s@"'\\]{0,200}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})?\.sip\.livekit\.cloud)\b/i

/** What applications and Jambonz write about a dial that was answered. */
const ANSWERED = /\b(?:answered|connected|bridged|in-progress|completed)\b/i
const ANSWERED_STATUS = ['dial_sip_status', 'sip_status', 'sipStatus', 'dialSipStatus']

const isAnswer = ({ text, fields }: LogSeen): boolean =>
  ANSWERED_STATUS.some(name => Number(fields[name]) === 200) ||
  (/\bdial/i.test(text) && ANSWERED.test(text) && !/\b(?:not|never|no|un)\W?(?:answer|connect|bridg)/i.test(text))

/**
 * A SIP URI in a line of a log whose host is none of LiveKit's. The first one counts. A host that answered is right,
 * whatever it looks like.
 */
export function loggedHostFindings (lines: readonly LogSeen[]): Finding[] {
  if (lines.some(isAnswer)) return []
  for (const { text, fields } of lines) {
    const words = [text, ...Object.values(fields).filter(value => typeof value === 'string')]
    const host = words.map(word => CLOUD_URI.exec(word.slice(0, 2000))?.[1]).find(found => found !== undefined)
    const findings = host === undefined ? [] : sipHostFindings(host.toLowerCase())
    if (findings.length > 0) return findings
  }
  return []
}
