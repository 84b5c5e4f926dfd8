import { within, type Clock } from '../../clock.ts'
import { roomNameOf } from '../fold/room-name.ts'
import { LiveKitError, type LiveKitFailure, type RoomFormat, type Rooms } from '../ports.ts'
import type { Registry } from '../store/registry.ts'
import type { Added, WarmRoomStore } from '../store/warm-rooms.ts'
import { Backoff } from './backoff.ts'
import { isUnknown, type WarmObserver } from './observer.ts'
import { freshUntil } from './plan.ts'
import { PoolAgents } from './pool-agents.ts'
import { onUnsettled } from './claims.ts'
import {
  dueAt,
  leave,
  newRoom,
  onCreated,
  onCreateFailed,
  onAsked,
  onDeleted,
  onLooked,
  takenInHand
} from './room-changes.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmPool, WarmRoom } from './warm-room.ts'

export interface RoomWorkOptions {
  store: WarmRoomStore
  registry: Pick<Registry, 'findByName'>
  rooms: Rooms
  roomFormat: Pick<RoomFormat, 'warmRequest'>
  clock: Clock
  observer: WarmObserver
  roomPrefix: string
  newToken(): string
  /** How long LiveKit keeps a room without its caller, seconds. */
  departureS(): number
  /** How long an agent waits at most, milliseconds. */
  lifeMs: number
  /** How long to wait for createRoom before another room is made, milliseconds. */
  createTimeoutMs: number
}

type Change = (room: WarmRoom) => WarmRoom | undefined

/** What is done about single rooms: they are made, looked at and deleted, and the store remembers what came of it. */
export class RoomWork {
  readonly #options: RoomWorkOptions
  /** createRoom fails. */
  readonly livekit = new Backoff()
  readonly #agents = new Map<string, PoolAgents>()
  /** LiveKit did not answer when it was last asked for a room. */
  #isAway = false
  #doubt: 'away' | 'lost' | undefined

  constructor (options: RoomWorkOptions) {
    this.#options = options
  }

  /** How the agents of a pool behave. */
  agents (pool: string): PoolAgents {
    const known = this.#agents.get(pool) ?? new PoolAgents(this.#options.lifeMs)
    this.#agents.set(pool, known)
    return known
  }

  /**
   * Whether agents may have left without an event since this was last asked: LiveKit may have crashed, and its rooms
   * are gone with it. `lost`: a room was lost like that. `away`: LiveKit did not answer for a time.
   */
  takeDoubt (): 'away' | 'lost' | undefined {
    const doubt = this.#doubt
    this.#doubt = undefined
    return doubt
  }

