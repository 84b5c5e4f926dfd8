import { LruMap } from '../lru-map.ts'
import type { Call } from './fold/call.ts'

/** How many calls this process remembers, to answer their next hook by. */
const MOST_RECENT = 5000

/**
 * What this process knows of calls without asking the store: each call as it was last committed and, while the store is
 * gone, as the buffered events make it. The copies that are made meanwhile are never written to the store.
 */
export class KnownCalls {
  readonly #committed = new LruMap<string, Call>(MOST_RECENT, (callSid, call) => this.#forgetRooms(callSid, call))
  readonly #committedRooms = new Map<string, string>()
  readonly #copies = new Map<string, Call>()
  readonly #copiedRooms = new Map<string, string>()

  get (callSid: string): Call | undefined {
    return this.#copies.get(callSid) ?? this.#committed.get(callSid)
  }

  /** Remembers a call as it was committed; undefined: it was forgotten. */
  remember (callSid: string, call: Call | undefined): void {
    const known = this.#committed.get(callSid)
    if (known) this.#forgetRooms(callSid, known)

    if (!call) {
      this.#committed.delete(callSid)
      return
    }
    this.#committed.set(callSid, call)
    for (const { room } of call.attempts) if (room !== undefined) this.#committedRooms.set(room, callSid)
  }

  /** Remembers a call as it is with events that only this process has. */
  copy (callSid: string, call: Call): void {
    this.#copies.set(callSid, call)
    for (const { room } of call.attempts) if (room !== undefined) this.#copiedRooms.set(room, callSid)
  }

  /** Remembers whose room that is. Not every event of a room says so. */
  copyRoom (room: string, callSid: string): void {
    this.#copiedRooms.set(room, callSid)
  }

  /** The events of this call were handed over: the store knows better now. */
  dropCopy (callSid: string): void {
    this.#copies.delete(callSid)
  }

  dropAllCopies (): void {
    this.#copies.clear()
    this.#copiedRooms.clear()
  }

  callOfRoom (room: string): string | undefined {
    return this.#copiedRooms.get(room) ?? this.#committedRooms.get(room)
  }

  /** The call of a room by the copies alone. */
  copiedCallOfRoom (room: string): string | undefined {
    return this.#copiedRooms.get(room)
  }

  #forgetRooms (callSid: string, { attempts }: Call): void {
    for (const { room } of attempts) {
      if (room !== undefined && this.#committedRooms.get(room) === callSid) this.#committedRooms.delete(room)
    }
  }
}
