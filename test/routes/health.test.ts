import { readFileSync } from 'node:fs'
import { DUTY_KINDS } from '../../src/calls/fold/call.ts'
import { CAUSES } from '../../src/calls/fold/vocabulary.ts'
import { STRATEGIES } from '../../src/calls/fold/way.ts'
import { agentStatus, buildTestBridge, callHook, callerStatus, dialAction, OPERATOR_TOKEN } from '../fixtures/build.ts'
import { settle } from '../fixtures/test-clock.ts'
import { bridgeTest, counted } from './support.ts'
import { project } from '../fixtures/paths.ts'

await bridgeTest('alive and ready', async (t, bridge) => {
  await settle()
  const live = await bridge.app.inject('/health/live')
  t.equal(live.statusCode, 200)
  t.strictSame(live.json(), { status: 'ok' })
  for (const url of ['/health/ready', '/health']) {
    const reply = await bridge.app.inject(url)
    t.equal(reply.statusCode, 200, url)
    t.strictSame(reply.json(), { status: 'ready', degraded: [] }, url)
  }
})

await bridgeTest('LiveKit down: degraded, but still ready, since calls are still connected', async (t, bridge) => {
  await settle()
  bridge.rooms.mode = 'unreachable'
  await bridge.clock.pass(10_000)
  await bridge.app.inject('/health/ready')
  await settle()
  for (const url of ['/health/ready', '/health']) {
    const reply = await bridge.app.inject(url)
    t.equal(reply.statusCode, 200, url)
    t.match(reply.json(), { status: 'ready', degraded: [/LiveKit.*unreachable/] })
  }
  t.equal((await bridge.hook('/livekit-api', callHook())).json[0].verb, 'dial')
  bridge.rooms.mode = 'ok'
  await bridge.clock.pass(10_000)
  await bridge.app.inject('/health/ready')
  await settle()
  t.same((await bridge.app.inject('/health/ready')).json().degraded, [], 'and well again')
})

await bridgeTest('LiveKit is asked at most every ten seconds, however often probes come', async (t, bridge) => {
  await settle()
  const pings = () => bridge.rooms.log.filter(entry => entry.startsWith('ping')).length
  const before = pings()
  for (let i = 0; i < 20; i++) {
    await bridge.app.inject('/health/ready')
    await settle()
  }
  t.equal(pings(), before)
  await bridge.clock.pass(10_000)
  await bridge.app.inject('/health/ready')
  t.equal(pings(), before + 1)
})

await bridgeTest('a LiveKit that hangs does not hold the probe', async (t, bridge) => {
  bridge.rooms.mode = 'hang'
  await bridge.clock.pass(10_000)
  t.equal((await bridge.app.inject('/health/ready')).statusCode, 200)
  t.equal((await bridge.app.inject('/health')).statusCode, 200)
  bridge.rooms.mode = 'ok'
  bridge.rooms.release()
})

