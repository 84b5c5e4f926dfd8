import { createHmac } from 'node:crypto'
import { callHook, callerStatus, SECRET, sign, type TestBridge } from '../fixtures/build.ts'
import { bridgeTest, counted, declined, kept } from '../routes/support.ts'

const HOOKS = [
  ['/livekit-api', 'call-hook'],
  ['/action', 'action'],
  ['/status', 'status'],
  ['/call-status', 'status'],
  ['/refer', 'refer'],
  ['/refer-complete', 'refer-complete']
] as const
const body = () => ({ ...callHook(), call_status: 'in-progress', refer_details: { refer_to_user: '+15559998888' } })
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
})

const refusedIn = async (bridge: TestBridge) => {
  const counts = await Promise.all(
    [...new Set(HOOKS.map(([, operation]) => operation))].map(operation =>
      counted(bridge, `bridge_authentication_refused_total{operation="${operation}"}`)
    )
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

await bridgeTest(
  'without a valid signature: 401 on every hook, nothing is stored, and it is counted',
  async (t, bridge) => {
    const now = bridge.clock.now()
    const seconds = Math.floor(now / 1000)
    for (const [url, operation] of HOOKS) {
      const raw = JSON.stringify(body())
      const good = sign(raw, SECRET, now)
      const hex = good.split('v1=')[1]!
      const wrong: Record<string, Record<string, string>> = {
        none: {},
        empty: { 'jambonz-signature': '' },
        'of another secret': { 'jambonz-signature': sign(raw, 'other', now) },
        'of another body': { 'jambonz-signature': sign(`${raw} `, SECRET, now) },
        'of the body alone': {
          'jambonz-signature': `t=${seconds},v1=${createHmac('sha256', SECRET).update(raw).digest('hex')}`
        },
        'without time': { 'jambonz-signature': `v1=${hex}` },
        'with another time': { 'jambonz-signature': `t=${seconds + 1},v1=${hex}` },
        'with a time that is no number': { 'jambonz-signature': `t=NaN,v1=${hex}` },
        'without hash': { 'jambonz-signature': `t=${seconds}` },
        'cut short': { 'jambonz-signature': good.slice(0, -2) },
        'of an unknown version': { 'jambonz-signature': `t=${seconds},v0=${hex}` },
        'too old': { 'jambonz-signature': sign(raw, SECRET, now - 302_000) },
        'too far ahead': { 'jambonz-signature': sign(raw, SECRET, now + 302_000) },
        'Basic alone': basic('jambonz', SECRET)
      }
      const before = await counted(bridge, `bridge_authentication_refused_total{operation="${operation}"}`)
      for (const [says, headers] of Object.entries(wrong)) {
        const reply = await bridge.hook(url, raw, { unsigned: true, headers })
        t.equal(reply.status, 401, `${url}: ${says}`)
        t.strictSame(reply.json, {
          statusCode: 401,
          code: 'BRIDGE_UNAUTHORIZED',
          error: 'Unauthorized',
          message: 'Unauthorized'
        }, 'says nothing about what was wrong')
      }
      t.equal(
        await counted(bridge, `bridge_authentication_refused_total{operation="${operation}"}`),
        before + Object.keys(wrong).length,
        `${url}: counted`
      )
    }
    t.equal(await kept(bridge), 0, 'nothing is stored')
    t.same(
      bridge.rooms.log.filter(entry => !/^(ping|list) $/.test(entry)),
      [],
      'LiveKit is not asked, but what every start asks'
    )
  }
)

await bridgeTest(
  'authentication comes before everything else: a bad body without signature is 401 too',
  async (t, bridge) => {
    for (const [url] of HOOKS) {
      for (const raw of ['', '{', '[]', '{"call_sid":5}']) {
        t.equal(
          (await bridge.hook(url, raw, { unsigned: true })).status,
          401,
          `${url} ${raw}`
        )
      }
    }
    const before = await counted(bridge, 'bridge_authentication_refused_total{operation="call-hook"}')
    const types = ['text/plain', 'application/xml', 'nonsense', ';', '']
    for (const type of types) {
      t.equal(
        (await bridge.hook('/livekit-api', callHook(), { unsigned: true, headers: { 'content-type': type } })).status,
        401,
        `content type ${JSON.stringify(type)}`
      )
    }
    t.equal(
      await counted(bridge, 'bridge_authentication_refused_total{operation="call-hook"}'),
      before + types.length,
      'counted, whatever the content type'
    )
    t.equal(await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}'), 0)
  }
)

await bridgeTest('a signature within five minutes of our clock is taken', async (t, bridge) => {
  for (const ms of [-299_000, 0, 299_000]) {
    const raw = JSON.stringify(callHook())
    t.equal(
      (await bridge.hook('/livekit-api', raw, {
        unsigned: true,
        headers: { 'jambonz-signature': sign(raw, SECRET, bridge.clock.now() + ms) }
      })).json[0].verb,
      'dial',
      `${ms} ms`
    )
  }
})

await bridgeTest('what is signed are the raw bytes', async (t, bridge) => {
  const { call_sid: sid, ...rest } = callHook({ caller_name: 'Zoë ☎ 山田', from: '+15550001111' })
  const spellings = {
    'unusual whitespace': `\n\t${JSON.stringify({ ...rest, call_sid: sid }, null, '\t')}\r\n`,
    'other order of keys': JSON.stringify({ zz: 1, call_sid: sid, ...rest, aa: 2 }),
    'escaped unicode': JSON.stringify({ ...rest, call_sid: sid, n: 1 }).replace(
      /[^ -~]/g,
      character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    ),
    'numbers in other spellings': JSON.stringify({ ...rest, call_sid: sid }).replace(
      '"sip_status":100',
      '"sip_status":1.0e2'
    ),
    'a property twice': JSON.stringify({ ...rest, call_sid: sid }).replace('{', '{"call_status":"ringing",')
  }
  for (const [says, raw] of Object.entries(spellings)) {
    const reply = await bridge.hook('/livekit-api', raw)
    t.equal(reply.status, 200, says)
    t.equal(reply.json[0].verb, 'dial', says)
    t.equal(
      (await bridge.hook('/livekit-api', `${JSON.stringify(JSON.parse(raw))} `, {
        unsigned: true,
        headers: { 'jambonz-signature': sign(raw, SECRET, bridge.clock.now()) }
      })).status,
      401,
      `${says}: the same data in other bytes is not what was signed`
    )
  }
  const bytes = Buffer.concat([
    Buffer.from('{"caller_name":"'),
    Buffer.from([0xff, 0xfe]),
    Buffer.from(`",${JSON.stringify({ ...rest, call_sid: sid }).slice(1)}`)
  ])
  const signature = createHmac('sha256', SECRET).update(`${Math.floor(bridge.clock.now() / 1000)}.`).update(bytes)
    .digest('hex')
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/livekit-api',
    headers: {
      'content-type': 'application/json',
      'jambonz-signature': `t=${Math.floor(bridge.clock.now() / 1000)},v1=${signature}`
    },
    payload: bytes
  })
  t.equal(reply.statusCode, 200, 'bytes that are no UTF-8')
  t.equal(reply.json()[0].verb, 'dial')
})

