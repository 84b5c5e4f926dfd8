import type { Clock } from '../clock.ts'
import { BoundedRequests, type Result } from './bounded-requests.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { RoomEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type Rooms } from './ports.ts'
import type { WarmPools, WarmWish } from './warm/pools.ts'

/** What became of a room within the time that Jambonz can wait. */
export type MadeRoom = Omit<RoomEvent, 'attempt'>

export interface RoomMakerOptions {
  rooms: Rooms
  warmPools: Pick<WarmPools, 'claim'>
  roomFormat: RoomFormat
  clock: Clock
  observer: Observer
  /** A request that nobody waits for any more has settled: only now is it known that nothing more will come of it. */
  onSettled(callSid: string, attempt: number): void
}

/** Finds the rooms of attempts: one with a waiting agent or, where there is none, one that is made. */
export class RoomMaker {
  readonly #options: RoomMakerOptions
  readonly #requests: BoundedRequests<void, MadeRoom>
  readonly #underWay = new Map<string, Promise<MadeRoom>>()

  constructor (options: RoomMakerOptions) {
    this.#options = options
    this.#requests = new BoundedRequests(options.clock)
  }

  /**
   * Makes the room of an attempt, unless an agent waits in one. Everybody who asks for the same room before it is
   * {@link forget forgotten} gets the same one. Never rejects.
   * @param timeoutMs how long to wait for LiveKit, milliseconds
   */
  make (call: Call, attempt: Attempt, timeoutMs: number): Promise<MadeRoom> {
    const known = this.#underWay.get(attempt.room!)
    if (known) return known

    const made = this.#find(call, attempt, timeoutMs)
    this.#underWay.set(attempt.room!, made)
    return made
  }

  forget (attempt: Attempt): void {
    this.#underWay.delete(attempt.room!)
    this.#requests.forget(attempt.room!)
  }

  async #find (call: Call, attempt: Attempt, timeoutMs: number): Promise<MadeRoom> {
    // The agent of an ordered call knows more of it than a room may tell.
    const claimed = call.order ? 'ordered' : await this.#options.warmPools.claim(wishOf(call, attempt))
    if (typeof claimed === 'object') return { kind: 'room', outcome: 'created', warm: claimed }
    const made = await this.#create(call, attempt, timeoutMs)
    return claimed === 'empty' || claimed === 'store' ? { ...made, cold: claimed } : made
  }

  #create (call: Call, attempt: Attempt, timeoutMs: number): Promise<MadeRoom> {
    const { rooms, roomFormat, onSettled } = this.#options
    return this.#requests.send({
      key: attempt.room!,
      send: async () => rooms.create(roomFormat.request(call, attempt)),
      timeoutMs,
      outcome: result => this.#outcome(call, result),
      onLate: () => onSettled(call.callSid, attempt.n)
    })
  }

  #outcome ({ callSid }: Call, result: Result<void>): MadeRoom {
    if (result.kind === 'done') return { kind: 'room', outcome: 'created' }

    const error = result.kind === 'failed' ? result.error : new LiveKitError('createRoom', result.kind)
    this.#options.observer.failed(callSid, 'createRoom', error)
    const failure = error instanceof LiveKitError ? error.failure : 'failed'
    return { kind: 'room', outcome: isUnknown(failure) ? 'timeout' : 'failed', detail: failure }
  }
}

/** Whether the request may have reached LiveKit all the same. */
const isUnknown = (failure: string): boolean => failure === 'timeout' || failure === 'unreachable'

/** What the agent of an attempt would be called with (see the `app` of its job metadata). */
const wishOf = ({ callSid, app }: Call, { agent, way }: Attempt): WarmWish => ({
  callSid,
  agent: agent!,
  metadata: (way.strategy === 'room' && way.metadata) || app.metadata
})
