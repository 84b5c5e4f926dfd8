import { Backoff } from './backoff.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmRoom } from './warm-room.ts'

/** How the agents of one pool behave, as this process sees it. Times are milliseconds since the epoch. */
export class PoolAgents {
  /** Whether agents come when they are called. */
  readonly come = new Backoff()
  /** Whether agents stay when they have come. */
  readonly stay = new Backoff()
  /** How long an agent must stay before it counts as one that waits for calls, milliseconds. */
  readonly staysMs: number
  /** How many agents were lost: they left, or died. */
  losses = 0
  #joinedAt = -Infinity

  /** @param lifeMs how long a room lives, milliseconds */
  constructor (lifeMs: number) {
    this.staysMs = Math.min(WARM_TIMES.stays, lifeMs / 4)
  }

  /** When an agent last joined. */
  get joinedAt (): number {
    return this.#joinedAt
  }

  /** Agents leave soon after they have joined. A single one may be of a worker that was restarted. */
  get leave (): boolean {
    return this.stay.failures > 1
  }

  /** It is too early for the next room. */
  pauses (now: number): boolean {
    return this.come.pauses(now) || this.stay.pauses(now)
  }

  /** A room of the pool has changed. */
  changed (before: WarmRoom, after: WarmRoom | undefined, now: number): void {
    if (after?.state === 'ready' && before.state === 'making') {
      this.#joinedAt = Math.max(this.#joinedAt, after.agent!.joinedAt)
      this.come.worked()
    }
    if (before.leaving || !after?.leaving) return

    const { why } = after.leaving
    if (why === 'no-agent') this.come.failed(before.madeAt, now)
    // An agent may delete its room when it leaves.
    if (why === 'agent-left' || why === 'room-gone') this.#lost(before, now)
  }

  /** Notes whether an agent has stayed since others left. */
  seen (rooms: readonly WarmRoom[], now: number): void {
    const hasStayed = ({ state, agent }: WarmRoom) =>
      state === 'ready' && agent && agent.joinedAt >= this.stay.failedAt && now - agent.joinedAt >= this.staysMs
    if (this.stay.failing && rooms.some(hasStayed)) this.stay.worked()
  }

  #lost ({ agent, madeAt }: WarmRoom, now: number): void {
    this.losses++
    const isSoon = agent && (agent.leftAt ?? now) - agent.joinedAt < this.staysMs
    if (isSoon) this.stay.failed(madeAt, now)
  }
}
