import { header, type SipMessage } from '../sip/message.ts'
import { isCarrierHost } from './knowledge/carriers.ts'
import { addressTag, addressUri } from './lenient-sip.ts'
import { isToken } from './identifiers.ts'
import { methodOf } from './keep.ts'
import type { Leg } from './leg.ts'
import { isLiveKitId } from './livekit-id.ts'
import { namingOfCall } from './parties.ts'
import type { AnyHookBody, HookSeen, Seen } from './seen.ts'

/**
 * Whose leg it is.
 * `caller`: of the carrier's or phone's call to Jambonz. `inside`: between Jambonz's own servers. `agent`: Jambonz
 * dials LiveKit. `carrier-out`: Jambonz dials a carrier, a phone or a PBX. `livekit-out`: LiveKit dials
 * (createSIPParticipant). `other`: SIP between strangers, in which nothing names Jambonz or LiveKit.
 */
export type Role = 'caller' | 'inside' | 'agent' | 'carrier-out' | 'livekit-out' | 'other'

/** What hooks and LiveKit's events of the same call say of its legs. */
interface Told {
  /** Call-IDs of LiveKit's SIP participants. */
  atLiveKit: ReadonlySet<string>
  /** What Jambonz dialled with these Call-IDs, where that is known: a number or a SIP URI. */
  dialled: ReadonlyMap<string, string>
}

/**
 * Gives each leg of a call its role. X-Call-Sid alone tells little: sbc-outbound passes it on to carriers, too
 * (jambonz/sbc-outbound lib/call-session.js).
 */
export function assignRoles (legs: readonly Leg[], seen: readonly Seen[]): void {
  const told = { atLiveKit: callIdsOfParticipants(seen), dialled: dialledInHooks(seen) }
  for (const leg of legs) {
    leg.role = roleOf(leg, legs, told)
    if (leg.role === 'carrier-out' && !isKnownStranger(leg, told)) leg.unsure = true
    if (leg.role === 'carrier-out' && isToSbc(leg)) leg.toSbc = true
    if (leg.role === 'livekit-out' && isToJambonz(leg, legs)) leg.toJambonz = true
  }
  if (namingOfCall(legs, seen) !== 'unnamed') return
  for (const leg of legs) if (leg.role === 'caller') leg.role = 'other'
}

/** Whether LiveKit dialled Jambonz: another leg names this one, or a response has headers of feature-server. */
const isToJambonz = (leg: Leg, legs: readonly Leg[]): boolean =>
  legs.some(other => valueOf(other, 'x-cid') === leg.callId) ||
  leg.messages.some(({ message }) =>
    message.kind === 'response' &&
    (['x-call-sid', 'x-reason', 'x-trace-id'].some(name => header(message, name) !== undefined) ||
      [header(message, 'user-agent'), header(message, 'server')].some(value => /^jambonz/i.test(value ?? '')))
  )

function roleOf (leg: Leg, legs: readonly Leg[], told: Told): Role {
  if (isFromLiveKit(leg)) return 'livekit-out'
  if (isToMediaServer(leg) || has(leg, 'x-forwarded-for') || has(leg, 'x-originating-carrier')) return 'inside'
  if (isToSbc(leg) && legs.some(other => isSameDial(leg, other))) return 'inside'
  if (told.atLiveKit.has(leg.callId) || showsLiveKit(leg)) return 'agent'
  if (isToSbc(leg) || isFromJambonz(leg) || told.dialled.has(leg.callId)) return roleOfDial(leg, told)
  if (has(leg, 'x-cid') && has(leg, 'x-account-sid')) return 'inside'
  return isCarrierHost(leg.host) ? 'carrier-out' : 'caller'
}

/** feature-server asks its media server, FreeSWITCH, for an endpoint (drachtio/drachtio-fsmrf lib/mediaserver.js). */
export const isToMediaServer = (leg: Leg): boolean =>
  has(leg, 'x-esl-outbound') || /^drachtio-fsmrf\b/i.test(valueOf(leg, 'user-agent'))

const has = ({ invite }: Leg, name: string): boolean => invite !== undefined && header(invite, name) !== undefined

/** feature-server's headers for sbc-outbound, which takes them away. */
const isToSbc = (leg: Leg): boolean => has(leg, 'x-jambonz-routing') || has(leg, 'x-jambonz-fs-uuid')

/** The same dial, behind sbc-outbound. */
const isSameDial = (leg: Leg, other: Leg): boolean =>
  leg !== other && leg.sid !== undefined && other.sid === leg.sid && !isToSbc(other)

/** What sbc-outbound, or a dial of the bridge, puts into an INVITE. */
const isFromJambonz = (leg: Leg): boolean =>
  has(leg, 'x-call-sid') || has(leg, 'x-lk-call') || (has(leg, 'x-cid') && !has(leg, 'x-account-sid')) ||
  /^jambonz/i.test(valueOf(leg, 'user-agent'))

const valueOf = ({ invite }: Leg, name: string): string => invite === undefined ? '' : header(invite, name) ?? ''

/** Whom Jambonz dialled: LiveKit is dialled by a token or a name, a carrier by a number. */
function roleOfDial (leg: Leg, { dialled }: Told): Role {
  const asked = dialled.get(leg.callId)
  if (/^(?:phone|teams)$/i.test(valueOf(leg, 'x-jambonz-routing'))) return 'carrier-out'
  if (asked !== undefined && isNumber(asked)) return 'carrier-out'
  if (isNumber(leg.user) || isCarrierHost(leg.host)) return 'carrier-out'
  if (has(leg, 'x-lk-call') || isToken(leg.user) || asked !== undefined) return 'agent'
  return isAnsweredByStranger(leg) || leg.user === '' ? 'carrier-out' : 'agent'
}

