import type { Direction } from './vocabulary.ts'
import type { CallHookEvent } from './events.ts'

export type Refusal = NonNullable<CallHookEvent['refuse']>

/**
 * What the first leg of a call gets that is refused. An agent must not take a bridge that is full, or about to end, for
 * a callee who is busy or does not answer.
 */
export function refusalFor (direction: Direction, refusal: Refusal): Refusal {
  if (direction !== 'agent') return refusal
  switch (refusal.cause) {
    case 'capacity':
      return { ...refusal, status: 503, reason: 'Too Many Calls' }
    case 'draining':
      return { ...refusal, status: 503, reason: 'Shutting Down' }
    case 'not-allowed':
      return refusal
  }
}
