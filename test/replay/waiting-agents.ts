import type { Clock } from '../../src/clock.ts'
import { isJson, text, type Json } from './json.ts'
import type { LiveKitWorld } from './livekit-world.ts'
import type { RoomEvent, WaitingRoom } from './recording.ts'

/** How long after it has joined an agent does what was recorded of it before, milliseconds. */
const CATCHES_UP_MS = 20

/**
 * The agents of the rooms that the bridge makes. Each of these rooms stands for a recorded one, in the order in which
 * they are made, and what was recorded of it before its call came happens in it: its agent joins and waits, leaves, or
 * LiveKit closes the room. Which of the rooms a call gets, the bridge decides.
 */
export class WaitingAgents {
  readonly #clock: Clock
  readonly #world: LiveKitWorld
  readonly #recorded: WaitingRoom[]
  /** What happened to the agent of a room of ours before it was there. */
  readonly #early = new Map<string, Json[]>()
  #made = 0

  constructor (options: { clock: Clock, world: LiveKitWorld, recorded: WaitingRoom[] }) {
    this.#clock = options.clock
    this.#world = options.world
    this.#recorded = options.recorded
  }

  /** The bridge made a room. */
  roomMade (name: string): void {
    const nth = this.#made++
    const events = this.#eventsOf(nth)
    const joinedMs = this.#clock.now() + (events.find(({ body: { event } }) => event === 'participant_joined')?.at ?? 0)
    for (const { at, body } of events) {
      this.#clock.schedule(at, () => this.#happen(name, { ...asAgent(nth, body, joinedMs), ...this.#stamp() }))
    }
  }

  /** Whether the agent of a room is there. */
  isThere (name: string): boolean {
    return this.#agentOf(name) !== undefined
  }

  /**
   * Plays what was recorded after the call had come, if it is about the agent of a recorded room.
   * @returns false: it is about somebody else
   */
  play (name: string, body: Json): boolean {
    const { participant } = body
    const sid = isJson(participant) ? text(participant['sid']) : undefined
    if (sid === undefined || !this.#recorded.some(({ agents }) => agents.includes(sid))) return false
    const agent = this.#agentOf(name)
    const own = { ...body, participant: { ...participant as Json, ...agent }, ...this.#stamp() }
    if (agent) this.#world.play(name, own, AS_RECORDED)
    else this.#early.set(name, [...this.#early.get(name) ?? [], body])
    return true
  }

  /**
   * A recorder whose agents stayed had as many as it wanted: there are enough for every room. One whose agent left, or
   * whose room was closed, had no other.
   */
  #eventsOf (nth: number): RoomEvent[] {
    const own = this.#recorded[nth]
    if (own) return own.events
    return agentsStay(this.#recorded) ? this.#recorded[nth % this.#recorded.length]?.events ?? [] : []
  }

  #happen (name: string, body: Json): void {
    this.#world.play(name, body, AS_RECORDED)
    if (body['event'] !== 'participant_joined') return
    const early = this.#early.get(name) ?? []
    this.#early.delete(name)
    this.#clock.schedule(CATCHES_UP_MS, () => early.forEach(event => this.play(name, event)))
  }

  /** When LiveKit made an event: not when it was recorded. */
  #stamp (): { createdAt: string } {
    return { createdAt: String(Math.floor(this.#clock.now() / 1000)) }
  }

  #agentOf (name: string): { sid: string, identity: string } | undefined {
    const agent = [...this.#world.rooms.get(name)?.participants.values() ?? []].find(({ kind }) => kind === 'AGENT')
    return agent && { sid: agent.sid, identity: agent.identity }
  }
}

const AS_RECORDED = { silent: false, first: false }

/** Whether the recorded agents waited until their calls came. */
export const agentsStay = (recorded: WaitingRoom[]): boolean =>
  recorded.every(({ events }) => !events.some(({ body: { event } }) => LEAVING.has(text(event) ?? '')))

const LEAVING: ReadonlySet<string> = new Set(['participant_left', 'room_finished'])

/** Every room of ours has an agent of its own. */
function asAgent (nth: number, body: Json, joinedMs: number): Json {
  if (!isJson(body['participant'])) return body
  return {
    ...body,
    participant: {
      ...body['participant'],
      sid: `PA_waits${nth}`,
      identity: `agent-AJ_waits${nth}`,
      joinedAt: String(Math.floor(joinedMs / 1000)),
      joinedAtMs: String(joinedMs)
    }
  }
}
