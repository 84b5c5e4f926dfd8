import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Call } from '../../src/calls/fold/call.ts'
import { createMemoryRegistry } from '../../src/calls/store/memory-registry.ts'
import { LiveStream, MOST_OF_CALLER } from '../../src/live/live-stream.ts'
import type { Viewer } from '../../src/live/viewer.ts'
import { sketch } from '../fixtures/registry-contract.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

function stage () {
  const clock = createTestClock()
  const registry = createMemoryRegistry()
  const failed: unknown[] = []
  const finding = { fails: false }
  const stream = new LiveStream({
    registry,
    clock,
    async find (callSid) {
      if (finding.fails) throw new Error('the store is gone')
      return registry.get(callSid)
    },
    onFailed: error => failed.push(error)
  })
  const commit = async (call: Call): Promise<void> => {
    const before = await registry.get(call.callSid)
    await registry.update(call.callSid, () => call)
    stream.calls.changed(before, call)
  }
  return { clock, registry, stream, commit, failed, finding }
}

/** What a viewer that reads has read, as events with their data. */
function read (viewer: Viewer): Array<{ event: string, data: any }> {
  const events: Array<{ event: string, data: any }> = []
  viewer.on('data', chunk => {
    for (const block of String(chunk).split('\n\n')) {
      const [, event, data] = /^event: (.*)\ndata: (.*)$/s.exec(block) ?? []
      if (event !== undefined) events.push({ event, data: JSON.parse(data!) })
    }
  })
  return events
}

await t.test('what changed while only a single call was watched is no news of the list', async t => {
  const { clock, stream, commit } = stage()
  await commit(sketch('watched'))
  read(stream.watchCall('watched'))
  await clock.pass(100)
  for (let i = 0; i < 50; i++) await commit(sketch(`call-${i}`, { phase: 'ended' }))
  await clock.pass(1000)
  const events = read(stream.watchList())
  await clock.pass(1000)
  t.same(events.map(({ event }) => event), ['picture'])
  t.same(events[0]!.data.calls.map(({ callSid }: any) => callSid), ['watched'])
  stream.end()
})

await t.test('a newcomer gets all calls, however many others there are', async t => {
  const { clock, stream, commit } = stage()
  for (let i = 0; i < 250; i++) await commit(sketch(`call-${i}`))
  const others = Array.from({ length: 150 }, () => read(stream.watchList()))
  await clock.pass(100)
  const events = read(stream.watchList())
  await clock.pass(100)
  t.equal(events[0]!.data.calls.length, 250)
  t.equal(events[0]!.data.more, false)
  t.equal(others[0]![0]!.event, 'picture')
  stream.end()
})

await t.test('a burst that has no room in a frame ends with a picture, and ended calls have come', async t => {
  const { clock, stream, commit } = stage()
  const pages = Array.from({ length: 100 }, () => stream.watchList())
  const events = read(pages[0]!)
  for (const page of pages.slice(1)) page.resume()
  await clock.pass(100)
  for (let i = 0; i < 10; i++) await commit(sketch(`over-${i}`))
  await clock.pass(3000)
  for (let i = 0; i < 250; i++) await commit(sketch(`call-${i}`))
  for (let i = 0; i < 10; i++) await commit(sketch(`over-${i}`, { phase: 'ended' }))
  await clock.pass(10_000)
  const burst = events.find(({ data }) => data.leftOut > 0)
  t.ok(burst, 'the frame was full')
  const ended = events.flatMap(({ data }) => data.calls).filter(({ phase }: any) => phase === 'ended')
  t.equal(ended.length, 10)
  const last = events.at(-1)!
  t.equal(last.event, 'picture')
  t.equal(last.data.calls.length, 250)
  stream.end()
})

await t.test('a call that could not be read is read again', async t => {
  const { clock, stream, commit, finding, failed } = stage()
  await commit(sketch('a'))
  finding.fails = true
  const events = read(stream.watchCall('a'))
  await clock.pass(100)
  t.equal(failed.length, 1)
  finding.fails = false
  await clock.pass(1000)
  t.match(events, [{ event: 'call', data: { call: { callSid: 'a' } } }])
  stream.end()
})

await t.test('a key of CALLERS has room for some streams, and takes none from others', async t => {
  const { stream, commit } = stage()
  await commit(sketch('a'))
  const viewers = Array.from({ length: MOST_OF_CALLER }, () => stream.watchCall('a', 'shop'))
  t.equal(stream.isFull('shop'), true)
  t.equal(stream.isFull('clinic'), false)
  t.equal(stream.isFull(), false)
  viewers[0]!.destroy()
  await nextTurn()
  t.equal(stream.isFull('shop'), false)
  stream.end()
})
