import t from 'tap'
import { speakingMs } from '../../src/sandbox/jambonz/announce.ts'
import { dialVerbs, lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Reply, Stage } from '../fixtures/jambonz/stand-in.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const TEXT = 'Nobody is here. Please call again tomorrow.'

type At = { url: string, farHost: string }

const say = { verb: 'say', text: TEXT }
const play = { verb: 'play', url: 'https://example.com/closed.wav' }
const redirect = (at: At) => ({ verb: 'redirect', id: 'attempt-1', actionHook: `${at.url}/action` })
const hangup = { verb: 'hangup' }
const answers = (verbs: (at: At) => object[], action: (at: At) => Reply = () => ({ body: [] })) =>
  ({ path }: Received, at: At): Reply => {
    if (path === '/livekit-api') return { body: verbs(at) }
    return path === '/action' ? action(at) : {}
  }
const answered = ({ path, body }: Received) => path === '/status' && body['call_status'] === 'in-progress'

/** Calls, and hangs up when the other side does. */
async function callToTheEnd (stage: Stage): Promise<number> {
  const { status } = await stage.call().final
  await stage.over()
  return status
}

for (const [name, verb, ms] of [['say', say, speakingMs(TEXT)], ['play', play, 3000]] as const) {
  await t.test(`${name} answers the caller, lasts its time, and then the redirect asks`, async t => {
    const clock = createTestClock()
    const stage = await setStage(t, {
      double: { clock },
      reply: answers(at => [verb, redirect(at), hangup])
    })
    t.equal((await stage.call().final).status, 200)
    await stage.standIn.received(answered)
    await clock.pass(ms - 1)
    t.notOk(stage.standIn.requests.some(({ path }) => path === '/action'), 'not before its time')
    await clock.pass(1)
    const { body } = await stage.standIn.received(({ path }) => path === '/action')
    t.match(body, { call_status: 'in-progress', sip_status: 200, verb_id: 'attempt-1', direction: 'inbound' })
    t.notOk('dial_call_status' in body)
    await stage.over()
    t.same(lines(stage.standIn.requests).statuses, [
      '/status A trying/100',
      '/status A in-progress/200',
      '/status A completed/200'
    ])
    const last = stage.standIn.requests.findLast(({ path }) => path === '/status')
    t.equal(last?.body['call_termination_by'], 'jambonz')
  })

  await t.test(`a caller who hangs up during ${name} is asked nothing more`, async t => {
    const stage = await setStage(t, {
      double: { clock: createTestClock() },
      reply: answers(at => [verb, redirect(at), hangup])
    })
    const call = stage.call()
    await stage.standIn.received(answered)
    await call.bye()
    await stage.over()
    t.same(lines(stage.standIn.requests).hooks, ['/livekit-api A trying/100'])
    const last = stage.standIn.requests.findLast(({ path }) => path === '/status')
    t.match(last?.body, { call_status: 'completed', call_termination_by: 'caller' })
  })
}

await t.test('the reply of a redirect replaces the verbs, an empty one does not', async t => {
  const stage = await setStage(t, {
    double: { faults: { say: 'no-credentials' } },
    farEnd: call => call.respond(404),
    reply: ({ path, url }, at) => {
      if (path === '/livekit-api') return { body: [say, redirect(at), hangup] }
      if (url === '/action') return { body: dialVerbs(at, { actionHook: `${at.url}/action?attempt=2` }) }
      return { body: [] }
    }
  })
  t.equal(await callToTheEnd(stage), 200)
  t.same(lines(stage.standIn.requests).hooks, [
    '/livekit-api A trying/100',
    '/action A in-progress/200 dial undefined/undefined',
    '/action A in-progress/200 dial failed/404'
  ])
  t.equal(
    lines(stage.standIn.requests).statuses.at(-1),
    '/status A completed/200',
    'the decline behind the dial is skipped, and the call ends with a BYE'
  )
})

