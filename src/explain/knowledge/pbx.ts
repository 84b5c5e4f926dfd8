import { textOf } from '../log-lines.ts'
import { quote } from '../quote.ts'
import { liveKitSteps, unknownSteps } from './dialled.ts'
import type { LoggedLine, LogRule } from './log-rule.ts'

const LIVEKIT = /livekit/i

/** Lines that Asterisk, FreePBX, FreeSWITCH, Kamailio and 3CX write about a registration that was refused. */
const REGISTRATION =
  /'([3-6]\d\d)' (?:fatal|temporal|permanent)[^\n]{0,20} response received from '([^'\n]{1,200})' on registration attempt|(?:Failed Registration \[([3-6]\d\d)\]|Registration (?:at|with|for) ([^\n]{1,120}?) (?:has )?failed[^\n]{0,200}?\b([3-6]\d\d)\b)|got (?:SIP response |sip response )?"?([3-6]\d\d)[^\n]{0,60}(?:to (?:the )?REGISTER|for (?:the )?registration|while registering)\b/i

function refusal ({ match }: LoggedLine): { status: string, isLiveKit: boolean } {
  const status = match.slice(1).find(group => /^[3-6]\d\d$/.test(group ?? '')) ?? ''
  return { status, isLiveKit: LIVEKIT.test(match.input) }
}

/** Who answered a call of the PBX, and what. */
function answerTo ({ match }: LoggedLine): { status: string, reason: string, host: string } {
  const [, , pjsipStatus, pjsipReason, pjsipHost, status = pjsipStatus, reason = pjsipReason, host = pjsipHost] = match
  return { status: status ?? '', reason: reason ?? '', host: host ?? '' }
}

/** Lines of PBXs that people put in front of LiveKit or Jambonz. */
export const PBX_RULES: readonly LogRule[] = [
  {
    pattern: REGISTRATION,
    code: 'log-register-refused',
    severity: 'failed',
    says: line => {
      const { status, isLiveKit } = refusal(line)
      return isLiveKit
        ? `The PBX tried to register with LiveKit, which takes no REGISTER: it answered ${status}`
        : `The registration of the PBX was refused with ${status}`
    },
    todo: line => refusal(line).isLiveKit
      ? 'Remove the registration: send INVITEs to LiveKit, with the credentials of the inbound trunk if it has any'
      : 'Compare user, password and realm with the other side. LiveKit takes no REGISTER at all',
    source: 'asterisk res_pjsip_outbound_registration.c, freeswitch sofia_reg.c'
  },
  {
    pattern: /No response received from '([^'\n]{1,200})' on registration attempt|Registration for '([^'\n]{1,200})' timed out/i,
    code: 'log-register-refused',
    severity: 'failed',
    says: ({ match }) => LIVEKIT.test(match[1] ?? match[2] ?? '')
      ? 'The PBX tried to register with LiveKit, which takes no REGISTER, and got no answer'
      : 'The registration of the PBX was not answered',
    todo: 'Towards LiveKit remove the registration, and send INVITEs; towards others check address, port and firewall',
    source: 'asterisk res_pjsip_outbound_registration.c'
  },
  {
    pattern: /Request '(\w{3,12})' from '[^\n]{1,200}' failed for '([^'\n]{1,60})'[^\n]{0,200} - (No matching endpoint(?: found)?|Failed to authenticate|Not match Endpoint ACL)/i,
    code: 'log-pbx-refused',
    severity: 'failed',
    says: ({ match: [, method, from, why = ''] }) =>
      `The PBX refused ${method} from ${textOf(from)}: ${/authenticate/.test(why) ? 'wrong credentials' : 'it knows nobody at this address'}`,
    todo: 'Add an endpoint with an identify section for that address, or credentials for it',
    source: 'asterisk res/res_pjsip/pjsip_distributor.c'
  },
  {
    pattern: /Call to '([^'\n]{1,200})' got ([3-6]\d\d) '([^'\n]{1,80})' from (\S{1,200})|\bgot SIP response ([3-6]\d\d) "([^"\n]{1,80})" back from (\S{1,200})/i,
    code: 'log-pbx-dial-failed',
    severity: 'failed',
    says: line => {
      const { status, reason, host } = answerTo(line)
      const who = LIVEKIT.test(host) ? 'LiveKit' : 'The side that the PBX dialled'
      return `${who} refused a call of the PBX: it answered ${quote(`${status} ${reason}`)}`
    },
    todo: line => {
      const { status, host } = answerTo(line)
      return LIVEKIT.test(host) ? liveKitSteps(status) : unknownSteps(status)
    },
    unless: line => answerTo(line).status === '487',
    source: 'asterisk channels/chan_pjsip.c, channels/chan_sip.c'
  },
  {
    pattern: /Couldn't negotiate (?:stream|SDP)\b[^\n]{0,200}|No compatible codecs?\b[^\n]{0,60}|Rejecting secure audio stream without encryption|(?:processing SDP|We are requesting SRTP)[^\n]{0,80}/i,
    code: 'log-media-mismatch',
    severity: 'failed',
    says: 'The PBX and the other side did not agree on a stream: on its codec, or on its encryption (SRTP)',
    todo: 'Allow PCMU or PCMA (ulaw, alaw) at the endpoint, and the same encryption on both sides: media_encryption',
    isCommon: true,
    source: 'asterisk res/res_pjsip_session.c, res/res_pjsip_sdp_rtp.c, channels/chan_sip.c'
  },
  {
    pattern: /(?:Everyone is busy\/congested at this time|Unable to create channel of type '(?:PJ)?SIP')[^\n]{0,80}/i,
    code: 'log-pbx-dial-failed',
    severity: 'failed',
    says: 'The PBX could not dial out: nobody that it dialled took the call',
    todo: 'Look at the SIP of that call on the PBX (pjsip set logger on): the address, the credentials, the codec',
    source: 'asterisk apps/app_dial.c'
  },
  {
    pattern: /\[?Hangup cause: (\w{3,40})|\bCause(?:: | )(NO_ROUTE_DESTINATION|USER_BUSY|CALL_REJECTED|RECOVERY_ON_TIMER_EXPIRE|INCOMPATIBLE_DESTINATION|NORMAL_TEMPORARY_FAILURE)\b|Hangup \S{1,120} \[CS_\w{1,30}\] \[(\w{3,40})\]/,
    code: 'log-pbx-dial-failed',
    severity: 'failed',
    says: ({ match }) => `The PBX ended a call with ${match.slice(1).find(Boolean)}`,
    todo: 'Look at the SIP of that call: the final status says who refused it',
    unless: ({ match }) => /NORMAL_CLEARING|ORIGINATOR_CANCEL|SUCCESS|NONE/.test(match.slice(1).find(Boolean) ?? ''),
    source: 'freeswitch mod_sofia, switch_core_state_machine.c'
  }
]