await bridgeTest('several secrets, while they are rotated', async (t, bridge) => {
  for (const secret of ['old-secret', 'new-secret']) {
    t.equal((await bridge.hook('/livekit-api', callHook(), { secret })).status, 200, secret)
  }
  for (const secret of ['', 'other', 'old-secret,new-secret', 'old-secret, new-secret']) {
    t.equal((await bridge.hook('/livekit-api', callHook(), { secret })).status, 401, JSON.stringify(secret))
  }
  const raw = JSON.stringify(callHook())
  const [stranger, ours] = ['other', 'new-secret'].map(secret => sign(raw, secret, bridge.clock.now()))
  t.equal(
    (await bridge.hook('/livekit-api', raw, {
      unsigned: true,
      headers: { 'jambonz-signature': `${stranger},${ours!.split(',')[1]}` }
    })).status,
    200,
    'one valid hash of several in the header'
  )
}, { JAMBONZ_WEBHOOK_SECRET: 'old-secret, new-secret' })

await bridgeTest('Basic alone is checked on every hook', async (t, bridge) => {
  for (const [url] of HOOKS) {
    t.equal(
      (await bridge.hook(url, body(), { unsigned: true, headers: basic('jambonz', 'päss:word') })).status === 401,
      false,
      `${url}: right`
    )
    const wrong = [
      {},
      basic('jambonz', 'other'),
      basic('other', 'päss:word'),
      basic('', ''),
      { authorization: 'Basic' },
      { authorization: 'Basic !!!' },
      { authorization: `Bearer ${basic('jambonz', 'päss:word').authorization.slice(6)}` },
      { authorization: 'jambonz:päss:word' }
    ]
    for (const headers of wrong) {
      t.equal(
        (await bridge.hook(url, body(), { unsigned: true, headers: headers as Record<string, string> })).status,
        401,
        `${url}: ${JSON.stringify(headers)}`
      )
    }
  }
  t.equal(await refusedIn(bridge), HOOKS.length * 8)
}, { JAMBONZ_WEBHOOK_SECRET: '', HTTP_USERNAME: 'jambonz', HTTP_PASSWORD: 'päss:word' })

