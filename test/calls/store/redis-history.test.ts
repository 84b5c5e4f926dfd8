import { Redis } from 'ioredis'
import t from 'tap'
import type { Call } from '../../../src/calls/fold/call.ts'
import { NO_HISTORY, type StoreRules } from '../../../src/calls/store/history.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { put, settableClock } from '../../fixtures/history-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { NOW, sketch } from '../../fixtures/registry-contract.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

const MINUTE = 60_000
const KEPT = 60 * MINUTE
const RULES: StoreRules = { history: { keptMs: KEPT, most: 1000 }, isFailure: () => true }

await t.test('the history in Redis', { skip: withoutRedis }, async t => {
  const server = await startRedis(t)
  const connect = () => connectRedis(server.url, { clock: createTestClock(), waitMs: 60_000 })
  const [connection, other] = await Promise.all([connect(), connect()])
  const raw = new Redis(server.port, '127.0.0.1')
  t.teardown(async () => {
    await Promise.all([connection.close(), other.close()])
    raw.disconnect()
  })
  let prefixes = 0

  function stage (rules = RULES) {
    const keyPrefix = `bridge:test:${++prefixes}`
    const clock = settableClock()
    const open = (rules: StoreRules, over = connection) =>
      new RedisRegistry({ connection: over, keyPrefix, clock, rules })
    const key = (name: string) => `{${keyPrefix}}:history:${name}`
    /** How many keys and entries the history has. */
    const size = async () => [
      (await raw.keys(`{${keyPrefix}}:history:call:*`)).length,
      await raw.zcard(key('entries')),
      await raw.zcard(key('times'))
    ]
    return { one: open(rules), two: open(rules, other), open, clock, key, size }
  }
  const ended = (callSid: string, more = {}): Call => sketch(callSid, { phase: 'ended', wake: NOW, ...more })
  async function retire (registry: RedisRegistry, ...calls: Call[]) {
    for (const call of calls) {
      await put(registry, call)
      await registry.update(call.callSid, () => undefined)
    }
  }
  const sids = async (registry: RedisRegistry) =>
    (await registry.list({}, { limit: 100 })).calls.map(({ callSid }) => callSid)

  await t.test('replicas see the same one', async t => {
    const { one, two } = stage()
    await retire(one, ended('a'))
    t.same(await sids(two), ['a'])
    t.equal((await two.history.get('a'))?.callSid, 'a')
  })

  await t.test('replicas that forget a call at the same time put it there once', async t => {
    const { one, two, size } = stage()
    await put(one, ended('a'))
    await two.get('a')
    const forget = (call: Call | undefined) => call?.phase === 'ended' ? undefined : call
    await Promise.all([one.update('a', forget), two.update('a', forget)])
    t.same(await sids(one), ['a'])
    t.equal((await size())[0], 1)
  })

  await t.test('a call that goes into the history while the list is read is in the list once', async t => {
    for (const when of ['before', 'after']) {
      const { one, two } = stage()
      await put(one, ended('a'))
      const read = one.history.read.bind(one.history)
      one.history.read = async (...args) => {
        if (when === 'before') await two.update('a', () => undefined)
        const calls = await read(...args)
        if (when === 'after') await two.update('a', () => undefined)
        return calls
      }
      t.same(await sids(one), ['a'], `${when} the history is read`)
    }
  })

  await t.test('a call that came back leaves nothing of its earlier record', async t => {
    const { one, size } = stage()
    await retire(one, ended('a'))
    const before = await size()
    await retire(one, ended('a', { received: NOW + 1 }))
    t.same(await size(), before)
  })

  await t.test('an update that comes first is in it', async t => {
    const { one, two } = stage()
    await put(one, ended('a'))
    await one.get('a')
    await two.update('a', call => ({ ...call!, eventsDropped: 7 }))
    await one.update('a', () => undefined)
    t.equal((await two.history.get('a'))?.eventsDropped, 7)
  })

  await t.test('nothing is left when the time of a call is over', async t => {
    const { one, clock, size } = stage()
    await retire(one, ...Array.from({ length: 60 }, (_, i) => ended(`call-${i}`, { rooms: ['a', 'b'] })))
    t.equal((await size())[0], 60)
    clock.set(NOW + KEPT)
    await one.due(NOW + KEPT, 10)
    await one.due(NOW + KEPT + 100, 10)
    t.same(await size(), [0, 0, 0])
  })

  await t.test('records expire when no bridge runs, and their entries are removed later', async t => {
    const { one, key, size, clock } = stage()
    await retire(one, ended('a'), ended('b'))
    t.equal(Math.round(await raw.pttl(key('call:a')) / MINUTE), KEPT / MINUTE + 10)
    for (const name of ['entries', 'times']) t.ok(await raw.pttl(key(name)) > KEPT + 10 * MINUTE, name)
    await raw.del(key('call:a'))
    t.same(await sids(one), ['b'])
    t.equal(await one.history.get('a'), undefined)
    clock.set(NOW + KEPT)
    for (let i = 0; i < 3; i++) await one.due(NOW + KEPT + i * 2000, 10)
    t.same(await size(), [0, 0, 0])
  })

  await t.test('a replica that starts late still finds what it has to move', async t => {
    const { one, clock } = stage()
    await put(one, ended('a'))
    const left = await raw.pttl(`{bridge:test:${prefixes}}:call:a`)
    t.equal(Math.round(left / MINUTE), KEPT / MINUTE, 'the record is kept for as long as the history would keep it')
    clock.set(NOW + KEPT / 2)
    t.same(await one.due(clock.now(), 10), ['a'])
    await one.update('a', () => undefined)
    t.same(await sids(one), ['a'])
  })

  await t.test('a history that is switched off is dropped', async t => {
    const { one, open, size } = stage()
    await retire(one, ended('a'), ended('b'))
    const off = open({ ...RULES, history: NO_HISTORY })
    t.same(await sids(off), [])
    t.equal(await off.history.get('a'), undefined)
    await off.due(NOW, 10)
    t.same(await size(), [0, 0, 0])
  })

  await t.test('a smaller history is reached bit by bit', async t => {
    const { one, open } = stage()
    await retire(one, ...Array.from({ length: 70 }, (_, i) => ended(`call-${i}`, { wake: NOW - 70 + i })))
    const small = open({ ...RULES, history: { keptMs: KEPT, most: 5 } })
    for (let i = 0; i < 2; i++) await small.due(NOW + i * 100, 10)
    t.same((await sids(small)).sort(), ['call-65', 'call-66', 'call-67', 'call-68', 'call-69'])
  })

  await t.test('most calls of a rare filter are not looked at', async t => {
    const { one } = stage()
    await retire(one, ...Array.from({ length: 30 }, (_, i) =>
      ended(`call-${i}`, { received: NOW + i, from: i === 7 ? '+49301234567' : '+15550001111' })))
    const before = await commands()
    const page = await one.list({ number: '4567', phase: 'ended' }, { limit: 50 })
    t.same(page.calls.map(({ callSid }) => callSid), ['call-7'])
    t.ok(await commands() - before < 10, 'one record is read')
  })

  /** How many records and their headers were read so far. */
  async function commands (): Promise<number> {
    const stats = await raw.info('commandstats')
    const callsOf = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
    return callsOf('get') + callsOf('getrange')
  }
})
