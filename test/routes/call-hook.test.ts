import { createTokenOf } from '../../src/livekit/token.ts'
import { API_SECRET, callHook, callerStatus, agentStatus, dialAction, sign, SECRET } from '../fixtures/build.ts'
import { routesWith } from '../fixtures/policies.ts'
import { settle } from '../fixtures/test-clock.ts'
import {
  assertVerbs,
  bridgeTest,
  counted,
  declined,
  exchange,
  kept,
  listen,
  rawPost,
  rawSocket,
  registryWith
} from './support.ts'

const tokenOf = createTokenOf(API_SECRET)
const metadataOf = (rooms: { open: Map<string, { agent: { metadata: string } }> }) =>
  JSON.parse([...rooms.open.values()].at(-1)!.agent.metadata)

await bridgeTest('a call is dialled into a room of its own, in which the agent is called', async (t, bridge) => {
  const hook = callHook()
  const token = tokenOf(hook['call_sid'], 1)
  const reply = await bridge.hook('/livekit-api', hook)
  assertVerbs(t, reply)
  t.strictSame(reply.json, [
    {
      verb: 'dial',
      id: 'attempt-1',
      target: [{
        type: 'sip',
        sipUri: `sip:${token}@sip.example.com;transport=tcp`,
        auth: { username: 'jambonz', password: 'trunk-password' }
      }],
      actionHook: `https://bridge.example.com/action?call=${hook['call_sid']}&attempt=1#rc=2&rp=all`,
      referHook: `https://bridge.example.com/refer?call=${hook['call_sid']}&attempt=1`,
      answerOnBridge: true,
      anchorMedia: true,
      timeout: 40,
      timeLimit: 7200,
      callerId: '+15550001111',
      dialMusic: 'tone_stream://L=20;%(2000,4000,440,480)',
      headers: { 'X-LK-Call': hook['call_sid'] }
    },
    { verb: 'sip:decline', status: 480, reason: 'Agent Unavailable' }
  ])
  t.match(token, /^c[a-z2-7]{26}$/, 'the token is 130 bits')
  t.same(bridge.rooms.log.filter(entry => entry.startsWith('create')), [`create jb_${token}`], 'one request to LiveKit')
  const room = bridge.rooms.open.get(`jb_${token}`)!
  t.match(room, { emptyTimeoutS: 100, departureTimeoutS: 10, agent: { name: 'demo-agent' } })
  t.match(
    JSON.parse(room.metadata),
    { callSid: hook['call_sid'] },
    'the room can be recognised without any other record'
  )
})

await bridgeTest('the agent is told of the call', async (t, bridge) => {
  const hook = callHook()
  hook['sip'].headers = {
    ...hook['sip'].headers,
    'x-customer-id': 'C-7',
    'X-Secret': 'not asked for',
    Diversion: '<sip:+15557770000@carrier.example.com>'
  }
  await bridge.hook('/livekit-api', hook)
  const { control, ...metadata } = metadataOf(bridge.rooms)
  t.equal(control.url, `https://bridge.example.com/calls/${hook['call_sid']}`)
  t.strictSame(metadata, {
    v: 1,
    call: {
      callSid: hook['call_sid'],
      direction: 'inbound',
      from: '+15550001111',
      to: '+15551230000',
      callerName: 'Alice',
      trunk: 'MyCarrier',
      attempt: 1,
      headers: { 'X-Customer-Id': 'C-7', Diversion: '<sip:+15557770000@carrier.example.com>' }
    },
    app: '{"tenant":"acme"}'
  })
}, { CALLER_HEADERS: 'X-Customer-Id, X-Absent', AGENT_METADATA: '{"tenant":"acme"}' })

await bridgeTest('with a number policy a room waits long for a caller who was dialled elsewhere', async (t, bridge) => {
  await bridge.hook('/livekit-api', callHook())
  t.same([...bridge.rooms.open.values()].map(({ departureTimeoutS }) => departureTimeoutS), [60])
}, {}, { routes: routesWith({ allow: ['+1555'] }) })

