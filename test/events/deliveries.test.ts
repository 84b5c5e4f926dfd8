import t, { type Test } from 'tap'
import type { Clock } from '../../src/clock.ts'
import type { DroppedEvent, EventQueue, NewEvent } from '../../src/calls/store/event-queue.ts'
import { createMemoryEventQueue } from '../../src/calls/store/memory-event-queue.ts'
import { connectRedis } from '../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../src/calls/store/redis-registry.ts'
import {
  Deliveries,
  MOST_AT_ONCE,
  SEND_TIMEOUT_MS,
  type DeliveriesOptions,
  type DeliveryObserver
} from '../../src/events/deliveries.ts'
import { GIVE_UP_MS } from '../../src/events/pauses.ts'
import type { Receiver } from '../../src/events/receivers.ts'
import type { Message, Sent } from '../../src/events/sender.ts'
import { startRedis, withoutRedis } from '../fixtures/redis-server.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000]
const receiver = (id: string): Receiver =>
  ({ id, url: `https://${id}.example.com/`, origin: `https://${id}.example.com`, secrets: [] })
const ONE = receiver('one')

const OK: Sent = { ok: true, status: 204 }
const failed = (failure: Extract<Sent, { ok: false }>['failure'], retryAfterMs?: number): Sent =>
  ({ ok: false, failure, detail: '', ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })

/** What a receiver does with an event. */
type Behaviour = (message: Message, receiver: Receiver) => Promise<Sent> | Sent

const unnoticed: DeliveryObserver = {
  delivered () {},
  failed () {},
  dropped () {},
  gone () {},
  lost () {},
  broken (_operation, error) {
    throw error
  }
}

function deliveriesWith (
  extra: Pick<DeliveriesOptions, 'queue' | 'clock'> & Partial<DeliveriesOptions>,
  behaviour: Behaviour
): Deliveries {
  const end: Array<() => void> = []
  return new Deliveries({
    shared: false,
    receivers: [ONE],
    observer: unnoticed,
    random: () => 0,
    sender: {
      send: (to, message) =>
        new Promise(resolve => {
          end.push(() => resolve(failed('unreachable')))
          Promise.resolve(behaviour(message, to)).then(resolve, resolve)
        }),
      async close () {
        for (const endOne of end) endOne()
      }
    },
    ...extra
  })
}

const event = (id: string): NewEvent => ({ id, callSid: id.split(':')[0]!, type: 'call.started', body: id })
const never = new Promise<Sent>(() => {})

/** A queue with events for the receivers. */
async function queueOf (clock: Clock, ids: readonly string[], receivers = [ONE]): Promise<EventQueue> {
  const queue = createMemoryEventQueue()
  for (const id of ids) {
    await queue.add(event(id), receivers.map(({ id }) => id), { now: clock.now(), most: 100_000 })
  }
  return queue
}

await t.test('a failing event is tried again with growing pauses, and holds back only its own call', async t => {
  const clock = createTestClock()
  const queue = await queueOf(clock, ['a:1', 'a:2', 'b:1', 'b:2'])
  const tried: Array<[string, number]> = []
  const start = clock.now()
  deliveriesWith({ queue, clock }, ({ id }) => {
    tried.push([id, clock.now() - start])
    return id === 'a:1' && tried.length < 12 ? failed('failed') : OK
  }).start()
  await clock.pass(24 * HOUR)
  const triesOf = (id: string) => tried.filter(([other]) => other === id).map(([, at]) => at)
  t.same(triesOf('b:1'), [0])
  t.same(triesOf('b:2'), [0])
  const pauses = triesOf('a:1').map((at, i, all) => at - (all[i - 1] ?? 0))
  t.same(pauses, [0, 5 * SECOND, 30 * SECOND, 2 * MINUTE, 10 * MINUTE, HOUR, 3 * HOUR, 3 * HOUR, 3 * HOUR, 3 * HOUR])
  t.same(triesOf('a:2'), [triesOf('a:1').at(-1)], 'at once behind it')
})