await t.test('a redirect that fails, or replies with invalid verbs, ends the verbs', async t => {
  for (const reply of [{ status: 500 }, { body: [{ verb: 'hangup', foo: 1 }] }]) {
    const stage = await setStage(t, {
      double: { faults: { say: 'no-credentials' } },
      reply: answers(at => [say, redirect(at), { verb: 'pause', length: 60 }], () => reply)
    })
    t.equal(await callToTheEnd(stage), 200)
    t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A completed/200', 'at once, without the pause')
  }
})

await t.test('a redirect to another host asks without credentials from then on', async t => {
  const stage = await setStage(t, {
    double: { basic: { username: 'u', password: 'p' }, faults: { say: 'no-credentials' } },
    reply: ({ path }, at) => {
      // The same server under another name.
      const actionHook = `${at.url.replace('127.0.0.1', 'localhost')}/action`
      if (path === '/livekit-api') return { body: [say, { verb: 'redirect', actionHook }] }
      return { body: path === '/action' ? [{ verb: 'redirect', actionHook: '/next' }] : [] }
    }
  })
  await callToTheEnd(stage)
  const asked = stage.standIn.requests.filter(({ path }) => path !== '/status')
  t.same(asked.map(({ path, headers }) => [path, String(headers['host']).split(':')[0], headers['authorization']]), [
    ['/livekit-api', '127.0.0.1', 'Basic dTpw'],
    ['/action', 'localhost', undefined],
    ['/next', 'localhost', undefined]
  ])
  t.ok(asked.every(({ headers }) => headers['jambonz-signature']), 'but signed')
})

await t.test('an announcement that fails', async t => {
  const cases = [
    [say, { say: 'no-credentials' }, ['/livekit-api', '/action'], 'without speech credentials the next verb runs'],
    [say, { say: 'error' }, ['/livekit-api'], 'when the media server fails, no verb runs any more'],
    [play, { play: 'not-found' }, ['/livekit-api', '/action'], 'without a file the next verb runs']
  ] as const
  for (const [verb, faults, paths, says] of cases) {
    const stage = await setStage(t, { double: { faults }, reply: answers(at => [verb, redirect(at), hangup]) })
    t.equal(await callToTheEnd(stage), 200, 'the caller was answered before')
    t.same(stage.standIn.requests.filter(({ path }) => path !== '/status').map(({ path }) => path), paths, says)
    t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A completed/200')
  }
})

await t.test('without a media server nobody is answered', async t => {
  const cases: [string, (at: At) => object[], number, string][] = [
    ['the hang-up is skipped, and the 480 is told to nobody', () => [say, hangup], 480, '/status A trying/100'],
    [
      'a decline behind the hang-up tells it',
      () => [play, hangup, { verb: 'sip:decline', status: 503, reason: 'Service Unavailable' }],
      503,
      '/status A failed/503'
    ]
  ]
  for (const [says, verbs, status, last] of cases) {
    const stage = await setStage(t, { double: { faults: { noMediaServer: true } }, reply: answers(verbs) })
    t.equal(await callToTheEnd(stage), status, says)
    t.equal(lines(stage.standIn.requests).statuses.at(-1), last)
  }
})

await t.test('a decline after the answer is skipped', async t => {
  const stage = await setStage(t, {
    double: { faults: { say: 'no-credentials' } },
    reply: answers(at => [say, { verb: 'sip:decline', status: 603, reason: 'Decline' }, redirect(at)])
  })
  t.equal(await callToTheEnd(stage), 200)
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/action A in-progress/200 dial undefined/undefined')
})

await t.test('a dial after an announcement connects the caller, who is answered already', async t => {
  const stage = await setStage(t, {
    double: { faults: { say: 'no-credentials', mediaDelayMs: 1 } },
    farEnd: call => {
      call.respond(180)
      call.respond(200, 'OK', { body: 'v=0\r\n' })
    },
    reply: answers(at => [say, ...dialVerbs(at)])
  })
  const call = stage.call()
  await stage.standIn.received(({ body }) => 'parent_call_sid' in body && body['call_status'] === 'in-progress')
  await call.bye()
  await stage.over()
  t.same(lines(stage.standIn.requests).statuses.filter(line => line.includes(' A ')), [
    '/status A trying/100',
    '/status A in-progress/200',
    '/status A completed/200'
  ], 'one answer, reported once')
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/action A completed/200 dial completed/200')
})
