import type { Call } from './call.ts'
import { endOf, type Verdict } from './end.ts'

/**
 * Why a call ended that the bridge hung up on: because an operator or the agent asked for it, or for a reason of its
 * own.
 */
export function hungUpCause ({ hangupFor }: Pick<Call, 'hangupFor'>): Verdict {
  switch (hangupFor) {
    case 'agent':
      return endOf('agent-hung-up')
    case 'machine':
      return endOf('machine-answered')
    case 'given-up':
      return endOf('lost', { by: 'bridge', detail: 'found after it was given up, and hung up' })
    case 'caller-gone':
      return endOf('caller-gone')
    case 'cancelled':
      return endOf('transfer-cancelled')
    case 'person-gone':
      return endOf('person-hung-up')
    case undefined:
      return endOf('operator-hung-up')
  }
}
