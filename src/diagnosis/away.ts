import type { Cause } from '../calls/fold/vocabulary.ts'
import type { AttemptFacts } from './facts.ts'

/*
 * Times when no bridge was running to hear of a call. Jambonz gives its webhooks up after some retries, and LiveKit
 * repeats its own for longer, so a call that ended in such a time may be known by LiveKit's side alone, or not at all.
 */

/** Milliseconds since the epoch. */
export interface AwayWindow {
  from: number
  to: number
}

/** The times when nobody listened while the attempt was open. */
export function awayWhile ({ call, attempt, overAt }: AttemptFacts): AwayWindow[] {
  const opened = attempt?.at.opened ?? call.at.received
  const windows = call.away ?? []
  return windows.filter(({ from, to }) => to > opened && from < (overAt ?? Infinity))
}

/** Whether Jambonz itself reported how the call, or the attempt, ended. */
export const endWasHeard = ({ callerFinal, agentFinal, action }: AttemptFacts): boolean =>
  callerFinal !== undefined || (agentFinal !== undefined && action !== undefined)

/** When the last event of the attempt came, deadlines and looks of the bridge's own aside. */
export function heardUntil ({ lines, call, attempt }: AttemptFacts): number {
  const heard = lines.filter(({ from }) => from !== 'bridge').map(({ last }) => last)
  return Math.max(attempt?.at.opened ?? call.at.received, ...heard)
}

/** The causes that what was heard allows for an end that nobody heard. */
export function causesLeft (facts: AttemptFacts): Cause[] {
  const { answeredAt, sip, agent, goneAt } = facts
  if (answeredAt === undefined && !agent?.audioAt) {
    return ['caller-gave-up', 'no-agent', 'dial-timeout', 'sip-unreachable']
  }

  const left = sip?.left
  if (left?.reason === 'ROOM_DELETED' || left?.reason === 'PARTICIPANT_REMOVED') return ['agent-hung-up']
  if (left?.reason === 'CLIENT_INITIATED') return ['caller-hung-up', 'operator-hung-up', 'media-lost']
  if (goneAt !== undefined) return ['caller-hung-up', 'agent-hung-up', 'operator-hung-up']
  return ['caller-hung-up', 'agent-hung-up', 'operator-hung-up', 'agent-lost', 'media-lost']
}
