import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import type { WarmRoom } from '../../../src/calls/warm/warm-room.ts'
import { createMemoryWarmRooms } from '../../../src/calls/store/memory-warm-rooms.ts'
import { ANSWER_WITHIN, connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import type { WarmRoomStore } from '../../../src/calls/store/warm-rooms.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { NOW } from '../../fixtures/registry-contract.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'
import { addLimits, fill, ready, warmRoom, warmRoomsContract } from '../../fixtures/warm-rooms-contract.ts'

const CLAIM = { callSid: 'sid', at: NOW }

await t.test('in memory', t =>
  warmRoomsContract(t, async () => {
    const rooms = createMemoryWarmRooms()
    return [rooms, rooms]
  }))

await t.test('in Redis', { skip: withoutRedis }, async t => {
  const { port, url } = await startRedis(t)
  const raw = new Redis(port, '127.0.0.1')
  t.teardown(() => raw.disconnect())
  let stores = 0
  const open = async (t: Test, keyPrefix = `bridge:warm:${++stores}`, at = url) => {
    // On a clock that stands still no answer is late, however busy the machine is.
    const clock = createTestClock()
    const connection = await connectRedis(at, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix, clock })
    t.teardown(() => registry.close())
    return { rooms: registry.warmRooms, redis: connection.redis, clock }
  }

  await warmRoomsContract(t, async t => {
    const keyPrefix = `bridge:warm:${++stores}`
    return [(await open(t, keyPrefix)).rooms, (await open(t, keyPrefix)).rooms]
  })

  await t.test('replicas whose clocks differ see each other', async t => {
    const { rooms } = await open(t)
    const hour = 3_600_000
    t.equal(await rooms.keeping('a', NOW, NOW + 60_000), 0)
    t.equal(await rooms.keeping('b', NOW + hour, NOW + hour + 60_000), 1)
    t.equal(await rooms.keeping('a', NOW, NOW + 60_000), 1)
    t.equal(await rooms.keeping('b', NOW + hour, NOW + hour), 1)
    t.equal(await rooms.keeping('a', NOW, NOW + 60_000), 0)
  })

  await t.test('the keys share one hash slot and end by themselves', async t => {
    const { rooms } = await open(t, 'bridge:lives')
    const livesFor = async () => {
      const keys = await raw.keys('*bridge:lives*')
      for (const key of keys) t.match(key, /^\{bridge:lives\}:warm:/)
      return await Promise.all(keys.map(async key => ({ key, ms: await raw.pttl(key) })))
    }
    await rooms.add(warmRoom('a'), addLimits({ everyMs: 60_000 }))
    await rooms.update('a', ready)
    await rooms.claim('sales', CLAIM, NOW)
    await rooms.add(warmRoom('b'), addLimits())
    await rooms.update('b', ready)
    await rooms.keeping('replica', NOW, NOW + 60_000)
    const all = await livesFor()
    t.equal(all.length, 10)
    for (const { key, ms } of all) {
      t.ok(ms > 0 && ms <= 2 * 3_600_000, key)
      if (!/last|demand|keepers:/.test(key)) t.ok(ms > 1.5 * 3_600_000, `${key} outlives a room`)
    }

    for (const key of await raw.keys('*bridge:lives*')) await raw.pexpire(key, 3_600_000)
    await rooms.update('b', room => room && { ...room, seenAt: NOW })
    for (const { key, ms } of await livesFor()) {
      if (/room:b|pools|rooms|waiting|ready/.test(key)) t.ok(ms > 3_600_000, `${key} lives for longer with a write`)
    }
    for (const name of ['a', 'b']) await rooms.update(name, () => undefined)
    t.same((await livesFor()).filter(({ key }) => !/last|demand|keepers/.test(key)), [], 'nothing is left of a room')
  })

  await t.test('what is left of a record that has expired is found and removed', async t => {
    const { rooms } = await open(t, 'bridge:expired')
    await fill(rooms, 4)
    await fill(rooms, 1, 'support')
    await raw.del('{bridge:expired}:warm:room:sales-0', '{bridge:expired}:warm:room:sales-2')
    t.match(await rooms.claim('sales', CLAIM, NOW), { room: 'sales-1' })
    t.same((await rooms.list('sales')).map(({ room }) => room), ['sales-1', 'sales-3'])
    t.same(await raw.zrange('{bridge:expired}:warm:pool:sales:rooms', '0', '-1'), ['sales-1', 'sales-3'])
    t.same(await raw.zrange('{bridge:expired}:warm:pool:sales:waiting', '0', '-1'), ['sales-3'])
    t.same(await raw.zrange('{bridge:expired}:warm:pool:sales:ready', '0', '-1'), ['sales-3'])

    await raw.del('{bridge:expired}:warm:pool:support:rooms')
    t.same(await rooms.pools(), ['sales'])
    t.same(await raw.zrange('{bridge:expired}:warm:pools', '0', '-1'), ['sales'])
  })

  await t.test('an update that read a room before it was changed is made again on the changed one', async t => {
    const { rooms, redis } = await open(t, 'bridge:between')
    const { rooms: others } = await open(t, 'bridge:between')
    await fill(rooms, 1)
    const change = (fn: (room: WarmRoom) => WarmRoom | undefined) => others.update('sales-0', room => fn(room!))
    const changes: Array<[what: string, () => Promise<WarmRoom | undefined>]> = [
      ['claimed', () => others.claim('sales', CLAIM, NOW)],
      ['another state', () => change(room => ({ ...room, state: 'leaving' }))],
      ['another claim', () => change(room => ({ ...room, claim: { ...CLAIM, at: NOW + 1 } }))],
      ['something else', () => change(room => ({ ...room, endsAt: room.endsAt + 1 }))],
      ['forgotten', () => change(() => undefined)]
    ]
    const hmget = redis.hmget.bind(redis) as (...args: unknown[]) => Promise<Array<string | null>>
    for (const [what, make] of changes) {
      let changed: WarmRoom | undefined
      redis.hmget = (async (...args: unknown[]) => {
        const read = await hmget(...args)
        changed = await make()
        return read
      }) as typeof redis.hmget
      const seen: Array<WarmRoom | undefined> = []
      await rooms.update('sales-0', room => {
        seen.push(room)
        return room && { ...room, departureS: room.departureS + 1 }
      })
      t.equal(seen.length, 2, what)
      t.same(seen[1], changed, what)
      t.same(await others.get('sales-0'), changed && { ...changed, departureS: changed.departureS + 1 }, what)
    }
  })

  await t.test('a replica whose clock is behind waits no longer than the others', async t => {
    const { rooms } = await open(t)
    const add = (name: string, now: number) =>
      rooms.add(warmRoom(name), addLimits({ everyMs: 60_000, now: NOW + now }))
    await add('a', 3_600_000)
    t.same(await add('b', 0), { added: false, retryInMs: 60_000 })
  })

  await t.test('a claim takes one round trip', async t => {
    const { rooms, redis } = await open(t)
    await fill(rooms, 3)
    const sent: string[] = []
    const { sendCommand } = redis
    redis.sendCommand = function (command, ...rest) {
      sent.push(command.name)
      return sendCommand.call(this, command, ...rest)
    }
    const claim = () => rooms.claim('sales', CLAIM, NOW)
    await claim()
    sent.length = 0
    await claim()
    t.same(sent, ['evalsha'])
  })

  await t.test('three processes: no room is given twice, none is too many, none comes too soon', async t => {
    const contender = fileURLToPath(new URL('../../fixtures/warm-contender.js', import.meta.url))
    const [rounds, most, names] = [80, 2, ['one', 'two', 'three']]
    const processes = names.map(name =>
      spawn(process.execPath, [contender, url, 'bridge:contended', name, String(rounds), String(most)], {
        stdio: ['pipe', 'pipe', 'inherit']
      }))
    const ends = Promise.all(processes.map(child => once(child, 'exit')))
    await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
    const texts = processes.map(async ({ stdout }) => {
      let text = ''
      for await (const chunk of stdout) text += String(chunk)
      return text
    })
    for (const { stdin } of processes) stdin.write('go\n')
    const reports = (await Promise.all(texts)).map(text =>
      JSON.parse(text) as { claimed: string[], mostSeen: number, spaced: number[] })
    await ends

    const { rooms } = await open(t, 'bridge:contended')
    for (const [i, { claimed, mostSeen }] of reports.entries()) {
      t.ok(claimed.length > rounds / 4, `${names[i]} claimed ${claimed.length}`)
      t.ok(mostSeen > 1 && mostSeen <= most, `${names[i]} saw ${mostSeen} that waited`)
      for (const room of claimed) t.match(await rooms.get(room), { state: 'claimed', claim: { callSid: names[i] } })
    }
    const claimed = reports.flatMap(({ claimed }) => claimed)
    t.equal(new Set(claimed).size, claimed.length)
    const times = reports.flatMap(({ spaced }) => spaced).sort((a, b) => a - b)
    t.ok(times.length > 2)
    t.ok(times.every((at, i) => i === 0 || at - times[i - 1]! >= 60_000), times.join())
    const { calls } = (await rooms.demand('full', NOW))[0]!
    // An answer may have been late, and the call was counted again.
    t.ok(calls >= rounds * names.length, `${calls} claims were counted`)
  })

  const asks = (rooms: WarmRoomStore): Record<string, () => Promise<unknown>> => ({
    add: () => rooms.add(warmRoom('b'), addLimits()),
    claim: () => rooms.claim('sales', CLAIM, NOW),
    update: () => rooms.update('a', ready),
    get: () => rooms.get('a'),
    list: () => rooms.list('sales'),
    pools: () => rooms.pools(),
    demand: () => rooms.demand('sales', NOW),
    keeping: () => rooms.keeping('replica', NOW, NOW + 10_000)
  })

  await t.test('a Redis that hangs or is gone: everything fails in time', async t => {
    const server = await startRedis(t)
    const { rooms, clock } = await open(t, 'bridge:gone', server.url)
    await rooms.add(warmRoom('a'), addLimits())
    const gone = { code: 'BRIDGE_STORE_UNAVAILABLE' }
    server.pause()
    const late = Object.entries(asks(rooms)).map(([name, ask]) => t.rejects(ask(), gone, `${name}: no answer`))
    await clock.pass(ANSWER_WITHIN)
    await Promise.all(late)
    server.resume()
    await rooms.get('a')
    t.match(await rooms.get('a'), { state: 'making' }, 'an update that was given up is not made later')

    await server.kill()
    for (const [name, ask] of Object.entries(asks(rooms))) await t.rejects(ask(), gone, `${name}: gone`)
  })
})
