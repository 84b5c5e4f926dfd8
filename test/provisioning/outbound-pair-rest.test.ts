import t from 'tap'
import { applicationHooks } from '../../src/provisioning/jambonz-application.ts'
import { createCarrierRest } from '../../src/provisioning/outbound-pair-rest.ts'
import { ACCOUNT, PUBLIC_URL as publicUrl, startJambonzApi } from '../fixtures/jambonz-api.ts'
import { placing } from '../fixtures/placing.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const ours = (sid: string) => ({
  application_sid: sid,
  account_sid: ACCOUNT,
  name: sid,
  call_hook: { url: applicationHooks(publicUrl).callHook, method: 'POST' }
})

await t.test('the carrier gets the application that orders are placed with', async t => {
  const clock = createTestClock()
  const { access } = await startJambonzApi(t, {
    clock,
    applications: [ours('app-1'), ours('app-2')],
    reply: ({ path }) => path === '' ? { status: 200, body: { sip_realm: 'acme.example.com' } } : undefined
  })
  for (const [applicationSid, expected] of [['app-2', 'app-2'], [undefined, 'app-1']] as const) {
    const { application } = await createCarrierRest(access, { publicUrl, applicationSid }).read()
    const { setup } = placing(t, access, { clock, ...applicationSid && { applicationSid } })
    t.equal(application, expected)
    t.equal(await setup.application(), expected)
  }
})
