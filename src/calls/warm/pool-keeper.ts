import { allSettled } from '../../all-settled.ts'
import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import type { WarmRoomStore } from '../store/warm-rooms.ts'
import { DEMAND_MS, sizeOf } from './demand.ts'
import type { PoolTrouble, WarmObserver } from './observer.ts'
import { planOf, type PoolPlan } from './plan.ts'
import { leaveUnclaimed, type RoomWork } from './room-work.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmPool, WarmRoom } from './warm-room.ts'

export interface PoolKeeperOptions {
  id: string
  store: WarmRoomStore
  work: RoomWork
  clock: Clock
  observer: WarmObserver
  lifeMs: number
  /** Rooms made a second. Absent: a tenth of those that are wanted, and at least 2. */
  perS?: number | undefined
  /** The pool as it is wanted now; undefined: not any more. */
  pool(): WarmPool | undefined
  /** Whether rooms may be made. */
  mayMake(): boolean
}

/** Longest and shortest pause between two looks at a pool, milliseconds. */
const LONGEST_PAUSE_MS = 1000
const SHORTEST_PAUSE_MS = 50
/** Pause before a store that is gone is asked again, milliseconds. */
const STORE_GONE_MS = 500
/** How long a size holds, milliseconds. */
const SIZE_MS = 5000
/** The next look at a pool is this many times as far away as the look took: a large pool takes time to list. */
const PAUSE_FACTOR = 20
/** Shortest time between two routine looks, milliseconds. The looks at a large pool would keep LiveKit busy. */
const LOOK_EVERY_MS = 100
/** Rooms of a pool that are looked after, or made, at the same time. */
const MOST_AT_ONCE = 8
/** Least number of rooms made a second, where the settings do not say it. */
const LEAST_PER_S = 2

/** Keeps one pool filled. Any number of replicas may do so at the same time. */
export class PoolKeeper {
  readonly #options: PoolKeeperOptions
  readonly #busy = new Map<string, Promise<void>>()
  #size = { rooms: 0, until: -Infinity }
  readonly #making = new Set<Promise<void>>()
  /** Rooms that may be made before the pool is looked at again. */
  #missing = 0
  /** Before that no room is made, milliseconds since the epoch. */
  #makeAt = -Infinity
  /** Names of rooms whose agents may have died with another one. */
  #suspects = new Set<string>()
  #suspected = { losses: 0, at: -Infinity }
  /** Looks that may be begun now, and when that was counted, milliseconds since the epoch. */
  #looks = { at: -Infinity, left: 0 }
  #cancelMake = () => {}
  /** Before that the pool is not looked at again, milliseconds since the epoch. */
  #notBefore = -Infinity
  #trouble: PoolTrouble | undefined
  #storeGone = false
  #isEmpty = false
  #stopped = false
  #ticking: Promise<void> | undefined
  #tickAt = Infinity
  #cancelTick = () => {}

  constructor (options: PoolKeeperOptions) {
    this.#options = options
  }

