import type { Attempt, Call } from './fold/call.ts'
import type { ColdReason } from './fold/warm.ts'

/** Whether an agent waited in the room of an attempt before the call, or why none did. */
export type Start = { start: 'warm' } | { start: 'cold', whyCold?: ColdReason }

/**
 * How the room of an attempt began. Undefined: it has none, or that is not decided yet. Of a call that was rebuilt from
 * LiveKit's rooms nobody knows why none waited.
 */
export function startOf ({ order }: Call, { strategy, warm, cold, found, at }: Attempt): Start | undefined {
  if (warm) return { start: 'warm' }
  if (strategy !== 'room') return undefined
  if (cold !== undefined) return { start: 'cold', whyCold: cold }
  if (found) return { start: 'cold' }
  if (at.replied === undefined) return undefined
  return { start: 'cold', whyCold: order ? 'ordered' : 'no-pool' }
}