await bridgeTest(
  'Basic and a secret: both, but for the status hook, which has credentials of its own',
  async (t, bridge) => {
    const headers = basic('jambonz', 'password')
    for (const [url, operation] of HOOKS) {
      t.equal((await bridge.hook(url, body())).status === 401, operation !== 'status', `${url}: signature alone`)
      t.equal(
        (await bridge.hook(url, body(), { headers: basic('someone', 'else') })).status === 401,
        operation !== 'status',
        `${url}: signature and other credentials`
      )
      t.equal((await bridge.hook(url, body(), { unsigned: true, headers })).status, 401, `${url}: Basic alone`)
      t.not((await bridge.hook(url, body(), { headers })).status, 401, `${url}: both`)
    }
  },
  { HTTP_USERNAME: 'jambonz', HTTP_PASSWORD: 'password' }
)

await bridgeTest('without any authentication only where that was asked for', async (t, bridge) => {
  t.equal((await bridge.hook('/livekit-api', callHook(), { unsigned: true })).json[0].verb, 'dial')
}, { JAMBONZ_WEBHOOK_SECRET: '', ALLOW_UNSIGNED_HOOKS: 'true' })

await bridgeTest(
  'authenticated, but no JSON: a decline from the call hook, no verbs or nothing from the others',
  async (t, bridge) => {
    const texts = [
      '',
      ' ',
      '{',
      '{"call_sid":',
      'call_sid=x&from=%2B15550001111',
      '<xml/>',
      '\u0000',
      '{"from":"+15550001111"'
    ]
    for (const raw of texts) {
      const reply = await bridge.hook('/livekit-api', raw)
      t.equal(reply.status, 200)
      t.equal(declined(reply), '400 Bad Request', JSON.stringify(raw))
    }
    t.equal(await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}'), texts.length)
    for (const [url, operation] of HOOKS.slice(1)) {
      const before = await counted(bridge, `bridge_bad_input_total{operation="${operation}"}`)
      for (const raw of texts) {
        const reply = await bridge.hook(url, raw)
        t.equal(reply.status, 200, `${url} ${JSON.stringify(raw)}`)
        if (operation === 'status') t.equal(reply.text, '')
        else t.strictSame(reply.json, [])
      }
      t.equal(
        await counted(bridge, `bridge_bad_input_total{operation="${operation}"}`),
        before + texts.length,
        `${url}: counted`
      )
    }
    t.equal(await kept(bridge), 0)
    t.notMatch(bridge.logged(), /15550001111/)
  }
)

const notThisHook: Record<string, unknown> = {
  null: null,
  true: true,
  'a number': 5,
  'a string': 'call_sid',
  'a list': [],
  'an empty object': {},
  'a number as call_sid': { ...body(), call_sid: 5 },
  'null as call_sid': { ...body(), call_sid: null },
  'an empty call_sid': { ...body(), call_sid: '' },
  'a call_sid with a slash': { ...body(), call_sid: '../calls' },
  'a call_sid with a line feed': { ...body(), call_sid: 'x\ny' },
  'a very long call_sid': { ...body(), call_sid: 'x'.repeat(129) },
  'no direction': { ...body(), direction: undefined },
  'another direction': { ...body(), direction: 'sideways' },
  'an unknown status': { ...body(), call_status: 'dead' },
  'a status that is a list': { ...body(), call_status: ['ringing'] },
  'a number as caller': { ...body(), from: 15550001111 },
  'a text as sip_status': { ...body(), sip_status: '100' },
  'a broken sip_status': { ...body(), sip_status: 100.5 }
}

