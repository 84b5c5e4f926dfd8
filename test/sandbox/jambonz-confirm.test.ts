import t from 'tap'
import type { Test } from 'tap'
import { digitInfo } from '../../src/sandbox/jambonz/dtmf.ts'
import type { Faults } from '../../src/sandbox/jambonz.ts'
import type { IncomingCall, OutgoingCall } from '../../src/sip/user-agent.ts'
import { lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Reply, Stage } from '../fixtures/jambonz/stand-in.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'
import type { TestClock } from '../fixtures/test-clock.ts'

/*
 * The confirm hook of a dial, beyond the recordings of jambonz-transfer-recordings.test.ts.
 */

interface Screening {
  stage: Stage
  sid: string
  call: OutgoingCall
  person: IncomingCall
  press(digit: string): Promise<void>
  /** Resolves when the hook was asked. */
  asked(path: string): Promise<Record<string, any>>
  /** Resolves with what the dial's action hook said of the dial, when the call is over. */
  result(): Promise<string | undefined>
}

/** A caller is dialled through to a person, who has answered. `replies` are those of the hooks, by path. */
async function screening (t: Test, replies: Record<string, Reply>, options: {
  clock?: TestClock
  faults?: Faults
  dial?: object
  target?: object
} = {}): Promise<Screening> {
  const stage = await setStage(t, {
    double: { ...options.clock && { clock: options.clock }, ...options.faults && { faults: options.faults } },
    farEnd: call => call.respond(200, 'OK', { body: 'v=0\r\n' }),
    reply ({ path }, { url, farHost }) {
      const dial = {
        verb: 'dial',
        actionHook: `${url}/action`,
        confirmHook: { url: `${url}/confirm?call=1`, method: 'POST' },
        target: [{ type: 'sip', sipUri: `sip:person@${farHost}`, ...options.target }],
        ...options.dial
      }
      return path === '/livekit-api' ? { body: [dial, { verb: 'hangup' }] } : replies[path] ?? { body: [] }
    }
  })
  const call = stage.call()
  await call.final
  while (stage.farCalls.length === 0) await new Promise(resolve => setImmediate(resolve))
  const person = stage.farCalls[0]!
  return {
    stage,
    sid: stage.standIn.requests[0]!.body['call_sid'],
    call,
    person,
    async press (digit) {
      const { headers, body } = digitInfo({ digit })
      t.equal((await person.send('INFO', { headers, body })).status, 200)
    },
    asked: async path => (await stage.standIn.received(request => request.path === path)).body,
    async result () {
      await stage.over()
      return lines(stage.standIn.requests).hooks.find(line => line.startsWith('/action'))
    }
  }
}

const gather = (more: object = {}) =>
  ({ verb: 'gather', input: ['digits'], numDigits: 1, actionHook: '/digit', ...more })
/** How long every recording of the double is, milliseconds. */
const PROMPT_MS = 3000
const PROMPT = { url: 'https://example.com/press-1.mp3' }
const accepts = { body: [{ verb: 'tag', data: {} }] }
const ACCEPTED = '/action A in-progress/200 dial completed/200'
const DECLINED = '/action A in-progress/200 dial in-progress/200'

await t.test('an empty reply accepts at once', async t => {
  const { stage, person, asked, result } = await screening(t, { '/confirm': { body: [] } })
  await asked('/confirm')
  while (stage.jambonz.talks().length === 0) await new Promise(resolve => setImmediate(resolve))
  await person.bye()
  t.equal(await result(), ACCEPTED)
})

await t.test("a target's own hook comes before the dial's, and verbs that cannot run there decline", async t => {
  const { stage, result } = await screening(t, { '/own': { body: [{ verb: 'sip:decline', status: 486 }] } }, {
    target: { confirmHook: '/own' }
  })
  t.equal(await result(), DECLINED)
  t.notOk(stage.standIn.requests.some(({ path }) => path === '/confirm'))
})

await t.test('a digit hook that fails declines, and a status event says so', async t => {
  const { stage, press, asked, result } = await screening(t, {
    '/confirm': { body: [gather(), { verb: 'hangup' }] },
    '/digit': { status: 500 }
  })
  await asked('/confirm')
  await press('1')
  t.equal(await result(), DECLINED)
  const failure = stage.standIn.requests.find(({ body }) => 'error' in body)
  t.match(failure, { path: '/status', body: { error: 'invalid actionHook response', parent_call_sid: String } })
})

