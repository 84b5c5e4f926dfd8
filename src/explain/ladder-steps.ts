import type { Party, Step } from '../ladder/trace.ts'
import { header } from '../sip/message.ts'
import type { Endpoint } from './capture/endpoint.ts'
import { methodOf } from './keep.ts'
import type { Leg } from './leg.ts'
import type { Naming } from './parties.ts'
import type { Role } from './roles.ts'
import { addressTag, addressUri } from './lenient-sip.ts'
import { quote } from './quote.ts'
import type { HookReply, HookSeen, LogSeen, RoomSeen, Seen, Service, SipSeen } from './seen.ts'

/** Who sends a leg's first INVITE to whom. */
const ENDS: Readonly<Record<Role, readonly [from: Party, to: Party]>> = {
  caller: ['caller', 'jambonz'],
  inside: ['jambonz', 'jambonz'],
  agent: ['jambonz', 'livekit'],
  'carrier-out': ['jambonz', 'carrier'],
  'livekit-out': ['livekit', 'carrier'],
  other: ['caller', 'callee']
}
/** Steps of one ladder. Of a longer call the beginning and the end are shown. */
const MOST_STEPS = 400

/** A step without its time. */
type Move = Omit<Step, 'at'>

/**
 * The ladder of a call: start lines and statuses, never a body or a header's credentials. Messages between Jambonz's
 * own servers are left out where the files also show the legs outside of them.
 */
export function stepsOf (
  seen: readonly Seen[],
  legs: readonly Leg[],
  naming: Naming = 'named'
): { steps: Step[], leftOut: number } {
  const moves = sipMoves(legs, naming)
  const all: Step[] = []
  let at = 0
  for (const item of seen) {
    at = item.at ?? at
    const move = item.kind === 'sip' ? moves.get(item) : moveOf(item)
    if (move) all.push({ ...move, at })
    const reply = item.kind === 'hook' && item.reply && replyMove(item.reply)
    if (reply) all.push({ ...reply, at: item.reply?.at ?? at })
  }
  // The sort is stable: steps of the same moment stay in the order in which they were seen.
  all.sort((a, b) => a.at - b.at)
  if (all.length <= MOST_STEPS) return { steps: all, leftOut: 0 }
  return {
    steps: [...all.slice(0, MOST_STEPS / 2), ...all.slice(-MOST_STEPS / 2)],
    leftOut: all.length - MOST_STEPS
  }
}

function moveOf (item: Exclude<Seen, SipSeen>): Move | undefined {
  switch (item.kind) {
    case 'hook':
      return hookMove(item)
    case 'room':
      return roomMove(item)
    case 'log':
      return logMove(item)
    case 'cdr':
    case 'config':
    case 'refused':
      return undefined
  }
}

/** The moves of all SIP messages that are shown. */
function sipMoves (legs: readonly Leg[], naming: Naming): Map<SipSeen, Move> {
  const outside = legs.filter(({ role }) => role !== 'inside')
  const shown = outside.length > 0 ? outside : legs
  const moves = new Map<SipSeen, Move>()
  for (const leg of shown) {
    const isForward = directionIn(leg)
    for (const seen of leg.messages) moves.set(seen, sipMove(seen, endsIn(leg, naming), isForward(seen)))
  }
  return moves
}

/** The two ends of a leg. Whoever dials LiveKit is Jambonz only where something says so. */
function endsIn ({ role, toJambonz }: Leg, naming: Naming): readonly [caller: Party, called: Party] {
  const [caller, called] = ENDS[role]
  if (toJambonz) return [caller, 'jambonz']
  return role === 'agent' && naming !== 'named' ? ['caller', called] : [caller, called]
}

function sipMove (
  { message }: SipSeen,
  [caller, called]: readonly [caller: Party, called: Party],
  isForward: boolean
): Move {
  // A response goes the other way than its request.
  const onward = message.kind === 'request' ? isForward : !isForward
  const [from, to] = onward ? [caller, called] : [called, caller]
  return {
    from,
    to,
    via: 'sip',
    what: message.kind === 'response'
      ? responseText(message.status, message.reason, methodOf(message))
      : requestText(message.method, message.uri, header(message, 'refer-to'))
  }
}

/**
 * Makes the function that says whether a message belongs to a request of the side that sent the leg's first INVITE:
 * its From header has that side's user, and not the tag of the other side.
 */
function directionIn ({ invite, messages, startLinesOnly, ends }: Leg): (seen: SipSeen) => boolean {
  const caller = ends?.source ?? callerEnd(messages)
  if (startLinesOnly && caller) {
    return ({ message, source }) => isSameEnd(source, caller) === (message.kind === 'request')
  }
  const callerUser = invite && addressUri(header(invite, 'from'))?.user
  const firstResponse = messages.find(({ message }) => message.kind === 'response')?.message
  const calledTag = firstResponse && addressTag(header(firstResponse, 'to'))
  return ({ message }) => {
    const from = header(message, 'from')
    if (invite && addressUri(from)?.user !== callerUser) return false
    return addressTag(from) !== (firstResponse ? calledTag : addressTag(header(message, 'to')))
  }
}

