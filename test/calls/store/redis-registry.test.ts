import { Redis } from 'ioredis'
import t from 'tap'
import { systemClock } from '../../../src/clock.ts'
import type { Call } from '../../../src/calls/fold/call.ts'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { entriesOf, partEntriesOf } from '../../../src/calls/store/redis-index.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { historyContract } from '../../fixtures/history-contract.ts'
import { NOW, registryContract, sketch } from '../../fixtures/registry-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

const MINUTE = 60_000
const DAY = 86_400_000

await t.test('calls in Redis', { skip: withoutRedis }, async t => {
  const server = await startRedis(t)
  // One connection for all of them: closing a registry ends its own. On a clock that stands still no answer is late,
  // however busy the machine is.
  const clock = createTestClock()
  const connection = await connectRedis(server.url, { clock, waitMs: 60_000 })
  const other = await connectRedis(server.url, { clock, waitMs: 60_000 })
  const raw = new Redis(server.port, '127.0.0.1')
  t.teardown(async () => {
    await Promise.all([connection.close(), other.close()])
    raw.disconnect()
  })
  let prefixes = 0

  /** Two replicas on the same, still empty store. */
  function replicas (clock = systemClock) {
    const keyPrefix = `bridge:test:${++prefixes}`
    const [one, two] = [connection, other].map(connection => new RedisRegistry({ connection, keyPrefix, clock }))
    return { one: one!, two: two!, key: (name: string) => `{${keyPrefix}}:${name}` }
  }
  const entryCount = (call: Call) =>
    entriesOf(call.callSid, call).size + partEntriesOf(call.callSid, call).entries.size
  const put = (registry: RedisRegistry, call: Call) =>
    registry.update(call.callSid, () => call)

  await registryContract(t, async () => Object.assign(replicas().one, { close: async () => {} }))

  await t.test('history', t => historyContract(t, async (rules, clock) => {
    const registry = new RedisRegistry({ connection, keyPrefix: `bridge:test:${++prefixes}`, clock, rules })
    return Object.assign(registry, { close: async () => {} })
  }))

  await t.test('a limit holds over all replicas', async t => {
    const { one, two } = replicas()
    await Promise.all(Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? one : two).update(`call-${i}`, (_call, full) =>
        sketch(`call-${i}`, full ? { phase: 'ended' } : {}), 3)))
    t.match((await one.stats()).phases, { received: 3, ended: 17 })
  })

  await t.test("replicas see each other's calls", async t => {
    const { one, two } = replicas()
    await put(one, sketch('a', { rooms: ['room-a'] }))
    t.equal((await two.get('a'))?.phase, 'received')
    t.equal(await two.findByName('room-a'), 'a')
    await two.update('a', call => ({ ...call!, phase: 'ringing' }))
    t.equal((await one.get('a'))?.phase, 'ringing')
    await one.update('a', call => ({ ...call!, eventsDropped: 1 }))
    t.match(await two.update('a', call => call), { phase: 'ringing', eventsDropped: 1 }, 'also when nothing is changed')
    t.same((await two.stats()).phases.ringing, 1)
    await two.update('a', () => undefined)
    t.equal(await one.get('a'), undefined)
    t.equal(await one.update('a', call => call), undefined)
  })

  await t.test('an update that refuses what is out of date runs again on what is there', async t => {
    const { one, two } = replicas()
    await put(one, sketch('a'))
    await two.update('a', call => ({ ...call!, phase: 'ended' }))
    const end = (call: Call | undefined): Call => {
      if (call?.phase !== 'ended') throw new Error('not ended')
      return { ...call, eventsDropped: 1 }
    }
    t.match(await one.update('a', end), { phase: 'ended', eventsDropped: 1 })
    await t.rejects(two.update('b', end), { message: 'not ended' }, 'what throws on a call that is not there')
  })

  await t.test('a call that is made anew is not taken for the one that was there', async t => {
    const { one, two } = replicas()
    await put(one, sketch('a', { from: '+1' }))
    await two.update('a', () => undefined)
    await put(two, sketch('a', { from: '+2' }))
    await one.update('a', call => ({ ...call!, phase: 'ringing' }))
    t.match(await one.get('a'), { phase: 'ringing', facts: { from: '+2' } })
    t.same((await one.list({ from: '+1' }, { limit: 10 })).calls, [])
  })

  await t.test('what is due is handed to one of the replicas', async t => {
    const { one, two } = replicas()
    const sids = Array.from({ length: 40 }, (_, i) => `call-${i}`)
    await Promise.all(sids.map(sid => put(one, sketch(sid, { wake: NOW }))))
    const shares = await Promise.all([one.due(NOW, 15), two.due(NOW, 15), one.due(NOW, 15), two.due(NOW, 15)])
    t.same(shares.flat().sort(), sids.sort())
  })

  await t.test('what a newer version wrote survives an update by this one', async t => {
    const { one, two } = replicas()
    const newer = {
      ...sketch('a', { duties: 1, wake: NOW }),
      v: 2,
      consent: { asked: NOW, by: ['a', null] },
      duties: [{ id: 'd', kind: 'transcribe', target: 'x', due: NOW, tries: 0, since: NOW, language: 'ga' }]
    }
    await put(one, newer as unknown as Call)
    await two.update('a', call => ({ ...structuredClone(call!), phase: 'dialing' }))
    t.same(await one.get('a'), { ...newer, phase: 'dialing' })
    t.equal((await one.stats()).duties, 1)
    await put(one, { ...newer, phase: 'parked' } as unknown as Call)
    t.equal((await two.list({}, { limit: 10 })).calls[0]!.phase, 'parked', 'a phase that nobody here knows')
  })

  await t.test('records expire by themselves, some time after they would be forgotten', async t => {
    const clock = createTestClock()
    const { one, key } = replicas(clock)
    const now = clock.now()
    const left = async (call: Call) => {
      await put(one, call)
      return Math.round(await raw.pttl(key(`call:${call.callSid}`)) / MINUTE)
    }
    t.equal(await left(sketch('ended', { phase: 'ended', wake: now + 15 * MINUTE })), 25)
    t.equal(await left(sketch('owing', { phase: 'ended', wake: now + 15 * MINUTE, duties: 1 })), 15 + DAY / MINUTE)
    t.equal(await left(sketch('active', { wake: now + 2 * MINUTE })), 2 + DAY / MINUTE)
    t.equal(await left(sketch('overdue', { wake: now - DAY })), DAY / MINUTE)
    t.equal(await left(sketch('timeless')), DAY / MINUTE)
    for (const name of ['entries', 'times']) {
      t.ok(await raw.pttl(key(name)) > DAY + 15 * MINUTE, `${name} outlive every record`)
    }
    const { callSid } = sketch('active')
    await one.update(
      callSid,
      call => ({ ...call!, phase: 'ended', duties: [], deadline: undefined, expiresAt: now + MINUTE })
    )
    t.equal(Math.round(await raw.pttl(key('call:active')) / MINUTE), 11, 'the shorter time counts')
  })

  await t.test('a call whose record expired is nowhere any more', async t => {
    const { one, two, key } = replicas()
    await put(one, sketch('a', { rooms: ['room-a'], wake: NOW, duties: 2, from: '+1' }))
    await put(one, sketch('b', { received: NOW + 1, wake: NOW + 1, from: '+1' }))
    await raw.del(key('call:a'))
    t.equal(await one.get('a'), undefined)
    t.equal(await one.update('a', call => call), undefined)
    t.same((await two.list({ from: '+1' }, { limit: 1 })).calls.map(({ callSid }) => callSid), ['b'])
    t.same(await two.list({}, { limit: 10 }).then(({ calls, next }) => [calls.length, next]), [1, undefined])
    t.same(await two.due(NOW + 1, 10), ['b'])
    t.same(await two.stats(), {
      phases: { requested: 0, received: 1, dialing: 0, ringing: 0, connected: 0, transferring: 0, ended: 0 },
      duties: 0
    })
    t.equal(await one.findByName('room-a'), undefined)
    t.equal(await raw.zcard(key('entries')), entryCount(sketch('b', { from: '+1' })), 'nothing is left of it')
  })

  await t.test('a call that comes again after its record expired is there once', async t => {
    const { one, key } = replicas()
    await put(one, sketch('a', { rooms: ['room-a'], wake: NOW, phase: 'connected' }))
    await raw.del(key('call:a'))
    await put(one, sketch('a', { received: NOW + 5, wake: NOW + 5 }))
    t.same((await one.list({}, { limit: 10 })).calls.map(({ callSid }) => callSid), ['a'])
    await one.due(NOW, 10)
    t.match(await one.stats(), { phases: { received: 1, connected: 0 } })
    t.equal(await one.findByName('room-a'), undefined)
  })

  await t.test('thousands of entries without a record are cleared away bit by bit', async t => {
    const { one, key } = replicas()
    const sids = Array.from({ length: 1500 }, (_, i) => `call-${i}`)
    for (let i = 0; i < sids.length; i += 100) {
      await Promise.all(sids.slice(i, i + 100).map((sid, j) => put(one, sketch(sid, { wake: NOW + i + j }))))
    }
    await raw.del(sids.map(sid => key(`call:${sid}`)))
    t.same((await one.list({ phase: 'active', from: '+15550001111' }, { limit: 3 })).calls, [])
    const steps = Math.ceil(1500 * entryCount(sketch('call-0')) / 1000) + 2
    for (let i = 0; i < steps; i++) t.same(await one.due(NOW + DAY, 10), [])
    t.equal(await raw.exists(key('entries'), key('times')), 0)
  })

  await t.test('numbers are taken as they are', async t => {
    const { one } = replicas()
    const odd = ['', '*', 'sip:a|b@c;x=1', 'a\0b', '日本', '[x', '(x']
    for (const [i, from] of odd.entries()) await put(one, sketch(`call-${i}`, { from, rooms: [`room ${from}`] }))
    for (const [i, from] of odd.entries()) {
      t.same((await one.list({ from }, { limit: 10 })).calls.map(({ callSid }) => callSid), [`call-${i}`], from)
      t.equal(await one.findByName(`room ${from}`), `call-${i}`)
    }
  })

  await t.test('scripts that Redis forgot are sent again', async t => {
    const { one } = replicas()
    await put(one, sketch('a'))
    await raw.script('FLUSH')
    await one.update('a', call => ({ ...call!, phase: 'ringing' }))
    await raw.script('FLUSH')
    t.equal((await one.stats()).phases.ringing, 1)
  })

  await t.test('a process with few records at hand reads the others', async t => {
    const keyPrefix = `bridge:test:${++prefixes}`
    const registry = new RedisRegistry({ connection, keyPrefix, clock: systemClock, recentCalls: 1 })
    for (const sid of ['a', 'b', 'c']) await put(registry, sketch(sid))
    for (const sid of ['a', 'b', 'c']) {
      await registry.update(sid, call => ({ ...call!, eventsDropped: call!.eventsDropped + 1 }))
    }
    t.same(await Promise.all(['a', 'b', 'c'].map(async sid => (await registry.get(sid))?.eventsDropped)), [1, 1, 1])
  })
})
