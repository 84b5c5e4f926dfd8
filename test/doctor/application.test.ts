import t, { type Test } from 'tap'
import { applicationCheck, secretFinding } from '../../src/doctor/application.ts'
import { FindingError } from '../../src/finding.ts'
import { codes, contextWith, run } from '../fixtures/doctor-check.ts'
import { ACCOUNT, jambonzApplications } from '../fixtures/jambonz-applications.ts'

const GOOD = {
  application_sid: 'app-1',
  account_sid: ACCOUNT,
  name: 'voice agents',
  call_hook: { webhook_sid: 'w1', url: 'https://bridge.example.com/livekit-api', method: 'POST' },
  call_status_hook: { webhook_sid: 'w2', url: 'https://bridge.example.com/status#rc=2&rp=all', method: 'POST' }
}
const NUMBERS = [{ number: '+15551230000', application_sid: 'app-1' }, {
  number: '+15551230001',
  application_sid: 'app-1'
}, { number: '+15551230002', application_sid: null }]

/** What is found in an account, which is not changed by it. */
async function account (t: Test, state: Parameters<typeof jambonzApplications>[1], env: Record<string, string> = {}) {
  const jambonz = await jambonzApplications(t, state)
  const context = contextWith({ ...jambonz.env, ...env })
  const findings = await run(applicationCheck, context)
  t.same(jambonz.writes, [])
  t.notMatch(JSON.stringify(findings), /1555123|wh_secret|38700987|hook-password/, 'no number, secret or key')
  return { jambonz, context, findings }
}

await t.test('without the REST settings: what to compare by hand', async t => {
  const context = contextWith()
  t.match(await run(applicationCheck, context), [{
    code: 'application-skipped',
    severity: 'skipped',
    todo: /https:\/\/bridge\.example\.com\/livekit-api.*\/status#rc=2&rp=all/
  }])
  t.equal(await applicationCheck.fix!(context, new AbortController().signal), undefined)
})

await t.test('an application as it should be', async t => {
  const { findings, context } = await account(t, { applications: [GOOD], numbers: NUMBERS, secret: 'wh_secret_abc' })
  t.match(findings, [
    { code: 'application-ok', severity: 'ok', seen: /"voice agents"/ },
    { code: 'application-numbers', severity: 'ok', seen: /^2 phone numbers use/ },
    { code: 'webhook-secret-fits', severity: 'ok' }
  ])
  t.equal(findings.length, 3)
  t.equal(await applicationCheck.fix!(context, new AbortController().signal), undefined, 'nothing to change')
})

await t.test('what differs, and the fix', async t => {
  const applications = [
    structuredClone({ ...GOOD, call_hook: { ...GOOD.call_hook, method: 'GET' }, call_status_hook: null })
  ]
  const { findings, jambonz, context } = await account(t, { applications, secret: 'wh_secret_abc' })
  t.match(findings, [
    {
      code: 'application-differs',
      severity: 'failed',
      seen:
        /"voice agents": call_hook\.method is GET, should be POST; call_status_hook\.url is \(none\), should be https:.*\/status/,
      command: 'bridge doctor --only application --fix'
    },
    { code: 'application-without-numbers', severity: 'warning' },
    { code: 'webhook-secret-fits' }
  ])
  const fix = await applicationCheck.fix!(context, new AbortController().signal)
  t.match(fix, {
    where: /^Jambonz account 9351f46a/,
    lines: [/update Jambonz application app-1/, /call_hook\.method/, /call_status_hook\.url/]
  })
  t.same(jambonz.writes, [], 'nothing before consent')
  const done: string[] = []
  await fix!.apply(line => done.push(line))
  t.same(done, ['updated: Jambonz application app-1 "voice agents"'])
  t.same(codes(await run(applicationCheck, context)), [
    'application-ok',
    'application-without-numbers',
    'webhook-secret-fits'
  ])
})

await t.test('a status hook that differs costs less than a call hook; user names are not repeated', async t => {
  const { findings } = await account(t, {
    applications: [{
      ...GOOD,
      call_status_hook: { ...GOOD.call_status_hook, url: 'https://bridge.example.com/status' }
    }]
  })
  t.match(findings[0], { code: 'application-differs', severity: 'warning' })
  const basic = await account(t, { applications: [GOOD] }, {
    HTTP_USERNAME: 'somebody',
    HTTP_PASSWORD: 'hook-password'
  })
  t.match(basic.findings[0], {
    severity: 'failed',
    seen: /call_hook\.username is another; call_status_hook\.username is another/
  })
})

await t.test('none of this bridge: one is made', async t => {
  const other = { ...GOOD, call_hook: { url: 'https://old.example.com/livekit-api', method: 'POST' } }
  const { findings, jambonz, context } = await account(t, { applications: [other] })
  t.match(findings, [
    { code: 'application-missing', severity: 'failed', seen: /https:\/\/bridge\.example\.com\/livekit-api/ },
    { code: 'application-elsewhere', severity: 'warning' },
    { code: 'application-without-numbers' },
    { code: 'webhook-secret-unknown', severity: 'skipped' }
  ])
  const fix = await applicationCheck.fix!(context, new AbortController().signal)
  const done: string[] = []
  await fix!.apply(line => done.push(line))
  t.match(done, [/^created: Jambonz application app-/])
  t.equal(jambonz.applications.length, 2)
  t.same(codes(await run(applicationCheck, context)).slice(0, 1), ['application-ok'])
})

await t.test('a fix that Jambonz refuses, and one that is interrupted', async t => {
  const { jambonz, context } = await account(t, {})
  const fix = await applicationCheck.fix!(context, new AbortController().signal)
  jambonz.applications.push({ ...GOOD, name: fix!.lines[0]!.split('"')[1], call_hook: null })
  t.match(await fix!.apply(() => {}).catch((error: unknown) => error), {
    finding: { code: 'jambonz-refused', seen: /duplicate name/ }
  })
  const stop = new AbortController()
  const again = await applicationCheck.fix!(context, stop.signal)
  stop.abort()
  await t.rejects(again!.apply(() => {}), FindingError)
  t.equal(jambonz.applications.length, 1)
})

await t.test('an API that cannot be asked', async t => {
  const { findings } = await account(t, {}, { JAMBONZ_API_KEY: 'another' })
  t.match(findings, [{ code: 'jambonz-key-refused', severity: 'failed' }])
  t.same(
    codes(
      await run(
        applicationCheck,
        contextWith({ JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:1', JAMBONZ_ACCOUNT_SID: 'a', JAMBONZ_API_KEY: 'k' })
      )
    ),
    ['jambonz-unreachable']
  )
})

await t.test('the secret that Jambonz signs with', async t => {
  t.match(secretFinding('a', 'a'), { code: 'webhook-secret-fits' })
  t.match(secretFinding('new, old', 'old'), { code: 'webhook-secret-fits', seen: /one of the secrets/ })
  t.match(secretFinding('sesame', 'tahini'), { code: 'webhook-secret-differs', severity: 'failed' })
  t.notMatch(JSON.stringify(secretFinding('sesame', 'tahini')), /sesame|tahini/)
  t.match(secretFinding(undefined, 'tahini'), { code: 'webhook-secret-unknown', severity: 'skipped' })
  t.match(secretFinding('sesame', undefined), { code: 'webhook-secret-unknown', todo: /portal/ })
})
