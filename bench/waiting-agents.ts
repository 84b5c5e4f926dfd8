import { ROOM_PREFIX } from './environment.ts'
import { createLoad, type Load } from './load.ts'
import { agentJoins, newCall } from './recorded.ts'

/** From the making of a room to its agent, milliseconds. */
const JOIN_MS = 200

/**
 * Agents that wait in rooms for calls. They join by LiveKit's webhooks, as recorded, one after another as LiveKit sends
 * them. While nobody told whose agents they are, none joins.
 */
export class WaitingAgents {
  readonly #rooms = new Map<string, 'called' | 'waits'>()
  #bridge: Load | undefined

  /** The bridge that hears of agents. Those that were called before that never join. */
  tell (url: string): void {
    this.#bridge = createLoad(url, 'kept')
  }

  /** A room was asked for, which LiveKit makes within `ms` milliseconds. */
  called (room: string, ms: number): void {
    this.#rooms.set(room, 'called')
    if (this.#bridge) setTimeout(() => this.#join(room), ms + JOIN_MS)
  }

  /** Undefined: the room does not wait for a call. */
  stateIn (room: string): 'called' | 'waits' | undefined {
    return this.#rooms.get(room)
  }

  forget (room: string): void {
    this.#rooms.delete(room)
  }

  #join (room: string): void {
    if (!this.#rooms.has(room)) return

    this.#rooms.set(room, 'waits')
    const call = { ...newCall(), token: room.slice(ROOM_PREFIX.length + 1) }
    this.#bridge!.closed(agentJoins(call), 1).catch(() => {})
  }
}
