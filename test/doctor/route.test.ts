import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../src/app.ts'
import { CHECKS } from '../../src/doctor/checks.ts'
import { OPERATOR_TOKEN } from '../fixtures/build.ts'
import { surgery, type Surgery } from '../fixtures/doctor-surgery.ts'
import { openStream } from '../fixtures/event-stream.ts'
import { misfits } from '../routes/support.ts'

/** The service beside LiveKit's double. */
async function bench (
  t: Test,
  env: Record<string, string> = {}
): Promise<{ at: Surgery, app: FastifyInstance, ask: () => Promise<{ status: number, json: any }> }> {
  const at = await surgery(t)
  const app = await buildApp({ settings: at.settings({ OPERATOR_TOKEN, ...env }) })
  t.after(() => app.close())
  await app.ready()
  const ask = async () => {
    const reply = await app.inject({ url: '/doctor', headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } })
    return { status: reply.statusCode, json: reply.json() }
  }
  return { at, app, ask }
}

await t.test('the read-only checks, as documented, and nothing is changed', async t => {
  const { at, ask } = await bench(t)
  await at.provision()
  at.trunk({ ringing_timeout: '30s' })
  const writes = at.project.writes.length
  const { status, json } = await ask()
  t.equal(status, 200)
  t.same(misfits('DoctorReport', json), [])
  t.same(
    json.checks.map(({ name }: { name: string }) => name),
    CHECKS.filter(({ readOnly }) => readOnly).map(({ name }) => name)
  )
  t.match(json.checks.find(({ name }: { name: string }) => name === 'trunk-and-rule'), {
    status: 'failed',
    findings: [{ code: 'trunk-ringing-timeout', severity: 'failed', command: 'bridge doctor --fix' }]
  })
  t.match(json.checks.find(({ name }: { name: string }) => name === 'matching'), { status: 'ok' })
  t.equal(json.summary.failed + json.summary.ok + json.summary.warning + json.summary.skipped, json.checks.length)
  t.equal(at.project.writes.length, writes)
  t.notMatch(JSON.stringify(json), /eyJ|devsecret|trunk-password|operator-token|wh_secret/)
})

await t.test('the running service says how full its pools are, and what keeps them from it', async t => {
  const { app, ask } = await bench(t, { WARM_AGENTS: '2' })
  app.warmPools.views = async () => [
    { id: 'p', agent: 'demo-agent', metadata: '', min: 2, max: 2, size: 2, ready: 1, making: 0, trouble: 'no-agent' }
  ]
  const { json } = await ask()
  t.match(json.checks.find(({ name }: { name: string }) => name === 'warm'), {
    status: 'warning',
    findings: [{ code: 'warm-pool-short', seen: /^Agent demo-agent: 1 of 2 rooms have a waiting agent .* no agent comes$/ }]
  })
})

await t.test('who asks while it runs gets the same answer; who asks later a new one', async t => {
  const { at, ask } = await bench(t)
  let reads = 0
  at.project.meets = method => {
    if (method === 'ListSIPInboundTrunk') reads++
    return 'pass' as const
  }
  const [one, other] = await Promise.all([ask(), ask()])
  t.same(one.json, other.json)
  t.equal(reads, 1)
  await ask()
  t.equal(reads, 2)
})

await t.test('operators alone', async t => {
  const { app, at } = await bench(t)
  t.equal((await app.inject('/doctor')).statusCode, 401)
  const off = await buildApp({ settings: at.settings() })
  t.after(() => off.close())
  t.match((await off.inject({ url: '/doctor', headers: { authorization: `Bearer ${OPERATOR_TOKEN}` } })).json(), {
    statusCode: 404,
    code: 'BRIDGE_OPERATOR_API_OFF'
  })
})

await t.test('a service that closes does not wait for a LiveKit that hangs', async t => {
  const { at, app, ask } = await bench(t)
  let asked = () => {}
  const hanging = new Promise<void>(resolve => {
    asked = resolve
  })
  at.project.meets = () => {
    asked()
    return new Promise(() => {})
  }
  const answer = ask()
  await hanging
  await app.close()
  t.match(
    (await answer).json.checks.find(({ name }: { name: string }) => name === 'livekit-api').findings.at(-1).code,
    /^(interrupted|check-not-stopped)$/
  )
})

const READ_ONLY = CHECKS.filter(({ readOnly }) => readOnly).map(({ name, title }) => ({ name, title }))

await t.test('check by check: what runs, each as it ends, and the report', async t => {
  const { at, app } = await bench(t, { VIEWER_TOKEN: 'viewer-token-viewer-token' })
  await at.provision()
  at.trunk({ ringing_timeout: '30s' })
  let letGo = () => {}
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  at.project.meets = async method => {
    if (method === 'ListSIPInboundTrunk') await held
    return 'pass' as const
  }
  const page = await openStream(app, '/doctor/stream', { token: 'viewer-token-viewer-token' })
  t.match(page, { status: 200, type: 'text/event-stream; charset=utf-8' })
  t.match(await page.next(), { event: 'begin', data: { at: /^\d{4}-/, checks: READ_ONLY } })
  const first = await page.next()
  t.equal(first.event, 'check', 'one that waits for nobody has ended')
  t.not(first.data.name, 'trunk-and-rule')

  const late = await openStream(app, '/doctor/stream')
  t.equal((await late.next()).event, 'begin')
  t.same((await late.next()).data, first.data, 'who comes later gets what has ended')
  letGo()
  const { data: found } = await page.next('check', ({ name }) => name === 'trunk-and-rule')
  t.match(found, { status: 'failed', findings: [{ code: 'trunk-ringing-timeout' }] })
  const { data: report } = await page.next('report')
  t.same(misfits('DoctorReport', report), [])
  t.same(report.checks.find(({ name }: { name: string }) => name === 'trunk-and-rule'), found)
  t.same(await page.ended(), [], 'nothing comes behind it')
  t.same((await late.next('report')).data, report, 'and it was one run')
})

await t.test('a page that leaves ends no run, and a bridge that ends sends its pages away', async t => {
  const { at, app, ask } = await bench(t)
  let letGo = () => {}
  const held = new Promise<void>(resolve => {
    letGo = resolve
  })
  at.project.meets = async () => {
    await held
    return 'pass' as const
  }
  const leaving = await openStream(app, '/doctor/stream')
  await leaving.next('begin')
  const staying = await openStream(app, '/doctor/stream')
  await staying.next('begin')
  const answer = ask()
  leaving.leave()
  app.draining.drain()
  t.match(await staying.next('bye'), { data: { reason: 'draining', retryMs: 1000 } })
  t.same(await staying.ended(), [])
  const late = await openStream(app, '/doctor/stream')
  t.equal((await late.next()).event, 'bye')
  letGo()
  t.equal((await answer).json.checks.length, READ_ONLY.length)
})
