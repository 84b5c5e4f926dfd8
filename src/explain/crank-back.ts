import { header, type SipMessage } from '../sip/message.ts'
import { isFirstInvite } from './dialog.ts'
import { methodOf } from './keep.ts'
import { addressUri } from './lenient-sip.ts'
import type { Seen, SipSeen } from './seen.ts'

/*
 * When a gateway of a carrier refuses a call, sbc-outbound dials the next one at once (lib/call-session.js). Where its
 * own headers are missing, nothing but the numbers and the moment joins the two dials.
 */

/** The next gateway is dialled within this time of the refusal, milliseconds. */
const AT_ONCE_MS = 500

interface Dial {
  /** Who dialled which number for whom. */
  key: string
  destination: string
  began: number
  /** When it was refused; undefined where it was answered, given up, or wants credentials. */
  refusedAt: number | undefined
}

/** Joins the dials of one call to one gateway after the other. */
export function joinCrankBacks (calls: readonly Seen[][]): Seen[][] {
  const joined: Seen[][] = []
  const open = new Map<string, { call: Seen[], dial: Dial }>()
  const byTime = calls.map(call => ({ call, dial: dialOf(call) }))
    .sort((a, b) => (a.dial?.began ?? 0) - (b.dial?.began ?? 0))
  for (const { call, dial } of byTime) {
    const before = dial && open.get(dial.key)
    if (dial && before && follows(dial, before.dial)) {
      before.call.push(...call)
      before.call.sort((a, b) => (a.at ?? 0) - (b.at ?? 0))
      before.dial = dial
      continue
    }
    const own = [...call]
    joined.push(own)
    if (dial) open.set(dial.key, { call: own, dial })
  }
  return joined
}

const follows = ({ began, destination }: Dial, { refusedAt, destination: refuser }: Dial): boolean =>
  refusedAt !== undefined && began >= refusedAt && began - refusedAt <= AT_ONCE_MS && destination !== refuser

/** The dial of a call of which nothing but one INVITE of Jambonz was seen. */
function dialOf (call: readonly Seen[]): Dial | undefined {
  const sip = call.filter((item): item is SipSeen => item.kind === 'sip')
  const [invite] = sip
  if (!invite || sip.length !== call.length || !isDialOfJambonz(invite.message)) return undefined
  if (invite.at === undefined || invite.untimed || !invite.source || !invite.destination) return undefined
  if (new Set(sip.map(({ message }) => header(message, 'call-id'))).size !== 1) return undefined

  const userIn = (name: string): string => addressUri(header(invite.message, name))?.user ?? ''
  return {
    key: [invite.source.address, userIn('from'), userIn('to')].join(' '),
    destination: invite.destination.address,
    began: invite.at,
    refusedAt: sip.find(({ message }) => isRefusal(message))?.at
  }
}

const isDialOfJambonz = (message: SipMessage): boolean =>
  isFirstInvite(message) && /^jambonz/i.test(header(message, 'user-agent') ?? '')

const isRefusal = (message: SipMessage): boolean =>
  message.kind === 'response' && methodOf(message) === 'INVITE' && message.status >= 300 &&
  ![401, 407, 487].includes(message.status)
