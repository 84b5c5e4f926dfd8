import t, { type Test } from 'tap'
import type { CallView } from '../../src/calls/view.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { fixedSource } from '../../src/routing/settings-table.ts'
import type { RegisterFault } from '../../src/sandbox/retell.ts'
import { buildTestBridge, callHook } from '../fixtures/build.ts'
import { RETELL, setRoutesStage, type RoutesStage } from '../fixtures/routes-stage.ts'
import { createTestClock } from '../fixtures/test-clock.ts'
import { retellWith } from '../retell/support.ts'

const KEY = { RETELL_API_KEY: RETELL.apiKey }
const ROUTES = `
      - { retell: { agent: ${RETELL.agent}, key: RETELL_API_KEY, metadata: { tenant: acme } }, ring: 20s }
      - { phone: "+15551230009", carrier: Desk, ring: 30s }
`
const CARRIERS = { Desk: { status: 200, ringMs: 1000, hangUpAfterMs: 5000 } }

const stageWith = (t: Test, env: Record<string, string> = KEY) =>
  setRoutesStage(t, { routes: ROUTES, carriers: CARRIERS, env })

async function callToTheEnd (stage: RoutesStage) {
  const call = stage.call()
  const over = await stage.over()
  return { over, status: (await call.final).status }
}

/** What the caller waited before the second way was tried, milliseconds. */
const waitedMs = ({ attempts: [first, second] }: CallView) =>
  Date.parse(second?.at.opened ?? '') - Date.parse(first?.at.opened ?? '')

await t.test('Retell answers a call that was registered', async t => {
  const stage = await stageWith(t)
  const call = stage.call()
  await stage.passUntil(({ phase }) => phase === 'connected')
  t.equal((await call.final).status, 200)
  const [registration] = stage.retell.registrations()
  t.match(registration, {
    taken: true,
    request: {
      agent_id: RETELL.agent,
      direction: 'inbound',
      from_number: '+15550001111',
      to_number: '+15551230000',
      metadata: { tenant: 'acme', call: { attempt: 1, route: 'test' } }
    }
  })
  await stage.pass(10_000)
  stage.retell.hangUp(registration!.callId).catch(t.threw)
  const over = await stage.over()
  t.match(over.end, { cause: 'agent-hung-up', by: 'agent' })
  t.match(over.attempts, [{ strategy: 'retell', cause: 'agent-hung-up' }])
  t.equal(over.attempts.length, 1)
  t.match(registration!.request['metadata'], { call: { callSid: over.callSid } })
  t.equal(stage.carriers['Desk']!.calls.length, 0)
  const shown = await Promise.all(['', '/diagnosis'].map(path => stage.operator(`/calls/${over.callSid}${path}`)))
  for (const text of [stage.logged(), ...shown, await stage.operator('/metrics')]) t.notMatch(text, RETELL.apiKey)
})

await t.test('a caller who gives up while Retell rings, and one who hangs up', async t => {
  const ringing = await stageWith(t)
  ringing.retell.faults.sip = 'silent'
  const given = ringing.call()
  await ringing.passUntil(({ phase }) => phase === 'ringing')
  given.cancel()
  t.match((await ringing.over()).end, { cause: 'caller-gave-up', by: 'caller' })

  const talking = await stageWith(t)
  const call = talking.call()
  await talking.passUntil(({ phase }) => phase === 'connected')
  call.bye().catch(t.threw)
  t.match((await talking.over()).end, { cause: 'caller-hung-up', by: 'caller' })
})

const SAID = 'what Retell says'
const status = (code: number): RegisterFault => ({ status: code, body: JSON.stringify({ message: SAID }) })

/** How registration fails, and the detail of it. */
const FAILURES: Array<[name: string, RegisterFault, detail: string]> = [
  ['401', status(401), 'key-refused'],
  ['402', status(402), 'no-balance'],
  ['404', status(404), 'no-agent'],
  ['422', status(422), 'no-agent'],
  ['429', status(429), 'too-many'],
  ['500', status(500), 'failed'],
  ['503', status(503), 'failed'],
  ['no id', { status: 201, body: '{}' }, 'bad-answer'],
  ['broken JSON', { status: 201, body: `{"call_id": "${SAID}` }, 'bad-answer'],
  ['a connection that breaks', 'refuse', 'unreachable']
]

for (const [name, fault, detail] of FAILURES) {
  await t.test(`the next way answers when registration fails: ${name}`, async t => {
    const stage = await stageWith(t)
    stage.retell.faults.register = fault
    const { over, status } = await callToTheEnd(stage)
    t.equal(status, 200)
    t.match(over.attempts, [
      { strategy: 'retell', cause: 'retell-failed', detail },
      { strategy: 'phone', cause: 'agent-hung-up' }
    ])
    t.equal(waitedMs(over), 0, 'at once')
    t.equal(stage.carriers['Desk']!.calls.length, 1)
    t.same(stage.retell.registrations(), [])
    const [invite] = stage.carriers['Desk']!.calls
    const metrics = await stage.operator('/metrics')
    t.match(metrics, new RegExp(`bridge_retell_request_seconds_count{outcome="${detail}"} 1\\b`))
    t.match(metrics, /bridge_attempts_ended_total{[^}]*cause="retell-failed"[^}]*} 1\b/)

    const everything = [
      stage.logged(),
      JSON.stringify(over),
      await stage.operator(`/calls/${over.callSid}/diagnosis`),
      metrics,
      JSON.stringify(invite!.request)
    ]
    t.match(stage.logged(), new RegExp(`Retell registration: ${detail}`))
    for (const text of everything) {
      t.notMatch(text, RETELL.apiKey, 'the key is nowhere')
      t.notMatch(text, SAID, 'nor is what Retell said')
    }
  })
}

