import { cseq, header, type SipMessage, type SipRequest } from '../sip/message.ts'
import { endpointText } from './capture/endpoint.ts'
import { addressTag, addressUri, tolerant } from './lenient-sip.ts'
import { methodOf } from './keep.ts'
import { isLiveKitId } from './livekit-id.ts'
import type { SipSeen } from './seen.ts'

/*
 * What happens inside a SIP dialog: who sends its requests, how it is hung up, and what becomes of a REFER.
 */

/** The side that sent the first INVITE, or the one that it was sent to. */
export type Side = 'caller' | 'called'

/** A hang-up. Both sides may send one at the same time. */
export interface Bye {
  /** Absent where the file does not show which side is which. */
  from?: Side
  /** Absent without times. */
  at?: number
  reason?: string
  /** What it was answered with. A challenge that another BYE answered does not count. */
  status?: number
  /** How often it was sent again. */
  repeats: number
}

/** A request to call somebody else (RFC 3515). */
export interface Refer {
  from?: Side
  to?: string
  at?: number
  status?: number
  statusAt?: number
  /** Twilio's own words for why it refuses. */
  twilioError?: string
  /** What the other side last reported about the call to the target. */
  notified?: number
}

/** Which side sent a request; undefined where nothing shows it. */
type SenderOf = (seen: SipSeen) => Side | undefined

interface Party {
  tag: string | undefined
  user: string | undefined
  address: string | undefined
}

/** Makes the function that tells which side of a dialog sent a request. */
export function sidesOf (messages: readonly SipSeen[]): SenderOf {
  const opening = openingOf(messages)
  if (!opening) return seen => sideOfLiveKit(seen.message)

  const { source, destination } = opening.message.kind === 'request' ? opening : turned(opening)
  const caller = partyOf(header(opening.message, 'from'), source)
  const called = partyOf(calledAddress(messages), destination)
  return ({ message, source: sender }) => {
    const from = partyOf(header(message, 'from'), sender)
    const to = addressTag(header(message, 'to'))
    if (from.tag !== undefined && from.tag === called.tag) return 'called'
    if (from.tag !== undefined && from.tag === caller.tag) return 'caller'
    if (to !== undefined && to === caller.tag) return 'called'
    if (to !== undefined && to === called.tag) return 'caller'
    return byEnds(from, caller, called)
  }
}

/** A message whose From header is the caller's. */
const openingOf = (messages: readonly SipSeen[]): SipSeen | undefined =>
  messages.find(({ message }) => isFirstInvite(message)) ??
    messages.find(({ message }) => ['INVITE', 'CANCEL', 'ACK'].includes(methodOf(message)))

/** An INVITE with a tag in its To header changes a call that is up (RFC 3261 14). */
export const isFirstInvite = (message: SipMessage): boolean =>
  message.kind === 'request' && message.method === 'INVITE' && addressTag(header(message, 'to')) === undefined

const turned = ({ source, destination }: SipSeen): Pick<SipSeen, 'source' | 'destination'> => ({
  ...(destination && { source: destination }),
  ...(source && { destination: source })
})

const partyOf = (address: string | undefined, end: SipSeen['source']): Party => ({
  tag: addressTag(address),
  user: addressUri(address)?.user,
  address: end && endpointText(end)
})

/** The To header with the tag of the side that was called. */
const calledAddress = (messages: readonly SipSeen[]): string | undefined =>
  messages.filter(({ message }) => ['INVITE', 'ACK'].includes(methodOf(message)))
    .map(({ message }) => header(message, 'to'))
    .find(to => addressTag(to) !== undefined)

/** Without tags, as RFC 2543 had it. */
function byEnds (from: Party, caller: Party, called: Party): Side | undefined {
  for (const what of ['address', 'user'] as const) {
    if (from[what] === undefined || caller[what] === called[what]) continue
    if (from[what] === caller[what]) return 'caller'
    if (from[what] === called[what]) return 'called'
  }
  return undefined
}

/** Where the file begins later, LiveKit's own tag shows its side. It is taken for the side that was called. */
function sideOfLiveKit (message: SipMessage): Side | undefined {
  const isLiveKit = (name: string): boolean => isLiveKitId(addressTag(header(message, name)))
  if (isLiveKit('from')) return 'called'
  return isLiveKit('to') ? 'caller' : undefined
}

