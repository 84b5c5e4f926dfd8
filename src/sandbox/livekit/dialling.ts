import type { Json } from './json.ts'
import { durationMs, newId, text, textMap, texts } from './json.ts'
import { TwirpError } from './twirp-error.ts'

/** The default of `ringing_timeout`, in milliseconds (livekit/sip participant.go). */
const RINGING_TIMEOUT_MS = 180_000

/** What CreateSIPParticipant asks for, with what the trunk adds. */
export interface Dialling {
  trunk: Json
  callId: string
  number: string
  from: string
  displayName: string
  headers: Record<string, string>
  includeHeaders: string
  room: string
  identity: string
  name: string
  metadata: string
  attributes: Record<string, string>
  ringingTimeoutMs: number
  /** 0: no limit. */
  maxCallMs: number
}

/**
 * Reads a request of CreateSIPParticipant (livekit/protocol sip.go and rpc/sip.go).
 *
 * @throws {TwirpError} when LiveKit refuses it
 */
export function diallingOf (request: Json, trunkOf: (id: string) => Json | undefined): Dialling {
  const missing = (['sip_trunk_id', 'sip_call_to', 'room_name'] as const).find(name => text(request, name) === '')
  if (missing !== undefined) throw new TwirpError('invalid_argument', MISSING[missing])
  const trunk = trunkOf(text(request, 'sip_trunk_id'))
  if (trunk === undefined) throw new TwirpError('not_found', 'requested sip trunk does not exist')
  const from = text(request, 'sip_number') || texts(trunk, 'numbers')[0]
  if (from === undefined) {
    throw new TwirpError('failed_precondition', 'twirp error unknown: no numbers on outbound trunk')
  }

  const number = text(request, 'sip_call_to')
  const included = text(request, 'include_headers')
  return {
    trunk,
    callId: newId('SCL_'),
    number,
    from,
    displayName: text(request, 'display_name') || from,
    headers: { ...textMap(trunk, 'headers'), ...textMap(request, 'headers') },
    includeHeaders: included === '' || included === 'SIP_NO_HEADERS' ? text(trunk, 'include_headers') : included,
    room: text(request, 'room_name'),
    identity: text(request, 'participant_identity') || `sip_${number}`,
    name: text(request, 'participant_name'),
    metadata: text(request, 'participant_metadata'),
    attributes: textMap(request, 'participant_attributes'),
    ringingTimeoutMs: durationMs(request, 'ringing_timeout') || RINGING_TIMEOUT_MS,
    maxCallMs: durationMs(request, 'max_call_duration')
  }
}

const MISSING = {
  sip_trunk_id: 'missing sip trunk id',
  sip_call_to: 'missing sip callee number',
  room_name: 'missing room name'
}

/** The attributes of the participant when it joins, before the INVITE. */
export function attributesOf (dialling: Dialling): Record<string, string> {
  return {
    ...dialling.attributes,
    'sip.callID': dialling.callId,
    'sip.callStatus': 'dialing',
    'sip.hostname': text(dialling.trunk, 'address'),
    'sip.phoneNumber': dialling.number,
    'sip.trunkID': text(dialling.trunk, 'sip_trunk_id'),
    'sip.trunkPhoneNumber': dialling.from
  }
}
