import t, { type Test } from 'tap'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../../src/app.ts'
import { CHECKS } from '../../src/doctor/checks.ts'
import { OPERATOR_TOKEN } from '../fixtures/build.ts'
import { surgery, type Surgery } from '../fixtures/doctor-surgery.ts'
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

await t.test('who asks while it runs gets the same answer; who asks later a new one', async t => {
  const { at, ask } = await bench(t)
  let reads = 0
  at.project.meets = method => {
    if (method === 'ListSIPInboundTrunk') reads++
    return 'pass'
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
