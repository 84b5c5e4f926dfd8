import type { LiveKitFailure } from '../ports.ts'
import type { WarmPoolView } from './pools.ts'
import type { WarmExit, WarmPool } from './warm-room.ts'

/** What becomes of a request that makes a warm room. `unknown`: LiveKit may have made it all the same. */
export const MAKE_OUTCOMES = ['created', 'failed', 'unknown'] as const
export type MakeOutcome = typeof MAKE_OUTCOMES[number]

/** What is wrong with a pool. */
export type PoolTrouble = NonNullable<WarmPoolView['trouble']>

/** Is notified of what happens to the pools. Logs and metrics are made of it. */
export interface WarmObserver {
  /** A request that makes a room was answered, or given up. */
  made(outcome: MakeOutcome): void
  /** A room left its pool without a call. */
  left(why: WarmExit): void
  /** Something is wrong with a pool now; undefined: it is well again. */
  trouble(pool: WarmPool, trouble: PoolTrouble | undefined): void
  /** An operation failed. It is tried again. */
  failed(operation: string, error: unknown): void
}

/** Whether a request may have reached LiveKit all the same. */
export const isUnknown = (failure: LiveKitFailure): boolean => failure === 'timeout' || failure === 'unreachable'
