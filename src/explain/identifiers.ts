import { parseAddress, parseUri } from '../sip/address.ts'
import { header, type SipMessage } from '../sip/message.ts'
import { addressTag, addressUri, tolerant } from './lenient-sip.ts'
import { isLiveKitId } from './livekit-id.ts'
import type { AnyHookBody, CdrSeen, HookSeen, LogSeen, RoomSeen, Seen } from './seen.ts'

/**
 * Identifiers that only things of one call have in common: call_sid, SIP Call-ID, LiveKit's own ids, token, room. Each
 * has its kind in front, because the same text may be the id of something else.
 */
export function identifiersOf (seen: Seen): string[] {
  switch (seen.kind) {
    case 'sip':
      return defined([identifier('cid', seen.dialog), ...sipIdentifiers(seen.message)])
    case 'hook':
      return defined(hookIdentifiers(seen))
    case 'room':
      return defined(roomIdentifiers(seen))
    case 'log':
      return defined(logIdentifiers(seen))
    case 'cdr':
      return defined(cdrIdentifiers(seen))
    case 'config':
    case 'refused':
      return []
  }
}

type Identifiers = Array<string | undefined>

const defined = (identifiers: Identifiers): string[] => identifiers.filter(identifier => identifier !== undefined)

type Kind = 'sid' | 'cid' | 'scl' | 'room' | 'trace' | 'pair' | 'job'

const identifier = (kind: Kind, value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? `${kind}:${value}` : undefined

/** A SIP user that is no number and too long for a name is a token, and occurs in one call alone. */
export const isToken = (user: string): boolean => user.length >= 16 && /[a-z]/i.test(user) && /\d/.test(user)

const token = (user: unknown): string | undefined =>
  typeof user === 'string' && isToken(user) ? `token:${user}` : undefined

function sipIdentifiers (message: SipMessage): Identifiers {
  const tags = [header(message, 'from'), header(message, 'to')].map(value =>
    value === undefined ? undefined : tolerant(() => parseAddress(value).params['tag'])
  )
  const isInvite = message.kind === 'request' && message.method === 'INVITE'
  return [
    identifier('cid', header(message, 'call-id')),
    // sbc-inbound and sbc-outbound name the caller leg's Call-ID to each other.
    identifier('cid', header(message, 'x-cid')),
    identifier('sid', header(message, 'x-lk-call')),
    identifier('sid', header(message, 'x-call-sid')),
    identifier('sid', header(message, 'x-twilio-callsid')),
    ...tags.filter(isLiveKitId).map(tag => identifier('scl', tag)),
    isInvite ? token(addressUri(header(message, 'to'))?.user) : undefined
  ]
}

function hookIdentifiers ({ body, reply }: HookSeen): Identifiers {
  const hook: AnyHookBody = body
  const { to, refer_details: refer } = hook
  return [
    identifier('sid', hook.call_sid),
    identifier('sid', hook.parent_call_sid),
    identifier('sid', hook.dial_call_sid),
    identifier('cid', hook.call_id),
    identifier('cid', hook.sbc_callid),
    identifier('cid', hook.dial_sbc_callid),
    identifier('sid', refer?.referred_call_sid),
    identifier('sid', refer?.referring_call_sid),
    to !== undefined && /^sips?:/i.test(to) ? token(tolerant(() => parseUri(to))?.user) : undefined,
    ...carrierCallIds(hook.sip?.headers),
    ...liveKitTags(hook.sip?.headers),
    ...dialledTokens(reply?.verbs)
  ]
}

/** Call-IDs of the carrier's INVITE, which the call hook has among its headers. */
const carrierCallIds = (headers: Record<string, unknown> = {}): Identifiers =>
  Object.entries(headers)
    .filter(([name]) => /^(x-cid|call-id|i)$/i.test(name))
    .map(([, value]) => identifier('cid', value))

/** LiveKit's tag in the INVITE of a call that an agent makes, which the call hook has among its headers. */
const liveKitTags = (headers: Record<string, unknown> = {}): Identifiers =>
  Object.entries(headers)
    .filter(([name, value]) => /^(from|f)$/i.test(name) && typeof value === 'string')
    .map(([, value]) => addressTag(value as string))
    .filter(isLiveKitId)
    .map(tag => identifier('scl', tag))

function dialledTokens (verbs: unknown): Identifiers {
  const uris = JSON.stringify(verbs ?? null).match(/"sipUri":"sips?:([^@"]+)@/g) ?? []
  return uris.map(uri => token(/:([^:@]+)@$/.exec(uri)?.[1]))
}

/** LiveKit's own id of a SIP call, which is its tag in SIP, or the SIP Call-ID. */
const ownCallId = (id: string): string | undefined => identifier(isLiveKitId(id) ? 'scl' : 'cid', id)

function roomIdentifiers ({ event: { room, participant }, callId, twilioCallSid }: RoomSeen): Identifiers {
  return [
    identifier('room', room),
    identifier('cid', callId),
    identifier('sid', twilioCallSid),
    ...(participant?.sip?.callIds ?? []).map(ownCallId),
    identifier('sid', participant?.sip?.callSid),
    token(participant?.sip?.called),
    token(room.slice(room.lastIndexOf('_') + 1))
  ]
}

/** LiveKit's id of a job in the words of a line. */
const jobIn = (text: string): string | undefined => /\bAJ_\w{6,40}/.exec(text.slice(0, 2000))?.[0]

function logIdentifiers ({ fields, from, text }: LogSeen): Identifiers {
  if (from === 'livekit-sip') {
    return [
      identifier('scl', fields['callID']),
      identifier('cid', fields['sipCallID']),
      identifier('room', fields['room']),
      token(fields['toUser'])
    ]
  }
  if (from === 'livekit-server' || from === 'agent') {
    return [
      identifier('scl', fields['callID']),
      identifier('room', fields['room']),
      identifier('job', fields['jobID'] ?? fields['job_id'] ?? jobIn(text))
    ]
  }
  return [
    identifier('sid', fields['callSid']),
    identifier('sid', fields['call_sid']),
    identifier('sid', fields['parentCallSid']),
    identifier('cid', fields['callId']),
    identifier('cid', fields['sbcCallid'])
  ]
}

const cdrIdentifiers = ({ id, names, to }: CdrSeen): Identifiers => [
  identifier(isLiveKitId(id) ? 'scl' : 'sid', id),
  identifier('sid', names.callSid),
  identifier('cid', names.callId),
  identifier('cid', names.callerCallId),
  identifier('trace', names.traceId),
  identifier('room', names.room),
  identifier('pair', names.partner),
  token(to)
]