/** Whether something shows that a carrier or a phone was dialled, and not LiveKit. */
const isKnownStranger = (leg: Leg, { dialled }: Told): boolean =>
  isCarrierHost(leg.host) || isAnsweredByStranger(leg) || isNumber(dialled.get(leg.callId) ?? '') ||
  /^(?:phone|teams)$/i.test(valueOf(leg, 'x-jambonz-routing'))

/** A phone number, also with the spaces and dashes that people write. */
export const isNumber = (user: string): boolean =>
  /^\+?[\d(][\d().*# -]{0,40}$/.test(user.split(';')[0]!.replace(/%20/g, ' '))

export const isLiveKitHost = (host: string): boolean => /(^|\.)sip\.livekit\.cloud$/i.test(host)

const tagIn = (message: SipMessage, name: 'from' | 'to'): string | undefined => addressTag(header(message, name))

/** The side that began a leg keeps its From tag in every message of these transactions. */
const OPENING = new Set(['INVITE', 'ACK', 'CANCEL'])

/** LiveKit's own name in headers (livekit/sip pkg/sip/server.go, outbound.go), and in the session name of its SDP. */
const namesLiveKit = (message: SipMessage): boolean =>
  [header(message, 'user-agent'), header(message, 'server')].some(value => /^LiveKit\b/i.test(value ?? '')) ||
  /^s=LiveKit\b/im.test(message.body)

function isFromLiveKit ({ messages, invite }: Leg): boolean {
  const tagged = messages.find(({ message }) =>
    OPENING.has(methodOf(message)) && (isLiveKitId(tagIn(message, 'from')) || isLiveKitId(tagIn(message, 'to')))
  )
  if (tagged) return isLiveKitId(tagIn(tagged.message, 'from'))
  if (!invite || ['x-call-sid', 'x-forwarded-for', 'x-cid'].some(name => header(invite, name) !== undefined)) {
    return false
  }
  return namesLiveKit(invite) || isLiveKitHost(addressUri(header(invite, 'from'))?.host ?? '')
}

/** Whether something says that LiveKit is at the other end of a leg that somebody dialled. */
function showsLiveKit (leg: Leg): boolean {
  const { host, user, messages } = leg
  if (isLiveKitHost(host) || isLiveKitId(user)) return true
  return messages.some(({ message }) =>
    isLiveKitId(tagIn(message, 'to')) || isLiveKitId(tagIn(message, 'from')) ||
    (message.kind === 'response' && methodOf(message) === 'INVITE' && isLiveKitResponse(message, leg))
  )
}

/** Reason phrases that livekit-sip alone writes, with their statuses (pkg/sip/inbound.go). */
const PHRASES: Readonly<Record<number, RegExp>> = {
  100: /^Processing$/,
  401: /^Bad credentials$/,
  404: /^(?:No trunk found|Does not match any SIP Trunks|Does not match Trunks or Dispatch Rules)$/,
  407: /^Unauthorized$/
}
/** Phrases that others may write, too: they tell LiveKit only where a carrier would not be dialled. */
const LOOSE_PHRASE = /^(?:Try again later|Service temporarily unavailable)$/

function isLiveKitResponse (message: SipMessage & { kind: 'response' }, { user }: Leg): boolean {
  const { status, reason } = message
  if (PHRASES[status]?.test(reason) === true) return true
  if (status === 503 && LOOSE_PHRASE.test(reason) && !isNumber(user)) return true
  return namesLiveKit(message) || /realm="?LiveKit"?/i.test(header(message, 'proxy-authenticate') ?? '')
}

/** A response with a tag that is none of LiveKit's. */
const isAnsweredByStranger = ({ messages }: Leg): boolean =>
  messages.some(({ message }) => {
    if (message.kind !== 'response' || methodOf(message) !== 'INVITE') return false
    const tag = tagIn(message, 'to')
    return tag !== undefined && !isLiveKitId(tag)
  })

const callIdsOfParticipants = (seen: readonly Seen[]): Set<string> =>
  new Set(seen.flatMap(item => item.kind === 'room' && item.callId !== undefined ? [item.callId] : []))

/** What hooks say that Jambonz dialled, by the Call-ID of the INVITE. */
function dialledInHooks (seen: readonly Seen[]): Map<string, string> {
  const bodies = seen.filter((item): item is HookSeen => item.kind === 'hook').map(({ body }): AnyHookBody => body)
  const targets = new Map<string, string>()
  for (const { parent_call_sid: parent, call_sid: sid, to } of bodies) {
    if (parent !== undefined && to !== undefined) targets.set(sid, to)
  }
  const dialled = new Map<string, string>()
  for (const body of bodies) {
    const { parent_call_sid: parent, sbc_callid: ownId, dial_sbc_callid: dialId, dial_call_sid: dialSid } = body
    // A call that Jambonz places for its REST API is the first leg of its call.
    const isDialled = parent !== undefined || body.direction === 'outbound'
    if (isDialled && ownId !== undefined) dialled.set(ownId, body.to ?? '')
    if (dialId !== undefined) dialled.set(dialId, targets.get(dialSid ?? '') ?? dialled.get(dialId) ?? '')
  }
  return dialled
}