await bridgeTest('a repeated hook gets the same verbs and no second room', async (t, bridge) => {
  const hook = callHook()
  const first = await bridge.hook('/livekit-api', hook)
  await bridge.clock.pass(700)
  const second = await bridge.hook('/livekit-api', hook)
  t.strictSame(second.json, first.json)
  t.equal(bridge.rooms.log.filter(entry => entry.startsWith('create')).length, 1)
  t.equal(await kept(bridge), 1)
  t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.attempts.length, 1)
})

await bridgeTest('repeats that come at once share one room', async (t, bridge) => {
  const hook = callHook()
  const replies = await Promise.all([1, 2, 3].map(() => bridge.hook('/livekit-api', hook)))
  for (const reply of replies) t.strictSame(reply.json, replies[0]!.json)
  t.equal(replies[0]!.json[0].verb, 'dial')
  t.equal(bridge.rooms.log.filter(entry => entry.startsWith('create')).length, 1)
})

await bridgeTest(
  'a call that is brought back gets a new attempt with a new room; the old room is deleted',
  async (t, bridge) => {
    const hook = callHook()
    const sid = hook['call_sid']
    await bridge.hook('/livekit-api', hook)
    await bridge.hook('/status', callerStatus(sid, 'in-progress', 200))
    const again = {
      call_sid: sid,
      direction: 'inbound',
      from: '+15550001111',
      to: '+15551230000',
      call_status: 'in-progress',
      sip_status: 200,
      application_sid: 'app-1'
    }
    const reply = await bridge.hook('/livekit-api', again)
    assertVerbs(t, reply)
    t.equal(reply.json[0].id, 'attempt-2')
    t.match(reply.json[0].target[0].sipUri, `sip:${tokenOf(sid, 2)}@`)
    await bridge.clock.pass(2000)
    const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
    t.same(call.attempts.map(({ cause }: { cause?: string }) => cause), ['redirected', undefined])
    t.same([...bridge.rooms.open.keys()], [`jb_${tokenOf(sid, 2)}`])
  }
)

await bridgeTest("the application's env vars win over the settings", async (t, bridge) => {
  const reply = await bridge.hook(
    '/livekit-api',
    callHook({
      env_vars: {
        LIVEKIT_AGENT_NAME: 'their-agent',
        AGENT_METADATA: '{"tenant":"b"}',
        FALLBACK_NUMBER: '+15551230009',
        OTHER: 'x'
      }
    })
  )
  assertVerbs(t, reply)
  const room = [...bridge.rooms.open.values()][0]!
  t.equal(room.agent.name, 'their-agent')
  t.equal(metadataOf(bridge.rooms).app, '{"tenant":"b"}')
  const sid = reply.json[0].headers['X-LK-Call']
  const action = await bridge.hook('/action', dialAction(sid, 'failed', 503))
  t.match(
    action.json[0],
    { verb: 'dial', id: 'attempt-2', target: [{ type: 'phone', number: '+15551230009' }] },
    'their fallback number is next'
  )
  t.notOk('referHook' in action.json[0], 'whoever answers the fallback number may not transfer')
}, { AGENT_METADATA: '{"tenant":"a"}', FALLBACK_NUMBER: '+15551230001' })

await bridgeTest('env vars that are empty or useless leave the settings as they are', async (t, bridge) => {
  for (
    const env of [{ LIVEKIT_AGENT_NAME: '', AGENT_METADATA: '  ', FALLBACK_NUMBER: 'nobody' }, {
      LIVEKIT_AGENT_NAME: null,
      AGENT_METADATA: ['x'],
      FALLBACK_NUMBER: { a: 1 }
    }, {}]
  ) {
    const reply = await bridge.hook('/livekit-api', callHook({ env_vars: env }))
    assertVerbs(t, reply)
    t.equal([...bridge.rooms.open.values()].at(-1)!.agent.name, 'demo-agent')
    t.equal(metadataOf(bridge.rooms).app, 'ours')
    const action = await bridge.hook('/action', dialAction(reply.json[0].headers['X-LK-Call'], 'failed', 503))
    t.equal(action.json[0].target[0].number, '+15551230001')
  }
}, { AGENT_METADATA: 'ours', FALLBACK_NUMBER: '+15551230001' })