await bridgeTest('draining: alive, not ready', async (t, bridge) => {
  bridge.app.draining.drain()
  t.equal((await bridge.app.inject('/health/live')).statusCode, 200, 'alive: nobody is to kill it')
  for (const url of ['/health/ready', '/health']) {
    const reply = await bridge.app.inject(url)
    t.equal(reply.statusCode, 503, url)
    t.equal(reply.json().status, 'draining')
    t.equal(reply.headers['connection'], 'close')
  }
  t.equal((await bridge.hook('/livekit-api', callHook())).json[0].verb, 'dial', 'calls are still connected')
  bridge.app.calls.drain()
  const hook = callHook()
  t.match((await bridge.hook('/livekit-api', hook)).json, [{ verb: 'sip:decline', status: 480 }], 'until they are not')
  t.match((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json, {
    phase: 'ended',
    end: { cause: 'draining', by: 'bridge' }
  })
})

await bridgeTest('health, metrics and the documentation are open', async (t, bridge) => {
  for (const url of ['/health', '/health/live', '/health/ready', '/metrics', '/docs', '/docs/json']) {
    t.ok((await bridge.app.inject(url)).statusCode < 400, url)
  }
}, { OPERATOR_TOKEN: '' })

/** Metrics of every Node.js process. */
const OF_PROCESS = /^(process|nodejs)_/

const SERIES = [
  'bridge_build_info',
  'bridge_hook_reply_seconds',
  'bridge_hook_agent_joined_seconds',
  'bridge_hook_agent_audio_seconds',
  'bridge_hook_answered_seconds',
  'bridge_calls',
  'bridge_duties_pending',
  'bridge_request_seconds',
  'bridge_livekit_request_seconds',
  'bridge_retell_request_seconds',
  'bridge_jambonz_request_seconds',
  'bridge_jambonz_wait_seconds',
  'bridge_jambonz_requests_waiting',
  'bridge_calls_ended_total',
  'bridge_orders_total',
  'bridge_order_ringing_seconds',
  'bridge_order_answered_seconds',
  'bridge_answer_connected_seconds',
  'bridge_dials_finished_total',
  'bridge_voicemail_total',
  'bridge_calls_routed_total',
  'bridge_call_starts_total',
  'bridge_attempts_ended_total',
  'bridge_transfers_begun_total',
  'bridge_transfers_total',
  'bridge_transfer_join_seconds',
  'bridge_attempts_degraded_total',
  'bridge_authentication_refused_total',
  'bridge_bad_input_total',
  'bridge_livekit_events_unmatched_total',
  'bridge_duties_given_up_total',
  'bridge_redispatches_total',
  'bridge_numbers_refused_total',
  'bridge_events_lost_total',
  'bridge_events_waiting'
]

await bridgeTest('/metrics: every series has a help text, and there are no others', async (t, bridge) => {
  const reply = await bridge.app.inject('/metrics')
  t.equal(reply.statusCode, 200)
  t.match(reply.headers['content-type'], /^text\/plain/)
  const helped = [...reply.body.matchAll(/^# HELP (\S+) \S/gm)].map(match => match[1]!)
  t.same(helped.filter(name => !OF_PROCESS.test(name)).sort(), [...SERIES].sort())
  for (const name of ['process_start_time_seconds', 'process_cpu_seconds_total', 'process_resident_memory_bytes']) {
    t.ok(helped.includes(name), name)
  }
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes', 'nodejs_version_info']) {
    t.ok(helped.includes(name), name)
  }
  t.notOk(helped.some(name => /_active_\w+_total$/.test(name)), 'a gauge is not named like a counter')
  const { version } = JSON.parse(readFileSync(project('package.json'), 'utf8')) as { version: string }
  t.equal(await counted(bridge, `bridge_build_info{version="${version}",node="${process.versions.node}"}`), 1)
})

await bridgeTest('/metrics: two applications of a process show the same process', async (t, bridge) => {
  const other = await buildTestBridge(t)
  const startOf = ({ body }: { body: string }) => /^process_start_time_seconds \S+$/m.exec(body)?.[0]
  t.ok(startOf(await bridge.app.inject('/metrics')))
  t.equal(startOf(await other.app.inject('/metrics')), startOf(await bridge.app.inject('/metrics')))
})

await bridgeTest('/metrics: what alarms begins at 0, so that the first burst is an increase', async (t, bridge) => {
  const { body } = await bridge.app.inject('/metrics')
  const series = new Set(body.split('\n').filter(line => line.endsWith(' 0')).map(line => line.slice(0, -2)))
  const begun = (name: string) => [...series].filter(one => one.startsWith(`${name}{`) || one === name)
  for (const cause of CAUSES) {
    t.ok(begun('bridge_calls_ended_total').some(one => one.includes(`cause="${cause}"`)), cause)
  }
  for (const [cause, waitingOn] of [['caller-gave-up', 'agent'], ['caller-gave-up', 'hook'], ['no-agent', 'agent']]) {
    const labels = `direction="inbound",cause="${cause}",waiting_on="${waitingOn}"`
    t.ok(series.has(`bridge_calls_ended_total{${labels}}`), labels)
  }
  for (const strategy of STRATEGIES) {
    t.ok(series.has(`bridge_attempts_ended_total{strategy="${strategy}",cause="lost"}`), strategy)
  }
  for (const kind of DUTY_KINDS) t.ok(series.has(`bridge_duties_given_up_total{kind="${kind}"}`), kind)
  for (const operation of ['call-hook', 'redirect', 'livekit-events', 'list-calls', 'place-call']) {
    t.ok(series.has(`bridge_authentication_refused_total{operation="${operation}"}`), operation)
  }
  for (
    const one of [
      'bridge_orders_total{outcome="refused"}',
      'bridge_dials_finished_total{cause="carrier-failed"}',
      'bridge_numbers_refused_total{door="transfer",reason="not-allowed"}',
      'bridge_livekit_request_seconds_count{operation="createRoom",outcome="refused-key"}',
      'bridge_attempts_degraded_total',
      'bridge_events_lost_total',
      'bridge_webhooks_dropped_total{reason="too-many"}',
      'bridge_webhooks_failed_total{receiver="https://example.com",reason="timeout"}'
    ]
  ) t.ok(series.has(one), one)
  t.ok(series.size < 1500, `${series.size} series are not too many`)
}, { EVENTS_URL: 'https://example.com/calls', EVENTS_SECRET: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' })

await bridgeTest(
  '/metrics after calls of every kind: what happened is counted, nothing in it identifies a call',
  async (t, bridge) => {
    const talked = callHook()
    const sid = talked['call_sid']
    await bridge.hook('/livekit-api', talked)
    await bridge.clock.pass(400)
    for (
      const event of [
        callerStatus(sid, 'trying', 100),
        agentStatus(sid, 'ringing', 180),
        agentStatus(sid, 'in-progress', 200),
        callerStatus(sid, 'in-progress', 200)
      ]
    ) await bridge.hook('/status', event)
    await bridge.livekitEvent({ event: 'room_started', id: 'EV_x', room: { name: 'somebody-elses' } })
    await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
    await bridge.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'completed' }))
    await bridge.hook('/livekit-api', callHook(), { unsigned: true })
    await bridge.hook('/livekit-api', { from: '+15550001111' })
    bridge.rooms.mode = 'failed'
    const degraded = callHook()
    await bridge.hook('/livekit-api', degraded)
    await bridge.operator('GET', `/calls/${sid}`)
    await bridge.operator('GET', '/calls?from=+15550001111')
    await bridge.app.inject('/somewhere/+15550001111?x=+15550001111')
    await bridge.clock.pass(5000)
    const hungUp = 'direction="inbound",cause="caller-hung-up",waiting_on="none"'
    t.equal(await counted(bridge, `bridge_calls_ended_total{${hungUp}}`), 1)
    t.equal(await counted(bridge, 'bridge_attempts_ended_total{strategy="room",cause="caller-hung-up"}'), 1)
    t.equal(await counted(bridge, 'bridge_attempts_degraded_total'), 1)
    t.equal(await counted(bridge, 'bridge_calls{phase="ended"}'), 1)
    t.equal(await counted(bridge, 'bridge_calls{phase="received"}'), 1)
    t.equal(await counted(bridge, 'bridge_livekit_events_unmatched_total'), 1)
    t.equal(await counted(bridge, 'bridge_authentication_refused_total{operation="call-hook"}'), 1)
    t.equal(await counted(bridge, 'bridge_bad_input_total{operation="call-hook"}'), 1)
    t.equal(await counted(bridge, 'bridge_hook_reply_seconds_count{start="cold"}'), 2)
    t.equal(await counted(bridge, 'bridge_call_starts_total{start="cold",why="no-pool"}'), 2)
    t.equal(await counted(bridge, 'bridge_hook_answered_seconds_sum{start="cold"}'), 0.4)
    t.equal(await counted(bridge, 'bridge_request_seconds_count{operation="call-hook",status="200"}'), 3)
    t.equal(await counted(bridge, 'bridge_request_seconds_count{operation="call-hook",status="401"}'), 1)
    const text = (await bridge.app.inject('/metrics')).body
    for (
      const secret of [
        sid,
        degraded['call_sid'],
        '5550001111',
        '5551230000',
        'somebody-elses',
        'jb_',
        OPERATOR_TOKEN,
        'somewhere'
      ]
    ) t.notMatch(text, secret)
    const ofCalls = text.replace(/^\w+_info\{.*$/gm, '')
    const labels = [...ofCalls.matchAll(/(\w+)="([^"]*)"/g)].filter(([, name]) => name !== 'le')
    t.same([...new Set(labels.map(([, name]) => name))].sort(), [
      'cause',
      'direction',
      'door',
      'kind',
      'mode',
      'operation',
      'outcome',
      'phase',
      'reason',
      'result',
      'route',
      'space',
      'start',
      'status',
      'strategy',
      'type',
      'waiting_on',
      'why'
    ])
    for (const [, name, value] of labels) {
      t.match(
        value,
        name === 'status' ? /^\d{3}$/ : /^[a-z_-]+$/i,
        `${name}="${value}"`
      )
    }
  }
)

await bridgeTest("the package's version is in the document", async (t, bridge) => {
  const { version } = JSON.parse(readFileSync(project('package.json'), 'utf8')) as {
    version: string
  }
  t.equal((await bridge.app.inject('/docs/json')).json().info.version, version)
})
