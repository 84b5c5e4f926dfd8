import { within, type Clock } from '../clock.ts'
import type { Attempt, Call } from './fold/call.ts'
import type { RoomEvent } from './fold/events.ts'
import type { Observer } from './observer.ts'
import { LiveKitError, type RoomFormat, type Rooms } from './ports.ts'

/** What became of a room within the time that Jambonz can wait. */
export type MadeRoom = Omit<RoomEvent, 'kind' | 'attempt'>

export interface RoomMaker {
  /**
   * Makes the room of an attempt. Whoever asks for the same room before it is {@link forget forgotten} shares the one
   * request.
   */
  make(call: Call, attempt: Attempt): Promise<MadeRoom>
  forget(room: string): void
}

export interface RoomMakerOptions {
  rooms: Rooms
  roomFormat: RoomFormat
  clock: Clock
  observer: Observer
  /** How long make() waits, milliseconds. The request itself goes on. */
  timeoutMs: number
  /** A request that had been given up on has settled: only now is it known that nothing more will come of it. */
  onSettled(callSid: string, attempt: number): void
}

/**
 * Requests under way at once. A LiveKit that is too slow for this is not helped by more: the attempt is dialled without
 * our room.
 */
const MOST_AT_ONCE = 200

/** Makes rooms: each once, in bounded time, and a bounded number at a time. */
export function createRoomMaker (
  { rooms, roomFormat, clock, observer, timeoutMs, onSettled }: RoomMakerOptions
): RoomMaker {
  const making = new Map<string, Promise<MadeRoom>>()
  let underWay = 0

  function start (call: Call, attempt: Attempt): Promise<MadeRoom> {
    if (underWay >= MOST_AT_ONCE) {
      observer.failed(call.callSid, 'createRoom', new LiveKitError('createRoom', 'skipped'))
      return Promise.resolve({ outcome: 'failed', detail: 'skipped' })
    }
    underWay++
    const request = rooms.create(roomFormat.request(call, attempt))
    const made = within(clock, timeoutMs, request, () => new LiveKitError('createRoom', 'timeout'))
      .then((): MadeRoom => ({ outcome: 'created' }), (error: unknown): MadeRoom => {
        observer.failed(call.callSid, 'createRoom', error)
        const failure = error instanceof LiveKitError ? error.failure : 'failed'
        return { outcome: isUnknown(failure) ? 'timeout' : 'failed', detail: failure }
      })
    const settle = async () => {
      underWay--
      if ((await made).outcome === 'timeout') onSettled(call.callSid, attempt.n)
    }
    request.then(settle, settle).catch(error => observer.failed(call.callSid, 'createRoom', error))
    return made
  }

  return {
    make (call, attempt) {
      const room = attempt.room!
      const known = making.get(room)
      if (known) return known
      const made = start(call, attempt)
      making.set(room, made)
      return made
    },
    forget (room) {
      making.delete(room)
    }
  }
}

/** The request may have reached LiveKit all the same. */
const isUnknown = (failure: string): boolean => failure === 'timeout' || failure === 'unreachable'