/** The end that sent the first request, or whose request was answered first. */
function callerEnd ([first]: readonly SipSeen[]): Endpoint | undefined {
  return first?.message.kind === 'response' ? first.destination : first?.source
}

const isSameEnd = (a: Endpoint | undefined, b: Endpoint): boolean => a?.address === b.address && a.port === b.port

const responseText = (status: number, reason: string, method: string): string =>
  `${status} ${quote(reason)}${method === 'INVITE' || status < 200 ? '' : ` (${method})`}`.replace(/ +/g, ' ').trim()

function requestText (method: string, uri: string, referTo: string | undefined): string {
  if (method === 'REFER') return `REFER to ${addressUri(referTo)?.user ?? ''}`.trim()
  if (method !== 'INVITE') return method

  // The user and the host, but never the password between them.
  const parts = /^(sips?:)(?:([^@:;]*)(?::[^@]*)?@)?([^;?]*)/i.exec(uri)
  if (!parts) return method
  const [, scheme, user, host] = parts
  return user === undefined ? `INVITE ${scheme}${host}` : `INVITE ${scheme}${user}@${host}`
}

/** What a hook is called in the ladder. */
function hookText (seen: HookSeen): string[] {
  switch (seen.hook) {
    case 'call-hook':
      return ['call hook']
    case 'status': {
      const { parent_call_sid: parent, call_status: status, sip_status: sipStatus = 0 } = seen.body
      const leg = parent === undefined ? 'caller-leg' : 'agent-leg'
      return ['status', leg, status, sipStatus >= 300 ? String(sipStatus) : '']
    }
    case 'action': {
      const { dial_call_status: status = 'never began', dial_sip_status: sipStatus = '' } = seen.body
      return ['action', 'dial', status, String(sipStatus)]
    }
    case 'refer':
      return ['refer']
    case 'refer-complete':
      return ['refer result', String(seen.body.refer_status ?? '')]
  }
}

const words = (parts: ReadonlyArray<string | undefined>): string => parts.filter(part => part).join(' ')

const hookMove = (seen: HookSeen): Move => ({
  from: 'jambonz',
  to: 'bridge',
  via: 'http',
  what: words(['POST', ...hookText(seen)])
})

function replyMove ({ status, verbs }: HookReply): Move | undefined {
  const names = Array.isArray(verbs) ? verbs.slice(0, 4).map(verbName) : []
  if (names.length === 0 && (status ?? 200) < 300) return undefined
  return { from: 'bridge', to: 'jambonz', via: 'http', what: words([status?.toString(), names.join(', ')]) }
}

function verbName (verb: unknown): string {
  const name = typeof verb === 'object' && verb !== null && 'verb' in verb ? verb.verb : undefined
  return typeof name === 'string' ? name : '?'
}

function roomMove ({ event: { what, participant, track } }: RoomSeen): Move {
  const who = participant ? participantText(participant) : ''
  const isAgent = who === 'agent'
  return {
    from: isAgent ? 'agent' : 'livekit',
    to: isAgent && what === 'participant_left' ? 'agent' : 'livekit',
    via: 'room',
    what: words([who, eventText(what), track === 'AUDIO' ? 'audio' : '', participant?.reason])
  }
}

function participantText ({ kind, identity }: NonNullable<RoomSeen['event']['participant']>): string {
  if (kind === 'AGENT' || identity.startsWith('agent-')) return 'agent'
  return kind === 'SIP' || identity.startsWith('sip_') ? 'SIP participant' : 'participant'
}

/** `room_started` is `room started`; of a participant it is said that it `joined`. */
const eventText = (what: string): string =>
  what.replace(/^participant_/, '').replace(/^room_/, 'room ').replace('_', ' ')

/** Whose column a line of a log stands in. An application, a PBX and Twilio are none of the parties that are drawn. */
const PARTIES: Readonly<Partial<Record<Service, Party>>> = {
  'feature-server': 'jambonz',
  'sbc-inbound': 'jambonz',
  'sbc-outbound': 'jambonz',
  'api-server': 'jambonz',
  'jambonz-alerts': 'jambonz',
  'livekit-sip': 'livekit',
  'livekit-server': 'livekit',
  agent: 'agent'
}

/** Only the lines that say something about how the call went. */
function logMove ({ from, level, text, fields }: LogSeen): Move | undefined {
  const party = PARTIES[from]
  if (party === undefined) return undefined

  const isTrouble = ['warn', 'error', 'fatal'].includes(level)
  const isTelling = /reject|clos|refus|fail|processing invite|joining room|unexpected/i.test(text)
  if (!isTrouble && !isTelling) return undefined

  const reason = typeof fields['reason'] === 'string' ? ` (${fields['reason']})` : ''
  return { from: party, to: party, via: 'room', what: quote(`${text}${reason}`).slice(0, 80) }
}
