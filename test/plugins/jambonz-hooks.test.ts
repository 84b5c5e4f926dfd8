import { createHmac } from 'node:crypto'
import {
  agentStatus,
  callHook,
  callerStatus,
  dialAction,
  SECRET,
  sign,
  type HookReply,
  type TestBridge
} from '../fixtures/build.ts'
import type { Test } from 'tap'
import { assertRunnable } from '../replay/check.ts'
import { bridgeTest, counted, declined, kept } from '../routes/support.ts'

const HOOKS = [
  ['/livekit-api', 'call-hook'],
  ['/action', 'action'],
  ['/status', 'status'],
  ['/call-status', 'status'],
  ['/refer', 'refer'],
  ['/refer-complete', 'refer-complete'],
  ['/amd', 'amd']
] as const
const body = () => ({ ...callHook(), call_status: 'in-progress', refer_details: { refer_to_user: '+15559998888' } })
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
})

/** What Jambonz gets from a hook that is not the call hook when its body cannot be used. */
function assertNothingDone (t: Test, operation: string, reply: HookReply, says: string): void {
  if (operation === 'refer') {
    t.equal(reply.status, 503, `${says}: Jambonz tells the agent that there is no transfer`)
    t.equal(reply.text, '')
    return
  }
  t.equal(reply.status, 200, says)
  t.equal(reply.text, operation === 'status' || operation === 'amd' ? '' : '[]', says)
}

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
  'authenticated, but no JSON: a decline from the call hook, a refusal from /refer, nothing from the others',
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
        assertNothingDone(t, operation, await bridge.hook(url, raw), `${url} ${JSON.stringify(raw)}`)
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

const unusable: Record<string, unknown> = {
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
  'a number as parent_call_sid': { ...body(), parent_call_sid: 7 },
  'a parent_call_sid with a line feed': { ...body(), parent_call_sid: 'x\ny' }
}

await bridgeTest(
  'a body that says of no call what happened: nothing is done; what is missing is logged, no value',
  async (t, bridge) => {
    for (const [url, operation] of HOOKS) {
      const series = `bridge_bad_input_total{operation="${operation}"}`
      const before = await counted(bridge, series)
      // Some hooks are about the first leg only, which has no parent.
      for (const [says, value] of Object.entries(unusable)) {
        const reply = await bridge.hook(url, value)
        if (operation !== 'call-hook') assertNothingDone(t, operation, reply, `${url}: ${says}`)
        else if (!says.includes('parent')) t.equal(declined(reply), '400 Bad Request', says)
      }
      const readable = ['call-hook', 'refer-complete', 'amd'].includes(operation) ? 2 : 0
      t.equal(await counted(bridge, series), before + Object.keys(unusable).length - readable, `${url}: counted`)
    }
    const warnings = bridge.logged().split('\n').filter(line => line.includes('hook cannot be read'))
    t.match(warnings.join('\n'), 'The hook has no usable call_sid')
    t.match(warnings.join('\n'), 'The hook has no usable parent_call_sid')
    t.notMatch(warnings.join('\n'), /15550001111|xxxx/)
  }
)

/** Values that no property has in any hook, of every type. */
const ODD = [null, true, 5.5, -1, 1e300, '', 'dead', '\u0000', [], ['x'], {}, { a: 1 }, 'x'.repeat(2000)]
/** Every property that a hook may have, besides those that say whose leg it is. */
const OPTIONAL = [
  'direction',
  'from',
  'to',
  'call_id',
  'sbc_callid',
  'sip_status',
  'sip_reason',
  'call_status',
  'account_sid',
  'application_sid',
  'trace_id',
  'originating_sip_ip',
  'originating_sip_trunk_name',
  'customerData',
  'caller_name',
  'sip',
  'env_vars',
  'defaults',
  'call_termination_by',
  'duration',
  'verb_id',
  'dial_call_status',
  'dial_sip_status',
  'dial_call_sid',
  'dial_sbc_callid',
  'refer_status',
  'final_referred_call_status'
]

await bridgeTest('whatever value an optional property has, a caller is connected', async (t, bridge) => {
  for (const name of [...OPTIONAL, 'participants']) {
    for (const value of ODD) {
      // A list of participants is a recording session.
      if (name === 'participants' && Array.isArray(value)) continue
      const reply = await bridge.hook('/livekit-api', callHook({ [name]: value }))
      t.doesNotThrow(() => assertRunnable('/livekit-api', reply.json), name)
      if (reply.json[0].verb !== 'dial') t.fail(`${name}: ${JSON.stringify(value)}`)
    }
  }
  const headers = ODD.map(value => callHook({ sip: { headers: value } }))
  const envVars = ODD.map(value => callHook({ env_vars: { LIVEKIT_AGENT_NAME: value, FALLBACK_NUMBER: value } }))
  for (const hook of [...headers, ...envVars]) {
    t.equal((await bridge.hook('/livekit-api', hook)).json[0].verb, 'dial')
  }
  t.equal(await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}'), 0)
})

