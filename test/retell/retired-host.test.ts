import t from 'tap'
import { loadSettings, settingsWarnings } from '../../src/config.ts'
import { applicationFindings } from '../../src/doctor/application.ts'
import { namesRetiredRetellHost } from '../../src/retell/retired-host.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { ENV } from '../fixtures/build.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'

const HOST = '5t4n6j0wnrl.sip.livekit.cloud'

await t.test('the host that Retell switched off, in whatever is written around it', async t => {
  const named = [
    HOST,
    '5T4N6J0WNRL.SIP.LiveKit.Cloud',
    `${HOST}.`,
    `${HOST}:5060`,
    '5t4n6j0wnrl.us.sip.livekit.cloud',
    `sip:call_0123@${HOST}`,
    `sip:call_0123@${HOST}:5060;transport=tcp`,
    `sips:${HOST}`,
    `"Retell" <sip:call_0123@${HOST};user=phone>;tag=1`,
    JSON.stringify({ target: [{ sipUri: `sip:call_0123@${HOST}` }] }),
    `Dialling ${HOST}.`
  ]
  for (const text of named) t.ok(namesRetiredRetellHost(text), text)
  const others = [
    '',
    'sip.retellai.com',
    'vjnxecm0tjk.sip.livekit.cloud',
    `x${HOST}`,
    `my-${HOST}`,
    `my.${HOST}`,
    `${HOST}.example.com`,
    `${HOST}s`,
    '5t4n6j0wnrl.livekit.cloud',
    '5t4n6j0wnrl-sip.livekit.cloud'
  ]
  for (const text of others) t.notOk(namesRetiredRetellHost(text), text)
})

await t.test('in a routes file it is an error with its place', async t => {
  const source = (uri: string) => `version: 1\nroutes:\n  - name: Retell\n    connect:\n      - sip: "${uri}"\n`
  const problems = (uri: string) =>
    readRoutes(source(uri), { secretOf: () => undefined }).problems.filter(({ severity }) => severity === 'error')
  t.match(problems(`sip:+4953118054632@${HOST};transport=tcp`), [
    { line: 5, column: 14, message: /switched .* off on 2026-09-30.*sip\.retellai\.com/ }
  ])
  t.same(problems('sip:+4953118054632@sip.retellai.com'), [])
})

await t.test('as RETELL_SIP_HOST the service warns of it when it starts, and the doctor repeats it', async t => {
  const warnings = (host: string) => settingsWarnings(loadSettings({ ...ENV, RETELL_SIP_HOST: host })).join('\n')
  t.match(warnings(`${HOST}:5060`), /^RETELL_SIP_HOST.*2026-09-30/m)
  t.notMatch(warnings('sip.retellai.com'), /RETELL/)
})

await t.test('in an application of Jambonz the doctor finds it', async t => {
  const wish = { publicUrl: ENV.PUBLIC_URL, accountSid: 'account-1' }
  const application = { application_sid: 'app-2', account_sid: 'account-1', name: 'old Retell' }
  const found = (extra: object) =>
    applicationFindings(wish, { applications: [{ ...application, ...extra }], numbers: [] })
      .filter(({ code }) => code === 'retell-host-retired')
  const verbs = JSON.stringify([{ verb: 'dial', target: [{ type: 'sip', sipUri: `sip:x@${HOST}` }] }])
  t.match(found({ app_json: verbs }), [{ severity: 'warning', seen: /"old Retell"/ }])
  t.match(found({ env_vars: { RETELL_SIP_URI: HOST } }), [{ severity: 'warning' }])
  t.same(found({}), [])
})

await t.test('bridge explain finds it in verbs, in statuses and in log lines', async t => {
  const hook = {
    call_sid: 'call-1',
    direction: 'inbound',
    from: '+15550001111',
    to: '+15551230000',
    call_id: 'sip-call-1',
    account_sid: 'account-1',
    application_sid: 'app-1'
  }
  const status = {
    ...hook,
    call_sid: 'call-2',
    parent_call_sid: 'call-1',
    direction: 'outbound',
    call_status: 'failed',
    sip_status: 404
  }
  const verbs = (host: string) => [{ verb: 'dial', target: [{ type: 'sip', sipUri: `sip:call_0123@${host}` }] }]
  const records = (host: string): Record<string, string> => ({
    verbs: JSON.stringify({
      time: '2026-11-28T10:00:00.000Z',
      path: '/livekit-api',
      body: hook,
      reply: { status: 200, body: verbs(host) }
    }),
    status: JSON.stringify({
      time: '2026-11-28T10:00:01.000Z',
      path: '/status',
      body: { ...status, to: `sip:call_0123@${host}` }
    }),
    log: JSON.stringify({
      level: 30,
      time: Date.UTC(2026, 10, 28, 10),
      callId: 'sip-call-1',
      callSid: 'call-1',
      opts: { proxy: `sip:${host};transport=udp` },
      msg: 'dialing'
    })
  })
  for (const [kind, line] of Object.entries(records(HOST))) {
    const found = findingsOf(await explainedAll([`${line}\n`])).filter(({ code }) => code === 'retell-host-retired')
    t.match(found, [{ severity: 'failed', seen: /\(file-1:1\), which Retell switched off on 2026-09-30/ }], kind)
    t.equal(found.length, 1, kind)
  }
  for (const line of Object.values(records('sip.retellai.com'))) {
    t.notOk(codesOf(await explainedAll([`${line}\n`])).includes('retell-host-retired'))
  }
})