/** A call hook of which the registration takes this long. @returns the verbs, and the call as operators see it */
async function hookAfter (t: Test, fault: RegisterFault, latencyMs: number, passMs: number) {
  const clock = createTestClock()
  const { retell, arrived } = await retellWith(t, { clock, apiKey: RETELL.apiKey, agents: [RETELL.agent] })
  const { table } = readRoutes(`version: 1\nroutes:\n  - name: test\n    connect:\n${ROUTES}`)
  const bridge = await buildTestBridge(t, { RETELL_API_BASE_URL: retell.apiUrl }, {
    clock,
    env: KEY,
    routes: fixedSource(table!)
  })
  Object.assign(retell.faults, { register: fault, latencyMs })
  const hook = callHook()
  const there = arrived()
  const reply = bridge.hook('/livekit-api', hook)
  await there
  await clock.pass(passMs)
  const { json: verbs } = await reply
  const { json: call } = await bridge.operator('GET', `/calls/${hook['call_sid']}`)
  return { retell, clock, target: verbs[0].target[0], call: call as CallView }
}

await t.test('an answer that comes too late is not used: the next way is dialled when the time is over', async t => {
  for (const [fault, latencyMs] of [['hang', 0], ['ok', 3500]] as const) {
    const { target, call, clock, retell } = await hookAfter(t, fault, latencyMs, 3000)
    t.match(target, { type: 'phone', number: '+15551230009' })
    t.match(call.attempts, [{ cause: 'retell-failed', detail: 'timeout' }, { strategy: 'phone' }])
    t.equal(waitedMs(call), 3000)
    await clock.pass(1000)
    t.notOk(retell.registrations().some(({ taken }) => taken))
  }
})

await t.test('a slow answer is still in time', async t => {
  const { target, call, retell } = await hookAfter(t, 'ok', 2500, 2500)
  const [registration] = retell.registrations()
  t.same(target, { type: 'sip', sipUri: `sip:${registration!.callId}@sip.retellai.com;transport=tcp` })
  t.match(call.attempts, [{ strategy: 'retell' }])
  t.equal(call.attempts.length, 1)
})

await t.test('without the key nothing is sent to Retell', async t => {
  const stage = await stageWith(t, {})
  const { over, status } = await callToTheEnd(stage)
  t.equal(status, 200)
  t.match(over.attempts, [{ cause: 'retell-failed', detail: 'key-missing' }, { strategy: 'phone' }])
})

await t.test('Retell does not know an id any more, refuses the call, or does not answer', async t => {
  const expired = await stageWith(t)
  expired.retell.faults.lifetimeMs = 0
  const late = await callToTheEnd(expired)
  t.equal(late.status, 200)
  t.match(late.over.attempts, [{ strategy: 'retell', cause: 'declined', sipStatus: 404 }, { strategy: 'phone' }])

  const refused = await stageWith(t)
  refused.retell.faults.sip = 403
  const busy = await callToTheEnd(refused)
  t.equal(busy.status, 200)
  t.match(busy.over.attempts, [{ strategy: 'retell', cause: 'declined', sipStatus: 403 }, { strategy: 'phone' }])

  const silent = await stageWith(t)
  silent.retell.faults.sip = 'silent'
  const unanswered = await callToTheEnd(silent)
  t.equal(unanswered.status, 200)
  t.match(unanswered.over.attempts, [{ strategy: 'retell', cause: 'dial-timeout' }, { strategy: 'phone' }])
  t.equal(waitedMs(unanswered.over), 20_000, 'it rings as long as the route says')
})

await t.test('a route of nothing but Retell: its last failure is how the call ends', async t => {
  const only = `      - { retell: { agent: ${RETELL.agent}, key: RETELL_API_KEY } }\n`
  const stage = await setRoutesStage(t, { routes: only, env: KEY })
  stage.retell.faults.register = status(402)
  const { over, status: final } = await callToTheEnd(stage)
  t.equal(final, 480)
  t.match(over.end, { cause: 'retell-failed', detail: 'no-balance' })
})

await t.test('a withheld number is not given to Retell', async t => {
  const stage = await stageWith(t)
  stage.call({ from: 'anonymous', headers: { Privacy: 'id' } })
  await stage.passUntil(({ phase }) => phase === 'connected')
  t.notOk('from_number' in stage.retell.registrations()[0]!.request)
})
