import { isLiveKitHost } from '../roles.ts'
import { quote } from '../quote.ts'
import type { CdrSeen } from '../seen.ts'

export const placeText = ({ place: { file, at } }: CdrSeen): string => `${file}:${at}`

/** Whose leg a record is of, as the beginning of a sentence. */
export function legText (record: CdrSeen): string {
  switch (record.system) {
    case 'jambonz':
      return record.direction === 'inbound' ? callerLegText(record) : dialledLegText(record)
    case 'twilio':
      return twilioText(record)
    case 'livekit':
      return livekitText(record)
  }
}

function callerLegText ({ trunk }: CdrSeen): string {
  if (trunk === undefined) return "The caller's leg to Jambonz"
  return trunk === 'user' ? 'The leg of a registered user to Jambonz' : `The caller's leg over "${quote(trunk)}"`
}

/** sbc-outbound names the carrier of a leg, or else how it was routed (lib/call-session.js). */
function dialledLegText ({ trunk, remoteHost }: CdrSeen): string {
  const host = remoteHost === undefined ? '' : ` (${quote(remoteHost)})`
  if (remoteHost !== undefined && isLiveKitHost(remoteHost)) return `Jambonz's leg to LiveKit${host}`
  if (trunk === 'user') return `Jambonz's leg to a registered user${host}`
  if (trunk === undefined || trunk === 'sipUri') return `Jambonz's leg to a SIP address${host}`
  return `Jambonz's leg over the carrier "${quote(trunk)}"${host}`
}

function twilioText ({ direction }: CdrSeen): string {
  switch (direction) {
    case 'trunking-originating':
      return "Twilio's call to your SIP server (the Origination URI of its trunk)"
    case 'trunking-terminating':
      return 'The call that your SIP server sent to Twilio for the phone network'
    case 'inbound':
      return 'The call that came in at Twilio'
    case 'outbound-api':
    case 'outbound-dial':
      return 'The call that Twilio placed'
    default:
      return "Twilio's call"
  }
}

function livekitText ({ direction, remoteHost, trunk }: CdrSeen): string {
  const over = trunk === undefined ? '' : ` over the trunk ${quote(trunk)}`
  if (direction === 'inbound') return `The call that came in at LiveKit${over}`
  if (direction !== 'outbound') return `LiveKit's SIP call${over}`
  return `The call that LiveKit placed${remoteHost === undefined ? '' : ` to ${quote(remoteHost)}`}${over}`
}
