import { currentAttempt, type Call } from './call.ts'
import { owe } from './duties.ts'
import { parkedAttempt } from './return-to-agent.ts'
import { transfersOf } from './transfers.ts'

/*
 * Data messages about transfers, for the agents in the call's room.
 */

/** Owes a message about the latest transfer, where it has come further. */
export function oweMessage (before: Call | undefined, draft: Call, at: number): void {
  const transfer = transfersOf(draft).at(-1)
  if (!transfer?.request) return
  const known = before && transfersOf(before).find(({ request }) => request?.id === transfer.request!.id)
  if (known?.state === transfer.state && known?.outcome?.reason === transfer.outcome?.reason) return
  const attempt = parkedAttempt(draft) ?? currentAttempt(draft)
  if (attempt?.room === undefined || attempt.foreign || attempt.end || draft.phase === 'ended') return
  owe(draft, at, { kind: 'send-message', target: `${attempt.n} ${transfer.request.id}`, due: at })
}
