import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { examplesPage } from '../../scripts/examples.ts'
import type { Way } from '../../src/calls/fold/way.ts'
import { loadSettings } from '../../src/config.ts'
import type { RoutesTrial, RoutesTrialRequest } from '../../src/routes-schemas.ts'
import { describeWay } from '../../src/routing/describe-way.ts'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import { tryRoutes } from '../../src/routing/trial.ts'
import { project } from '../fixtures/paths.ts'

/*
 * The examples of docs/routes.md: each is sound, and does what the page says of it.
 */

const FOLDER = 'docs/routes'
const files = readdirSync(project(FOLDER)).sort()

const settings = loadSettings({
  PUBLIC_URL: 'https://bridge.example.com',
  LIVEKIT_URL: 'wss://livekit.example.com',
  LIVEKIT_API_KEY: 'key',
  LIVEKIT_API_SECRET: 'secret',
  LIVEKIT_SIP_HOST: 'sip.example.com',
  LIVEKIT_AGENT_NAME: 'my-agent',
  JAMBONZ_WEBHOOK_SECRET: 'wh_secret_abc',
  FALLBACK_NUMBER: '+15551230009'
})

const read = (file: string) => readRoutes(readFileSync(project(`${FOLDER}/${file}`), 'utf8'), { secretOf: () => 'key' })
const readings = new Map(files.map(file => [file, read(file)]))

function tried (file: string, request: RoutesTrialRequest): RoutesTrial {
  const { table } = readings.get(file)!
  if (!table) throw new Error(`${file} cannot be used`)
  return tryRoutes(request, { table, settings, secretOf: () => 'key', now: 0 })
}

/** What becomes of a call, in the words of the page: the route, then `way 20s` for each way. */
function outcome (file: string, request: RoutesTrialRequest): string[] {
  const { route, ways } = tried(file, request)
  const shown = ways.map(({ way, ringS }) => `${describeWay(way)}${ringS === undefined ? '' : ` ${ringS}s`}`)
  return [route?.name ?? '(none)', ...shown]
}

const waysOf = (file: string, request: RoutesTrialRequest): Way[] =>
  tried(file, request).ways.map(({ way }) => way)

await t.test('no example has a problem', async t => {
  for (const [file, { problems }] of readings) t.same(problems, [], file)
})

