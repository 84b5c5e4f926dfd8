import type { Call, Transfer } from './call.ts'

/** All transfers of a call that are remembered, oldest first. */
export const transfersOf = ({ earlierTransfers = [], transfer }: Call): Transfer[] =>
  transfer ? [...earlierTransfers, transfer] : earlierTransfers

/** How many earlier transfers of a call are remembered. */
const KEEP_TRANSFERS = 16

/** The current transfer is over, whatever became of it. */
export function forgetTransfer (draft: Call): void {
  if (draft.transfer) draft.earlierTransfers = transfersOf(draft).slice(-KEEP_TRANSFERS)
  draft.transfer = undefined
}
