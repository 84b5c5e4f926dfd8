import { InvalidCursorError } from '../../errors.ts'
import {
  decodePlace,
  encodePlace,
  MOST_DROPPED,
  REMEMBERED_MS,
  type DroppedEvent,
  type EventQueue,
  type TakeOptions,
  type Taken,
  type TakenEvent,
  type WaitingEvent
} from './event-queue.ts'
import type { RedisConnection } from './redis-client.ts'
import { withEventScripts } from './redis-event-scripts.ts'
import type { Keys } from './redis-keys.ts'

/** Redis itself forgets an event that nobody dropped after this, milliseconds. */
const KEPT_MS = 96 * 3_600_000

/** Keeps the events in Redis, for any number of replicas. They hold phone numbers, as the calls do. */
export function createRedisEventQueue (connection: RedisConnection, keys: Pick<Keys, 'events'>): EventQueue {
  const scripts = withEventScripts(connection.redis)
  const base = keys.events
  const ask = <T>(command: Promise<T>): Promise<T> => connection.bounded(connection.ask(command))

  return {
    async add ({ id, callSid, type, body }, receivers, { now, most, again = false }) {
      const [count, ...rest] = await ask(scripts.bridgeEventAdd(
        base,
        ...[id, callSid, type, body, now, most, again ? '' : REMEMBERED_MS, KEPT_MS, MOST_DROPPED],
        ...receivers
      ))
      return { receivers: rest.slice(0, count), dropped: droppedEvents(rest.slice(count)) }
    },
    async take (options) {
      const { receiver, now, leaseMs, lease, limit } = options
      return takenEvents(await ask(scripts.bridgeEventTake(base, receiver, now, now + leaseMs, lease, limit)), options)
    },
    async done ({ id, receiver }) {
      await ask(scripts.bridgeEventDone(base, receiver, id))
    },
    async failed ({ id, receiver, lease }, due) {
      await ask(scripts.bridgeEventFailed(base, receiver, id, lease, due))
    },
    async expire (before) {
      return droppedEvents(await ask(scripts.bridgeEventExpire(base, before, MOST_DROPPED)))
    },
    async holds (id, receivers) {
      const events = receivers.map(receiver => `${base}event:${receiver}:${id}`)
      return events.length > 0 && await ask(connection.redis.exists(...events)) > 0
    },
    async list ({ limit, cursor }) {
      const after = cursor === undefined ? 0 : decodePlace(cursor)
      if (after === undefined) throw new InvalidCursorError()
      const rows = inRowsOf(8, await ask(scripts.bridgeEventList(base, after, limit + 1)))
      const page = rows.slice(0, limit)
      const next = rows.length > limit ? { next: encodePlace(Number(page.at(-1)![0])) } : {}
      return { events: page.map(waitingEvent), ...next }
    },
    async stats () {
      const [waiting, oldestAt] = await ask(scripts.bridgeEventStats(base))
      return { waiting, ...(oldestAt === '' ? {} : { oldestAt: Number(oldestAt) }) }
    }
  }
}

function inRowsOf (length: number, values: readonly string[]): string[][] {
  const rows: string[][] = []
  for (let i = 0; i < values.length; i += length) rows.push(values.slice(i, i + length))
  return rows
}

const droppedEvents = (values: readonly string[]): DroppedEvent[] =>
  inRowsOf(4, values).map(([receiver, id, callSid, type]) =>
    ({ receiver: receiver!, id: id!, callSid: callSid!, type: type! }))

function takenEvents ([next, ...values]: [string, ...string[]], { receiver, now, leaseMs, lease }: TakeOptions): Taken {
  const events = inRowsOf(6, values).map(([id, callSid, type, body, queuedAt, tries]): TakenEvent => ({
    id: id!,
    receiver,
    callSid: callSid!,
    type: type!,
    body: body!,
    queuedAt: Number(queuedAt),
    tries: Number(tries),
    due: now + leaseMs,
    lease
  }))
  return { events, ...(next === '' ? {} : { next: Number(next) }) }
}

const waitingEvent = ([, receiver, id, callSid, type, queuedAt, tries, due]: string[]): WaitingEvent => ({
  id: id!,
  receiver: receiver!,
  callSid: callSid!,
  type: type!,
  queuedAt: Number(queuedAt),
  tries: Number(tries),
  due: Number(due)
})
