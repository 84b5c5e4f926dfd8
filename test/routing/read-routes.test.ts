import { readFileSync } from 'node:fs'
import t from 'tap'
import { readRoutes } from '../../src/routing/file/read-routes.ts'
import type { RouteQuery, RoutesTable } from '../../src/routing/routes.ts'
import { fixture } from '../fixtures/paths.ts'

const EXAMPLE = readFileSync(fixture('routes/example.yaml'), 'utf8')
const APP = { agent: 'app-agent', metadata: '' }

const query = (over: Partial<RouteQuery> = {}): RouteQuery => ({
  callSid: 'CS1',
  at: Date.parse('2026-11-28T22:10:00Z'),
  to: '+4953118054630',
  from: '+4917012345678',
  direction: 'inbound',
  headers: new Map(),
  ...over
})

function example (): RoutesTable {
  const { table, problems } = readRoutes(EXAMPLE, { secretOf: () => 'set' })
  t.same(problems, [])
  return table!
}

await t.test('the example of the documentation', async t => {
  const table = example()
  t.same(table.names, ['sales at night', 'canary', 'Retell', 'blocked', 'everything else'])
  t.same(table.headerNames, ['x-tenant'])
  t.same(table.numbers, ['+4953118054630'])
  t.same(table.policy, { allow: ['DE', 'AT', 'CH', '+1555'], deny: [], sip: [], caps: {} })
  t.equal(table.agent, 'receptionist')

  t.same(table.choose(query({ to: '+49531180546' }), APP), {
    name: 'sales at night',
    ways: [
      { strategy: 'room', agent: 'night-desk', metadata: '{"tenant":"acme","language":"de"}', ringS: 20 },
      { strategy: 'phone', number: '+4915111111111', carrier: 'Schmidtkom', ringS: 30 },
      { strategy: 'say', text: 'Nobody is here. Please call again tomorrow.', language: 'de-DE' }
    ]
  })
  t.same(table.choose(query({ to: '4953118054632', at: Date.parse('2026-11-27T11:00:00Z') }), APP), {
    name: 'Retell',
    ways: [
      { ringS: 40, strategy: 'retell', agent: 'agent_0123', key: 'RETELL_API_KEY' },
      { ringS: 40, strategy: 'carrier', carrier: 'Retell', number: '+4953118054632' }
    ]
  })
  const blocked = { to: '+441', from: 'anonymous' }
  t.same(table.choose(query(blocked), APP), {
    name: 'blocked',
    ways: [{ strategy: 'decline', status: 603, reason: 'Decline' }]
  })
  t.same(table.choose(query({ to: '+441' }), APP).ways, [{ ringS: 40, strategy: 'room', agent: 'receptionist' }])
})

await t.test('explains why the routes before did not match', async t => {
  const { route, line, before } = example().explain(query({ to: '+441', from: 'anonymous' }), APP)
  t.equal(route.name, 'blocked')
  t.equal(line, 32)
  t.same(before, [
    { route: 'sales at night', line: 9, reason: 'to: +441 is not "+49531180*"' },
    { route: 'canary', line: 22, reason: 'to: +441 is not "+4953118054631"' },
    { route: 'Retell', line: 26, reason: 'to: +441 is not "+4953118054632"' }
  ])
})
