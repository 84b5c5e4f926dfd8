import type { Cause } from '../calls/fold/vocabulary.ts'
import type { CatalogueEntry } from './catalogue-entry.ts'

/** Causes of calls that transfers bring about. */
export type TransferCause = Extract<Cause, 'transfer-cancelled' | 'person-hung-up' | 'caller-gone'>

export const CAUSES_OF_TRANSFERS: Record<TransferCause, CatalogueEntry> = {
  'transfer-cancelled': {
    severity: 'ok',
    meaning: 'A person was called for a transfer, and the transfer was cancelled before the person had joined. The ' +
      'bridge ended the call of the person.',
    signals: 'A cancellation over the API, then a hang-up by the bridge.',
    fix: []
  },
  'person-hung-up': {
    severity: 'ok',
    meaning: 'The person to whom the caller was handed hung up, and nobody else was with the caller.',
    signals: "The person's call ended, or the leg that was dialled to the person is `completed` first.",
    fix: [
      { todo: 'Send `afterPerson: agent` with the transfer if the caller is to talk with an agent again' }
    ]
  },
  'caller-gone': {
    severity: 'ok',
    meaning: 'The call of a person ended because the caller of the transfer had left. Where `by` is `unknown`, the ' +
      'leg of the person ended in the room of the caller: the room was deleted, or the person was removed from it.',
    signals: "The caller's call ended first, or the caller was not in the room any more when the person was to join.",
    fix: []
  }
}
