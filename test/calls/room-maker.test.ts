import t, { type Test } from 'tap'
import { newCall } from '../../src/calls/fold/new-call.ts'
import { RoomMaker } from '../../src/calls/room-maker.ts'
import { noWarmPools } from '../../src/calls/warm/pools.ts'
import { attemptWith, factsWith, roomFormat, rulesWith, START } from '../fixtures/events.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

function build (t: Test) {
  const rooms = createFakeRooms()
  const clock = createTestClock()
  const settled: string[] = []
  const failures: string[] = []
  const maker = new RoomMaker({
    rooms,
    warmPools: noWarmPools,
    clock,
    roomFormat,
    observer: {
      changed () {},
      store () {},
      failed (callSid) {
        failures.push(callSid)
      }
    },
    onSettled (callSid) {
      settled.push(callSid)
    }
  })
  t.teardown(() => rooms.release())
  const make = (callSid: string) => {
    const call = newCall(callSid, START, factsWith(), rulesWith().app)
    return maker.make(call, attemptWith({ room: `jb_${callSid}` }), 3000)
  }
  return { rooms, clock, settled, failures, maker, make }
}

await t.test('whoever asks for the same room shares the request, until it is forgotten', async t => {
  const { rooms, maker, make } = build(t)
  const created = { kind: 'room', outcome: 'created' }
  t.same(await Promise.all([make('a'), make('a')]), [created, created])
  await make('a')
  t.same(rooms.log, ['create jb_a'])
  maker.forget(attemptWith({ room: 'jb_a' }))
  await make('a')
  t.equal(rooms.log.length, 2)
})

await t.test('a LiveKit that is too slow is not met with more than 200 requests: the rest is told at once', async t => {
  const { rooms, clock, make, failures } = build(t)
  rooms.mode = 'hang'
  const waiting = Array.from({ length: 200 }, (_, i) => make(`call-${i}`))
  await settle()
  t.same(await make('one-more'), { kind: 'room', outcome: 'failed', detail: 'skipped' })
  t.same(failures, ['one-more'])
  t.equal(rooms.log.length, 200)
  await clock.pass(3000)
  t.ok((await Promise.all(waiting)).every(({ outcome }) => outcome === 'timeout'))
  t.match(await make('still-too-many'), { detail: 'skipped' }, 'those that nobody waits for are under way all the same')
  rooms.mode = 'ok'
  rooms.release()
  await settle()
  t.same(await make('again'), { kind: 'room', outcome: 'created' })
})

await t.test('requests that fail are over: however many did, the next one is sent', async t => {
  const { rooms, make } = build(t)
  rooms.mode = 'unreachable'
  const failed = await Promise.all(Array.from({ length: 200 }, (_, i) => make(`call-${i}`)))
  t.same(failed[0], { kind: 'room', outcome: 'timeout', detail: 'unreachable' }, 'it may have reached LiveKit')
  rooms.mode = 'ok'
  await settle()
  t.same(await make('next'), { kind: 'room', outcome: 'created' })
})

await t.test('who gave up on a room hears when the request is over', async t => {
  const { rooms, clock, make, settled } = build(t)
  rooms.mode = 'hang'
  const made = make('a')
  await clock.pass(3000)
  t.same(await made, { kind: 'room', outcome: 'timeout', detail: 'timeout' })
  t.same(settled, [])
  rooms.release()
  await settle()
  t.same(settled, ['a'])
  rooms.mode = 'ok'
  await make('b')
  await settle()
  t.same(settled, ['a'], 'who got an answer knows it already')
})