await bridgeTest('env vars come in the first hook only and hold for the whole call', async (t, bridge) => {
  const hook = callHook({ env_vars: { LIVEKIT_AGENT_NAME: 'their-agent' } })
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/livekit-api', {
    call_sid: hook['call_sid'],
    direction: 'inbound',
    from: hook['from'],
    to: hook['to'],
    call_status: 'in-progress'
  })
  t.same(
    (await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.attempts.map(({ agent }: { agent: string }) =>
      agent
    ),
    ['their-agent', 'their-agent']
  )
})

const withheldCallers: Array<[says: string, change: (hook: Record<string, any>) => void]> = [
  ['Privacy: id', hook => {
    hook['sip'].headers['Privacy'] = 'id'
  }],
  ['privacy: user;critical', hook => {
    hook['sip'].headers['privacy'] = 'user;critical'
  }],
  ['an anonymous From with the number in P-Asserted-Identity', hook => {
    hook['from'] = 'anonymous'
    hook['caller_name'] = '"Anonymous"'
    hook['sip'].headers['from'] = '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1'
    hook['sip'].headers['P-Asserted-Identity'] = '<sip:+15550001111@carrier.example.com>'
  }],
  ['an anonymous From that Jambonz replaced by P-Asserted-Identity', hook => {
    hook['sip'].headers['from'] = '<sip:anonymous@anonymous.invalid>;tag=1'
    hook['sip'].headers['p-asserted-identity'] = '<tel:+15550001111>'
  }]
]
for (const [says, change] of withheldCallers) {
  await bridgeTest(`a caller who withholds the number (${says}) stays unknown everywhere`, async (t, bridge) => {
    const hook = callHook()
    hook['sip'].headers['X-Original-Caller'] = 'tel:15550001111;ext=7'
    change(hook)
    const sid = hook['call_sid']
    const reply = await bridge.hook('/livekit-api', hook)
    assertVerbs(t, reply)
    t.equal(reply.json[0].callerId, 'anonymous')
    const room = [...bridge.rooms.open.values()][0]!
    t.equal(metadataOf(bridge.rooms).call.from, 'anonymous')
    t.match(metadataOf(bridge.rooms).call.headers['X-Original-Caller'], /anonymous/)
    // Jambonz does not mask its status events (recorded: caller_id of the agent leg).
    await bridge.hook('/status', callerStatus(sid, 'trying', 100))
    await bridge.hook('/status', agentStatus(sid, 'ringing', 180))
    await bridge.hook('/action', dialAction(sid, 'no-answer', 487))
    await bridge.clock.pass(10_000)
    const { json: call } = await bridge.operator('GET', `/calls/${sid}`)
    t.equal(call.from, 'anonymous')
    const { json: list } = await bridge.operator('GET', '/calls')
    for (
      const [where, text] of Object.entries({
        verbs: reply.text,
        job: room.agent.metadata,
        room: room.metadata,
        call: JSON.stringify(call),
        list: JSON.stringify(list),
        log: bridge.logged()
      })
    ) t.notMatch(text, '5550001111', where)
    t.notMatch(bridge.logged(), 'Alice')
  }, { CALLER_HEADERS: 'X-Original-Caller' })
}

await bridgeTest('a caller without a number: no callerId, since Jambonz refuses an empty one', async (t, bridge) => {
  for (const from of ['', undefined]) {
    const reply = await bridge.hook('/livekit-api', callHook({ from }))
    assertVerbs(t, reply)
    t.notOk('callerId' in reply.json[0])
  }
})

await bridgeTest('of a call that was originated over REST the agent talks to the called party', async (t, bridge) => {
  const { sip: _, ...hook } = callHook({
    direction: 'outbound',
    call_status: 'in-progress',
    sip_status: 200,
    from: '+15551230000',
    to: '+15550001111'
  })
  const reply = await bridge.hook('/livekit-api', hook)
  assertVerbs(t, reply)
  t.equal(reply.json[0].callerId, '+15550001111')
  t.match(metadataOf(bridge.rooms).call, { direction: 'outbound', from: '+15551230000', to: '+15550001111' })
})

