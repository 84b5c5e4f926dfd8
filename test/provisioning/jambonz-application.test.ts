import t from 'tap'
import { applicationHooks, planApplication, type Application } from '../../src/provisioning/jambonz-application.ts'

const wish = { publicUrl: 'https://bridge.example.com', accountSid: 'acct' }
const hooks = applicationHooks(wish.publicUrl)
const application = (call: string, status?: string, more: Partial<Application> = {}): Application => ({
  application_sid: 'a',
  account_sid: 'acct',
  name: 'n',
  call_hook: { webhook_sid: '1', url: call, method: 'POST' },
  call_status_hook: status === undefined ? null : { webhook_sid: '2', url: status, method: 'POST' },
  ...more
})
const told = (...applications: Application[]) => {
  const { changes, findings } = planApplication(wish, {
    applications,
    numbers: [{ number: '1555', application_sid: 'a' }]
  })
  return [
    ...changes.flatMap(({ do: what, fields }) => fields.map(({ name }) => `${what} ${name}`)),
    ...findings.filter(({ severity }) => severity !== 'ok').map(({ code }) => code)
  ]
}
const CREATE = ['create call_hook', 'create call_status_hook']

await t.test('ours by the call hook, however it is written', async t => {
  t.same(told(application(hooks.callHook, hooks.statusHook)), [])
  t.same(
    told(application('https://bridge.example.com/livekit-api/', 'https://bridge.example.com/call-status#rp=all&rc=5')),
    [],
    'as the README had it'
  )
  t.same(told(application('https://bridge.example.com/livekit-api?a=b', hooks.statusHook)), [])
})

await t.test('others are not ours', async t => {
  t.same(told(), [...CREATE, 'application-without-numbers'])
  t.same(told(application('https://other.example.com/hook', 'x')), [...CREATE, 'application-without-numbers'])
  t.same(told(application('https://old.example.com/livekit-api', 'x')), [
    ...CREATE,
    'application-elsewhere',
    'application-without-numbers'
  ])
  t.same(told(application(hooks.callHook, hooks.statusHook, { account_sid: 'another' })), [
    ...CREATE,
    'application-without-numbers'
  ])
  t.same(told(application(hooks.callHook, hooks.statusHook, { call_hook: null })), [
    ...CREATE,
    'application-without-numbers'
  ])
})

await t.test('what is repaired', async t => {
  t.same(told(application(hooks.callHook)), ['update call_status_hook.url'])
  t.same(
    told(application(hooks.callHook, 'https://bridge.example.com/status')),
    ['update call_status_hook.url'],
    'without retries'
  )
  t.same(told(application(hooks.callHook, 'https://bridge.example.com/status#rc=2&rp=ct')), [
    'update call_status_hook.url'
  ])
  t.same(told(application(hooks.callHook, 'https://other.example.com/status#rc=2&rp=all')), [
    'update call_status_hook.url'
  ])
  t.same(told(application(hooks.callHook, hooks.statusHook, { call_hook: { url: hooks.callHook, method: 'GET' } })), [
    'update call_hook.method'
  ])
  t.same(
    told(application(hooks.callHook, hooks.statusHook), {
      ...application(hooks.callHook, hooks.statusHook),
      application_sid: 'b'
    }),
    ['application-without-numbers'],
    'several may share a bridge'
  )
})

await t.test('one webhook for both hooks becomes two', async t => {
  const shared = { webhook_sid: '1', url: hooks.callHook, method: 'POST' }
  const [change] =
    planApplication(wish, {
      applications: [application('', '', { call_hook: shared, call_status_hook: shared })],
      numbers: []
    }).changes
  t.same(change?.body, { call_hook: shared, call_status_hook: { url: hooks.statusHook, method: 'POST' } })
})
