import { within, type Clock } from '../clock.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { RoomEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type Rooms } from './ports.ts'

/** What became of a room within the time that Jambonz can wait. */
export type MadeRoom = Omit<RoomEvent, 'kind' | 'attempt'>

export interface RoomMakerOptions {
  rooms: Rooms
  roomFormat: RoomFormat
  clock: Clock
  observer: Observer
  /** How long make() waits, milliseconds. The request itself goes on. */
  timeoutMs: number
  /** A request that nobody waits for any more has settled: only now is it known that nothing more will come of it. */
  onSettled(callSid: string, attempt: number): void
}

/**
 * The most requests under way at the same time. More would not help a LiveKit that is too slow for these: the attempt
 * is dialled without our room.
 */
const MOST_AT_ONCE = 200

/** Makes rooms: each once, in bounded time, and a bounded number at a time. */
export class RoomMaker {
  readonly #options: RoomMakerOptions
  readonly #making = new Map<string, Promise<MadeRoom>>()
  #underWay = 0

  constructor (options: RoomMakerOptions) {
    this.#options = options
  }

  /**
   * Makes the room of an attempt. Everybody who asks for the same room before it is {@link forget forgotten} shares the
   * one request. Never rejects.
   */
  make (call: Call, attempt: Attempt): Promise<MadeRoom> {
    const room = attempt.room!
    const known = this.#making.get(room)
    if (known) return known

    const made = this.#start(call, attempt)
    this.#making.set(room, made)
    return made
  }

  forget (room: string): void {
    this.#making.delete(room)
  }

  #start (call: Call, attempt: Attempt): Promise<MadeRoom> {
    const { rooms, roomFormat, clock, observer, timeoutMs, onSettled } = this.#options
    if (this.#underWay >= MOST_AT_ONCE) {
      observer.failed(call.callSid, 'createRoom', new LiveKitError('createRoom', 'skipped'))
      return Promise.resolve({ outcome: 'failed', detail: 'skipped' })
    }

    this.#underWay++
    const request = rooms.create(roomFormat.request(call, attempt))
    const made = within(clock, timeoutMs, request, () => new LiveKitError('createRoom', 'timeout')).then(
      (): MadeRoom => ({ outcome: 'created' }),
      (error: unknown) => this.#failed(call, error)
    )
    const settle = async () => {
      this.#underWay--
      if ((await made).outcome === 'timeout') onSettled(call.callSid, attempt.n)
    }
    request.then(settle, settle).catch(error => observer.failed(call.callSid, 'createRoom', error))
    return made
  }

  #failed ({ callSid }: Call, error: unknown): MadeRoom {
    this.#options.observer.failed(callSid, 'createRoom', error)
    const failure = error instanceof LiveKitError ? error.failure : 'failed'
    return { outcome: isUnknown(failure) ? 'timeout' : 'failed', detail: failure }
  }
}

/** Whether the request may have reached LiveKit all the same. */
const isUnknown = (failure: string): boolean => failure === 'timeout' || failure === 'unreachable'