await t.test('a receiver that asks for a pause gets it, for all of its events, but for an hour at most', async t => {
  const clock = createTestClock()
  const queue = await queueOf(clock, ['a:1'])
  const tried: Array<[string, number]> = []
  const start = clock.now()
  const answers = [failed('overloaded', 90 * SECOND), failed('overloaded', 9 * HOUR), OK, OK]
  const deliveries = deliveriesWith({ queue, clock }, ({ id }) => {
    tried.push([id, clock.now() - start])
    return answers.shift()!
  })
  deliveries.start()
  await settle()
  await queue.add(event('b:1'), ['one'], { now: clock.now(), most: 10 })
  deliveries.kick()
  await clock.pass(80 * SECOND)
  t.same(tried, [['a:1', 0]])
  await clock.pass(3 * HOUR)
  t.same(tried.map(([, at]) => at), [0, 90 * SECOND, 90 * SECOND, 90 * SECOND + HOUR].sort((a, b) => a - b))
})

await t.test('a receiver that hangs has a bounded number of requests, and the other one loses nothing', async t => {
  const clock = createTestClock()
  const [hangs, works] = [receiver('hangs'), receiver('works')]
  const queue = await queueOf(clock, Array.from({ length: 100 }, (_, i) => `call-${i}:1`), [hangs, works])
  const open = { hangs: 0, works: 0 }
  const got: string[] = []
  deliveriesWith({ queue, clock, receivers: [hangs, works] }, ({ id }, { id: to }) => {
    if (to === 'hangs') {
      open.hangs++
      return never
    }
    got.push(id)
    return OK
  }).start()
  await clock.pass(0)
  t.equal(got.length, 100, 'without any time passing')
  t.equal(open.hangs, MOST_AT_ONCE)
})

await t.test('410 ends the deliveries to that receiver, and the events stay', async t => {
  const clock = createTestClock()
  const [gone, works] = [receiver('gone'), receiver('works')]
  const queue = await queueOf(clock, ['a:1', 'a:2'], [gone, works])
  const got: string[] = []
  const noticed: string[] = []
  const observer = { ...unnoticed, gone: ({ origin }: Receiver) => noticed.push(origin) }
  const behaviour = ({ id }: Message, { id: to }: Receiver) => {
    got.push(`${to} ${id}`)
    return to === 'gone' ? failed('gone') : OK
  }
  const deliveries = deliveriesWith({ queue, clock, receivers: [gone, works], observer }, behaviour)
  deliveries.start()
  await clock.pass(48 * HOUR)
  t.same(got.sort(), ['gone a:1', 'works a:1', 'works a:2'])
  t.same(noticed, [gone.origin])
  t.match(deliveries.troubles(), [/gone\.example\.com answered 410/])
  const { events } = await queue.list({ limit: 9 })
  t.same(events.map(({ id, receiver }) => `${receiver} ${id}`), ['gone a:1', 'gone a:2'])

  const next = deliveriesWith({ queue, clock, receivers: [gone, works] }, ({ id }) => {
    got.push(`again ${id}`)
    return OK
  })
  next.start()
  await clock.pass(4 * HOUR)
  t.same(got.filter(text => text.startsWith('again')), ['again a:1', 'again a:2'], 'the next start tries again')
})

await t.test('an event is given up after 72 hours, loudly, and the next one of its call goes on', async t => {
  const clock = createTestClock()
  const queue = await queueOf(clock, ['a:1'])
  const dropped: Array<[string, DroppedEvent[]]> = []
  const got: string[] = []
  const observer: DeliveryObserver = { ...unnoticed, dropped: (reason, events) => dropped.push([reason, [...events]]) }
  deliveriesWith({ queue, clock, observer }, ({ id }) => {
    got.push(id)
    return id === 'a:1' ? failed('refused') : OK
  }).start()
  await clock.pass(GIVE_UP_MS - HOUR)
  await queue.add(event('a:2'), ['one'], { now: clock.now(), most: 10 })
  t.same(dropped, [])
  await clock.pass(HOUR + 2 * MINUTE)
  t.same(dropped, [['too-old', [{ id: 'a:1', receiver: 'one', callSid: 'a', type: 'call.started' }]]])
  await clock.pass(HOUR)
  t.equal(got.at(-1), 'a:2')
  t.same(await queue.stats(), { waiting: 0 })
})

await t.test('events that another process puts into a shared queue are delivered soon', async t => {
  const clock = createTestClock()
  const queue = await queueOf(clock, [])
  const got: string[] = []
  const deliveries = deliveriesWith({ queue, clock, shared: true }, ({ id }) => {
    got.push(id)
    return OK
  })
  deliveries.start()
  await settle()
  await queue.add(event('call-1:1'), [ONE.id], { now: clock.now(), most: 10 })
  await clock.pass(SECOND)
  t.same(got, ['call-1:1'])
  await deliveries.close(0)
})