for (const mode of ['unreachable', 'failed', 'refused', 'refused-key', 'timeout'] as const) {
  await bridgeTest(`LiveKit ${mode}: the default agent's call is dialled anyway`, async (t, bridge) => {
    bridge.rooms.mode = mode
    const hook = callHook()
    const reply = await bridge.hook('/livekit-api', hook)
    assertVerbs(t, reply)
    t.match(reply.json[0], {
      verb: 'dial',
      target: [{ sipUri: `sip:${tokenOf(hook['call_sid'], 1)}@sip.example.com;transport=tcp` }]
    })
    t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.degraded, true)
    t.equal(await counted(bridge, 'bridge_attempts_degraded_total'), 1)
  })

  await bridgeTest(
    `LiveKit ${mode}: another agent's call is declined, or goes to its fallback number`,
    async (t, bridge) => {
      bridge.rooms.mode = mode
      const hook = callHook({ env_vars: { LIVEKIT_AGENT_NAME: 'their-agent' } })
      const reply = await bridge.hook('/livekit-api', hook)
      assertVerbs(t, reply)
      t.equal(declined(reply), '480 Agent Unavailable', 'the dispatch rule would call the wrong agent')
      t.match((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json, {
        phase: 'ended',
        end: { cause: 'livekit-failed', waitingOn: 'hook' }
      })
      const fallback = await bridge.hook(
        '/livekit-api',
        callHook({ env_vars: { LIVEKIT_AGENT_NAME: 'their-agent', FALLBACK_NUMBER: '+15551230009' } })
      )
      assertVerbs(t, fallback)
      t.match(fallback.json[0], { verb: 'dial', target: [{ type: 'phone', number: '+15551230009' }] })
    }
  )
}

await bridgeTest('LiveKit hangs: the reply comes after LIVEKIT_TIMEOUT_MS', async (t, bridge) => {
  bridge.rooms.mode = 'hang'
  let replied = 0
  const hooks = [callHook(), callHook({ env_vars: { LIVEKIT_AGENT_NAME: 'their-agent' } })]
  const pending = hooks.map(hook =>
    bridge.hook('/livekit-api', hook).finally(() => {
      replied++
    })
  )
  await bridge.clock.pass(2999)
  t.equal(replied, 0)
  await bridge.clock.pass(1)
  const [ours, theirs] = await Promise.all(pending)
  assertVerbs(t, ours!)
  t.equal(ours!.json[0].verb, 'dial')
  t.equal(declined(theirs!), '480 Agent Unavailable')
  // What was given up on may still happen: no room is left behind.
  bridge.rooms.mode = 'ok'
  bridge.rooms.release()
  await bridge.clock.pass(20_000)
  t.notOk(bridge.rooms.open.has(`jb_${tokenOf(hooks[1]!['call_sid'], 1)}`), "the declined call's late room is deleted")
})

await bridgeTest('LiveKit hangs and the hook comes over a socket: answered in time', async (t, bridge) => {
  bridge.rooms.mode = 'hang'
  const port = await listen(bridge)
  const pending = exchange(
    port,
    rawPost('/livekit-api', JSON.stringify(callHook()), bridge.clock.now(), { connection: 'close' })
  )
  while (!bridge.rooms.log.some(entry => entry.startsWith('create'))) await settle()
  await bridge.clock.pass(3000)
  const reply = await pending
  t.match(reply, /^HTTP\/1\.1 200 OK/)
  t.match(reply, '"verb":"dial"')
})

await bridgeTest(
  'the registry fails: declined',
  async (t, bridge) => {
    const reply = await bridge.hook('/livekit-api', callHook())
    assertVerbs(t, reply)
    t.equal(declined(reply), '480 Agent Unavailable')
  },
  {},
  {
    registry: registryWith({
      update: async () => {
        throw new Error('no registry')
      }
    })
  }
)

await bridgeTest(
  'the registry fails when a callee has answered: hung up, once that is safe',
  async (t, bridge) => {
    const { sip: _, ...hook } = callHook({ direction: 'outbound', call_status: 'in-progress', sip_status: 200 })
    const reply = await bridge.hook('/livekit-api', hook)
    assertVerbs(t, reply)
    t.same(reply.json.map(({ verb }: { verb: string }) => verb), ['pause', 'hangup'])
  },
  {},
  {
    registry: registryWith({
      update: async () => {
        throw new Error('no registry')
      }
    })
  }
)

