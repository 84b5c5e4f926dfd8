import type { Attempt, Call } from './call.ts'
import { endParked } from './return-to-agent.ts'
import { finishTransfer } from './transfer-result.ts'
import { openRequest } from './transfers.ts'

/*
 * How far the dial of a person is, to whom the caller's own leg is handed.
 */

/** The person's phone shows how far the dial of a transfer is. */
export function personProgress (draft: Call, attempt: Attempt, state: 'ringing' | 'answered'): void {
  const transfer = openRequest(draft)
  if (transfer?.dials === attempt.n && !transfer.failedFor) transfer.state = state
}

/** Caller and person talk: the agent's room is needed no more. Somebody who is wanted no more is not talked with. */
export function personBridged (draft: Call, attempt: Attempt, at: number): void {
  const transfer = openRequest(draft)
  if (transfer?.dials !== attempt.n || transfer.failedFor) return
  finishTransfer(draft, transfer, at, { result: 'bridged', reason: 'completed' })
  draft.plan = []
  endParked(draft, at)
}
