import type { Clock } from '../clock.ts'
import type { Call } from '../calls/fold/call.ts'
import type { Outbox } from '../calls/ports.ts'
import type { DroppedEvent, EventQueue } from '../calls/store/event-queue.ts'
import { eventOf } from './payload.ts'
import type { Receiver } from './receivers.ts'

export interface CallOutboxOptions {
  queue: EventQueue
  receivers: readonly Receiver[]
  clock: Clock
  /** How many events may wait, over all receivers. */
  most: number
  onDropped(events: readonly DroppedEvent[]): void
  /** An event cannot be written: a mistake of ours, which trying again does not mend. */
  onUnwritable(call: Call, name: string, error: unknown): void
  /** Something may be delivered now. */
  onAdded(): void
}

/** Writes the events of calls and puts them into the queue, once for each receiver. */
export class CallOutbox implements Outbox {
  readonly #options: CallOutboxOptions

  constructor (options: CallOutboxOptions) {
    this.#options = options
  }

  async publish (call: Call, name: string): Promise<void> {
    const event = this.#write(call, name)
    if (event) await this.#add(event, false)
  }

  /**
   * Writes an event anew, from what the call is now, and sends it again to the receivers that it does not wait for.
   * @returns how many these are
   */
  async replay (call: Call, name: string): Promise<number> {
    return this.#add(toQueue(call, name), true)
  }

  #write (call: Call, name: string) {
    try {
      return toQueue(call, name)
    } catch (error) {
      this.#options.onUnwritable(call, name, error)
      return undefined
    }
  }

  async #add (event: ReturnType<typeof toQueue>, again: boolean): Promise<number> {
    const { queue, receivers, clock, most, onDropped, onAdded } = this.#options
    const added = await queue.add(event, receivers.map(({ id }) => id), { now: clock.now(), most, again })
    if (added.dropped.length > 0) onDropped(added.dropped)
    if (added.receivers.length > 0) onAdded()
    return added.receivers.length
  }
}

function toQueue (call: Call, name: string) {
  const payload = eventOf(call, name)
  return { id: payload.id, callSid: call.callSid, type: payload.type, body: JSON.stringify(payload) }
}