  /**
   * Replaces a room that is known by what `fn` makes of it.
   * @returns the room before and after
   */
  async change (name: string, fn: Change): Promise<{ before?: WarmRoom | undefined, after?: WarmRoom | undefined }> {
    const change: { before?: WarmRoom | undefined } = {}
    const after = await this.#options.store.update(name, room => {
      change.before = room
      return room && fn(room)
    })
    if (change.before) this.#notify(change.before, after)
    return { ...change, after }
  }

  /**
   * Makes a room, unless the store says that there are enough, or that it is too soon. Resolves when LiveKit has
   * answered, or was waited for long enough.
   * @param size how many rooms the pool is to have
   * @param everyMs shortest time between two rooms of the pool, milliseconds
   */
  async make (pool: WarmPool, size: number, everyMs: number): Promise<Added> {
    const { store, clock, roomPrefix, newToken, departureS, lifeMs, createTimeoutMs } = this.#options
    const now = clock.now()
    const token = newToken()
    const named = { token, room: roomNameOf(roomPrefix, token) }
    const room = newRoom({ pool, ...named, departureS: departureS(), lifeMs, at: now })
    const added = await store.add(room, { most: size, freshUntil: freshUntil(now, lifeMs), everyMs, now })
    if (!added.added) return added

    const created = this.#create(room, pool)
    await within(clock, createTimeoutMs, created, () => new LiveKitError('createRoom', 'timeout')).catch(error => {
      this.#createFailing(room, error)
    })
    return added
  }

  /** Does what is due about a room, unless another replica does. */
  async care (room: WarmRoom): Promise<void> {
    const now = this.#now()
    let isMine = false
    const { after } = await this.change(room.room, known => {
      isMine = dueAt(known) === dueAt(room)
      return isMine ? takenInHand(known, now) : known
    })
    if (!isMine || !after) return

    if (after.state === 'leaving') await this.delete(after)
    else if (after.state === 'claimed') await this.#checkClaim(after)
    else await this.#look(after)
  }

  /** Deletes the room once. */
  async delete (room: WarmRoom): Promise<void> {
    const { rooms } = this.#options
    const found = await this.#ask('delete-room', () => rooms.delete(room.room))
    let outcome: Parameters<typeof onDeleted>[1] = 'failed'
    if (found !== undefined) outcome = found ? 'deleted' : 'absent'
    // LiveKit may refuse that for ever. No agent is to wait there until LiveKit closes the room.
    if (found === undefined) await rooms.evict(room.room).catch(() => false)
    await this.change(room.room, known => onDeleted(known, outcome, this.#now()))
  }

  /** Deletes the room of a claim once, if no call has it. */
  async deleteUnused (room: WarmRoom): Promise<void> {
    const { after } = await this.#checkClaim(room)
    if (after?.state === 'leaving') await this.delete(after)
  }

  async #create (room: WarmRoom, pool: WarmPool): Promise<void> {
    const { rooms, roomFormat, observer } = this.#options
    try {
      await rooms.create(roomFormat.warmRequest(room, pool))
    } catch (error) {
      const failure = this.#createFailing(room, error)
      observer.made(isUnknown(failure) ? 'unknown' : 'failed')
      const { before, after } = await this.#remember(room, known => onCreateFailed(known, failure, this.#now()))
      if (before && !after) observer.left('failed')
      return
    }
    this.#livekitAnswered()
    this.livekit.worked()
    observer.made('created')
    await this.#remember(room, onCreated)
  }

  /** @returns what kind of failure it is */
  #createFailing (room: WarmRoom, error: unknown): LiveKitFailure {
    const failure = error instanceof LiveKitError ? error.failure : 'failed'
    this.#options.observer.failed('createRoom', error)
    this.#isAway = isUnknown(failure)
    this.livekit.failed(room.madeAt, this.#now())
    return failure
  }

  async #look (room: WarmRoom): Promise<void> {
    const askedAt = this.#now()
    const answering = this.#answers(room, askedAt)
    const seen = await this.#ask('look', () => this.#options.rooms.look(room.room, NOBODY))
    // LiveKit takes some seconds to say that it knows no such participant.
    const answers = seen?.agent ? await answering : undefined
    const isDoubtful = room.doubted || (room.agent?.answers && answers === undefined)
    const isLost = isDoubtful && seen?.exists && !await this.#options.rooms.isHosted(room.room)
    const look = isLost ? { exists: false } : seen
    const { before, after } = await this.change(room.room, known => {
      const asked = room.agent ? onAsked(known, room.agent.identity, answers, this.#now()) : known
      return onLooked(asked, look, askedAt, this.#now())
    })
    // LiveKit lists an agent whose process is dead, and its event comes later.
    const isUnheard = before?.events && answers !== false && (!look?.exists || !look.agent)
    if (isUnheard && before.state === 'ready' && after?.state === 'leaving') this.#doubt = 'lost'
  }

  /** Whether the agent gives a sign of life. One with an old SDK never does. */
  async #answers ({ room, agent }: WarmRoom, now: number): Promise<boolean | undefined> {
    if (!agent || (!agent.answers && now - agent.joinedAt >= WARM_TIMES.asked)) return undefined
    return this.#options.rooms.answers(room, agent.identity, WARM_TIMES.answers)
  }

  /** What became of a claim that nobody has settled. */
  async #checkClaim ({ room }: WarmRoom): ReturnType<RoomWork['change']> {
    const use = await this.#useOf(room)
    return this.change(room, known => onUnsettled(known, use, this.#now()))
  }

  async #useOf (room: string): Promise<'call' | 'caller' | 'none'> {
    if (await this.#options.registry.findByName(room) !== undefined) return 'call'

    // The call may be one that a replica is about to hand over to the store.
    const look = await this.#ask('look', () => this.#options.rooms.look(room, NOBODY))
    return !look || look.sip || look.company ? 'caller' : 'none'
  }

  /** @returns undefined when LiveKit did not answer */
  async #ask<T> (operation: string, request: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await request()
      this.#livekitAnswered()
      return answer
    } catch (error) {
      this.#options.observer.failed(operation, error)
      return undefined
    }
  }

  /** Writes down what came of a request. While the store is gone, the room is looked at again later. */
  async #remember ({ room }: WarmRoom, fn: Change): ReturnType<RoomWork['change']> {
    try {
      return await this.change(room, fn)
    } catch (error) {
      this.#options.observer.failed('warm rooms', error)
      return {}
    }
  }

  /** LiveKit has answered. */
  #livekitAnswered (): void {
    if (!this.#isAway) return
    this.#isAway = false
    this.#doubt ??= 'away'
    this.livekit.worked()
  }

  #notify (before: WarmRoom, after: WarmRoom | undefined): void {
    this.agents(before.pool).changed(before, after, this.#now())
    if (!before.leaving && after?.leaving) this.#options.observer.left(after.leaving.why)
  }

  #now (): number {
    return this.#options.clock.now()
  }
}

/** Nobody calls yet: whoever is in the room beside the agent counts as other company. */
const NOBODY = { callSid: '' }

/** Has a room leave, if no call has claimed it. */
export const leaveUnclaimed = (why: Parameters<typeof leave>[1], at: number): Change => room =>
  room.state === 'making' || room.state === 'ready' ? leave(room, why, at) : room
