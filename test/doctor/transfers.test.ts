import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { plainHttp, transfersCheck } from '../../src/doctor/transfers.ts'
import { contextWith, run } from '../fixtures/doctor-check.ts'
import { policyWith } from '../fixtures/policies.ts'
import { bridgeTest } from '../routes/support.ts'

const REST = {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:1/v1',
  JAMBONZ_ACCOUNT_SID: 'account',
  JAMBONZ_API_KEY: 'key'
}

function found (env: Record<string, string>, allow: string[] = ['DE']) {
  const context = contextWith(env)
  const table = { ...context.routes.table, policy: policyWith({ allow }) }
  return run(transfersCheck, { ...context, routes: { ...context.routes, table } })
}

async function serverWith (t: Test, status: number): Promise<string> {
  const server = createServer((_request, reply) => reply.writeHead(status).end('{}')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

await t.test('nothing is asked where no transfer is possible at all', async t => {
  t.match(await run(transfersCheck, contextWith(REST)), [{ code: 'policy-none', severity: 'skipped' }])
  t.match(await found({}), [{ code: 'transfers-refer-only', severity: 'warning', todo: /JAMBONZ_API_KEY/ }])
})

await t.test('nobody there, and somebody who is no operator API', async t => {
  const gone = await found({ ...REST, AGENT_API_URL: 'http://127.0.0.1:1' })
  t.match(gone, [{ code: 'agent-api-unreachable', severity: 'failed', seen: /AGENT_API_URL \(127\.0\.0\.1:1: ECONNREF/ }])
  for (const status of [200, 401, 404]) {
    const url = await serverWith(t, status)
    const closed = await found({ ...REST, AGENT_API_URL: url })
    t.match(closed, [{ code: 'agent-api-closed', seen: new RegExp(`status ${status}`) }], String(status))
  }
})

await bridgeTest('the API of a bridge, asked without a token', async (t, bridge) => {
  const url = await bridge.app.listen({ port: 0, host: '127.0.0.1' })
  t.match(await found({ ...REST, AGENT_API_URL: url }), [{ code: 'transfers-ok', severity: 'ok' }])
  t.match(await found({ ...REST, PUBLIC_URL: url }), [{ code: 'transfers-ok' }], 'without the setting: PUBLIC_URL')
})

await t.test('plain http is for private networks', async t => {
  for (const url of ['http://bridge:3000', 'http://bridge.internal', 'http://10.1.2.3', 'http://[::1]:3000']) {
    t.same(plainHttp(new URL(url), 'AGENT_API_URL'), [], url)
  }
  t.same(plainHttp(new URL('https://bridge.example.com'), 'AGENT_API_URL'), [])
  t.match(plainHttp(new URL('http://bridge.example.com'), 'AGENT_API_URL'), [{
    code: 'agent-api-http',
    severity: 'warning',
    seen: /AGENT_API_URL is plain http at a public address/
  }])
})
