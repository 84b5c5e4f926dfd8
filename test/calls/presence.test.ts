import t from 'tap'
import type { Attempt, Call } from '../../src/calls/fold/call.ts'
import { PresenceCheck } from '../../src/calls/presence.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/* Before a person is dialled into a caller's room: is the caller there? LiveKit would make the room again. */

const JOIN = { way: { strategy: 'join', callSid: 'c', attempt: 1 }, token: 'token', visits: 'jb_token' }
const ROOM = { n: 1, room: 'jb_token', token: 'token', answered: true, strategy: 'room' }
const THERE: object = { callSid: 'c', phase: 'connected', attempts: [ROOM] }

interface Scene {
  caller?: object | undefined
  sip?: boolean
  looks?: () => Promise<unknown>
  gone?: boolean
  attempt?: object
}

function check ({ sip = true, looks, gone, attempt = {}, ...scene }: Scene) {
  const clock = createTestClock()
  const failures: string[] = []
  const presence = new PresenceCheck({
    registry: {
      async get () {
        if (gone) throw new StoreUnavailableError('Redis')
        return ('caller' in scene ? scene.caller : THERE) as Call | undefined
      }
    },
    rooms: { look: (looks ?? (async () => ({ exists: true, ...(sip ? { sip: { sid: 'PA_1' } } : {}) }))) as never },
    clock,
    observer: { changed () {}, store () {}, failed: (_callSid: string, what: string) => failures.push(what) }
  })
  const person = { callSid: 'p' } as Call
  const checked = presence.check(person, { ...JOIN, ...attempt } as unknown as Attempt, 6000)
  return { clock, failures, presence: checked, outcome: checked.then(({ outcome }) => outcome) }
}

await t.test('a caller who is in the room, also of a call that only LiveKit knows', async t => {
  t.equal(await check({}).outcome, 'there')
  t.equal(await check({ caller: undefined }).outcome, 'there')
  t.equal(await check({ sip: false }).outcome, 'gone', 'nobody is in the room')
})

await t.test('a caller of whom nobody heard that the agent has answered is looked for all the same', async t => {
  const unheard = { ...THERE, attempts: [{ ...ROOM, answered: false }] }
  t.equal(await check({ caller: unheard }).outcome, 'there')
  t.equal(await check({ caller: unheard, sip: false }).outcome, 'gone')
})

await t.test("a caller in a room of which LiveKit has not said yet that it is the caller's", async t => {
  const { room: _room, ...rest } = ROOM
  const place = { ...rest, visits: 'jb_warm', token: 'warm' }
  const caller = { ...THERE, attempts: [place] }
  t.match(await check({ caller }).presence, { outcome: 'there', moved: { attempt: 1, token: 'warm' } })
  t.equal(await check({ caller: { ...THERE, attempts: [{ ...place, end: {} }] } }).outcome, 'gone')
})

await t.test('a caller who is gone by the record, whatever the room shows', async t => {
  const records: object[] = [
    { phase: 'ended' },
    { closing: {} },
    { hangupAt: 1 },
    { attempts: [{ ...ROOM, end: {} }] },
    { attempts: [{ ...ROOM, parked: {} }, { n: 2, strategy: 'phone', answered: true }] }
  ]
  for (const record of records) {
    t.equal(await check({ caller: { ...THERE, ...record } }).outcome, 'gone', JSON.stringify(record))
  }
})

await t.test('who cannot be asked proves nothing, and is not waited for', async t => {
  t.equal(await check({ gone: true }).outcome, 'there', 'the room shows it without the record')
  const failing = check({ looks: () => Promise.reject(new Error('LiveKit')) })
  t.equal(await failing.outcome, 'unknown')
  t.same(failing.failures, ['presence'])
  t.equal(await check({ attempt: { visits: undefined } }).outcome, 'unknown')

  const hanging = check({ looks: () => new Promise(() => {}) })
  await hanging.clock.pass(1000)
  t.equal(await hanging.outcome, 'unknown')
})
