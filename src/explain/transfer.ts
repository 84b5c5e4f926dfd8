import type { Bye, Refer } from './dialog.ts'
import type { Leg } from './leg.ts'

/**
 * What became of a REFER. `refused` and `unanswered`: nothing, the call went on. `failed`: the call to the target
 * failed. `done`: the target answered. `followed`: the side that accepted it hung up at once, as Jambonz and carriers
 * do that report nothing. `unreported`: it was accepted, and nothing more was heard of it.
 */
export type Outcome = 'refused' | 'unanswered' | 'failed' | 'done' | 'followed' | 'unreported'

export interface Transfer {
  refer: Refer
  outcome: Outcome
}

/** A side that has taken over the call hangs up within this time, milliseconds. */
const FOLLOWS_WITHIN_MS = 5000

/** The REFERs of a leg with their outcomes. */
export const transfersOf = ({ refers, byes }: Pick<Leg, 'refers' | 'byes'>): Transfer[] =>
  refers.map((refer, i) => ({ refer, outcome: outcomeOf(refer, byes, i === refers.length - 1) }))

/** The transfer by which a call ended, or the last one that was tried. */
export function transferOf (leg: Pick<Leg, 'refers' | 'byes'>): Transfer | undefined {
  const all = transfersOf(leg)
  return all.findLast(isTransferred) ?? all.at(-1)
}

/** Whether the caller was moved to somebody else, as far as the leg shows it. */
export const isTransferred = (transfer: Transfer | undefined): boolean =>
  transfer?.outcome === 'done' || transfer?.outcome === 'followed'

function outcomeOf (refer: Refer, byes: readonly Bye[], isLast: boolean): Outcome {
  const { status, notified = 0 } = refer
  if (status === undefined && notified === 0) return 'unanswered'
  if (status !== undefined && status >= 300) return 'refused'
  if (notified >= 300) return 'failed'
  if (notified >= 200) return 'done'
  return isLast && byes.some(bye => follows(bye, refer)) ? 'followed' : 'unreported'
}

function follows (bye: Bye, { from, statusAt }: Refer): boolean {
  if (bye.from === undefined || bye.from === from) return false
  if (bye.at === undefined || statusAt === undefined) return true
  return bye.at - statusAt >= 0 && bye.at - statusAt <= FOLLOWS_WITHIN_MS
}
