import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { alertFindings, alertsCheck } from '../../src/doctor/alerts.ts'
import { codes, contextWith, run } from '../fixtures/doctor-check.ts'

const URL_ = 'https://bridge.example.com'

/** A Jambonz API that has these alerts; a number is a status. Undefined: it never answers. */
async function jambonz (t: Test, alerts: unknown) {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`)
    if (typeof alerts === 'number') response.writeHead(alerts).end('no')
    else if (alerts !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(alerts))
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return {
    server,
    asked,
    context: contextWith({
      JAMBONZ_REST_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
      JAMBONZ_ACCOUNT_SID: 'acct-1',
      JAMBONZ_API_KEY: 'secret-key'
    })
  }
}

await t.test('alerts of the last day by type, without their text', async t => {
  const { asked, context } = await jambonz(t, {
    data: [
      {
        time: '2026-11-20T09:00:00.123Z',
        alert_type: 'webhook-failure',
        message: `webhook failure: ${URL_}/livekit-api?from=+15550001111 returned 500`
      },
      {
        time: '2026-11-21T09:00:00.456Z',
        alert_type: 'WEBHOOK_FAILURE',
        message: `webhook failure: ${URL_}/status returned 401`
      },
      {
        time: '2026-11-21T08:00:00Z',
        alert_type: 'webhook-failure',
        message: 'webhook failure: https://other.example.com returned 500'
      },
      {
        time: '2026-11-21T07:00:00Z',
        alert_type: 'invalid-app-payload',
        message: 'dial: unknown property',
        target_sid: 'call-1'
      },
      { time: 'nonsense', alert_type: 'tts-failure', message: 'no voice' }
    ]
  })
  const now = Date.UTC(2026, 10, 21, 10)
  const findings = await run(alertsCheck, { ...context, clock: { ...context.clock, now: () => now } })
  t.match(findings, [
    {
      code: 'jambonz-alerts',
      severity: 'warning',
      seen: '2 × webhook-failure in the last 24 hours, about hooks of this bridge; the newest 2026-11-21T09:00:00Z',
      todo: /PUBLIC_URL/
    },
    {
      code: 'jambonz-alerts',
      severity: 'warning',
      seen: /^1 × invalid-app-payload .* in this account; Jambonz does not say/
    }
  ])
  t.equal(findings.length, 2)
  t.notMatch(JSON.stringify(findings), /1555|other\.example|call-1|secret-key/)
  t.same(asked, [
    'Bearer secret-key ' +
    '/api/v1/Accounts/acct-1/Alerts?page=1&count=500&start=2026-11-20T10%3A00%3A00.000Z' +
    '&end=2026-11-21T10%3A00%3A00.000Z'
  ])
})

await t.test('none, and more than a page', async t => {
  t.match(await run(alertsCheck, (await jambonz(t, { data: [] })).context), [{
    code: 'jambonz-alerts-none',
    severity: 'ok'
  }])
  t.match(alertFindings(Array.from({ length: 500 }, () => ({ alert_type: 'no-carrier' })), URL_), [{
    seen: /^500 or more × no-carrier in the last 24 hours, in this account; Jambonz does not say of which application$/
  }])
  for (const nonsense of [null, [], 'text', { data: null }, { data: [null, 1, { alert_type: 1 }] }]) {
    t.same(codes(await run(alertsCheck, (await jambonz(t, nonsense)).context)), ['jambonz-alerts-none'])
  }
  t.same(codes(alertFindings([{ alert_type: 'constructor' }, {}], URL_)), ['jambonz-alerts-none'])
})

await t.test('what cannot be asked', async t => {
  t.match(await run(alertsCheck, contextWith()), [{ code: 'jambonz-not-asked', severity: 'skipped' }])
  t.same(codes(await run(alertsCheck, (await jambonz(t, 401)).context)), ['jambonz-key-refused'])
  t.same(codes(await run(alertsCheck, (await jambonz(t, 500)).context)), ['jambonz-refused'])
  const { server, context } = await jambonz(t, undefined)
  const stop = new AbortController()
  server.once('request', () => stop.abort())
  t.same(await run(alertsCheck, context, stop.signal), [], 'given up with the signal')
})