await bridgeTest('whatever value an optional property has, no final of a leg is lost', async (t, bridge) => {
  const calls: string[] = []
  for (const name of OPTIONAL.filter(name => name !== 'sip_status')) {
    for (const value of ODD) {
      const hook = callHook()
      const sid = hook['call_sid']
      await bridge.hook('/livekit-api', hook)
      const final = { ...callerStatus(sid, 'no-answer', 487, { call_termination_by: 'caller' }), [name]: value }
      t.equal((await bridge.hook('/status', final)).status, 200)
      calls.push(sid)
    }
  }
  await bridge.clock.pass(3000)
  const phases = await Promise.all(calls.map(async sid => (await bridge.operator('GET', `/calls/${sid}`)).json.phase))
  t.same([...new Set(phases)], ['ended'])
})

const untold: Array<[says: string, status: Record<string, unknown>, expected: Record<string, unknown>]> = [
  ['487', { sip_status: 487 }, { status: 'no-answer', sipStatus: 487 }],
  ['486', { sip_status: 486 }, { status: 'busy', sipStatus: 486 }],
  ['603 as text', { sip_status: '603' }, { status: 'failed', sipStatus: 603 }],
  ['200 with a duration', { sip_status: 200, duration: 7 }, { status: 'completed' }],
  ['200 and who ended it', { sip_status: 200, call_termination_by: 'caller' }, { status: 'completed', by: 'caller' }],
  ['200', { sip_status: 200 }, { status: 'in-progress' }],
  ['183', { sip_status: 183 }, { status: 'early-media' }],
  ['180', { sip_status: 180 }, { status: 'ringing' }],
  ['100', { sip_status: 100 }, { status: 'trying' }],
  ['a duration alone', { sip_status: undefined, duration: 7 }, { status: 'completed' }]
]
for (const [says, extra, expected] of untold) {
  await bridgeTest(`a call_status that we do not know, with ${says}`, async (t, bridge) => {
    for (const status of ['canceled', undefined]) {
      const hook = callHook()
      await bridge.hook('/livekit-api', hook)
      await bridge.hook('/status', { ...callerStatus(hook['call_sid'], 'x', 100), ...extra, call_status: status })
      const { json } = await bridge.operator('GET', `/calls/${hook['call_sid']}`)
      t.match(json.events.find(({ what }: { what: string }) => what === 'status'), expected, String(status))
    }
  })
}

await bridgeTest('a status event that tells no status changes nothing, and is counted', async (t, bridge) => {
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const { sip_status: _, ...status } = callerStatus(hook['call_sid'], 'canceled', 0)
  t.equal((await bridge.hook('/status', status)).status, 200)
  t.equal(await counted(bridge, 'bridge_bad_input_total{operation="status"}'), 1)
  t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.phase, 'received')
})

await bridgeTest("a dial's result that we do not know is told by its SIP status", async (t, bridge) => {
  const result = async (extra: object) => {
    const hook = callHook()
    await bridge.hook('/livekit-api', hook)
    const action = { ...dialAction(hook['call_sid'], 'maybe', 486), ...extra }
    return (await bridge.hook('/action', action)).json
  }
  t.match(await result({}), [{ verb: 'sip:decline', status: 486 }])
  t.match(await result({ dial_sip_status: '486' }), [{ verb: 'sip:decline', status: 486 }])
  t.match(await result({ call_status: 'odd', sip_status: null }), [{ verb: 'sip:decline', status: 486 }])
  t.strictSame(await result({ dial_sip_status: 200 }), [], 'they talked')
  t.strictSame(await result({ call_status: 'gone', sip_status: 487 }), [], 'the caller is gone')
  t.match(await result({ call_status: 'odd', sip_status: 200 }), [{ verb: 'hangup' }], 'the caller was answered')
})

await bridgeTest('numbers and texts are taken for each other', async (t, bridge) => {
  const hook = callHook({ from: 15550001111, originating_sip_trunk_name: 4711, sip_status: '100', sip_reason: 0 })
  t.equal((await bridge.hook('/livekit-api', hook)).json[0].callerId, '15550001111')
  const [room] = [...bridge.rooms.open.values()]
  t.match(JSON.parse(room!.agent.metadata).call, { from: '15550001111', trunk: '4711' })
  await bridge.hook('/status', { ...agentStatus(hook['call_sid'], 'busy', 0), sip_status: '486' })
  const { json } = await bridge.operator('GET', `/calls/${hook['call_sid']}`)
  t.match(json.events.at(-1), { what: 'status', status: 'busy', sipStatus: 486 })
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
