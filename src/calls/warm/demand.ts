import { DEMAND_STEP_MS } from '../store/warm-rooms.ts'
import type { WarmPool } from './warm-room.ts'

/** How far back the size of a pool looks, milliseconds. */
export const DEMAND_MS = 300_000

/**
 * How many rooms a pool is to have: as many as the most calls that came within ten seconds during the last five
 * minutes, but at least its `min` and at most its `max`. A room takes some seconds to get ready, and that many calls
 * come meanwhile.
 * @param demand calls by steps of five seconds
 * @param now milliseconds since the epoch
 */
export function sizeOf (
  { min, max }: Pick<WarmPool, 'min' | 'max'>,
  demand: ReadonlyArray<{ at: number, calls: number }>,
  now: number
): number {
  const byStep = new Map(demand.filter(({ at }) => at > now - DEMAND_MS).map(({ at, calls }) => [at, calls]))
  // Two neighbouring steps: a burst that falls into both of them counts whole.
  const most = [...byStep].map(([at, calls]) => calls + (byStep.get(at - DEMAND_STEP_MS) ?? 0))

  return Math.min(max, Math.max(min, ...most))
}
