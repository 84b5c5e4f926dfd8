import t from 'tap'
import type { Way } from '../../src/calls/fold/way.ts'
import { completeRoute } from '../../src/routing/complete-route.ts'
import { settingsTable } from '../../src/routing/settings-table.ts'

const room = (agent: string, metadata?: string): Way => ({
  strategy: 'room',
  agent,
  ...(metadata === undefined ? {} : { metadata })
})
const RETELL: Way = {
  strategy: 'retell',
  agent: 'night',
  key: 'RETELL_API_KEY',
  metadata: '{"b":2}',
  variables: { name: 'Ann' }
}
const place = (route: string, way: Way) => ({ route, way, line: 1, column: 1 })
const table = {
  ...settingsTable,
  ways: [place('night', room('night', '{"a":1}')), place('night', RETELL), place('day', room('day', '{"c":3}'))]
}

await t.test('what a room does not say of an agent comes from the routes in force', async t => {
  const { metadata: _metadata, variables: _variables, ...retell } = RETELL
  t.same(completeRoute({ name: 'night', ways: [room('night'), retell as Way] }, table).ways, [
    room('night', '{"a":1}'),
    RETELL
  ])
})

await t.test('not from another route, for another agent, or over what the room says', async t => {
  for (
    const route of [
      { name: 'day', ways: [room('night')] },
      { name: 'night', ways: [room('day')] },
      { ways: [room('night')] },
      { name: 'night', ways: [room('night', '{"own":true}')] },
      { name: 'night', ways: [{ strategy: 'phone' as const, number: '+15551230009' }] }
    ]
  ) {
    t.same(completeRoute(route, table), route)
  }
})
