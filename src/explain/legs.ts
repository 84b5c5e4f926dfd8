import { cseq, header, headerList, type SipMessage, type SipRequest, type SipResponse } from '../sip/message.ts'
import { parseUri } from '../sip/address.ts'
import { parseSdp } from '../sip/sdp.ts'
import { withoutAbsent } from '../calls/fold/without-absent.ts'
import { endpointText } from './capture/endpoint.ts'
import { addressUri, tolerant, viaTransport } from './lenient-sip.ts'
import { byesOf, isFirstInvite, refersOf, sidesOf } from './dialog.ts'
import { methodOf } from './keep.ts'
import type { Final, Leg } from './leg.ts'
import { assignRoles } from './roles.ts'
import type { Seen, SipSeen } from './seen.ts'

/** The legs of one call, in the order of their first messages. */
export function legsOf (seen: readonly Seen[]): Leg[] {
  const byCallId = new Map<string, SipSeen[]>()
  for (const item of seen) {
    const callId = item.kind === 'sip' ? header(item.message, 'call-id') ?? item.dialog : undefined
    if (item.kind !== 'sip' || callId === undefined) continue

    const known = byCallId.get(callId)
    if (known) known.push(item)
    else byCallId.set(callId, [item])
  }
  const legs = [...byCallId]
    .filter(([, messages]) => messages.some(({ message }) => CALL_METHODS.has(methodOf(message))))
    .map(([callId, messages]) => legOf(callId, messages))
  assignRoles(legs, seen)
  return legs
}

/** A dialog without any of these is no leg of a call. */
const CALL_METHODS = new Set(['INVITE', 'BYE', 'CANCEL', 'ACK', 'REFER'])

function legOf (callId: string, messages: SipSeen[]): Leg {
  const leg: Leg = {
    role: 'caller',
    callId,
    messages,
    startLinesOnly: messages.every(({ startLineOnly }) => startLineOnly === true),
    user: '',
    host: '',
    from: '',
    repeats: 0,
    at: {},
    rings: 0,
    challenged: false,
    authorized: false,
    byes: [],
    refers: [],
    isUp: messages.some(({ message }) => isInsideCall(message)),
    acked: messages.some(({ message }) => methodOf(message) === 'ACK'),
    timed: messages.every(({ at, untimed }) => at !== undefined && !untimed)
  }
  const branches = new Set<string>()
  for (const seen of messages) {
    if (seen.at !== undefined) leg.at.last = seen.at
    if (seen.message.kind === 'response') takeResponse(leg, seen)
    else takeRequest(leg, seen, seen.message, branches)
  }
  const senderOf = sidesOf(messages)
  leg.byes = byesOf(messages, senderOf)
  leg.refers = refersOf(messages, senderOf)
  const [bye] = leg.byes
  if (bye?.from) leg.byeFrom = bye.from
  if (bye) leg.at.bye ??= bye.at ?? leg.at.last ?? NaN
  // The ACK of a call that is up follows its answer at once.
  if (leg.isUp && !leg.invite) leg.at.answered ??= messages.find(({ message }) => methodOf(message) === 'ACK')?.at
  if (!leg.invite) takeNames(leg, messages)
  // A file may begin in the middle of a call: durations then count from there.
  leg.at.invite ??= messages.find(({ at }) => at !== undefined)?.at
  return leg
}

function takeResponse (leg: Leg, seen: SipSeen): void {
  if (seen.message.kind !== 'response') return

  const method = methodOf(seen.message)
  if (method === 'INVITE') takeInviteResponse(leg, seen)
}

/** @param branches the Via headers of the INVITEs before: one that comes again was sent again */
function takeRequest (leg: Leg, seen: SipSeen, request: SipRequest, branches: Set<string>): void {
  const { at = NaN } = seen
  switch (request.method) {
    case 'INVITE': {
      const branch = header(request, 'via') ?? header(request, 'cseq') ?? ''
      if (branches.has(branch) || isSameInvite(leg, seen, request)) leg.repeats++
      branches.add(branch)
      if (seen.bytes !== undefined) leg.inviteBytes = Math.max(leg.inviteBytes ?? 0, seen.bytes)
      // One after the answer changes the call's media and begins nothing.
      if (isFirstInvite(request) && (leg.at.answered === undefined || !leg.invite)) takeInvite(leg, seen, request)
      break
    }
    case 'CANCEL':
      leg.at.cancel ??= at
      break
    case 'BYE':
      leg.at.bye ??= at
  }
}