await t.test('a digit ends the prompt, and without numDigits the timeout begins then', async t => {
  const clock = createTestClock()
  const { stage, person, press, asked, result } = await screening(t, {
    '/confirm': {
      body: [gather({ numDigits: undefined, minDigits: 1, timeout: 5, play: PROMPT }), { verb: 'hangup' }]
    },
    '/digit': accepts
  }, { clock })
  await asked('/confirm')
  for (const digit of ['4', '2']) await press(digit)
  await clock.pass(5000)
  t.match(await asked('/digit'), { digits: '42', reason: 'dtmfDetected' })
  while (stage.jambonz.talks().length === 0) await settle()
  await person.bye()
  t.equal(await result(), ACCEPTED)
})

await t.test('the timeout begins after the prompt, and without listening a digit in the prompt is lost', async t => {
  const clock = createTestClock()
  const { stage, press, asked, result } = await screening(t, {
    '/confirm': {
      body: [gather({ timeout: 5, play: PROMPT, listenDuringPrompt: false }), { verb: 'hangup' }]
    }
  }, { clock })
  await asked('/confirm')
  await press('1')
  await clock.pass(PROMPT_MS + 4999)
  t.notOk(stage.standIn.requests.some(({ path }) => path === '/digit'))
  await clock.pass(1)
  t.match(await asked('/digit'), { reason: 'timeout', call_status: 'in-progress' })
  t.equal(await result(), DECLINED)
})

await t.test('without speech credentials there is no prompt, and a digit still counts', async t => {
  const { stage, person, press, asked, result } = await screening(t, {
    '/confirm': { body: [gather({ say: { text: 'Press 1 to take the call.' } }), { verb: 'hangup' }] },
    '/digit': accepts
  }, { faults: { say: 'no-credentials' } })
  await asked('/confirm')
  await press('1')
  while (stage.jambonz.talks().length === 0) await settle()
  await person.bye()
  t.equal(await result(), ACCEPTED)
})

await t.test('verbs of the confirm hook run in order, and a person who is hung up on has declined', async t => {
  const clock = createTestClock()
  const { person, asked, result } = await screening(t, {
    '/confirm': { body: [{ verb: 'play', ...PROMPT }, { verb: 'pause', length: 2 }, { verb: 'hangup' }] }
  }, { clock })
  await asked('/confirm')
  await clock.pass(PROMPT_MS + 1999)
  t.equal(person.state, 'answered')
  await clock.pass(1)
  t.equal(await result(), DECLINED)
  t.equal(person.state, 'ended')
})

await t.test('a caller who is redirected leaves a gather that asks in vain at its timeout', async t => {
  const clock = createTestClock()
  const { stage, person, asked, sid } = await screening(t, {
    '/confirm': { body: [gather({ timeout: 5 }), { verb: 'hangup' }] },
    '/back': { body: [{ verb: 'pause', length: 60 }] },
    '/digit': accepts
  }, { clock })
  await asked('/confirm')
  const hungUp = new Promise(resolve => person.onBye(resolve))
  t.ok(stage.jambonz.update(sid, { call_hook: '/back' }))
  await hungUp
  t.match(await asked('/action'), { dial_call_status: 'completed', dial_sip_status: undefined })
  await clock.pass(5000)
  t.match(await asked('/digit'), { reason: 'timeout', call_status: 'completed' })
  t.equal(stage.jambonz.talks().length, 0)
  t.ok(stage.jambonz.update(sid, { call_status: 'completed' }))
  await stage.over()
})

await t.test('when the caller is gone, the gather asks nobody any more', async t => {
  const clock = createTestClock()
  const { stage, call, asked, result } = await screening(t, {
    '/confirm': { body: [gather({ timeout: 5 }), { verb: 'hangup' }] }
  }, { clock })
  await asked('/confirm')
  await call.bye()
  t.equal(await result(), '/action A completed/200 dial completed/undefined')
  await clock.pass(60_000)
  t.notOk(stage.standIn.requests.some(({ path }) => path === '/digit'))
  t.same(stage.jambonz.alerts, [])
})
