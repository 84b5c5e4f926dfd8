import { header, headerList, type SipMessage } from '../sip/message.ts'
import { parseAddress, parseUri, type SipUri } from '../sip/address.ts'
import { SipParseError } from '../sip/parse-error.ts'
import type { LogSeen, Seen } from './seen.ts'

/** Undefined instead of an error where a capture holds what is not SIP as it should be. */
export function tolerant<T> (read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SipParseError) return undefined
    throw error
  }
}

export const addressUri = (value: string | undefined): SipUri | undefined =>
  value === undefined ? undefined : tolerant(() => parseUri(parseAddress(value).uri))

/** Words that only things of one call have in common: call_sid, SIP Call-ID, LiveKit's own ids, token, room. */
export function keysOf (seen: Seen): string[] {
  switch (seen.kind) {
    case 'sip':
      return sipKeys(seen.message)
    case 'hook': {
      const {
        call_sid: sid,
        parent_call_sid: parent,
        call_id: callId,
        sbc_callid: sbc,
        dial_call_sid: dialled,
        dial_sbc_callid: far,
        to,
        refer_details: refer
      } = seen.body
      return [
        key('sid', sid),
        key('sid', parent),
        key('sid', dialled),
        key('cid', callId),
        key('cid', sbc),
        key('cid', far),
        key('sid', refer?.referred_call_sid),
        key('sid', refer?.referring_call_sid),
        ...tokenKey(typeof to === 'string' && /^sips?:/i.test(to) ? tolerant(() => parseUri(to))?.user : undefined),
        ...carrierCallId(seen.body.sip?.headers),
        ...dialledTokens(seen.reply?.verbs)
      ].filter(word => word !== '')
    }
    case 'room': {
      const { room, participant } = seen.event
      return [
        key('room', room),
        key('cid', seen.callId),
        key('sid', participant?.sip?.callSid),
        ...tokenKey(participant?.sip?.called),
        ...tokenKey(room.slice(room.lastIndexOf('_') + 1))
      ].filter(word => word !== '')
    }
    case 'log':
      return logKeys(seen)
    case 'refused':
      return []
  }
}

const key = (kind: string, value: unknown): string =>
  typeof value === 'string' && value !== '' ? `${kind}:${value}` : ''

/** A SIP user that is no number and too long for a name is somebody's token, and occurs in one call alone. */
const tokenKey = (user: string | undefined): string[] =>
  user !== undefined && user.length >= 16 && /[a-z]/i.test(user) && /\d/.test(user) ? [`token:${user}`] : []

function sipKeys (message: SipMessage): string[] {
  const tags = [header(message, 'from'), header(message, 'to')].map(value =>
    value === undefined ? undefined : tolerant(() => parseAddress(value).params['tag'])
  )
  return [
    key('cid', header(message, 'call-id')),
    // sbc-inbound and sbc-outbound name the caller leg's Call-ID to each other.
    key('cid', header(message, 'x-cid')),
    key('sid', header(message, 'x-lk-call')),
    key('sid', header(message, 'x-call-sid')),
    ...tags.filter(tag => tag?.startsWith('SCL_')).map(tag => `scl:${tag}`),
    ...message.kind === 'request' && message.method === 'INVITE'
      ? tokenKey(addressUri(header(message, 'to'))?.user)
      : []
  ].filter(word => word !== '')
}

function carrierCallId (headers: Record<string, unknown> | undefined): string[] {
  return Object.entries(headers ?? {}).filter(([name]) => /^(x-cid|call-id|i)$/i.test(name)).map(([, value]) =>
    key('cid', value)
  ).filter(word => word !== '')
}

function dialledTokens (verbs: unknown): string[] {
  const uris = JSON.stringify(verbs ?? null).match(/"sipUri":"sips?:([^@"]+)@/g) ?? []
  return uris.flatMap(uri => tokenKey(/:([^:@]+)@$/.exec(uri)?.[1]))
}

function logKeys ({ fields, from }: LogSeen): string[] {
  const text = (name: string): unknown => fields[name]
  if (from === 'livekit-sip') {
    return [
      key('scl', text('callID')),
      key('cid', text('sipCallID')),
      key('room', text('room')),
      ...tokenKey(typeof text('toUser') === 'string' ? text('toUser') as string : undefined)
    ].filter(word => word !== '')
  }
  return [
    key('sid', text('callSid')),
    key('sid', text('call_sid')),
    key('sid', text('parentCallSid')),
    key('cid', text('callId')),
    key('cid', text('sbcCallid'))
  ].filter(word => word !== '')
}

/** What belongs together by any word, directly or by way of others. What has no word of its own is left over. */
export function groupByCall (all: readonly Seen[]): { calls: Seen[][], loose: Seen[] } {
  const parent = new Map<string, string>()
  const find = (word: string): string => {
    let root = word
    while (parent.get(root) !== root) root = parent.get(root)!
    for (let next = word; next !== root;) {
      const up = parent.get(next)!
      parent.set(next, root)
      next = up
    }
    return root
  }
  const words = all.map(keysOf)
  for (const own of words) {
    for (const word of own) if (!parent.has(word)) parent.set(word, word)
    for (const word of own.slice(1)) parent.set(find(word), find(own[0]!))
  }
  const calls = new Map<string, Seen[]>()
  const loose: Seen[] = []
  all.forEach((seen, i) => {
    const [first] = words[i]!
    if (first === undefined) {
      loose.push(seen)
      return
    }
    const root = find(first)
    const call = calls.get(root)
    if (call) call.push(seen)
    else calls.set(root, [seen])
  })
  return { calls: [...calls.values()], loose }
}

/** The top Via's transport (RFC 3261 18.1.1). */
export const viaTransport = (message: SipMessage): string | undefined =>
  /^SIP\/2\.0\/(\w+)/i.exec(headerList(message, 'via')[0] ?? '')?.[1]?.toLowerCase()
