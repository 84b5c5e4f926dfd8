import type { Call } from './calls/fold/call.ts'
import { outcomeOf, transfersOf, type Transfer, type TransferOutcome } from './calls/fold/transfers.ts'
import type { TransferMode } from './calls/fold/vocabulary.ts'

/** What the latest event did to a transfer. */
export interface TransferChange {
  transfer: Transfer
  before: Transfer | undefined
  mode: TransferMode
  /** Set when it was decided just now. */
  decided: TransferOutcome | undefined
}

/** The transfers of a call, and what became of each with the latest event. Empty where there was never one. */
export function transferChanges (before: Call | undefined, after: Call): TransferChange[] {
  // Nearly every event is of a call without transfers.
  if (!after.transfer && !after.earlierTransfers) return []
  const known = before ? transfersOf(before) : []
  return transfersOf(after).map(transfer => {
    const earlier = known.find(other => isSame(other, transfer))
    const wasDecided = earlier !== undefined && outcomeOf(earlier) !== undefined
    const decided = wasDecided ? undefined : outcomeOf(transfer)
    return { transfer, before: earlier, mode: transfer.request?.mode ?? 'refer', decided }
  })
}

/** A transfer of the API has an id. An agent may repeat a REFER until it is decided: that is one transfer. */
function isSame (one: Transfer, other: Transfer): boolean {
  if (one.request || other.request) return one.request?.id === other.request?.id
  return one.at === other.at || outcomeOf(one) === undefined
}
