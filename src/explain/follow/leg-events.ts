import type { CallStatus } from '../../calls/fold/call.ts'
import type { CallEvent } from '../../calls/fold/events.ts'
import { strangerFacts } from '../../jambonz/caller.ts'
import type { Leg } from '../leg.ts'
import { isTransferred, transferOf } from '../transfer.ts'
import { quote } from '../quote.ts'

/** SIP gives up a request that nothing answers after 64 * T1 (RFC 3261 17.1.1.2). */
const TIMER_B_MS = 32_000
/** A request over UDP that was sent again this often was waited for long enough. */
const UNANSWERED_REPEATS = 4

export const legFacts = (leg: Leg) =>
  strangerFacts({ direction: leg.role === 'carrier-out' ? 'outbound' : 'inbound', from: leg.from, to: leg.user })

/**
 * The hook that must have asked for a dial, and the room that must have been made for it: the call hook, or `/action`
 * behind a dial that failed.
 * @param index how many dials were before it
 * @param callee the leg of whom Jambonz called first, in a call that it placed
 */
export function dialEvents (agentLegs: readonly Leg[], index: number, callSid: string, callee?: Leg): CallEvent[] {
  const leg = agentLegs[index]!
  const before = agentLegs[index - 1]
  const at = (leg.at.invite || 0) - 1
  const hash = `sip-${index}`
  const facts = legFacts(callee ?? leg)
  const room: CallEvent = { kind: 'room', attempt: index + 1, outcome: 'created', at }
  if (before && before.at.answered === undefined) {
    return [{ ...actionEventOf(before), callSid, hash, facts, attempt: index, at }, room]
  }
  return [
    { kind: 'call-hook', callSid, hash, facts, redirected: index > 0, answered: callee !== undefined, at },
    room
  ]
}

/** What Jambonz posts of a dial that nobody answered. */
function actionEventOf ({ final, at, sid, callId }: Leg) {
  const dialSipStatus = final?.status ?? (at.cancel === undefined ? 408 : 487)
  return {
    kind: 'action' as const,
    dialCallStatus: callStatusFor(dialSipStatus),
    dialSipStatus,
    dialCallSid: sid ?? callId,
    rang: at.ringing !== undefined,
    callerStatus: 'trying' as const
  }
}

/**
 * The statuses that Jambonz would have posted of a leg to LiveKit (feature-server lib/utils/place-outdial.js).
 * @param endAt when the files end
 */
export function agentLegEvents (leg: Leg, callSid: string, endAt: number): CallEvent[] {
  const { at } = leg
  const status = (callStatus: CallStatus, when: number, sipStatus: number, sipReason?: string): CallEvent => ({
    kind: 'status',
    callSid,
    facts: legFacts(leg),
    leg: 'agent',
    legSid: leg.sid ?? leg.callId,
    callStatus,
    sipStatus,
    ...(sipReason !== undefined && { sipReason }),
    dialled: leg.user,
    at: when
  })
  return [
    status('trying', at.invite || 0, 100),
    ...ringingOf(leg).map(({ early, when, sipStatus }) => status(early ? 'early-media' : 'ringing', when, sipStatus)),
    ...at.answered === undefined ? [] : [status('in-progress', at.answered, 200, 'OK')],
    ...referEvents(leg, callSid),
    ...agentLegEnd(leg, endAt, status)
  ]
}

/** The provisional responses before the answer. */
function ringingOf ({ at, messages }: Leg): Array<{ early: boolean, when: number, sipStatus: number }> {
  return messages.flatMap(({ message, at: when = 0 }) => {
    if (message.kind !== 'response' || message.status <= 100 || message.status >= 200) return []
    if (at.answered !== undefined && when > at.answered) return []
    return [{ early: message.body !== '', when, sipStatus: message.status }]
  })
}

/** LiveKit's REFER, where the caller was moved by it. After any other the call goes on as it was. */
function referEvents (leg: Leg, callSid: string): CallEvent[] {
  const transfer = transferOf(leg)
  if (!transfer || !isTransferred(transfer) || transfer.refer.from !== 'called') return []

  const { refer } = transfer
  // A list of packets does not show the target.
  const target = targetOf(refer.to) || (leg.startLinesOnly ? 'sip:unknown' : '')
  return [{
    kind: 'refer',
    callSid,
    hash: 'sip-refer',
    facts: legFacts(leg),
    leg: 'agent',
    legSid: leg.sid ?? leg.callId,
    ...(target && { referTo: target }),
    at: refer.at ?? leg.at.answered ?? 0
  }]
}

type Status = (callStatus: CallStatus, when: number, sipStatus: number, sipReason?: string) => CallEvent

function agentLegEnd (leg: Leg, endAt: number, status: Status): CallEvent[] {
  const { at, final } = leg
  if (at.bye !== undefined) return [status('completed', at.bye, 200)]
  if (final && final.status >= 300) {
    return [status(callStatusFor(final.status), at.final ?? 0, final.status, quote(final.reason))]
  }
  if (at.answered !== undefined) return []
  if (at.cancel !== undefined) return [status('no-answer', at.cancel, 487)]
  return isGivenUp(leg, endAt) ? [status('failed', Math.max(endAt, at.last ?? 0), 408, 'no reply')] : []
}

function isGivenUp ({ at, repeats }: Leg, endAt: number): boolean {
  if (at.trying !== undefined || at.ringing !== undefined) return false
  return repeats >= UNANSWERED_REPEATS || endAt - (at.invite || 0) >= TIMER_B_MS
}

/** The URI of a Refer-To header, without its display name and angle brackets. */
function targetOf (referTo = ''): string {
  const open = referTo.indexOf('<')
  const close = referTo.indexOf('>', open)
  return open >= 0 && close > open + 1 ? referTo.slice(open + 1, close) : referTo
}

function callStatusFor (status: number): CallStatus {
  if (status === 486 || status === 600) return 'busy'
  return status === 487 ? 'no-answer' : 'failed'
}

/**
 * The statuses of the caller leg (feature-server lib/session/inbound-call-session.js), or of the leg of whom Jambonz
 * called first: it says `caller` of them, too.
 */
export function callerLegEvents (leg: Leg, callSid: string): CallEvent[] {
  const { at, final } = leg
  const far = leg.role === 'carrier-out' ? 'called' : 'caller'
  const status = (callStatus: CallStatus, when: number, sipStatus: number, by?: 'caller' | 'jambonz'): CallEvent => ({
    kind: 'status',
    callSid,
    facts: legFacts(leg),
    leg: 'caller',
    legSid: leg.sid ?? callSid,
    callStatus,
    sipStatus,
    ...(by && { by }),
    at: when
  })
  const events: CallEvent[] = []
  // Jambonz posts it only once verbs run: then the caller hears early media, too.
  const begun = at.early ?? at.answered
  if (begun !== undefined) events.push(status('trying', begun, 100))
  if (at.answered !== undefined) events.push(status('in-progress', at.answered, 200))

  if (at.cancel !== undefined && at.answered === undefined) {
    events.push(status('no-answer', at.cancel, 487, 'caller'))
  } else if (at.bye !== undefined) {
    events.push(status('completed', at.bye, 200, leg.byeFrom === far ? 'caller' : 'jambonz'))
  } else if (final && final.status >= 300 && final.status !== 401 && final.status !== 407) {
    events.push(status(callStatusFor(final.status), at.final ?? 0, final.status))
  }
  return events
}
