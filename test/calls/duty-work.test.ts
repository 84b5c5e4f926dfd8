import t from 'tap'
import { DutyWork } from '../../src/calls/duty-work.ts'
import type { Call, Duty } from '../../src/calls/fold/call.ts'
import { roomFormat, tell } from '../fixtures/events.ts'
import { createFakeRooms } from '../fixtures/fake-rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const observer = { changed () {}, failed () {}, store () {} }

/** Does a dispatch that is claimed by `mine`, while the store says that it has begun for `holder`. */
async function dispatchedWhile (holder: string): Promise<number> {
  const story = tell()
  story.connect()
  const call = story.it
  const duty: Duty = { id: 'redispatch:1', kind: 'redispatch', target: '1', due: 0, tries: 1, since: 0, claim: 'mine' }
  const stored: Call = { ...call, duties: [{ ...duty, claim: holder, begun: 1 }] }
  const rooms = createFakeRooms()
  rooms.open.set(story.room(), roomFormat.request(call, call.attempts[0]!))
  const work = new DutyWork({
    commits: {
      apply: async () => stored,
      find: async () => stored,
      named: async () => undefined,
      makeRoomAhead: async () => {}
    },
    rooms,
    roomFormat,
    clock: createTestClock(),
    observer
  })
  await work.perform(call, duty)

  return rooms.dispatched.length
}

await t.test('only whoever has begun a dispatch does it', async t => {
  t.equal(await dispatchedWhile('mine'), 1)
  t.equal(await dispatchedWhile('another'), 0, 'another process has begun it')
})
