import { createHmac } from 'node:crypto'
import t from 'tap'
import type { Step } from '../../src/ladder/trace.ts'
import { dialVerbs, lines, setStage } from '../fixtures/jambonz/stand-in.ts'
import type { Received } from '../fixtures/jambonz/stand-in.ts'

const status = (leg: 'A' | 'B', callStatus: string) => ({ path, body }: Received) =>
  path === '/status' && ('parent_call_sid' in body ? 'B' : 'A') === leg && body['call_status'] === callStatus

await t.test('hooks are signed over the raw body, and all but status events carry Basic credentials', async t => {
  const stage = await setStage(t, {
    double: { basic: { username: 'u', password: 'p' }, envVars: { LIVEKIT_AGENT_NAME: 'greeter' } },
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at) } : {}
  })
  await stage.call().final
  await stage.over()
  for (const { path, raw, headers } of stage.standIn.requests) {
    const [, time = '', digest] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['jambonz-signature'])) ?? []
    t.equal(digest, createHmac('sha256', 'wh_secret_abc').update(`${time}.${raw}`).digest('hex'), `${path} is signed`)
    t.equal(headers['user-agent'], 'jambonz')
    t.equal(headers['content-type'], 'application/json')
    t.equal(headers['authorization'], path === '/status' ? undefined : 'Basic dTpw', path)
  }
  const [hook] = stage.standIn.requests
  t.same(hook?.body['env_vars'], { LIVEKIT_AGENT_NAME: 'greeter' })
  t.equal(hook?.body['caller_name'], '"Alice"')
  t.match(hook?.body['sip'], { method: 'INVITE', headers: { 'X-CID': String, from: /Alice/ } })
  const again = stage.standIn.requests.filter(({ body }) => 'env_vars' in body)
  t.equal(again.length, 1, 'variables come with the call hook only')
})

await t.test('a call hook without valid verbs gives the caller a 480 and sends no event', async t => {
  const replies: [string, object][] = [
    ['an object instead of an array', { body: { verb: 'hangup' } }],
    ['an unknown property', { body: [{ verb: 'dial', target: [], foo: 1 }] }],
    ['text', { body: 'ok', type: 'text/plain' }],
    ['an empty JSON body', { body: '', type: 'application/json' }],
    ['nothing in time', { after: new Promise(() => {}) }],
    ['a redirect', { status: 302 }]
  ]
  for (const [says, reply] of replies) {
    await t.test(says, async t => {
      const stage = await setStage(t, { reply: () => reply, double: { httpTimeoutMs: 300 } })
      const final = await stage.call().final
      t.equal(final.status, 480)
      await stage.over()
      t.same(lines(stage.standIn.requests), { hooks: ['/livekit-api A trying/100'], statuses: [] })
      t.ok(stage.jambonz.alerts.length > 0, 'an alert')
      t.ok(stage.jambonz.calls()[0]?.ended)
    })
  }
})

await t.test('without a decline after the dial the caller gets 603, which no status event reports', async t => {
  const stage = await setStage(t, {
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at).slice(0, 1) } : { body: [] }
  })
  t.equal((await stage.call().final).status, 603)
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/livekit-api A trying/100', '/action A trying/100 dial busy/486'],
    statuses: ['/status A trying/100', '/status B trying/100', '/status B busy/486']
  })
})

await t.test('after a failed action hook and its retries, the decline runs', async t => {
  let tries = 0
  const stage = await setStage(t, {
    reply (received, at) {
      if (received.path === '/livekit-api') {
        return { body: dialVerbs(at, { actionHook: `${at.url}/action#rc=1&rp=all` }) }
      }
      if (received.path === '/action') return { status: ++tries < 3 ? 500 : 200 }
      return {}
    }
  })
  t.equal((await stage.call().final).status, 480)
  await stage.over()
  t.equal(tries, 2, 'once more, and not again')
  t.same(
    stage.standIn.requests.filter(({ path }) => path === '/action').map(({ url }) => url),
    ['/action', '/action'],
    'the hash stays off the wire'
  )
  t.equal(lines(stage.standIn.requests).statuses.at(-1), '/status A failed/480')
})

await t.test('a relative hook loses the path prefix of the call hook', async t => {
  const stage = await setStage(t, {
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at, { actionHook: '/action?x=1' }) } : {}
  })
  await stage.call().final
  const { url } = await stage.standIn.received(({ path }) => path === '/action')
  t.equal(url, '/action?x=1')
})

await t.test('a far end that answers CANCEL late causes a stale action hook and no last status event', async t => {
  const stage = await setStage(t, {
    double: { faults: { staleAfterCancel: true } },
    farEnd: call => {
      call.ignoreCancel()
      call.respond(180)
    },
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at) } : { body: [] }
  })
  const call = stage.call()
  await stage.standIn.received(status('B', 'ringing'))
  call.cancel()
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/livekit-api A trying/100', '/action A no-answer/487 dial ringing/180'],
    statuses: ['/status A trying/100', '/status B trying/100', '/status B ringing/180', '/status A no-answer/487']
  })
})

