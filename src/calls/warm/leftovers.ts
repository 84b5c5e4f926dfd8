import type { Clock } from '../../clock.ts'
import { tokenOfRoom } from '../fold/room-name.ts'
import type { RoomFormat, Rooms } from '../ports.ts'
import type { Registry } from '../store/registry.ts'
import type { WarmRoomStore } from '../store/warm-rooms.ts'
import type { WarmObserver } from './observer.ts'

export interface LeftoversOptions {
  rooms: Rooms
  roomFormat: Pick<RoomFormat, 'isWarmRoom'>
  store: WarmRoomStore
  registry: Pick<Registry, 'findByName'>
  clock: Clock
  observer: WarmObserver
  roomPrefix: string
}

/** A room that was claimed by then has its caller, or metadata that say so, milliseconds. */
const CLAIMED_MS = 30_000
/** Pause before LiveKit is asked again, milliseconds. */
const TRY_AGAIN_MS = 10_000

/**
 * Deletes the warm rooms of an earlier process that kept them in its memory. A call may have claimed one of them just
 * before that process ended, so they are deleted some time later, and only where nobody has come.
 */
export class Leftovers {
  readonly #options: LeftoversOptions
  #stopped = false
  #sweeping: Promise<void> = Promise.resolve()
  #cancel = () => {}

  constructor (options: LeftoversOptions) {
    this.#options = options
  }

  start (): void {
    this.#after(CLAIMED_MS)
  }

  async stop (): Promise<void> {
    this.#stopped = true
    this.#cancel()
    await this.#sweeping
  }

  #after (ms: number): void {
    if (this.#stopped) return
    this.#cancel = this.#options.clock.schedule(ms, () => {
      this.#sweeping = this.#sweep().catch((error: unknown) => {
        this.#options.observer.failed('recovery', error)
        this.#after(TRY_AGAIN_MS)
      })
    })
  }

  async #sweep (): Promise<void> {
    const { rooms, roomFormat, roomPrefix } = this.#options
    for (const { name, metadata } of await rooms.list()) {
      if (this.#stopped) return
      const isOurs = tokenOfRoom(roomPrefix, name) !== undefined && roomFormat.isWarmRoom(name, metadata)
      if (isOurs && !await this.#isKnown(name)) await this.#delete(name)
    }
  }

  /** Of a room that leaves the store now, the call is known before. */
  async #isKnown (room: string): Promise<boolean> {
    const { store, registry } = this.#options
    return await store.get(room) !== undefined || await registry.findByName(room) !== undefined
  }

  async #delete (room: string): Promise<void> {
    const { rooms } = this.#options
    const look = await rooms.look(room, { callSid: '' })
    if (!look.sip && !look.company) await rooms.delete(room)
  }
}