await bridgeTest(
  'the registry hangs: declined after CALL_HOOK_DEADLINE_MS',
  async (t, bridge) => {
    const pending = bridge.hook('/livekit-api', callHook())
    await bridge.clock.pass(6000)
    const reply = await pending
    assertVerbs(t, reply)
    t.equal(declined(reply), '480 Agent Unavailable')
  },
  {},
  { registry: registryWith({ update: () => new Promise(() => {}) }) }
)

await bridgeTest(
  'the registry cannot say how many calls there are: better a call too many than none',
  async (t, bridge) => {
    const reply = await bridge.hook('/livekit-api', callHook())
    assertVerbs(t, reply)
    t.equal(reply.json[0].verb, 'dial')
  },
  { MAX_CALLS: '5' },
  {
    registry: registryWith({
      stats: async () => {
        throw new Error('no registry')
      }
    })
  }
)

await bridgeTest('MAX_CALLS: of calls that come at the same moment no more are let in', async (t, bridge) => {
  const replies = await Promise.all(Array.from({ length: 20 }, () => bridge.hook('/livekit-api', callHook())))
  t.equal(replies.filter(({ json }) => json[0].verb === 'dial').length, 5)
  t.equal(bridge.rooms.open.size, 5)
}, { MAX_CALLS: '5' })

