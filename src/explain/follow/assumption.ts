import type { CallEvent } from '../../calls/fold/events.ts'
import type { Leg } from '../leg.ts'
import { isTransferred, transferOf } from '../transfer.ts'
import { legFacts } from './leg-events.ts'

/** On whose behalf Jambonz ended the leg to LiveKit, where the caller's leg was not seen. */
export type Assumption = 'caller-gave-up' | 'dial-timeout' | 'caller-hung-up'

/** Dial timeouts are whole seconds, mostly multiples of this, milliseconds. */
const ROUND_TIMEOUT_MS = 5000
/** How exactly Jambonz keeps a dial timeout, milliseconds. */
const PRECISION_MS = 300

/**
 * Jambonz ends the leg to LiveKit when the caller leaves, when its dial timeout is over, or when somebody tells it to.
 */
export function assumptionOf (leg: Leg): Assumption | undefined {
  const { at, final, byeFrom } = leg
  if (at.answered !== undefined) {
    return byeFrom === 'caller' && !wasMovedByLiveKit(leg) ? 'caller-hung-up' : undefined
  }
  if (at.cancel === undefined || (final && final.status !== 487)) return undefined
  return isRound(at.cancel - (at.invite || at.cancel)) ? 'dial-timeout' : 'caller-gave-up'
}

function isRound (waitedMs: number): boolean {
  const nearest = Math.round(waitedMs / ROUND_TIMEOUT_MS) * ROUND_TIMEOUT_MS
  return nearest > 0 && Math.abs(waitedMs - nearest) <= PRECISION_MS
}

/** What the caller's leg must have done under an assumption. */
export function assumedEvents (leg: Leg, assumption: Assumption | undefined, callSid: string): CallEvent[] {
  const base = { kind: 'status', callSid, facts: legFacts(leg), leg: 'caller', legSid: callSid } as const
  const { invite, cancel = 0, bye } = leg.at
  if (assumption === 'caller-gave-up') {
    return [
      { ...base, callStatus: 'trying', sipStatus: 100, at: invite || 0 },
      { ...base, callStatus: 'no-answer', sipStatus: 487, by: 'caller', at: cancel - 1 }
    ]
  }
  if (bye === undefined) return []
  if (assumption === 'caller-hung-up') {
    return [{ ...base, callStatus: 'completed', sipStatus: 200, by: 'caller', at: bye - 1 }]
  }
  // After a transfer Jambonz ends the leg to LiveKit and keeps the caller. A BYE from LiveKit makes it end the
  // caller's.
  return wasMovedByLiveKit(leg) || leg.byeFrom === 'called'
    ? [{ ...base, callStatus: 'completed', sipStatus: 200, by: 'jambonz', at: bye + 1 }]
    : []
}

/** LiveKit asked for a transfer, and the caller was moved. */
function wasMovedByLiveKit (leg: Leg): boolean {
  const transfer = transferOf(leg)
  return isTransferred(transfer) && transfer?.refer.from === 'called'
}