await t.test('when the caller gives up before the INVITE, the action hook has no dial fields', async t => {
  const stage = await setStage(t, {
    double: { faults: { mediaDelayMs: 50 } },
    reply: ({ path }, at) => path === '/livekit-api' ? { body: dialVerbs(at) } : { body: [] }
  })
  const call = stage.call()
  await stage.standIn.received(status('A', 'trying'))
  call.cancel()
  await stage.over()
  t.same(lines(stage.standIn.requests).hooks, [
    '/livekit-api A trying/100',
    '/action A no-answer/487 dial undefined/undefined'
  ])
  t.equal(stage.farCalls.length, 0)
})

await t.test('without a media server the decline runs, and no action hook is sent', async t => {
  const stage = await setStage(t, {
    double: { faults: { noMediaServer: true } },
    reply: (_received, at) => ({ body: dialVerbs(at) })
  })
  t.equal((await stage.call().final).status, 480)
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/livekit-api A trying/100'],
    statuses: ['/status A trying/100', '/status A failed/480']
  })
})

await t.test('a caller without a telephone codec gets 488, without an agent leg and an action hook', async t => {
  const stage = await setStage(t, { reply: (_received, at) => ({ body: dialVerbs(at) }) })
  const body = 'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 9 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n'
  t.equal((await stage.call({ body }).final).status, 488)
  await stage.over()
  t.same(lines(stage.standIn.requests), {
    hooks: ['/livekit-api A trying/100'],
    statuses: ['/status A trying/100', '/status A failed/488']
  })
})

await t.test('when nothing listens at the SIP host, the dial fails with 503 and has no dial_sbc_callid', async t => {
  const stage = await setStage(t, {
    reply: ({ path }, at) =>
      path === '/livekit-api'
        ? { body: dialVerbs(at, { target: [{ type: 'sip', sipUri: 'sip:token@127.0.0.1:1;transport=tcp' }] }) }
        : { body: [] }
  })
  t.equal((await stage.call().final).status, 480)
  await stage.over()
  t.equal(lines(stage.standIn.requests).hooks[1], '/action A trying/100 dial failed/503')
  t.notOk('dial_sbc_callid' in (stage.standIn.requests.find(({ path }) => path === '/action')?.body ?? {}))
})

await t.test('status events wait for each other, and the action hook does not wait for them', async t => {
  let release = () => {}
  const slow = new Promise<void>(resolve => {
    release = resolve
  })
  const stage = await setStage(t, {
    reply: ({ path }, at) =>
      path === '/status' ? { after: slow } : { body: path === '/livekit-api' ? dialVerbs(at) : [] }
  })
  const call = stage.call()
  await stage.standIn.received(({ path }) => path === '/action')
  t.equal(stage.standIn.requests.filter(({ path }) => path === '/status').length, 1)
  release()
  await call.final
  await stage.over()
  t.same(lines(stage.standIn.requests).statuses, [
    '/status A trying/100',
    '/status B trying/100',
    '/status B busy/486',
    '/status A failed/480'
  ])
})

await t.test(
  'the agent leg gets the headers and the caller ID of the verb, and a phone number goes to the gateway of its trunk',
  async t => {
    const gateways: Record<string, string> = {}
    const stage = await setStage(t, {
      double: { gateways },
      reply: ({ path }, at) =>
        path === '/livekit-api'
          ? {
              body: dialVerbs(at, {
                callerId: '+15557770000',
                target: [{ type: 'phone', number: '+15551230000', trunk: 'livekit' }]
              })
            }
          : {}
    })
    gateways['livekit'] = stage.farHost
    await stage.call({ headers: { 'P-Asserted-Identity': '<sip:+15550001111@carrier.example>' } }).final
    await stage.over()
    const invite = stage.farCalls[0]?.request
    t.equal(invite?.uri, `sip:+15551230000@${stage.farHost}`)
    const header = (name: string) => invite?.headers.find(h => h.name === name)?.value
    t.match(header('From'), /sip:\+15557770000@/)
    t.equal(header('X-LK-Call'), 'abc')
    t.equal(header('P-Asserted-Identity'), '<sip:+15550001111@carrier.example>')
    const leg = stage.standIn.requests.find(status('B', 'trying'))?.body
    t.equal(leg?.['caller_id'], '+15550001111', 'the asserted identity takes precedence')
    t.equal(leg?.['call_sid'], header('X-Call-Sid'))
    t.equal(leg?.['to'], '+15551230000')
  }
)

await t.test('the trace contains SIP messages and hooks, and never a whole token', async t => {
  const steps: Step[] = []
  const stage = await setStage(t, {
    double: { trace: step => steps.push(step) },
    reply: ({ path }, at) => ({ body: path === '/livekit-api' ? dialVerbs(at) : [] })
  })
  await stage.call().final
  await stage.over()
  const told = steps.map(({ from, to, what }) => `${from} → ${to}: ${what}`)
  t.equal(told[0], 'caller → jambonz: INVITE')
  for (
    const expected of [
      'jambonz → bridge: POST /livekit-api',
      `bridge → jambonz: 200 dial sip:cfc…@${stage.farHost}, sip:decline 480`,
      'jambonz → caller: 183 Session Progress',
      'jambonz → bridge: POST /status agent-leg busy',
      'jambonz → bridge: POST /action busy',
      'jambonz → caller: 480 Agent Unavailable'
    ]
  ) t.ok(told.includes(expected), expected)
  t.notMatch(told.join('\n'), /cfc5b2de/)
})
