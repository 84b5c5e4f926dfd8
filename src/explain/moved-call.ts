import type { End } from '../calls/fold/call.ts'
import { duration } from '../diagnosis/facts.ts'
import type { Leg } from './leg.ts'
import { inSentence, nameOf, type Naming } from './parties.ts'
import type { HookSeen } from './seen.ts'
import { isTransferred, transferOf, type Transfer } from './transfer.ts'
import { withCause } from './calls/vague-causes.ts'

/*
 * How a transfer that SIP shows changes what is concluded of a call. Webhooks about the same transfer tell it better.
 */

/** A call that goes on for longer after its transfer failed ends for another reason, milliseconds. */
const TRANSFER_ENDS_MS = 60_000
/** Within this time a side whose REFER was refused hangs up because of that, milliseconds. */
const LOST_WITHIN_MS = 10_000

/** What to do where the other side took a REFER, and its call to the target failed. */
export const TARGET_FAILED = 'Dial the target by hand over the same carrier'

/** The transfer on the last leg to LiveKit, unless webhooks report it. */
export function transferOnWire (agentLegs: readonly Leg[], hooks: readonly HookSeen[]): Transfer | undefined {
  const last = agentLegs.at(-1)
  if (!last || hooks.some(({ hook }) => hook === 'refer' || hook === 'refer-complete')) return undefined
  return transferOf(last)
}

/** The end of a call whose caller was moved, or whose transfer failed at its target. */
export function endOfTransfer (end: End, leg: Leg | undefined, transfer: Transfer | undefined): End {
  if (!leg || !transfer) return end
  if (isTransferred(transfer)) return withCause(end, 'transferred')
  if (!failedAtEnd(leg, transfer)) return end
  return { ...withCause(end, 'transfer-failed'), sipStatus: transfer.refer.notified ?? 0 }
}

/** Whether the call ended soon after its transfer had failed. */
export function failedAtEnd ({ byes }: Leg, { outcome, refer }: Transfer): boolean {
  const [bye] = byes
  if (outcome !== 'failed' || !bye) return false
  return bye.at === undefined || refer.statusAt === undefined || bye.at - refer.statusAt <= TRANSFER_ENDS_MS
}

/** Whether who hung up had accepted a transfer of which nothing more is known. */
export const mayHaveMoved = ({ byes }: Leg, { outcome, refer }: Transfer): boolean =>
  outcome === 'unreported' && byes[0]?.from !== undefined && byes[0].from !== refer.from

/** Whether the side whose REFER was refused gave up and hung up soon: the caller was lost, and nobody was done. */
export function lostAfterRefusal (leg: Leg): boolean {
  const [bye] = leg.byes
  const transfer = transferOf(leg)
  if (transfer?.outcome !== 'refused' || bye?.from === undefined || bye.from !== transfer.refer.from) return false

  const { statusAt } = transfer.refer
  return bye.at === undefined || statusAt === undefined || bye.at - statusAt <= LOST_WITHIN_MS
}

/** What is said of a call that a transfer did not move. */
export function failedTransferText (leg: Leg, { refer }: Transfer, naming: Naming): string {
  const [bye] = leg.byes
  const failed = `The transfer failed at its target (${refer.notified}), and the call went on`
  if (!bye) return `${failed}.`

  const who = inSentence(nameOf(leg, bye.from, naming))
  if (bye.at === undefined || refer.statusAt === undefined) return `${failed}: ${who} hung up.`
  return `${failed}: ${who} hung up ${duration(bye.at - refer.statusAt)} after it was asked for.`
}
