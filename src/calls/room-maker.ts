import type { Clock } from '../clock.ts'
import { BoundedRequests, type Result } from './bounded-requests.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { RoomEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type Rooms } from './ports.ts'

/** What became of a room within the time that Jambonz can wait. */
export type MadeRoom = Omit<RoomEvent, 'attempt'>

export interface RoomMakerOptions {
  rooms: Rooms
  roomFormat: RoomFormat
  clock: Clock
  observer: Observer
  /** A request that nobody waits for any more has settled: only now is it known that nothing more will come of it. */
  onSettled(callSid: string, attempt: number): void
}

/** Makes the rooms of attempts. */
export class RoomMaker {
  readonly #options: RoomMakerOptions
  readonly #requests: BoundedRequests<void, MadeRoom>

  constructor (options: RoomMakerOptions) {
    this.#options = options
    this.#requests = new BoundedRequests(options.clock)
  }

  /**
   * Makes the room of an attempt. Everybody who asks for the same room before it is {@link forget forgotten} shares the
   * one request. Never rejects.
   * @param timeoutMs how long to wait, milliseconds
   */
  make (call: Call, attempt: Attempt, timeoutMs: number): Promise<MadeRoom> {
    const { rooms, roomFormat, onSettled } = this.#options
    return this.#requests.send({
      key: attempt.room!,
      send: async () => rooms.create(roomFormat.request(call, attempt)),
      timeoutMs,
      outcome: result => this.#outcome(call, result),
      onLate: () => onSettled(call.callSid, attempt.n)
    })
  }

  forget (attempt: Attempt): void {
    this.#requests.forget(attempt.room!)
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
