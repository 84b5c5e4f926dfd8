import TinyQueue from 'tinyqueue'
import { InvalidCursorError } from '../../errors.ts'
import {
  decodePlace,
  encodePlace,
  MOST_DROPPED,
  REMEMBERED_MS,
  type Added,
  type AddOptions,
  type DroppedEvent,
  type EventQueue,
  type NewEvent,
  type Taken,
  type TakenEvent,
  type TakeOptions,
  type WaitingEvent,
  type WaitingPage
} from './event-queue.ts'

interface Entry extends Omit<TakenEvent, 'lease'> {
  lease?: string
  /** Its place in the order in which events were added. */
  place: number
}

/** What waits for one receiver. */
interface Waiting {
  /** By call, its events in order. Only the first one may be taken. */
  lanes: Map<string, Entry[]>
  /** When the first event of a lane is due. An old alarm stays when that changes, and is then recognised as stale. */
  alarms: TinyQueue<Alarm>
}

interface Alarm {
  at: number
  callSid: string
}

/** Keeps the events in the memory of this process: for a single replica. */
export function createMemoryEventQueue (): EventQueue {
  return new MemoryEventQueue()
}

class MemoryEventQueue implements EventQueue {
  readonly #receivers = new Map<string, Waiting>()
  /** Every event that waits, oldest first. */
  readonly #all = new Map<string, Entry>()
  /** Ids of events that were added, with the time until which they are recognised, oldest first. */
  readonly #remembered = new Map<string, number>()
  #places = 0

  async add (event: NewEvent, receivers: readonly string[], { now, most, again }: AddOptions): Promise<Added> {
    if (!this.#isNew(event.id, now) && !again) return { receivers: [], dropped: [] }
    const added = receivers.filter(receiver => !this.#all.has(keyOf({ receiver, id: event.id })))
    for (const receiver of added) this.#append({ ...event, receiver, queuedAt: now, tries: 0, due: now, place: 0 })

    const excess = Math.min(this.#all.size - most, MOST_DROPPED)
    return { receivers: added, dropped: this.#drop(excess, () => true) }
  }

  async take ({ receiver, now, leaseMs, lease, limit }: TakeOptions): Promise<Taken> {
    const { lanes, alarms } = this.#of(receiver)
    const events: TakenEvent[] = []
    for (let alarm = alarms.pop(); alarm; alarm = alarms.pop()) {
      const first = lanes.get(alarm.callSid)?.[0]
      if (first?.due !== alarm.at) continue
      if (alarm.at > now || events.length >= limit) {
        alarms.push(alarm)
        return { events, next: alarm.at }
      }
      events.push(this.#lease(first, lease, now + leaseMs))
    }
    return { events }
  }

  async done ({ id, receiver }: Pick<WaitingEvent, 'id' | 'receiver'>): Promise<void> {
    const entry = this.#all.get(keyOf({ receiver, id }))
    if (entry) this.#remove(entry)
  }

  async failed ({ id, receiver, lease }: Pick<TakenEvent, 'id' | 'receiver' | 'lease'>, due: number): Promise<void> {
    const entry = this.#all.get(keyOf({ receiver, id }))
    if (entry?.lease !== lease) return
    delete entry.lease
    this.#setDue(entry, due)
  }

  async expire (before: number): Promise<DroppedEvent[]> {
    return this.#drop(MOST_DROPPED, ({ queuedAt }) => queuedAt <= before)
  }

  async holds (id: string, receivers: readonly string[]): Promise<boolean> {
    return receivers.some(receiver => this.#all.has(keyOf({ receiver, id })))
  }

  async list ({ limit, cursor }: { limit: number, cursor?: string }): Promise<WaitingPage> {
    const after = cursor === undefined ? 0 : decodePlace(cursor)
    if (after === undefined) throw new InvalidCursorError()
    const found: Entry[] = []
    for (const entry of this.#all.values()) {
      if (entry.place > after) found.push(entry)
      if (found.length > limit) break
    }
    const page = found.slice(0, limit)
    const events = page.map(({ body: _body, lease: _lease, place: _place, ...event }) => event)
    return { events, ...(found.length > limit ? { next: encodePlace(page.at(-1)!.place) } : {}) }
  }

  async stats (): Promise<{ waiting: number, oldestAt?: number }> {
    const [oldest] = this.#all.values()
    return { waiting: this.#all.size, ...(oldest ? { oldestAt: oldest.queuedAt } : {}) }
  }

  #isNew (id: string, now: number): boolean {
    for (const [known, until] of this.#remembered) {
      if (until > now) break
      this.#remembered.delete(known)
    }
    if (this.#remembered.has(id)) return false
    this.#remembered.set(id, now + REMEMBERED_MS)
    return true
  }

  #of (receiver: string): Waiting {
    const known = this.#receivers.get(receiver)
    if (known) return known
    const waiting: Waiting = { lanes: new Map<string, Entry[]>(), alarms: new TinyQueue<Alarm>([], byTime) }
    this.#receivers.set(receiver, waiting)
    return waiting
  }

  #append (entry: Entry): void {
    const { lanes, alarms } = this.#of(entry.receiver)
    entry.place = ++this.#places
    this.#all.set(keyOf(entry), entry)
    const lane = lanes.get(entry.callSid)
    if (lane) lane.push(entry)
    else {
      lanes.set(entry.callSid, [entry])
      alarms.push({ at: entry.due, callSid: entry.callSid })
    }
  }

  #lease (entry: Entry, lease: string, until: number): TakenEvent {
    entry.lease = lease
    entry.tries++
    this.#setDue(entry, until)
    const { place: _place, ...event } = entry
    return { ...event, lease }
  }

  #setDue (entry: Entry, due: number): void {
    entry.due = due
    this.#of(entry.receiver).alarms.push({ at: due, callSid: entry.callSid })
  }

  #remove (entry: Entry): void {
    const { lanes, alarms } = this.#of(entry.receiver)
    const lane = lanes.get(entry.callSid)!
    const index = lane.indexOf(entry)
    lane.splice(index, 1)
    this.#all.delete(keyOf(entry))
    const [next] = lane
    if (!next) lanes.delete(entry.callSid)
    else if (index === 0) alarms.push({ at: next.due, callSid: entry.callSid })
  }

  #drop (most: number, test: (entry: Entry) => boolean): DroppedEvent[] {
    const dropped: DroppedEvent[] = []
    for (const entry of this.#all.values()) {
      if (dropped.length >= most || !test(entry)) break
      const next = this.#of(entry.receiver).lanes.get(entry.callSid)?.[1]
      // It may be on its way just now: the next one does not overtake it.
      if (next && entry.lease !== undefined) next.due = Math.max(next.due, entry.due)
      this.#remove(entry)
      const { id, receiver, callSid, type } = entry
      dropped.push({ id, receiver, callSid, type })
    }
    return dropped
  }
}

const keyOf = ({ receiver, id }: Pick<WaitingEvent, 'receiver' | 'id'>): string => `${receiver} ${id}`

const byTime = (a: Alarm, b: Alarm): number => a.at - b.at
