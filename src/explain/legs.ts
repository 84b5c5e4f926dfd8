import { cseq, header, type SipRequest } from '../sip/message.ts'
import { parseUri } from '../sip/address.ts'
import { parseSdp, type Sdp } from '../sip/sdp.ts'
import { endpointText, type Endpoint } from './capture/packet.ts'
import { addressUri, tolerant, viaTransport } from './group.ts'
import { methodOf } from './keep.ts'
import type { HookSeen, RoomSeen, Seen, SipSeen } from './seen.ts'

/**
 * Whose leg it is: the carrier's or phone's towards Jambonz, one between Jambonz' own servers, Jambonz' towards
 * LiveKit, or one that LiveKit dialled itself (createSIPParticipant).
 */
export type Role = 'caller' | 'inside' | 'agent' | 'livekit-out'

/** One SIP dialog, by its Call-ID, and what its messages tell. Times are milliseconds as the messages have them. */
export interface Leg {
  role: Role
  callId: string
  sid?: string
  messages: SipSeen[]
  /** Absent where the file begins behind it: then `at.invite` is when it begins. */
  invite?: SipRequest
  /** SIP user and host that were dialled. */
  user: string
  host: string
  from: string
  transport?: string
  /** Size of the largest INVITE's datagram. */
  inviteBytes?: number
  /** INVITEs that were sent again because nothing came back (same branch). */
  repeats: number
  ends?: { source: Endpoint, destination: Endpoint }
  at: {
    invite?: number
    trying?: number
    ringing?: number
    lastRinging?: number
    early?: number
    answered?: number
    cancel?: number
    final?: number
    bye?: number
    last?: number
  }
  rings: number
  challenged: boolean
  /** An INVITE with Authorization or Proxy-Authorization was sent. */
  authorized: boolean
  final?: { status: number, reason: string, xReason?: string }
  byeFrom?: 'caller' | 'called'
  byeReason?: string
  refer?: { from: 'caller' | 'called', to?: string, status?: number, notified?: number }
  offer?: Sdp
  answer?: Sdp
  /** The media line's own words where it cannot be read. */
  mediaLine?: string
}

/** The legs of one call, in the order of their first messages. */
export function legsOf (seen: readonly Seen[]): Leg[] {
  const byCallId = new Map<string, SipSeen[]>()
  for (const item of seen) {
    if (item.kind !== 'sip') continue
    const callId = header(item.message, 'call-id')
    if (callId === undefined) continue
    const known = byCallId.get(callId)
    if (known) known.push(item)
    else byCallId.set(callId, [item])
  }
  const far = farCallIds(seen)
  return [...byCallId].map(([callId, messages]) => legOf(callId, messages, far))
    // A call has an INVITE, or at least an answer to one.
    .filter(leg =>
      leg.messages.some(({ message }) => ['INVITE', 'BYE', 'CANCEL', 'ACK', 'REFER'].includes(methodOf(message)))
    )
}

/** Call-IDs that hooks and LiveKit's events name as those of INVITEs that reached LiveKit. */
function farCallIds (seen: readonly Seen[]): Set<string> {
  const ids = seen.flatMap((item: Seen) =>
    item.kind === 'room' ? [(item as RoomSeen).callId] : item.kind === 'hook' ? farOfHook(item) : []
  )
  return new Set(ids.filter(id => id !== undefined))
}

const farOfHook = (
  { body }: HookSeen
): Array<string | undefined> => [body.dial_sbc_callid, body.parent_call_sid === undefined ? undefined : body.sbc_callid]

function legOf (callId: string, messages: SipSeen[], far: Set<string>): Leg {
  const leg: Leg = {
    role: 'caller',
    callId,
    messages,
    user: '',
    host: '',
    from: '',
    repeats: 0,
    at: {},
    rings: 0,
    challenged: false,
    authorized: false
  }
  const invites = new Map<string, number>()
  let callerTag: string | undefined
  for (const seen of messages) {
    const { message, at } = seen
    const method = methodOf(message)
    if (at !== undefined) leg.at.last = at
    if (message.kind === 'response') {
      if (method === 'INVITE') takeInviteReply(leg, seen)
      else if (method === 'REFER' && leg.refer) leg.refer.status = message.status
      continue
    }
    const tag = addressTag(header(message, 'from'))
    const fromCaller = callerTag === undefined || tag === callerTag || addressTag(header(message, 'to')) === undefined
    switch (method) {
      case 'INVITE': {
        const branch = header(message, 'via') ?? ''
        if (invites.has(branch)) leg.repeats++
        invites.set(branch, (invites.get(branch) ?? 0) + 1)
        if (seen.bytes !== undefined) leg.inviteBytes = Math.max(leg.inviteBytes ?? 0, seen.bytes)
        if (leg.at.answered !== undefined && leg.invite) break
        callerTag = tag
        leg.authorized ||= header(message, 'proxy-authorization') !== undefined ||
          header(message, 'authorization') !== undefined
        takeInvite(leg, seen, message)
        break
      }
      case 'CANCEL':
        leg.at.cancel ??= at ?? NaN
        break
      case 'BYE':
        if (leg.byeFrom) break
        leg.byeFrom = fromCaller ? 'caller' : 'called'
        leg.at.bye ??= at ?? NaN
        leg.byeReason = header(message, 'reason')
        break
      case 'REFER':
        leg.refer ??= { from: fromCaller ? 'caller' : 'called', to: header(message, 'refer-to') }
        break
      case 'NOTIFY': {
        const progress = /^SIP\/2\.0 (\d{3})/.exec(message.body)
        if (leg.refer && progress) leg.refer.notified = Number(progress[1])
      }
    }
  }
  // A file may begin in the middle of a call: what is told of how long it took counts from there.
  leg.at.invite ??= messages.find(({ at }) => at !== undefined)?.at
  leg.role = roleOf(leg, far)
  return leg
}

