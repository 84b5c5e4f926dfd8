import { within, type Clock } from '../clock.ts'
import { currentAttempt, type Attempt, type Call } from './fold/call.ts'
import { markOf } from './fold/caller-leg.ts'
import { isInRoom } from './fold/on-transfer.ts'
import type { PresenceEvent } from './fold/transfer-events.ts'
import type { Observer } from './observer.ts'
import type { Rooms } from './ports.ts'
import type { Registry } from './store/registry.ts'

/** Whether a caller is still there whom a person is to join. */
export type Presence = Omit<PresenceEvent, 'attempt'>

export interface PresenceCheckOptions {
  registry: Pick<Registry, 'get'>
  rooms: Pick<Rooms, 'look'>
  clock: Clock
  observer: Observer
}

/** Longest wait for LiveKit, milliseconds. The person hears nothing meanwhile. */
const LOOK_MS = 1000

/**
 * Makes sure that a caller is there before a person is dialled into their room: LiveKit would make the room again, and
 * put a fresh agent into it (recorded on livekit-server 1.13.3).
 */
export class PresenceCheck {
  readonly #options: PresenceCheckOptions

  constructor (options: PresenceCheckOptions) {
    this.#options = options
  }

  /** Never rejects. @param timeoutMs until the reply must be sent, milliseconds */
  async check ({ callSid }: Call, attempt: Attempt, timeoutMs: number): Promise<Presence> {
    const { clock, observer } = this.#options
    const until = clock.now() + Math.min(LOOK_MS, timeoutMs)
    const inTime = async <T>(work: Promise<T>): Promise<T | 'unknown'> => {
      const asked = work.catch((error: unknown) => {
        observer.failed(callSid, 'presence', error)
        return 'unknown' as const
      })
      return within(clock, Math.max(0, until - clock.now()), asked, () => new Error('no answer in time'))
        .catch(() => 'unknown' as const)
    }

    const { way, visits } = attempt
    if (way.strategy !== 'join' || visits === undefined) return { kind: 'presence', outcome: 'unknown' }
    const caller = await inTime(this.#options.registry.get(way.callSid))
    const known = caller === undefined || caller === 'unknown' ? unknownCall(way.callSid) : caller
    if (isOver(known)) return { kind: 'presence', outcome: 'gone' }

    const place = currentAttempt(known)
    if (!place) return { kind: 'presence', outcome: await inTime(this.#look(known, attempt, visits)) }
    const room = roomOf(place)
    if (room === undefined) return { kind: 'presence', outcome: 'gone' }

    // A caller on the way to a room is not to be seen there yet.
    const isExpected = place.answered || place.n === way.attempt
    const outcome = isExpected ? await inTime(this.#look(known, place, room)) : 'unknown'
    return { kind: 'presence', outcome, ...(room === visits ? {} : { moved: movedTo(place) }) }
  }

  /** @param place the attempt that dialled the caller into the room, or dials a person into it */
  async #look (caller: Call, { token }: Attempt, room: string): Promise<Presence['outcome']> {
    const { sip } = await this.#options.rooms.look(room, markOf(caller, { token }))
    return sip ? 'there' : 'gone'
  }
}

/** The room in which the caller should be, also where it is not known yet whether it is the caller's own. */
function roomOf (place: Attempt): string | undefined {
  const { strategy, visits, end, parked } = place
  if (isInRoom(place)) return place.room
  return strategy === 'room' && !end && !parked ? visits : undefined
}

function movedTo ({ n, warm, visits, token }: Attempt): NonNullable<Presence['moved']> {
  const isDerived = !warm && visits === undefined
  return { attempt: n, ...(isDerived || token === undefined ? {} : { token }) }
}

/** By the record of the caller's call. */
const isOver = ({ phase, closing, hangupAt }: Call): boolean =>
  phase === 'ended' || closing !== undefined || hangupAt !== undefined

/** A caller's call that only LiveKit knows. */
const unknownCall = (callSid: string) => ({ callSid, attempts: [] as Attempt[] }) as unknown as Call
