import { randomUUID } from 'node:crypto'
import { allSettled } from '../../all-settled.ts'
import { within, type Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import type { EventOf } from '../fold/events.ts'
import { tokenOfRoom } from '../fold/room-name.ts'
import type { ClaimedRoom, ColdReason } from '../fold/warm.ts'
import type { RoomFormat } from '../ports.ts'
import type { Registry } from '../store/registry.ts'
import { emptyPools } from './empty-pools.ts'
import { Leftovers } from './leftovers.ts'
import { OpenClaims } from './open-claims.ts'
import { PoolKeeper } from './pool-keeper.ts'
import type { WarmPools, WarmPoolView, WarmWish } from './pools.ts'
import { lookAgain, lookSoon, onHeard } from './room-changes.ts'
import { RoomWork, type RoomWorkOptions } from './room-work.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmPool, WarmRoom } from './warm-room.ts'

export interface WarmPoolsOptions extends RoomWorkOptions {
  registry: Pick<Registry, 'findByName' | 'shared'>
  roomFormat: Pick<RoomFormat, 'warmRequest' | 'isWarmRoom'>
  clock: Clock
  /** The pools that are wanted; they change with the routes. */
  pools(): readonly WarmPool[]
  /** Rooms made a second and pool. Absent: a tenth of those that are wanted, and at least 2. */
  perS?: number | undefined
  /** How long the pools may take to be emptied when the process ends, milliseconds. */
  closeMs: number
}

/** Pause between two notes in the store that this replica keeps the pools, milliseconds. */
const KEEPING_MS = 1000
/** The same where there are no pools. */
const IDLE_MS = 5000
/** Without such a note for this long a replica counts as gone, milliseconds. */
const KEPT_MS = 3000
/** From a claim to the making of the room that takes its place: the reply goes first, milliseconds. */
const REFILL_MS = 100

/** See {@link WarmPools}. */
export function createWarmPools (options: WarmPoolsOptions): WarmPools {
  return new WarmPoolService(options)
}

class WarmPoolService implements WarmPools {
  readonly #options: WarmPoolsOptions
  readonly #work: RoomWork
  readonly #leftovers: Leftovers
  readonly #keepers = new Map<string, PoolKeeper>()
  readonly #replica = randomUUID()
  readonly #claims: OpenClaims
  /** Since when LiveKit's events may have been lost. Undefined: they are heard, here or by another replica. */
  #deafSince: 'start' | 'store gone' | undefined = 'start'
  #draining = false
  #stopped = false
  #beating: Promise<void> = Promise.resolve()
  #cancelBeat = () => {}

  constructor (options: WarmPoolsOptions) {
    this.#options = options
    this.#work = new RoomWork(options)
    this.#claims = new OpenClaims(this.#work, options)
    this.#leftovers = new Leftovers(options)
  }

  async claim ({ callSid, agent, metadata }: WarmWish): Promise<ClaimedRoom | ColdReason> {
    const { store, clock, observer } = this.#options
    const pool = this.#options.pools().find(pool => pool.agent === agent && pool.metadata === metadata)?.id
    if (pool === undefined) return 'no-pool'
    // Nobody knows whether the agents are still there.
    if (this.#deafSince) return 'store'

    const at = clock.now()
    const asked = store.claim(pool, { callSid, at }, at + WARM_TIMES.usable)
    try {
      const room = await within(clock, WARM_TIMES.claim, asked, () => new LateError())
      return (room && this.#claims.open(room)) ?? 'empty'
    } catch (error) {
      if (error instanceof LateError) asked.then(room => room && this.#claims.giveBack(room), () => {})
      else if (!(error instanceof StoreUnavailableError)) observer.failed('claim', error)
      return 'store'
    } finally {
      this.#keepers.get(pool)?.wake(REFILL_MS)
    }
  }

  settle ({ room }: Pick<ClaimedRoom, 'room'>, taken: boolean): Promise<EventOf<'livekit'> | undefined> {
    return this.#claims.settle(room, taken)
  }

  async hear (event: EventOf<'livekit'>): Promise<boolean> {
    if (tokenOfRoom(this.#options.roomPrefix, event.room) === undefined) return false

    const { before, after } = await this.#work.change(event.room, room => onHeard(room, event))
    if (before && after?.state !== before.state) this.#keepers.get(before.pool)?.wake(0)
    // Of a room that is claimed, the call must hear too.
    return before !== undefined && before.state !== 'claimed'
  }

  onMissed (listener: (event: EventOf<'livekit'>) => void): void {
    this.#claims.onMissed(listener)
  }

  any (): boolean {
    return this.#options.pools().length > 0
  }

  async views (): Promise<WarmPoolView[]> {
    return Promise.all(this.#options.pools().map(async pool => {
      const rooms = await this.#options.store.list(pool.id)
      const count = (state: WarmRoom['state']) => rooms.filter(room => room.state === state).length
      const keeper = this.#keepers.get(pool.id)
      const trouble = keeper?.trouble
      const counted = { size: keeper?.size ?? pool.min, ready: count('ready'), making: count('making') }
      return { ...pool, ...counted, ...(trouble ? { trouble } : {}) }
    }))
  }

  start (): void {
    const { registry, pools } = this.#options
    // A store that outlives the process still has the rooms of an earlier one.
    if (!registry.shared && pools().length > 0) this.#leftovers.start()
    this.#beatOn()
  }

  drain (): void {
    this.#draining = true
  }

  async close (): Promise<void> {
    const { clock, closeMs, observer } = this.#options
    this.#draining = true
    this.#stopped = true
    this.#cancelBeat()
    const until = clock.now() + closeMs
    const late = () => new Error('requests are still under way')
    const failed = (error: unknown) => observer.failed('warm rooms', error)
    // What is under way may hang. Half of the time is for emptying the pools.
    await within(clock, closeMs / 2, this.#stop(), late).catch(failed)
    await within(clock, until - clock.now(), this.#end(until), late).catch(failed)
  }

  async #stop (): Promise<void> {
    const keepers = [...this.#keepers.values()].map(keeper => keeper.stop())
    await Promise.all([this.#beating, this.#leftovers.stop(), ...keepers])
  }

  /** @param until the pools must be empty by then, milliseconds since the epoch */
  async #end (until: number): Promise<void> {
    const { store, clock } = this.#options
    await this.#claims.settleAll()
    const now = clock.now()
    const others = await store.keeping(this.#replica, now, now - 1)
    if (others === 0) await emptyPools(this.#options, this.#work, until)
  }

  #beatOn (): void {
    this.#beating = this.#beat().then(() => {
      const pauseMs = this.#keepers.size === 0 ? IDLE_MS : KEEPING_MS
      if (!this.#stopped) this.#cancelBeat = this.#options.clock.schedule(pauseMs, () => this.#beatOn())
    })
  }

  /** Notes that this replica keeps the pools, and begins to look after them. Never rejects. */
  async #beat (): Promise<void> {
    const { store, clock, observer } = this.#options
    try {
      const ids = new Set([...this.#options.pools().map(({ id }) => id), ...await store.pools()])
      if (ids.size === 0) return

      const now = clock.now()
      const others = await store.keeping(this.#replica, now, now + KEPT_MS)
      await this.#claims.settleAll()
      const doubt = this.#work.takeDoubt()
      const isHeardByOthers = others > 0 && this.#deafSince === 'start'
      const isClaimable = doubt !== 'lost' && (isHeardByOthers || !this.#deafSince)
      if (this.#deafSince || doubt) await this.#lookAtAll(ids, isClaimable)
      this.#deafSince = undefined
      for (const id of ids) this.#keep(id)
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) observer.failed('warm rooms', error)
      this.#deafSince = 'store gone'
    }
  }

  /**
   * Has all rooms looked at whose agents may have left unheard.
   * @param claimable that is not likely: calls may have the rooms before they were looked at
   */
  async #lookAtAll (ids: Iterable<string>, claimable: boolean): Promise<void> {
    const { store, clock } = this.#options
    const now = clock.now()
    for (const id of ids) {
      const ready = (await store.list(id)).filter(({ state }) => state === 'ready')
      const look = claimable ? lookSoon : lookAgain
      await allSettled(ready.map(({ room }) => this.#work.change(room, known => look(known, now))))
    }
  }

  #pool (id: string): WarmPool | undefined {
    return this.#options.pools().find(pool => pool.id === id)
  }

  /** Looks after a pool from now on, until nobody wants it and it is empty. */
  #keep (id: string): void {
    const known = this.#keepers.get(id)
    if (known && !known.isOver) return
    if (known) {
      this.#keepers.delete(id)
      known.stop().catch(() => {})
      return
    }
    const keeper = new PoolKeeper({
      ...this.#options,
      id,
      work: this.#work,
      pool: () => this.#pool(id),
      mayMake: () => !this.#draining && !this.#deafSince
    })
    this.#keepers.set(id, keeper)
    keeper.wake(0)
  }
}

class LateError extends Error {}