await bridgeTest(
  'JSON that is no such hook: nothing is coerced; the failing path is logged, no value',
  async (t, bridge) => {
    for (const [says, value] of Object.entries(notThisHook)) {
      const reply = await bridge.hook('/livekit-api', value)
      t.equal(declined(reply), '400 Bad Request', `/livekit-api: ${says}`)
      t.equal(reply.status, 200)
    }
    t.equal(await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}'), Object.keys(notThisHook).length)
    for (const [url, operation] of HOOKS.slice(1)) {
      const before = await counted(bridge, `bridge_bad_input_total{operation="${operation}"}`)
      for (const [says, value] of Object.entries(notThisHook)) {
        const reply = await bridge.hook(url, value)
        t.equal(reply.status, 200, `${url}: ${says}`)
        if (operation === 'status') t.equal(reply.text, '')
        else t.strictSame(reply.json, [])
      }
      t.equal(
        await counted(bridge, `bridge_bad_input_total{operation="${operation}"}`),
        before + Object.keys(notThisHook).length,
        `${url}: counted`
      )
    }
    t.equal(await kept(bridge), 0)
    const warnings = bridge.logged().split('\n').filter(line => line.includes('hook fits no schema'))
    t.equal(warnings.length, Object.keys(notThisHook).length * HOOKS.length)
    t.match(warnings.join('\n'), '"path":"/call_sid"')
    t.notMatch(warnings.join('\n'), /15550001111|sideways|dead/)
  }
)

await bridgeTest("each hook's own fields", async (t, bridge) => {
  const sid = callHook()['call_sid']
  const wrong: Array<[url: string, body: object]> = [
    ['/livekit-api', callHook({ sip: 'INVITE' })],
    ['/livekit-api', callHook({ env_vars: [] })],
    ['/livekit-api', callHook({ participants: {} })],
    ['/status', { ...callerStatus(sid, 'ringing', 180), parent_call_sid: 7 }],
    ['/status', { ...callerStatus(sid, 'ringing', 180), call_status: undefined }],
    ['/status', { ...callerStatus(sid, 'completed', 200), call_termination_by: 'nobody' }],
    ['/action', { ...callerStatus(sid, 'trying', 100), dial_call_status: 'maybe' }],
    ['/action', { ...callerStatus(sid, 'trying', 100), dial_sip_status: '486' }],
    ['/refer', callerStatus(sid, 'in-progress', 200)],
    ['/refer', { ...callerStatus(sid, 'in-progress', 200), refer_details: 'tel:+15559998888' }],
    ['/refer-complete', { ...callerStatus(sid, 'in-progress', 200), refer_status: 'ok' }]
  ]
  for (const [url, value] of wrong) {
    const reply = await bridge.hook(url, value)
    t.equal(reply.status, 200)
    t.ok(
      url === '/livekit-api'
        ? declined(reply) === '400 Bad Request'
        : url === '/status'
          ? reply.text === ''
          : reply.text === '[]',
      `${url} ${JSON.stringify(value).slice(-60)}`
    )
  }
  t.equal(await kept(bridge), 0)
})

await bridgeTest('what Jambonz adds one day is no error', async (t, bridge) => {
  const future = { new_property: { nested: [1, 2] }, another: null, 'x-y': true }
  const hook = callHook({ ...future, sip: { ...callHook()['sip'], raw: 'INVITE', payload: [{}], future } })
  t.equal((await bridge.hook('/livekit-api', hook)).json[0].verb, 'dial')
  t.equal((await bridge.hook('/status', { ...callerStatus(hook['call_sid'], 'trying', 100), ...future })).status, 200)
  t.equal(
    await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}') +
      await counted(bridge, 'bridge_bad_input_total{operation="status"}'),
    0
  )
})

