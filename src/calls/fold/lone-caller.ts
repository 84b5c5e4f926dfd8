import { currentAttempt, type Attempt, type Call } from './call.ts'
import { transfersOf, withPerson, type Transfer } from './transfers.ts'

/*
 * A caller whom nobody talks with: the agent left for a person, and then the person left.
 */

/** The agent left the room for a person who is gone now. */
export function isAlone (call: Call): boolean {
  const attempt = currentAttempt(call)
  return attempt !== undefined && withPerson(call).length === 0 && sentAway(call, attempt) !== undefined
}

/** The transfer for which the agent left the room of this attempt, unless another agent has come since. */
export function sentAway (call: Call, { n, view: { agent } }: Attempt): Transfer | undefined {
  const last = transfersOf(call).findLast(({ request, outcome }) =>
    request?.mode === 'consult' && outcome?.result === 'bridged')
  if (last?.person?.purpose.attempt !== n) return undefined
  const isBack = agent !== undefined && !agent.left && agent.joinedAt > (last.finishedAt ?? 0)
  return isBack ? undefined : last
}