function takeInvite (leg: Leg, seen: SipSeen, invite: SipRequest): void {
  leg.at.invite ??= seen.at ?? NaN
  // The one before was challenged: how it ended is history.
  delete leg.final
  delete leg.at.final
  leg.invite = invite
  const uri = tolerant(() => parseUri(invite.uri))
  // LiveKit goes by the To header (livekit/protocol sip/sip.go), which is the same unless somebody changed it on the
  // way.
  leg.user = addressUri(header(invite, 'to'))?.user || uri?.user || ''
  leg.host = uri?.host ?? ''
  leg.from = addressUri(header(invite, 'from'))?.user ?? ''
  const transport = seen.transport || viaTransport(invite)
  if (transport) leg.transport = transport
  const sid = header(invite, 'x-call-sid')
  if (sid !== undefined) leg.sid = sid
  if (seen.source && seen.destination) leg.ends = { source: seen.source, destination: seen.destination }
  const offer = parseSdp(invite.body)
  if (offer) leg.offer = offer
  const line = /^m=audio [^\r\n]{1,200}/m.exec(invite.body)?.[0]
  if (line) leg.mediaLine = line
}

function takeInviteReply (leg: Leg, { message, at = NaN }: SipSeen): void {
  if (message.kind !== 'response') return
  const { status, reason } = message
  const number = tolerant(() => cseq(message))?.number
  const current = leg.invite && tolerant(() => cseq(leg.invite!))?.number
  // After the answer it is about a re-INVITE.
  if (leg.at.answered !== undefined) return
  if (status === 401 || status === 407) leg.challenged = true
  // A challenge that was answered by another INVITE is no end; of replies to earlier INVITEs nothing else counts.
  if (current !== undefined && number !== undefined && number < current) return
  if (status === 100) leg.at.trying ??= at
  else if (status < 200) {
    if (status === 180) leg.rings++
    if (message.body !== '') leg.at.early ??= at
    leg.at.ringing ??= at
    leg.at.lastRinging = at
  } else {
    leg.at.final = at
    const xReason = header(message, 'x-reason')
    leg.final = { status, reason, ...(xReason !== undefined && { xReason }) }
    if (status < 300) leg.at.answered ??= at
  }
  // Only a feature-server's own answer has it on the caller's side.
  const sid = header(message, 'x-call-sid')
  if (sid !== undefined) leg.sid ??= sid
  const answer = status < 300 && message.body !== '' ? parseSdp(message.body) : undefined
  if (answer) leg.answer = answer
}

const addressTag = (value: string | undefined): string | undefined =>
  value === undefined ? undefined : /;\s*tag=([^;\s>]+)/i.exec(value.slice(value.lastIndexOf('>') + 1))?.[1]

/**
 * LiveKit's SIP side names every call `SCL_…`, by the tag of its own end (livekit/sip pkg/sip/inbound.go, outbound.go).
 */
function roleOf (leg: Leg, far: Set<string>): Role {
  const { invite } = leg
  if (invite && addressTag(header(invite, 'from'))?.startsWith('SCL_')) return 'livekit-out'
  const tags = leg.messages.flatMap((
    { message }
  ) => [addressTag(header(message, 'to')), addressTag(header(message, 'from'))])
  if (
    far.has(leg.callId) || tags.some(tag => tag?.startsWith('SCL_')) || isLiveKitHost(leg.host) ||
    /^SCL_/.test(leg.user)
  ) return 'agent'
  if (leg.messages.some(({ message }) => /realm="?LiveKit"?/i.test(header(message, 'proxy-authenticate') ?? ''))) {
    return 'agent'
  }
  if (!invite) return 'caller'
  const has = (name: string): boolean => header(invite, name) !== undefined
  // feature-server's words to sbc-outbound, which takes them away (sbc-outbound lib/call-session.js); sbc-inbound's to
  // feature-server.
  if (has('x-jambonz-routing') || has('x-jambonz-fs-uuid') || has('x-forwarded-for') || has('x-originating-carrier')) {
    return 'inside'
  }
  if (has('x-call-sid') || has('x-lk-call')) return 'agent'
  return has('x-cid') && has('x-account-sid') ? 'inside' : 'caller'
}

export const isLiveKitHost = (host: string): boolean => /(^|\.)sip\.livekit\.cloud$/i.test(host)

/** `10.0.0.1:5060 to 10.0.0.2:5060 over tcp`, as far as it is known. */
export const endsText = ({ ends, transport }: Leg): string =>
  [
    ends ? `${endpointText(ends.source)} to ${endpointText(ends.destination)}` : '',
    transport ? `over ${transport.toUpperCase()}` : ''
  ].filter(text => text !== '').join(' ')
