import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import type { EventOf } from '../fold/events.ts'
import type { ClaimedRoom } from '../fold/warm.ts'
import { claimedRoom, missedEvent, onNotTaken, onTaken } from './claims.ts'
import type { WarmObserver } from './observer.ts'
import type { RoomWork } from './room-work.ts'
import type { WarmRoom } from './warm-room.ts'

/** Claims of this process that are not settled yet. */
export class OpenClaims {
  readonly #work: RoomWork
  readonly #clock: Clock
  readonly #observer: WarmObserver
  /** By name: rooms as this process has claimed them. */
  readonly #claims = new Map<string, WarmRoom>()
  /** By name of the room: what came of claims that could not be settled, because the store was gone. */
  readonly #unsettled = new Map<string, boolean>()
  readonly #listeners: Array<(event: EventOf<'livekit'>) => void> = []

  constructor (work: RoomWork, { clock, observer }: { clock: Clock, observer: WarmObserver }) {
    this.#work = work
    this.#clock = clock
    this.#observer = observer
  }

  /** @returns undefined when the agent is not in the room */
  open (room: WarmRoom): ClaimedRoom | undefined {
    const claimed = claimedRoom(room)
    if (!claimed) {
      this.giveBack(room)
      return undefined
    }
    this.#claims.set(room.room, room)
    // Where every agent gets a call soon, none can show that it stays.
    this.#work.agents(room.pool).stay.worked()
    return claimed
  }

  giveBack (room: WarmRoom): void {
    this.#claims.set(room.room, room)
    this.settle(room.room, false).catch(() => {})
  }

  /** See {@link WarmPools.settle}. */
  async settle (name: string, taken: boolean): Promise<EventOf<'livekit'> | undefined> {
    const claimed = this.#claims.get(name)
    // It was settled, or nobody here knows whose claim it is.
    if (!claimed) return undefined

    const now = this.#clock.now()
    try {
      const { before } = await this.#work.change(name, room =>
        taken ? onTaken(room, claimed) : onNotTaken(room, claimed, now))
      this.#claims.delete(name)
      this.#unsettled.delete(name)
      return taken && before ? missedEvent(claimed, before, now) : undefined
    } catch (error) {
      // It is done later.
      if (!(error instanceof StoreUnavailableError)) this.#observer.failed('settle', error)
      this.#unsettled.set(name, taken)
      return undefined
    }
  }

  /** Settles what could not be settled before. */
  async settleAll (): Promise<void> {
    for (const [name, taken] of this.#unsettled) {
      const missed = await this.settle(name, taken)
      if (missed) for (const listener of this.#listeners) listener(missed)
    }
  }

  /** See {@link WarmPools.onMissed}. */
  onMissed (listener: (event: EventOf<'livekit'>) => void): void {
    this.#listeners.push(listener)
  }
}