await bridgeTest('a property that is null says no more than one that is absent', async (t, bridge) => {
  const hook = callHook({
    from: null,
    caller_name: null,
    env_vars: null,
    originating_sip_trunk_name: null,
    sip_reason: null
  })
  const reply = await bridge.hook('/livekit-api', hook)
  t.equal(reply.json[0].verb, 'dial')
  t.notOk('callerId' in reply.json[0])
  t.equal(
    (await bridge.hook('/status', { ...callerStatus(hook['call_sid'], 'trying', 100), parent_call_sid: null })).status,
    200
  )
  t.equal((await bridge.operator('GET', '/calls')).json.calls.length, 1, 'and no leg is taken for another')
})

await bridgeTest('bodies that aim at the prototype change nothing', async (t, bridge) => {
  const plain = JSON.stringify(callHook()).slice(1)
  const bodies = [
    `{"__proto__":{"polluted":1,"env_vars":{"LIVEKIT_AGENT_NAME":"evil"}},${plain}`,
    `{"constructor":{"prototype":{"polluted":1}},${plain}`,
    `{"env_vars":{"__proto__":{"LIVEKIT_AGENT_NAME":"evil","polluted":1}},${plain}`,
    `{"sip":{"headers":{"__proto__":{"privacy":"id","polluted":1}}},${plain}`
  ]
  for (const raw of bodies) {
    const reply = await bridge.hook('/livekit-api', raw)
    t.equal(reply.status, 200)
    t.ok(reply.json[0].verb === 'dial' || declined(reply) === '400 Bad Request', raw.slice(0, 40))
  }
  t.notOk('polluted' in {})
  for (const { agent } of bridge.rooms.open.values()) t.equal(agent.name, 'demo-agent')
  for (const sid of ['__proto__', 'constructor', 'toString']) {
    t.equal((await bridge.hook('/livekit-api', callHook({ call_sid: sid }))).json[0].verb, 'dial', sid)
    t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.callSid, sid)
  }
  t.equal((await bridge.operator('GET', '/calls/hasOwnProperty')).status, 404)
})

await bridgeTest('deeply nested bodies', async (t, bridge) => {
  const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
  t.equal(declined(await bridge.hook('/livekit-api', deep)), '400 Bad Request')
  const plain = JSON.stringify(callHook()).slice(1)
  for (const name of ['customerData', 'env_vars', 'defaults', 'unknown']) {
    const reply = await bridge.hook(
      '/livekit-api',
      `{"${name}":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)},${plain}`
    )
    t.equal(reply.status, 200, name)
    t.equal(reply.json[0].verb, 'dial', name)
  }
})

await bridgeTest('more than 256 KiB: 413, also without a signature; up to there it is read', async (t, bridge) => {
  const limit = 256 * 1024
  for (const [url] of HOOKS) {
    const large = JSON.stringify({ ...body(), padding: '' })
    const raw = large.replace('"padding":""', `"padding":"${'x'.repeat(limit + 1 - large.length)}"`)
    t.equal(Buffer.byteLength(raw), limit + 1)
    const reply = await bridge.hook(url, raw)
    t.equal(reply.status, 413, url)
    t.match(reply.json, { statusCode: 413, code: /./, error: 'Payload Too Large', message: /./ })
    t.equal((await bridge.hook(url, raw, { unsigned: true })).status, 413, `${url} unsigned`)
    t.not((await bridge.hook(url, raw.replace('x', ''))).status, 413, `${url}: exactly 256 KiB`)
  }
})

await bridgeTest('the content type does not matter to what is signed', async (t, bridge) => {
  for (
    const type of [
      'application/json',
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'text/plain',
      'application/vnd.jambonz+json',
      'application/x-www-form-urlencoded',
      'application/octet-stream'
    ]
  ) {
    const reply = await bridge.hook('/livekit-api', callHook(), { headers: { 'content-type': type } })
    t.equal(reply.status, 200, type)
    t.equal(reply.json?.[0]?.verb, 'dial', type)
  }
  const raw = JSON.stringify(callHook())
  const reply = await bridge.app.inject({
    method: 'POST',
    url: '/livekit-api',
    headers: { 'jambonz-signature': sign(raw, SECRET, bridge.clock.now()) },
    payload: raw
  })
  t.equal(reply.json()[0].verb, 'dial', 'none at all')
})
