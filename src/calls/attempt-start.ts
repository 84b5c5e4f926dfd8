import type { Attempt, Call } from './fold/call.ts'
import type { ColdReason } from './fold/warm.ts'

/**
 * Whether an agent waited in the room of an attempt before the call, or why none did. `replaced`: one waited, and was
 * gone or dead before the caller was answered, so that another one had to take its place.
 */
export type Start = { start: 'warm' | 'replaced' } | { start: 'cold', whyCold?: ColdReason }

/**
 * How the room of an attempt began. Undefined: it has none, or that is not decided or not known yet. Of a call that was
 * rebuilt from LiveKit's rooms or from hooks nobody knows why none waited.
 */
export function startOf ({ order }: Call, attempt: Attempt): Start | undefined {
  const { strategy, room, warm, cold, found, adopted, at } = attempt
  if (warm) return { start: warm.replaced ? 'replaced' : 'warm' }
  if (strategy !== 'room' || room === undefined) return undefined
  if (cold !== undefined) return { start: 'cold', whyCold: cold }
  if (found || adopted) return { start: 'cold' }
  if (at.replied === undefined) return undefined
  return { start: 'cold', whyCold: order ? 'ordered' : 'no-pool' }
}