await t.test('the end of the process', async t => {
  await t.test('what is under way is finished, and from memory all that is due is sent', async t => {
    const clock = createTestClock()
    const queue = await queueOf(clock, Array.from({ length: 50 }, (_, i) => `call-${i}:1`))
    const got: string[] = []
    let lost = 0
    const observer: DeliveryObserver = { ...unnoticed, lost: events => { lost = events } }
    const deliveries = deliveriesWith({ queue, clock, observer }, ({ id }) =>
      new Promise(resolve => clock.schedule(SECOND, () => {
        got.push(id)
        resolve(OK)
      })))
    deliveries.start()
    await settle()
    const closed = deliveries.close(10 * SECOND)
    await clock.pass(10 * SECOND)
    await closed
    t.equal(got.length, 50)
    t.equal(lost, 0)
  })

  await t.test('what is left in memory is counted loudly', async t => {
    const clock = createTestClock()
    const queue = await queueOf(clock, Array.from({ length: 50 }, (_, i) => `call-${i}:1`))
    let lost = 0
    const observer: DeliveryObserver = { ...unnoticed, lost: events => { lost = events } }
    const deliveries = deliveriesWith({ queue, clock, observer }, () => never)
    deliveries.start()
    await settle()
    const closed = deliveries.close(5 * SECOND)
    await clock.pass(5 * SECOND)
    await closed
    t.equal(lost, 50)
  })

  await t.test('also when only one is left', async t => {
    const clock = createTestClock()
    const queue = await queueOf(clock, ['call-1:1'])
    let lost = 0
    const observer: DeliveryObserver = { ...unnoticed, lost: events => { lost = events } }
    const deliveries = deliveriesWith({ queue, clock, observer }, () => never)
    deliveries.start()
    await settle()
    const closed = deliveries.close(SECOND)
    await clock.pass(SECOND)
    await closed
    t.equal(lost, 1)
  })

  await t.test('what others can deliver is left to them', async t => {
    const clock = createTestClock()
    const queue = await queueOf(clock, Array.from({ length: 50 }, (_, i) => `call-${i}:1`))
    const tried: string[] = []
    const ending = deliveriesWith({ queue, clock, shared: true }, ({ id }) => {
      tried.push(id)
      return never
    })
    ending.start()
    await settle()
    const closed = ending.close(5 * SECOND)
    await clock.pass(5 * SECOND)
    await closed
    t.equal(tried.length, MOST_AT_ONCE)
    const got = new Set<string>()
    deliveriesWith({ queue, clock, shared: true }, ({ id }) => {
      got.add(id)
      return OK
    }).start()
    await clock.pass(MINUTE)
    t.equal(got.size, 50)
  })
})