await bridgeTest('MAX_CALLS: further calls are declined until one has ended', async (t, bridge) => {
  const [first, second, third] = [callHook(), callHook(), callHook()] as const
  t.equal((await bridge.hook('/livekit-api', first)).json[0].verb, 'dial')
  t.equal((await bridge.hook('/livekit-api', second)).json[0].verb, 'dial')
  const refused = await bridge.hook('/livekit-api', third)
  assertVerbs(t, refused)
  t.equal(declined(refused), '486 Busy Here')
  t.match((await bridge.operator('GET', `/calls/${third['call_sid']}`)).json, {
    phase: 'ended',
    end: { cause: 'capacity', by: 'bridge', sipStatus: 486 },
    attempts: []
  })
  t.equal(bridge.rooms.open.size, 2, 'no room is made for it')
  t.equal(
    (await bridge.hook('/livekit-api', first)).json[0].verb,
    'dial',
    "a repeat of an accepted call's hook is no further call"
  )
  await bridge.hook('/status', callerStatus(second['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.clock.pass(5000)
  t.equal((await bridge.hook('/livekit-api', callHook())).json[0].verb, 'dial')
}, { MAX_CALLS: '2' })

await bridgeTest('MAX_CALLS holds for calls that come at once', async (t, bridge) => {
  const replies = await Promise.all(Array.from({ length: 6 }, () => bridge.hook('/livekit-api', callHook())))
  for (const reply of replies) assertVerbs(t, reply)
  t.equal(replies.filter(({ json }) => json[0].verb === 'dial').length, 2)
  t.equal(replies.filter(reply => declined(reply) === '503 Busy Here').length, 4)
}, { MAX_CALLS: '2', CAPACITY_STATUS: '503' })

await bridgeTest('SIPREC hooks are declined', async (t, bridge) => {
  const reply = await bridge.hook(
    '/livekit-api',
    callHook({ participants: [{ participant_id: 'p1' }, { participant_id: 'p2' }] })
  )
  assertVerbs(t, reply)
  t.equal(declined(reply), '488 Not Acceptable Here')
  t.same(bridge.rooms.log.filter(entry => entry.startsWith('create')), [])
  t.equal(await kept(bridge), 0)
})

await bridgeTest('a hook that hangs up early is noted, and its call goes on as Jambonz says', async (t, bridge) => {
  bridge.rooms.mode = 'hang'
  const hook = callHook()
  const port = await listen(bridge)
  const socket = await rawSocket(port)
  socket.write(rawPost('/livekit-api', JSON.stringify(hook), bridge.clock.now()))
  while (!bridge.rooms.log.some(entry => entry.startsWith('create'))) await settle()
  socket.destroy()
  const events = async () =>
    (await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.events.map(({ what }: { what: string }) => what)
  while (!(await events()).includes('call hook abandoned')) await settle()
  bridge.rooms.mode = 'ok'
  bridge.rooms.release()
  // Recorded: no-answer comes ahead of trying when the caller gave up while Jambonz waited for our verbs.
  await bridge.hook('/status', callerStatus(hook['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  await bridge.clock.pass(10_000)
  t.match((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json, {
    phase: 'ended',
    end: { cause: 'caller-gave-up', waitingOn: 'hook' }
  })
  t.equal(bridge.rooms.open.size, 0, 'the room is deleted')
  t.equal((await events()).filter((what: string) => what === 'call hook abandoned').length, 1)
})

await bridgeTest('no hook is abandoned that was answered', async (t, bridge) => {
  const hook = callHook()
  const port = await listen(bridge)
  t.match(
    await exchange(port, rawPost('/livekit-api', JSON.stringify(hook), bridge.clock.now(), { connection: 'close' })),
    '"verb":"dial"'
  )
  await settle()
  t.notMatch(JSON.stringify((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.events), 'abandoned')
})

await bridgeTest('GET: 405 with Allow and a hint', async (t, bridge) => {
  const reply = await bridge.app.inject('/livekit-api?call_sid=x')
  t.equal(reply.statusCode, 405)
  t.same((reply.headers['allow'] as string).split(/\s*,\s*/).sort(), ['OPTIONS', 'POST'])
  t.match(reply.json(), { statusCode: 405, code: 'BRIDGE_POST_ONLY', error: 'Method Not Allowed', message: /POST/ })
  const head = await bridge.app.inject({ method: 'HEAD', url: '/livekit-api' })
  t.equal(head.statusCode, 405)
  t.equal(head.body, '')
})

await bridgeTest('other methods find nothing, and nothing happens', async (t, bridge) => {
  const body = JSON.stringify(callHook())
  for (const method of ['PUT', 'PATCH', 'DELETE'] as const) {
    const reply = await bridge.app.inject({
      method,
      url: '/livekit-api',
      headers: { 'content-type': 'application/json', 'jambonz-signature': sign(body, SECRET, bridge.clock.now()) },
      payload: body
    })
    t.equal(reply.statusCode, 404, method)
    t.match(reply.json(), { statusCode: 404, code: 'BRIDGE_NO_ROUTE', error: 'Not Found', message: /./ })
  }
  for (const url of ['/action', '/status', '/call-status', '/refer', '/refer-complete', '/livekit-events']) {
    t.equal((await bridge.app.inject(url)).statusCode, 404, `GET ${url}`)
  }
  t.equal(await kept(bridge), 0)
})

await bridgeTest("OPTIONS: the env vars, in the form that Jambonz's portal demands", async (t, bridge) => {
  const reply = await bridge.app.inject({
    method: 'OPTIONS',
    url: '/livekit-api',
    headers: { accept: 'application/json' }
  })
  t.equal(reply.statusCode, 200, 'without authentication: Jambonz does not sign it')
  t.match(reply.headers['content-type'], /^application\/json/)
  const vars = reply.json() as Record<string, Record<string, unknown>>
  t.same(Object.keys(vars).sort(), ['AGENT_METADATA', 'FALLBACK_NUMBER', 'LIVEKIT_AGENT_NAME'])
  const properties = ['type', 'description', 'required', 'default', 'enum', 'obscure', 'uiHint', 'jambonzResource']
  for (const [name, variable] of Object.entries(vars)) {
    t.match(name, /^[a-zA-Z0-9_]+$/)
    t.ok(['string', 'number', 'boolean'].includes(variable['type'] as string), `${name}: type`)
    t.ok(typeof variable['description'] === 'string' && variable['description'] !== '', `${name}: description`)
    t.type(variable['required'], 'boolean')
    t.ok(
      variable['uiHint'] === undefined || ['input', 'textarea', 'filepicker'].includes(variable['uiHint'] as string),
      `${name}: uiHint`
    )
    t.same(Object.keys(variable).filter(property => !properties.includes(property)), [], `${name}: nothing else`)
  }
  t.equal(vars['LIVEKIT_AGENT_NAME']!['default'], 'demo-agent')
  t.notMatch(reply.body, /secret|password|\+1555/i)
})