await t.test('the page has every file as it is, and what the commands print', async t => {
  const { page, filled } = await examplesPage()
  t.equal(page, filled, 'after a change run: npm run docs')
  t.equal(page.match(/^### \d+\. /gm)?.length, 10, 'ten examples')
  for (const file of files) t.ok(page.includes(`<!-- file: ${FOLDER}/${file} -->`), `${file} is in the page`)
})

type Expected = [file: string, request: RoutesTrialRequest, outcome: string[]]

const RECEPTION = ['everything else', 'agent receptionist 40s']
const SALES = '+493023125010'
const EXPECTED: Expected[] = [
  ['first.yaml', { to: SALES }, ['sales', 'agent sales-agent 20s', 'phone +4917139200010 40s']],
  ['first.yaml', { to: '+493023125011' }, RECEPTION],
  ['warm.yaml', { to: SALES }, ['sales', 'agent sales-agent 40s', 'phone +4917139200010 40s']],
  ['transfers.yaml', { to: SALES }, ['(none)', 'agent my-agent 40s', 'phone +15551230009 40s']],

  ['night-and-day.yaml', { to: SALES, at: '2026-12-01T08:00+01:00' }, ['sales by day', 'agent sales-agent 40s']],
  ['night-and-day.yaml', { to: SALES, at: '2026-12-01T18:00+01:00' }, ['sales at night', 'agent night-desk 40s']],
  ['night-and-day.yaml', { to: SALES, at: '2026-12-05T12:59+01:00' }, ['sales by day', 'agent sales-agent 40s']],
  ['night-and-day.yaml', { to: SALES, at: '2026-12-06T12:00+01:00' }, ['sales at night', 'agent night-desk 40s']],
  ['night-and-day.yaml', { to: SALES, at: '2026-07-01T06:30Z' }, ['sales by day', 'agent sales-agent 40s']],

  ['second-agent.yaml', { to: SALES }, [
    'support',
    'agent support-agent 15s',
    'agent support-agent-backup 15s',
    `phone +4917139200011 over MyCarrier, from ${SALES} 30s`,
    'say "All our lines are busy. Please call again in a few minutes."'
  ]],
  ['carrier-to-livekit.yaml', { to: '+493023125020' }, [
    'reception over our LiveKit carrier',
    'carrier LiveKit, number +493023125020 30s',
    'phone +4917139200012 40s'
  ]],
  ['retell-by-carrier.yaml', { to: '+493023125030' }, [
    'Retell',
    'carrier Retell, number +493023125030 30s',
    'agent receptionist 40s'
  ]],
  ['retell-registered.yaml', { to: '+493023125031' }, [
    'Retell',
    'retell agent_0123456789abcdef 30s',
    'agent receptionist 40s'
  ]],

  ['tenants.yaml', { to: SALES, headers: { 'x-tenant': 'acme' } }, ['acme', 'agent acme-agent 40s']],
  ['tenants.yaml', { to: SALES, headers: { 'X-Tenant': 'globex' } }, ['globex', 'agent globex-agent 40s']],
  ['tenants.yaml', { to: SALES, headers: { 'X-Tenant': 'globex-rome' } }, ['globex', 'agent globex-agent 40s']],
  ['tenants.yaml', { to: SALES, headers: { 'X-Tenant': 'ACME' } }, ['unknown tenant', 'decline 404 Not Found']],
  ['tenants.yaml', { to: SALES }, ['without a tenant', 'agent receptionist 40s']],

  ['blocked-callers.yaml', { to: SALES, from: '0049 171 39200099' }, ['blocked', 'decline 607 Unwanted']],
  ['blocked-callers.yaml', { to: SALES, from: '+4990012345' }, ['blocked', 'decline 607 Unwanted']],
  ['blocked-callers.yaml', { to: SALES, from: '+881612345678' }, ['blocked', 'decline 607 Unwanted']],
  ['blocked-callers.yaml', { to: SALES, from: 'anonymous' }, [
    'withheld numbers',
    'agent screening-agent 10s',
    'decline 480 Please call with your number'
  ]],
  ['blocked-callers.yaml', { to: SALES, from: '+4917139200098' }, RECEPTION],

  ['closed.yaml', { to: '+493023125011', at: '2026-12-05T12:00+01:00' }, ['closed', 'decline 603 Decline']],
  ['closed.yaml', { to: '+493023125011', at: '2026-12-04T12:00+01:00' }, ['open', 'agent receptionist 40s']],
  ['closed.yaml', { to: '+493023125012', at: '2026-12-05T12:00+01:00' }, ['open', 'agent receptionist 40s']],

  ...['03023125010', '+493023125010', '0049 30 23125-010', 'tel:+49-30-23125-010'].map((to): Expected => [
    'two-countries.yaml',
    { to, carrier: 'GermanCarrier' },
    ['Berlin', 'agent receptionist-de 25s', `phone +4917139200010 over GermanCarrier, from ${SALES} 25s`]
  ]),
  ['two-countries.yaml', { to: '02079460100', carrier: 'BritishCarrier' }, [
    'London',
    'agent receptionist-gb 25s',
    'phone +442079460101 over BritishCarrier, from +442079460100 25s'
  ]],
  ['two-countries.yaml', { to: '+493023125099' }, ['everything else', 'agent receptionist-de 25s']]
]

for (const [file, request, expected] of EXPECTED) {
  await t.test(`${file}: ${JSON.stringify(request)}`, async t => {
    t.same(outcome(file, request), expected)
  })
}

await t.test('one call in twenty gets the new version, and the same calls each time', async t => {
  const ask = () => Array.from({ length: 500 }, (_, i) => waysOf('canary.yaml', { to: SALES, callSid: `call-${i}` })[0])
  const agents = ask()
  t.same(ask(), agents)
  const chosen = agents.filter(way => way?.strategy === 'room' && way.agent === 'sales-agent-next').length
  t.ok(chosen > 10 && chosen < 45, `${chosen} of 500`)
})

await t.test('agents and Retell get what the files say about the call', async t => {
  t.match(waysOf('night-and-day.yaml', { to: SALES, at: '2026-12-06T12:00+01:00' }), [
    { metadata: '{"reason":"closed","opens":"08:00"}' }
  ])
  t.match(waysOf('tenants.yaml', { to: SALES, headers: { 'X-Tenant': 'acme' } }), [
    { metadata: '{"tenant":"acme","language":"de"}' }
  ])
  t.match(waysOf('retell-registered.yaml', { to: '+493023125031' }), [
    { key: 'RETELL_API_KEY', metadata: '{"tenant":"acme"}', variables: { greeting: 'Good morning' } }
  ])
})