/** Numbers from 0 to 1 that are the same in each run. */
function randomFrom (seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

interface Badness {
  /** It is away until then, from 10 seconds after the beginning, milliseconds. */
  backAfter: number
  /** How often it fails, from 0 to 1. */
  fails: number
}

/** A receiver that fails often, hangs now and then, and is away for a while. */
function badReceiver (clock: Clock, random: () => number, { backAfter, fails }: Badness) {
  const start = clock.now()
  const taken: string[] = []
  const behaviour: Behaviour = ({ id }) => {
    const now = clock.now() - start
    if (now > 10 * SECOND && now < backAfter) return failed('unreachable')
    const dice = random()
    if (dice < 0.01) return new Promise(resolve => clock.schedule(SEND_TIMEOUT_MS, () => resolve(failed('timeout'))))
    if (dice < fails) return failed('failed')
    taken.push(id)
    // It has taken some of them, and its answer is lost.
    return dice < fails + 0.02 ? failed('unreachable') : OK
  }
  return { taken, behaviour }
}

/** A process that can be killed: from then on nothing of it reaches the queue, and nothing reaches it. */
function mortal (queue: EventQueue, behaviour: Behaviour) {
  let dead = false
  const whileAlive = <A extends unknown[], R>(work: (...args: A) => Promise<R> | R) => (...args: A): Promise<R> =>
    dead ? new Promise(() => {}) : Promise.resolve(work(...args)).then(result => dead ? new Promise(() => {}) : result)
  return {
    behaviour: whileAlive(behaviour) as Behaviour,
    queue: {
      ...queue,
      take: whileAlive(options => queue.take(options)),
      done: whileAlive(event => queue.done(event)),
      failed: whileAlive((event, due) => queue.failed(event, due)),
      expire: whileAlive(before => queue.expire(before))
    } satisfies EventQueue as EventQueue,
    kill () {
      dead = true
    }
  }
}

/** Checks that each event was taken at least once, and none before the earlier ones of its call. */
function assertAllInOrder (t: Test, taken: string[], calls: number) {
  const first = new Map<string, number>()
  taken.forEach((id, i) => first.has(id) || first.set(id, i))
  t.equal(first.size, calls * 4, 'each at least once')
  let outOfOrder = 0
  for (let call = 0; call < calls; call++) {
    const places = [1, 2, 3, 4].map(n => first.get(`call-${call}:${n}`)!)
    if (places.some((place, i) => place < (places[i - 1] ?? -1))) outOfOrder++
  }
  t.equal(outOfOrder, 0, 'in the order of their calls')
}

const CALLS = 2500

await t.test('10,000 events to a bad receiver, while one of two processes is killed', async t => {
  const clock = createTestClock()
  const queue = await queueOf(clock, [1, 2, 3, 4].flatMap(n =>
    Array.from({ length: CALLS }, (_, call) => `call-${call}:${n}`)))
  const { taken, behaviour } = badReceiver(clock, randomFrom(7), { backAfter: HOUR, fails: 0.5 })
  const ends = mortal({ ...bound(queue) }, behaviour)
  const dice = randomFrom(11)
  // A few different pauses are enough, and cost fewer steps of the clock.
  const random = () => Math.round(dice() * 4) / 4
  deliveriesWith({ queue: ends.queue, clock, random }, ends.behaviour).start()
  deliveriesWith({ queue, clock, random }, behaviour).start()
  await clock.pass(5 * SECOND)
  ends.kill()
  const before = taken.length
  t.ok(before > 100 && before < 4 * CALLS, 'it was killed in the middle')
  await clock.pass(70 * HOUR)
  assertAllInOrder(t, taken, CALLS)
  t.same(await queue.stats(), { waiting: 0 }, 'nothing is left in memory')
})

/** The methods of a queue by themselves. */
function bound (queue: EventQueue): EventQueue {
  return {
    add: (...args) => queue.add(...args),
    take: options => queue.take(options),
    done: event => queue.done(event),
    failed: (event, due) => queue.failed(event, due),
    expire: before => queue.expire(before),
    holds: (id, receivers) => queue.holds(id, receivers),
    list: page => queue.list(page),
    stats: () => queue.stats()
  }
}

/** A clock on which an hour takes a second. */
function hurriedClock (): Clock {
  const factor = 3600
  const begun = performance.now()
  return {
    now: () => Math.round(Date.UTC(2026, 10, 21) + (performance.now() - begun) * factor),
    schedule (ms, fn) {
      const timer = setTimeout(fn, ms / factor)
      return () => clearTimeout(timer)
    }
  }
}

await t.test('the same in Redis, where two processes share what waits', { skip: withoutRedis }, async t => {
  const { url } = await startRedis(t)
  const calls = 150
  const clock = hurriedClock()
  const queues = await Promise.all([1, 2].map(async () => {
    // On a clock that stands still no answer is late, however busy the machine is.
    const still = createTestClock()
    const connection = await connectRedis(url, { clock: still, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix: 'bridge:bad', clock: still })
    t.teardown(() => registry.close())
    return registry.events
  }))
  const [queue, other] = queues as [EventQueue, EventQueue]
  for (let n = 1; n <= 4; n++) {
    await Promise.all(Array.from({ length: calls }, (_, call) =>
      queue.add(event(`call-${call}:${n}`), ['one'], { now: clock.now(), most: 10_000 })))
  }
  const { taken, behaviour } = badReceiver(clock, randomFrom(3), { backAfter: 3 * MINUTE, fails: 0.2 })
  const ends = mortal(bound(other), behaviour)
  let over = () => {}
  const all = new Promise<void>(resolve => { over = resolve })
  const observer: DeliveryObserver = {
    ...unnoticed,
    delivered () {
      if (taken.length > calls / 2) ends.kill()
      if (new Set(taken).size === calls * 4) over()
    }
  }
  deliveriesWith({ queue: ends.queue, clock, shared: true, observer }, ends.behaviour).start()
  const stays = deliveriesWith({ queue, clock, shared: true, observer }, behaviour)
  stays.start()
  await all
  await stays.close(MINUTE)
  assertAllInOrder(t, taken, calls)
})
