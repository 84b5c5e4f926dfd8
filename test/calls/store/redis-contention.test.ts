import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { connectRedis } from '../../../src/calls/store/redis-client.ts'
import { RedisRegistry } from '../../../src/calls/store/redis-registry.ts'
import { sketch } from '../../fixtures/registry-contract.ts'
import { startRedis, withoutRedis } from '../../fixtures/redis-server.ts'
import { createTestClock } from '../../fixtures/test-clock.ts'

const contender = fileURLToPath(new URL('../../fixtures/redis-contender.js', import.meta.url))

/** A way to Redis that takes its time, as from another data centre. */
async function farFrom (t: Test, port: number, ms: number): Promise<string> {
  const sockets = new Set<Socket>()
  const relay = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on('data', data => setTimeout(() => to.write(data), ms)).on('error', () => {}).on('close', () => to.destroy())
  }
  const server = createServer(near => {
    const far = connect(port, '127.0.0.1')
    relay(near, far)
    relay(far, near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
}

await t.test('one call, many writers', { skip: withoutRedis }, async t => {
  const { port, url } = await startRedis(t)
  const open = async (keyPrefix: string, at = url) => {
    // On a clock that stands still no answer is late, however busy the machine is.
    const clock = createTestClock()
    const connection = await connectRedis(at, { clock, waitMs: 60_000 })
    const registry = new RedisRegistry({ connection, keyPrefix, clock })
    t.teardown(() => registry.close())
    return registry
  }

  await t.test('no update of two processes is lost', async t => {
    const registry = await open('bridge:contention')
    await registry.update('a', () => sketch('a'))
    const updates = 1000
    const processes = [1, 2].map(() =>
      spawn(process.execPath, [contender, url, 'bridge:contention', 'a', String(updates)], {
        stdio: ['pipe', 'pipe', 'inherit']
      })
    )
    const ends = Promise.all(processes.map(child => once(child, 'exit')))
    await Promise.all(processes.map(({ stdout }) => once(stdout, 'data')))
    const reports = processes.map(({ stdout }) => once(stdout, 'data'))
    for (const { stdin } of processes) stdin.write('go\n')
    const reported = (await Promise.all(reports)).map(([text]) =>
      JSON.parse(String(text)) as { runs: number, done: number }
    )
    await ends
    const acknowledged = reported.reduce((sum, { done }) => sum + done, 0)
    const made = (await registry.get('a'))!.eventsDropped
    // What was not acknowledged in time may have been made all the same.
    t.ok(made >= acknowledged && made <= 2 * updates, `${acknowledged} acknowledged, ${made} made`)
    const runs = reported.map(({ runs }) => runs)
    t.ok(Math.max(...runs) > updates, `they met: ${runs.join(' and ')} runs`)
  })

  await t.test('a replica far from Redis is not starved by one nearby', async t => {
    const near = await open('bridge:fairness')
    const far = await open('bridge:fairness', await farFrom(t, port, 5))
    await near.update('a', () => sketch('a'))
    const until = new AbortController()
    let quick = 0
    const busy = (async () => {
      for (; !until.signal.aborted; quick++) {
        await near.update('a', call => ({ ...call!, eventsDropped: call!.eventsDropped + 1 }))
      }
    })()
    for (let i = 0; i < 10; i++) await far.update('a', call => ({ ...call!, attemptsBefore: call!.attemptsBefore + 1 }))
    until.abort()
    await busy
    t.match(await near.get('a'), { eventsDropped: quick, attemptsBefore: 10 })
    t.ok(quick > 10, `${quick} updates from near by meanwhile`)
  })

  await t.test('updates that come while one is under way are written together', async t => {
    const registry = await open('bridge:together')
    const runs: number[] = []
    const results = await Promise.allSettled(Array.from({ length: 500 }, (_, i) =>
      registry.update('a', call => {
        runs.push(i)
        if (i === 300) throw new Error('not this one')
        return { ...call ?? sketch('a'), eventsDropped: (call?.eventsDropped ?? 0) + 1 }
      })))
    t.same(results.map(({ status }) => status === 'rejected').indexOf(true), 300)
    t.same(results.map(result => result.status === 'fulfilled' && result.value?.eventsDropped).slice(299, 302), [
      300,
      false,
      301
    ], 'each gets what it made')
    t.same(runs, runs.slice().sort((a, b) => a - b), 'in the order in which they came')
    t.equal((await registry.get('a'))?.eventsDropped, 499)
  })
})
