import type { Call } from './calls/fold/call.ts'
import type { Transfer } from './calls/fold/transfers.ts'
import { TRANSFER_MODES, TRANSFER_REASONS, type TransferReason, type TransferResult } from './calls/fold/vocabulary.ts'
import type { Metrics } from './metrics.ts'
import { transferChanges } from './transfer-changes.ts'

/** The reasons that each result may have. */
const REASONS: Record<TransferResult, readonly TransferReason[]> = {
  bridged: ['completed'],
  returned: TRANSFER_REASONS.filter(reason => reason !== 'completed' && reason !== 'caller-gone'),
  failed: ['caller-gone', 'refused', 'error']
}

/** Counts transfers by what became of them, and measures how long a person takes to join the caller. */
export class TransferMetrics {
  readonly #metrics: Metrics['transfers']

  constructor ({ transfers }: Metrics) {
    this.#metrics = transfers
    // A counter that appears with its first event shows no increase of it.
    for (const mode of TRANSFER_MODES) {
      transfers.begun.inc({ mode }, 0)
      for (const [result, reasons] of Object.entries(REASONS)) {
        for (const reason of reasons) transfers.finished.inc({ mode, result, reason }, 0)
      }
    }
  }

  changed (before: Call | undefined, after: Call): void {
    for (const { transfer, before: earlier, mode, decided } of transferChanges(before, after)) {
      if (!earlier) this.#metrics.begun.inc({ mode })
      if (decided) this.#metrics.finished.inc({ mode, result: decided.result, reason: decided.reason })
      this.#join(earlier, transfer, after)
    }
  }

  #join (before: Transfer | undefined, after: Transfer, { events }: Call): void {
    const joinedAt = after.person?.joinedAt
    if (joinedAt === undefined || before?.person?.joinedAt !== undefined) return
    const asked = events.findLast(({ what, first }) => what === 'complete transfer' && first <= joinedAt)
    if (asked && asked.first >= after.at) this.#metrics.join.observe((joinedAt - asked.first) / 1000)
  }
}