/** The hang-ups of a dialog, in the order in which they were sent. */
export function byesOf (messages: readonly SipSeen[], senderOf: SenderOf): Bye[] {
  const byes = new Map<string, { bye: Bye, via: string | undefined }>()
  for (const seen of messages) {
    const { message } = seen
    if (methodOf(message) !== 'BYE') continue

    const key = requestKey(message)
    const known = byes.get(key)
    const via = header(message, 'via')
    if (!known) {
      // Where the file begins after it, its response shows who sent it.
      byes.set(key, { bye: byeOf(seen, senderOf(asRequest(seen))), via })
    } else if (message.kind === 'response') {
      if (message.status >= 200) known.bye.status ??= message.status
    } else if (known.via === via) {
      // A proxy that passes it on puts a Via of its own in front.
      known.bye.repeats++
    }
  }
  const all = [...byes.values()].map(({ bye }) => bye)
  return all.filter((bye, i) => !isChallenged(bye.status) || all[i + 1]?.from !== bye.from)
}

/** With the ends of the request that a response answers. */
function asRequest (seen: SipSeen): SipSeen {
  const { kind, place, message } = seen
  return message.kind === 'request' ? seen : { kind, place, message, ...turned(seen) }
}

function byeOf ({ at, untimed, message }: SipSeen, from: Side | undefined): Bye {
  const reason = message.kind === 'request' ? header(message, 'reason') : undefined
  const status = message.kind === 'response' && message.status >= 200 ? message.status : undefined
  return {
    ...(from && { from }),
    ...(at !== undefined && !untimed && { at }),
    ...(reason !== undefined && { reason }),
    ...(status !== undefined && { status }),
    repeats: 0
  }
}

const isChallenged = (status: number | undefined): boolean => status === 401 || status === 407

/** A request and its responses have the same From tag and CSeq, and both sides count for themselves. */
const requestKey = (message: SipMessage): string =>
  `${addressTag(header(message, 'from')) ?? ''} ${tolerant(() => cseq(message))?.number ?? ''}`

/** The REFERs of a dialog with what became of them. One that was challenged and sent again counts once. */
export function refersOf (messages: readonly SipSeen[], senderOf: SenderOf): Refer[] {
  const refers = new Map<string, Refer>()
  for (const seen of messages) {
    const { message } = seen
    const method = methodOf(message)
    if (message.kind === 'request' && method === 'NOTIFY') {
      const refer = referOfNotify(message, [...refers])
      const progress = /^SIP\/2\.0[ \t]+(\d{3})/.exec(message.body.trimStart())
      if (refer && progress) refer.notified = Number(progress[1])
    }
    if (method !== 'REFER') continue

    const key = requestKey(message)
    const known = refers.get(key) ?? referOf(seen, senderOf(asRequest(seen)))
    refers.set(key, known)
    if (message.kind === 'response' && message.status >= 200) takeAnswer(known, seen, message.status)
  }
  const all = [...refers.values()]
  return all.filter(({ status }, i) => !isChallenged(status) || i === all.length - 1)
}

function referOf ({ at, untimed, message }: SipSeen, from: Side | undefined): Refer {
  const to = header(message, 'refer-to')
  return {
    ...(from && { from }),
    ...(to !== undefined && { to }),
    ...(at !== undefined && !untimed && { at })
  }
}

function takeAnswer (refer: Refer, { message, at, untimed }: SipSeen, status: number): void {
  if (refer.status !== undefined) return

  const twilioError = header(message, 'x-twilio-error')
  refer.status = status
  if (at !== undefined && !untimed) refer.statusAt = at
  if (twilioError !== undefined) refer.twilioError = twilioError
}

/** `Event: refer;id=3` names the REFER by its CSeq (RFC 3515 2.4.6). */
function referOfNotify (notify: SipRequest, refers: ReadonlyArray<[key: string, refer: Refer]>): Refer | undefined {
  const id = /;\s*id=(\d{1,10})/.exec(header(notify, 'event') ?? '')?.[1]
  const named = id === undefined ? undefined : refers.find(([key]) => key.endsWith(` ${id}`))
  return (named ?? refers.at(-1))?.[1]
}
