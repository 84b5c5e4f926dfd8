import type { FastifyBaseLogger } from 'fastify'
import { LiveKitError } from './calls/ports.ts'
import type { MakeOutcome, PoolTrouble, WarmObserver } from './calls/warm/observer.ts'
import type { WarmExit, WarmPool } from './calls/warm/warm-room.ts'
import { loggedError } from './log-error.ts'
import type { Metrics } from './metrics.ts'

/** Why a pool is not filled, and what that means for calls. */
const TROUBLES: Record<PoolTrouble, string> = {
  livekit: 'LiveKit makes no rooms: calls start cold when the waiting agents are used up',
  'no-agent': 'no agent comes when it is called to wait: calls start cold when the waiting agents are used up',
  'agent-leaves': 'agents join and leave soon: calls start cold when the waiting agents are used up',
  store: 'the store of the waiting agents is gone: calls start cold'
}

/** Logs and counts what happens to the pools of warm rooms. There is no line for each room. */
export class WarmReport implements WarmObserver {
  readonly #log: FastifyBaseLogger
  readonly #metrics: Pick<Metrics, 'warm'>

  constructor (log: FastifyBaseLogger, metrics: Pick<Metrics, 'warm'>) {
    this.#log = log
    this.#metrics = metrics
  }

  made (outcome: MakeOutcome): void {
    this.#metrics.warm.made.inc({ outcome })
  }

  left (why: WarmExit): void {
    this.#metrics.warm.left.inc({ why })
  }

  trouble ({ agent }: WarmPool, trouble: PoolTrouble | undefined): void {
    if (trouble) this.#log.warn({ agent, trouble }, TROUBLES[trouble])
    else this.#log.info({ agent }, 'the rooms for waiting agents are made again')
  }

  failed (operation: string, error: unknown): void {
    // Of LiveKit the trouble of the pools tells: there is one such failure for each room.
    const level = error instanceof LiveKitError ? 'debug' : 'warn'
    this.#log[level]({ operation, error: loggedError(error) }, 'operation failed')
  }
}