  /** How many rooms are wanted. */
  get size (): number {
    const pool = this.#options.pool()
    return pool ? Math.min(pool.max, Math.max(pool.min, this.#size.rooms)) : 0
  }

  get trouble (): PoolTrouble | undefined {
    return this.#trouble
  }

  /** Nobody wants the pool any more, and it has no rooms. */
  get isOver (): boolean {
    return this.#isEmpty && !this.#options.pool()
  }

  /** Looks after the pool within `ms` milliseconds. */
  wake (ms: number): void {
    const { clock } = this.#options
    const now = clock.now()
    const at = Math.max(now + ms, this.#notBefore)
    if (this.#stopped || at >= this.#tickAt) return

    this.#cancelTick()
    this.#tickAt = at
    if (!this.#ticking) this.#cancelTick = clock.schedule(at - now, () => this.#begin())
  }

  /** Begins nothing new, and waits for what is under way. */
  async stop (): Promise<void> {
    this.#stopped = true
    this.#cancelTick()
    this.#cancelMake()
    await this.#ticking
    await Promise.allSettled([...this.#busy.values(), ...this.#making])
  }

  #begin (): void {
    this.#tickAt = Infinity
    this.#ticking = this.#tick().catch((error: unknown) => {
      this.#storeGone = error instanceof StoreUnavailableError
      if (!this.#storeGone) this.#options.observer.failed('warm rooms', error)
      return STORE_GONE_MS
    }).then(pauseMs => {
      this.#ticking = undefined
      this.#tell()
      // Somebody may have asked for the next one meanwhile.
      const asked = this.#tickAt - this.#options.clock.now()
      this.#tickAt = Infinity
      this.wake(Math.max(0, Math.min(pauseMs, asked)))
    })
  }

  /** @returns the pause until the next one, milliseconds */
  async #tick (): Promise<number> {
    const { id, store, work, clock, lifeMs } = this.#options
    const began = clock.now()
    const rooms = await store.list(id)
    this.#notBefore = clock.now() + PAUSE_FACTOR * (clock.now() - began)
    await this.#measure(clock.now())
    this.#storeGone = false
    this.#isEmpty = rooms.length === 0
    const now = clock.now()
    const agents = work.agents(id)
    agents.seen(rooms, now)
    const plan = planOf({
      rooms,
      size: this.size,
      lifeMs,
      joinedAt: agents.joinedAt,
      failing: work.livekit.failing || agents.come.failing,
      trialMs: agents.leave ? agents.staysMs : undefined,
      now
    })
    await allSettled(plan.leave.map(({ room, why }) => work.change(room, leaveUnclaimed(why, now))))
    for (const room of plan.due) if (room.state !== 'ready' || this.#mayLook(now)) this.#care(room)
    for (const room of this.#suspectsAmong(rooms, now)) this.#care(room)
    this.#missing = plan.make
    this.#makeNext()

    return plan.leave.length > 0 ? SHORTEST_PAUSE_MS : this.#pause(plan, now)
  }

  async #measure (now: number): Promise<void> {
    const pool = this.#options.pool()
    if (!pool || now < this.#size.until) return

    const demand = pool.max > pool.min ? await this.#options.store.demand(pool.id, now - DEMAND_MS) : []
    this.#size = { rooms: sizeOf(pool, demand, now), until: now + SIZE_MS }
  }

  #pause ({ wakeAt }: PoolPlan, now: number): number {
    const pause = Math.max(SHORTEST_PAUSE_MS, wakeAt - now)
    return Math.min(LONGEST_PAUSE_MS, pause)
  }

  /** Whether it is time for one more look at a room with which nothing seems to be wrong. */
  #mayLook (now: number): boolean {
    const { at, left } = this.#looks
    const may = Math.min(MOST_AT_ONCE, left + (now - at) / LOOK_EVERY_MS)
    this.#looks = { at: now, left: may >= 1 ? may - 1 : may }
    return may >= 1
  }

  #care (room: WarmRoom): void {
    if (this.#busy.size >= MOST_AT_ONCE || this.#busy.has(room.room)) return

    this.#suspects.delete(room.room)
    const { work, observer } = this.#options
    const care = work.care(room).catch((error: unknown) => {
      // The room is due again after the lease.
      if (!(error instanceof StoreUnavailableError)) observer.failed('warm rooms', error)
    }).finally(() => {
      this.#busy.delete(room.room)
      this.wake(SHORTEST_PAUSE_MS)
    })
    this.#busy.set(room.room, care)
  }

  /** When an agent was lost, the others may have had the same worker: they are looked at soon. */
  #suspectsAmong (rooms: readonly WarmRoom[], now: number): WarmRoom[] {
    const { losses } = this.#options.work.agents(this.#options.id)
    const ready = rooms.filter(({ state }) => state === 'ready')
    if (losses > this.#suspected.losses && now >= this.#suspected.at + WARM_TIMES.suspects) {
      this.#suspected = { losses, at: now }
      this.#suspects = new Set(ready.map(({ room }) => room))
    }
    return ready.filter(({ room }) => this.#suspects.has(room))
  }

  #mayMake (now: number): boolean {
    const { work, id, mayMake } = this.#options
    const isPaused = work.livekit.pauses(now) || work.agents(id).pauses(now)
    return mayMake() && !this.#stopped && this.#making.size < MOST_AT_ONCE && !isPaused
  }

  /** Makes the rooms that are missing, one after another, at the rate of the pool. */
  #makeNext (): void {
    this.#cancelMake()
    const { clock } = this.#options
    const now = clock.now()
    if (this.#missing <= 0 || !this.#mayMake(now)) return
    if (now >= this.#makeAt) this.#make()
    if (this.#missing > 0) this.#cancelMake = clock.schedule(Math.max(1, this.#makeAt - now), () => this.#makeNext())
  }

  #make (): void {
    const pool = this.#options.pool()
    if (!pool) return

    const { work, clock, perS, observer } = this.#options
    const everyMs = 1000 / (perS ?? Math.max(LEAST_PER_S, this.size / 10))
    this.#makeAt = clock.now() + everyMs
    this.#missing--
    const making = work.make(pool, this.size, everyMs).then(added => {
      if (added.added) return
      // Another replica has just made one, or the last one that was missing.
      this.#missing = 0
      if (added.retryInMs !== undefined) this.#makeAt = clock.now() + added.retryInMs
    }, (error: unknown) => {
      this.#missing = 0
      if (!(error instanceof StoreUnavailableError)) observer.failed('warm rooms', error)
    }).finally(() => {
      this.#making.delete(making)
      this.wake(Math.max(0, this.#makeAt - clock.now()))
    })
    this.#making.add(making)
  }

  /** Says when something begins to be wrong with the pool, and when it is well again. */
  #tell (): void {
    const trouble = this.#findTrouble()
    if (trouble === this.#trouble) return

    this.#trouble = trouble
    const pool = this.#options.pool()
    if (pool) this.#options.observer.trouble(pool, trouble)
  }

  #findTrouble (): PoolTrouble | undefined {
    const { work, id } = this.#options
    if (this.#storeGone) return 'store'
    if (work.livekit.failing) return 'livekit'
    const { come, leave } = work.agents(id)
    if (come.failing) return 'no-agent'
    return leave ? 'agent-leaves' : undefined
  }
}