/** Whether an INVITE is the one before, sent again to the same server as a new transaction. */
function isSameInvite ({ invite, ends, final }: Leg, { source, destination }: SipSeen, request: SipRequest): boolean {
  if (!invite || final || !isFirstInvite(request)) return false

  const numberOf = (message: SipRequest): number | undefined => tolerant(() => cseq(message))?.number
  const isSamePath = source && destination && ends
    ? endpointText(source) === endpointText(ends.source) && endpointText(destination) === endpointText(ends.destination)
    : !source && !ends
  return isSamePath && numberOf(invite) === numberOf(request) &&
    headerList(invite, 'via').length === headerList(request, 'via').length
}

/** Requests that belong to a call that was answered (RFC 3261 14, 15; RFC 3515). */
const isInsideCall = (message: SipMessage): boolean => {
  const method = methodOf(message)
  if (method === 'INVITE') return message.kind === 'request' && !isFirstInvite(message)
  return method === 'BYE' || method === 'REFER'
}

/** Where the file begins after the INVITE, other messages have the names in it. */
function takeNames (leg: Leg, messages: readonly SipSeen[]): void {
  const opening = messages.find(({ message }) => ['INVITE', 'CANCEL', 'ACK'].includes(methodOf(message)))?.message
  if (!opening) return

  const called = addressUri(header(opening, 'to'))
  leg.user = called?.user ?? ''
  leg.host = called?.host ?? ''
  leg.from = addressUri(header(opening, 'from'))?.user ?? ''
}

function takeInvite (leg: Leg, seen: SipSeen, invite: SipRequest): void {
  leg.at.invite ??= seen.at ?? NaN
  leg.authorized ||= header(invite, 'proxy-authorization') !== undefined ||
    header(invite, 'authorization') !== undefined
  // The one before was challenged: its final response no longer counts.
  delete leg.final
  delete leg.at.final
  leg.invite = invite
  const uri = tolerant(() => parseUri(invite.uri))
  // LiveKit goes by the To header (livekit/protocol sip/sip.go). It is the same unless somebody on the way changed it.
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

function takeInviteResponse (leg: Leg, { message, at = NaN }: SipSeen): void {
  // After the answer, responses are about re-INVITEs.
  if (message.kind !== 'response' || leg.at.answered !== undefined) return

  const { status } = message
  if (status === 401 || status === 407) leg.challenged = true
  if (isAboutEarlierInvite(leg, message)) return

  if (status === 100) leg.at.trying ??= at
  else if (status < 200) takeProvisional(leg, message, at)
  else takeFinal(leg, message, at)

  // On the caller's side only feature-server's own answer has it.
  const sid = header(message, 'x-call-sid')
  if (sid !== undefined) leg.sid ??= sid
  const answer = status < 300 && message.body !== '' ? parseSdp(message.body) : undefined
  if (answer) leg.answer = answer
}

/** A challenge that another INVITE answered is no end of the leg. */
function isAboutEarlierInvite ({ invite }: Leg, response: SipResponse): boolean {
  const number = tolerant(() => cseq(response))?.number
  const current = invite && tolerant(() => cseq(invite))?.number
  return current !== undefined && number !== undefined && number < current
}

function takeProvisional (leg: Leg, { status, body }: SipResponse, at: number): void {
  if (status === 180) leg.rings++
  if (body !== '') leg.at.early ??= at
  leg.at.ringing ??= at
  leg.at.lastRinging = at
}

function takeFinal (leg: Leg, response: SipResponse, at: number): void {
  leg.at.final = at
  leg.final = finalOf(response)
  if (response.status < 300) leg.at.answered ??= at
}

function finalOf (response: SipResponse): Final {
  const { status, reason } = response
  const found = {
    xReason: header(response, 'x-reason'),
    product: header(response, 'server') ?? header(response, 'user-agent')
  }
  return { status, reason, ...withoutAbsent(found) }
}
