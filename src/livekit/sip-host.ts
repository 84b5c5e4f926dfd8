import type { Settings } from '../config.ts'
import type { Finding } from '../finding.ts'
import type { FindingCode } from '../finding-codes.ts'
import { namesRetiredRetellHost } from '../retell/retired-host.ts'

/*
 * LIVEKIT_SIP_HOST is the setting that most often costs days: LiveKit Cloud answers OPTIONS on wrong hosts too, and
 * drops the INVITE.
 */

const CLOUD_SIP = /^([a-z0-9_-]+)((?:\.[a-z0-9-]+)?\.sip\.livekit\.cloud)$/
/** With a region in it when the project is pinned to one. */
const CLOUD_WEBSOCKET = /^([a-z0-9-]+)(?:\.(?!sip\.)[a-z0-9-]+)*\.livekit\.cloud$/
/** A project id without `p_`: every one that is known has 11 characters; the suffix of a websocket name has 8. */
const PROJECT_ID = /^[a-z0-9]{11}$/
/** Whether the first label of a Cloud SIP host can be a project id. */
export const isProjectId = (label: string): boolean => PROJECT_ID.test(label)

/** SIP hosts of Retell, which circulate in its users' configurations: Jambonz' own samples for Retell dial them. */
const RETELL = /^(?:[a-z0-9-]+\.)*retellai\.com$/

/** @param host without port, in lower case */
export const isRetellHost = (host: string): boolean => RETELL.test(host) || namesRetiredRetellHost(host)

const WHERE =
  'LiveKit Cloud shows it under Settings, Project, "SIP URI"; `lk project list --json` prints the project id: it is ' +
  'that without p_'

/** Whether the SIP host can be the LiveKit project's. Nothing is asked of anybody: it is the form that is judged. */
export function checkSipHost (
  { LIVEKIT_SIP_HOST, LIVEKIT_URL }: Pick<Settings, 'LIVEKIT_SIP_HOST' | 'LIVEKIT_URL'>
): Finding {
  const host = LIVEKIT_SIP_HOST.replace(/:\d+$/, '').replace(/\.$/, '').toLowerCase()
  const websocket = CLOUD_WEBSOCKET.exec(new URL(LIVEKIT_URL).hostname.toLowerCase())?.[1]
  const [, sip, zone] = CLOUD_SIP.exec(host) ?? []
  const failed = (
    code: FindingCode,
    seen: string,
    todo = `Set LIVEKIT_SIP_HOST to the project's own SIP host. ${WHERE}.`
  ): Finding => ({ code, severity: 'failed', seen, todo })

  if (isRetellHost(host)) {
    return failed(
      'sip-host-retell',
      `${host} is Retell's, not yours: strategy room makes its rooms in your own project`
    )
  }
  if (CLOUD_WEBSOCKET.test(host)) {
    return failed('sip-host-websocket', `${host} is where LiveKit's API and websockets are, not SIP`)
  }
  if (sip === undefined) {
    return websocket === undefined
      ? { code: 'sip-host-ok', severity: 'ok', seen: `${host}: your own LiveKit server` }
      : {
          code: 'sip-host-foreign',
          severity: 'warning',
          seen: `LIVEKIT_URL is on LiveKit Cloud, ${host} is not`,
          todo: `If it is no proxy of yours in front of LiveKit: ${WHERE}.`
        }
  }
  if (websocket === undefined) {
    return failed(
      'sip-host-cloud',
      `${host} is on LiveKit Cloud, LIVEKIT_URL is not`,
      'Set LIVEKIT_SIP_HOST to the host on which your own livekit-sip listens.'
    )
  }
  if (sip === websocket) {
    return failed('sip-host-websocket-label', `${sip} is the websocket name of the project; SIP has another`)
  }
  if (websocket.endsWith(`-${sip}`)) {
    return failed(
      'sip-host-websocket-suffix',
      `${sip} is the end of the project's websocket name; a SIP host is the project id, 11 characters`
    )
  }
  if (sip.startsWith('p_')) {
    return failed(
      'sip-host-form',
      `${sip} is the project id; the SIP host has it without p_`,
      `Set LIVEKIT_SIP_HOST=${sip.slice(2)}${zone}`
    )
  }
  if (!isProjectId(sip)) {
    return {
      code: 'sip-host-form',
      severity: 'warning',
      seen: `${sip} does not look like a project id (11 letters and digits, without p_)`,
      todo: `${WHERE}.`
    }
  }
  return {
    code: 'sip-host-ok',
    severity: 'ok',
    seen: `${host} has the form of a project's SIP host. Whether it is this project's only a call shows`,
    command: 'bridge probe'
  }
}
