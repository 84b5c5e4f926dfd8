import t from 'tap'
import { digitIn } from '../../src/sandbox/jambonz/dtmf.ts'
import type { IncomingCall } from '../../src/sip/user-agent.ts'
import { dialVerbs, lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received, Reply, Stage } from '../fixtures/jambonz/stand-in.ts'
import { settle } from '../fixtures/test-clock.ts'

/*
 * What live call control does to a call that talks. The recorded transfers are played in
 * jambonz-transfer-recordings.test.ts.
 */

const answers = (call: IncomingCall) => {
  call.respond(180)
  call.respond(200, 'OK', { body: 'v=0\r\n' })
}
const isConnected = ({ path, body }: Received) =>
  path === '/status' && !('parent_call_sid' in body) && body['call_status'] === 'in-progress'

async function update (stage: Stage, sid: string, body: object): Promise<Response> {
  const { restUrl, accountSid, apiKey } = stage.jambonz
  return await fetch(`${restUrl}/Accounts/${accountSid}/Calls/${sid}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
}

/** A caller who talks with the far end. `replies` are those of the hooks, by path. */
async function talking (t: Parameters<typeof setStage>[0], replies: (at: { url: string, farHost: string }) =>
Record<string, Reply>) {
  const stage = await setStage(t, {
    farEnd: answers,
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at) } : replies(at)[path] ?? { body: [] }
  })
  const call = stage.call()
  const { body } = await stage.standIn.received(isConnected)
  const redirect = (path = '/redirect') => update(stage, body['call_sid'], { call_hook: stage.standIn.url + path })
  return { stage, call, sid: body['call_sid'] as string, redirect }
}

await t.test('an empty list ends the call, although verbs remain and the action hook replies with others', async t => {
  const { stage, call, redirect } = await talking(t, at => ({
    '/redirect': { body: [] },
    '/action': { body: dialVerbs(at, { id: 'again' }) }
  }))
  const hungUp = new Promise(resolve => call.onBye(resolve))
  t.equal((await redirect()).status, 202)
  await hungUp
  await stage.over()
  t.equal(stage.farCalls.length, 1, 'nobody is dialled again')
  t.same(lines(stage.standIn.requests).statuses.slice(-2), ['/status B completed/200', '/status A completed/200'])
  t.equal(lines(stage.standIn.requests).hooks.at(-1), '/action A in-progress/200 dial completed/200')
})

await t.test('a reply that is no list stops the dial, whose action hook says what comes next', async t => {
  const { stage, call, redirect } = await talking(t, at => ({
    '/redirect': { body: 'thanks', type: 'text/plain' },
    '/action': { body: dialVerbs(at, { id: 'again', actionHook: `${at.url}/second-action` }) }
  }))
  await redirect()
  await stage.standIn.received(({ body }) => body['verb_id'] === 'livekit-dial')
  const connected = () => stage.jambonz.talks().length === 1 && stage.farCalls.length === 2
  while (!connected()) await settle()
  await call.bye()
  await stage.over()
  t.equal(stage.standIn.requests.find(({ path }) => path === '/second-action')?.body['verb_id'], 'again')
})

await t.test('a redirect hook that fails or replies with invalid verbs changes nothing', async t => {
  const { stage, call, redirect } = await talking(t, () => ({
    '/redirect': { status: 500 },
    '/invalid': { body: [{ verb: 'dial' }] }
  }))
  for (const path of ['/redirect', '/invalid']) {
    t.equal((await redirect(path)).status, 202)
    await stage.standIn.received(request => request.path === path)
  }
  t.equal((await update(stage, 'ffffffff-ffff-4fff-8fff-ffffffffffff', { call_hook: '/x' })).status, 404)
  t.equal(stage.jambonz.talks().length, 1)
  t.match(stage.jambonz.alerts, [{ hook: `${stage.standIn.url}/redirect`, status: 500 }])
  await call.bye()
  await stage.over()
  t.equal(stage.farCalls.length, 1)
})

await t.test('of two redirects at once the second hook waits for the first, and the last one wins', async t => {
  let release = (): void => {}
  const after = new Promise<void>(resolve => {
    release = resolve
  })
  const { stage, call, redirect } = await talking(t, at => ({
    '/first': { body: dialVerbs(at, { id: 'first' }), after },
    '/second': { body: dialVerbs(at, { id: 'second' }) }
  }))
  await redirect('/first')
  await redirect('/second')
  await stage.standIn.received(({ path }) => path === '/first')
  t.notOk(stage.standIn.requests.some(({ path }) => path === '/second'), 'one hook at a time')
  t.equal(stage.jambonz.talks().length, 1, 'the agent is there meanwhile')
  release()
  await stage.standIn.received(({ path }) => path === '/second')
  while (stage.farCalls.length < 2 || stage.jambonz.talks().length < 1) await settle()
  await call.bye()
  await stage.over()
  t.equal(stage.farCalls.length, 2, 'one new leg')
  const actions = stage.standIn.requests.filter(({ path }) => path === '/action').map(({ body }) => body['verb_id'])
  t.same(actions, ['livekit-dial', 'second'])
})

await t.test('a redirect hook may transfer the caller by REFER, after the agent has left', async t => {
  const { stage, call, redirect } = await talking(t, at => ({
    '/redirect': {
      body: [{ verb: 'sip:refer', referTo: '+15559998888', actionHook: `${at.url}/refer-complete` }, { verb: 'hangup' }]
    }
  }))
  let referred: string[] = []
  call.onRefer(({ headers }) => {
    referred = headers.filter(({ name }) => /^refer/i.test(name)).map(({ value }) => value)
    setImmediate(() => {
      call.send('NOTIFY', { headers: { Event: 'refer' }, body: 'SIP/2.0 200 OK\r\n' }).catch(t.threw)
    })
    return { status: 202 }
  })
  await redirect()
  await stage.over()
  t.match(referred, ['<sip:+15559998888@127.0.0.1>', '<sip:+15550001111@127.0.0.1>'])
  t.same(lines(stage.standIn.requests).hooks.slice(1), [
    '/redirect A in-progress/200',
    '/action A in-progress/200 dial completed/200',
    '/refer-complete A in-progress/200 refer 202/200'
  ])
})

await t.test('a call that Jambonz has placed and that still rings is given up by a redirect', async t => {
  const gateways: Record<string, string> = {}
  const stage = await setStage(t, {
    double: { gateways },
    reply: ({ path }, at) => ({ body: path === '/redirect' ? dialVerbs(at) : [] })
  })
  gateways['carrier'] = `${stage.caller.host}:${stage.caller.port}`
  const cancelled = new Promise(resolve => {
    stage.caller.onInvite(call => {
      call.onCancel(resolve)
      call.respond(180)
    })
  })
  const { sid } = await stage.jambonz.createCall({ from: '+1', to: { type: 'phone', number: '+15550003333' } })
  await stage.standIn.received(({ body }) => body['call_status'] === 'ringing')
  t.equal((await update(stage, sid, { call_hook: `${stage.standIn.url}/redirect` })).status, 202)
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/redirect A ringing/180'],
    statuses: ['/status A trying/100', '/status A ringing/180', '/status A no-answer/487']
  })
  t.equal(stage.farCalls.length, 0)
  await cancelled
})

await t.test('digits of live call control sound at the phone, one a request and in order', async t => {
  const { stage, call, sid } = await talking(t, () => ({}))
  const heard: (string | undefined)[] = []
  call.onInfo(info => heard.push(digitIn(info)))
  for (const digit of ['4', '11', '#', 'A', '*', '0']) {
    const answer = await update(stage, sid, { dtmf: { digit, duration: 100 } })
    t.same([answer.status, await answer.text()], [202, 'Accepted'])
  }
  for (const dtmf of [{}, { duration: 100 }]) {
    const answer = await update(stage, sid, { dtmf })
    t.same([answer.status, await answer.json()], [400, { msg: 'invalid dtmf' }])
  }
  while (heard.length < 5) await settle()
  await call.bye()
  await stage.over()
  t.same(heard, ['4', '1', '#', '*', '0'])
})

await t.test('a phone that was not answered gets no digit', async t => {
  const stage = await setStage(t, {
    farEnd: call => call.respond(180),
    reply: ({ path }, at) => ({ body: path === '/livekit-api' ? dialVerbs(at) : [] })
  })
  const call = stage.call()
  call.onInfo(() => t.fail('a digit'))
  const { body } = await stage.standIn.received(({ body }) => body['call_status'] === 'ringing')
  t.equal((await update(stage, body['parent_call_sid'], { dtmf: { digit: '1' } })).status, 202)
  call.cancel()
  await stage.over()
})
