import type { Refusal } from './create-call.ts'
import type { Dtmf } from './dtmf.ts'

/** A request of live call control. The double takes one of these fields. */
export interface CallUpdate {
  call_hook?: string | { url: string }
  call_status?: 'completed' | 'no-answer'
  dtmf?: Dtmf
}

/** What the feature server knows of a call when live call control asks for it. */
export interface CallState {
  /** The feature server has no session of the call any more. */
  isGone: boolean
  /** The caller, or the called party of a call that Jambonz placed, has been answered. */
  isAnswered: boolean
}

const FIELDS = ['call_hook', 'call_status', 'dtmf'] as const
/** Those that Jambonz takes too, and the double does not. */
const OTHER_FIELDS = [
  'child_call_hook',
  'listen_status',
  'transcribe_status',
  'conf_hold_status',
  'conf_mute_status',
  'mute_status',
  'sip_request',
  'record',
  'tag',
  'conferenceParticipantAction',
  'dub',
  'boostAudioSignal',
  'media_path'
]

/** Checks a request as the API server does (jambonz-api-server lib/routes/api/accounts.js, validateUpdateCall). */
export function refusedByApi (body: Record<string, unknown>): Refusal | undefined {
  const refused = (msg: string): Refusal => ({ status: 400, body: { msg } })
  const given = [...FIELDS, ...OTHER_FIELDS].filter(name => body[name])
  if (given.length === 0) return refused('no valid options supplied to updateCall')
  if (given.length > 1) return refused('multiple options are not allowed in updateCall')
  if (OTHER_FIELDS.includes(given[0]!)) return refused(`the sandbox does not support ${given[0]} in updateCall`)

  const { call_status: status, dtmf } = body
  if (status && status !== 'completed' && status !== 'no-answer') return refused('invalid call_status')
  return dtmf && !(dtmf as Partial<Dtmf>).digit ? refused('invalid dtmf') : undefined
}

/**
 * Checks a request as the feature server does (lib/http-routes/api/update-call.js). Its texts are no JSON.
 *
 * @returns undefined when the request is accepted
 */
export function refusedByFeatureServer (
  callSid: string,
  { call_status: status }: CallUpdate,
  call: CallState
): Refusal | undefined {
  if (call.isGone) return { status: 422, body: `call session is gone for call_sid ${callSid}` }

  const isPossible = status === undefined || (status === 'completed') === call.isAnswered
  if (isPossible) return undefined
  return { status: 422, body: `current call state is incompatible with requested action for call_sid ${callSid}` }
}
