import t from 'tap'
import { withoutRestSettings } from '../../src/jambonz/outbound.ts'
import { CARRIER, startJambonzApi } from '../fixtures/jambonz-api.ts'
import { placing } from '../fixtures/placing.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const named = (name: string, more: object = {}) => ({ ...CARRIER, name, ...more })
const clock = createTestClock()

await t.test('the carrier that is wished for, as Jambonz spells it', async t => {
  const api = await startJambonzApi(t, { clock, carriers: [named('MyCarrier'), named('Other')] })
  const { setup } = placing(t, api.access, { clock, carrier: 'Other' })
  t.equal(await setup.carrierOf('MyCarrier'), 'MyCarrier')
  t.equal(await setup.carrierOf('mycarrier'), 'MyCarrier')
  t.equal(await setup.carrierOf(undefined), 'Other', 'OUTBOUND_CARRIER')
  await t.rejects(setup.carrierOf('Third'), {
    code: 'BRIDGE_UNKNOWN_CARRIER',
    message: 'Jambonz has no carrier Third. Carriers of the account: MyCarrier, Other.'
  })
})

await t.test('the only carrier that calls can go out over', async t => {
  const carriers = [named('MyCarrier'), named('Off', { is_active: 0 }), named('LiveKit', { trunk_type: 'auth' })]
  const api = await startJambonzApi(t, { clock, carriers })
  const { setup } = placing(t, api.access, { clock })
  t.equal(await setup.carrierOf(undefined), 'MyCarrier')

  carriers.push(named('Second'))
  t.equal(await setup.carrierOf(undefined), 'MyCarrier', 'the list is kept for a while')
  await clock.pass(5 * 60_000)
  await t.rejects(setup.carrierOf(undefined), { code: 'BRIDGE_CARRIER_NEEDED', message: /MyCarrier, Second/ })
})

await t.test('carriers of the service provider are in another list', async t => {
  const api = await startJambonzApi(t, {
    clock,
    carriers: [named('Wholesale')],
    reply: ({ ofAccount }) => ofAccount ? { status: 200, body: [] } : undefined
  })
  const { setup } = placing(t, api.access, { clock })
  t.equal(await setup.carrierOf(undefined), 'Wholesale')
  t.equal(await setup.carrierOf('Wholesale'), 'Wholesale')
  await t.rejects(setup.carrierOf('Retail'), { code: 'BRIDGE_UNKNOWN_CARRIER' })
})

await t.test('no carriers at all: Jambonz says so when it is asked', async t => {
  const api = await startJambonzApi(t, { clock, carriers: [] })
  const { setup } = placing(t, api.access, { clock })
  t.equal(await setup.carrierOf(undefined), undefined)
})

await t.test('an API that does not list carriers: the wish is believed, and an operator is warned', async t => {
  for (const status of [403, 404]) {
    const api = await startJambonzApi(t, { clock, reply: () => ({ status }) })
    const { setup, warnings } = placing(t, api.access, { clock })
    t.equal(await setup.carrierOf('Any'), 'Any')
    t.equal(await setup.carrierOf(undefined), undefined)
    t.equal(warnings.length, 1)
  }
})

await t.test('a Jambonz that fails: no carrier is guessed, but what was known is believed', async t => {
  let fails = false
  const api = await startJambonzApi(t, { clock, reply: () => fails ? { status: 500 } : undefined })
  const { setup } = placing(t, api.access, { clock })
  fails = true
  await t.rejects(setup.carrierOf(undefined), { message: 'The Jambonz REST API answered 500' })
  fails = false
  t.equal(await setup.carrierOf(undefined), 'MyCarrier')
  fails = true
  await clock.pass(6 * 60_000)
  t.equal(await setup.carrierOf(undefined), 'MyCarrier')
})

await t.test('an application that is added later is found soon, without a restart', async t => {
  let isThere = false
  const reply = ({ path }: { path: string }) =>
    path === '/Applications' && !isThere ? { status: 200, body: [] } : undefined
  const api = await startJambonzApi(t, { clock, reply })
  const { setup } = placing(t, api.access, { clock })
  t.match(await setup.readiness(), { ready: false, missing: /bridge provision/ })
  isThere = true
  await clock.pass(10_000)
  t.same(await setup.readiness(), { ready: true })
})

await t.test('without the REST settings the answer names them', async t => {
  t.match(await withoutRestSettings.readiness(), { ready: false, missing: /JAMBONZ_REST_API_BASE_URL.*JAMBONZ_API_KEY/ })
})
