import t from 'tap'
import { loadSettings } from '../src/config.ts'
import { poolIdOf } from '../src/calls/warm/pool-id.ts'
import { readRoutes } from '../src/routing/file/read-routes.ts'
import { settingsTable } from '../src/routing/settings-table.ts'
import { poolsOf } from '../src/warm-pools.ts'
import { ENV } from './fixtures/build.ts'

/** The agent of {@link ENV}. */
const OURS = 'demo-agent'

const settings = (env: Record<string, string> = {}) =>
  loadSettings({ ...ENV, LIVEKIT_AGENT_NAME: OURS, ...env })

/** The pools of a file with this line and these ways. */
function pools (ways: string[], { env = {}, line = '' }: { env?: Record<string, string>, line?: string } = {}) {
  const routes = ways.map((way, i) => `  - { name: r${i}, connect: [${way}] }`)
  const { table, problems } = readRoutes(['version: 1', line, 'routes:', ...routes].join('\n'))
  if (!table) throw new Error(JSON.stringify(problems))
  return poolsOf(settings(env), table).map(({ id: _, ...pool }) => pool)
}

await t.test('WARM_AGENTS keeps rooms for the default agent', async t => {
  t.same(poolsOf(settings(), settingsTable), [], 'none unless somebody asks for them')
  t.same(poolsOf(settings({ WARM_AGENTS: '3' }), settingsTable), [
    { id: poolIdOf(OURS, ''), agent: OURS, metadata: '', min: 3, max: 3 }
  ])
  const grows = settings({ WARM_AGENTS: '3', WARM_AGENTS_MAX: '9', AGENT_METADATA: '{"tenant":"acme"}' })
  t.same(poolsOf(grows, settingsTable), [
    { id: poolIdOf(OURS, '{"tenant":"acme"}'), agent: OURS, metadata: '{"tenant":"acme"}', min: 3, max: 9 }
  ])
})

await t.test('the default agent of a routes file comes before that of the settings', async t => {
  const line = 'defaults: { agent: desk }'
  t.same(pools(['{ agent: other }'], { line, env: { WARM_AGENTS: '2' } }), [
    { agent: 'desk', metadata: '', min: 2, max: 2 }
  ])
  t.same(pools(['{ agent: , warm: 4 }'], { line }), [{ agent: 'desk', metadata: '', min: 4, max: 4 }])
  t.same(pools(['{ agent: , warm: 4 }']), [{ agent: OURS, metadata: '', min: 4, max: 4 }])
})

await t.test('ways ask for rooms with their own metadata, or with those of the settings', async t => {
  t.same(
    pools(
      [
        '{ agent: a, warm: 1 }',
        '{ agent: a, metadata: { x: 1 }, warm: { min: 2, max: 5 } }',
        '{ agent: a, metadata: text, warm: { min: 3 } }',
        '{ agent: b }',
        '{ agents: [{ agent: c, weight: 9, warm: 4 }, { agent: d, weight: 1 }], metadata: { x: 2 } }'
      ],
      { env: { AGENT_METADATA: 'ours' } }
    ),
    [
      { agent: 'a', metadata: 'ours', min: 1, max: 1 },
      { agent: 'a', metadata: '{"x":1}', min: 2, max: 5 },
      { agent: 'a', metadata: 'text', min: 3, max: 3 },
      { agent: 'c', metadata: '{"x":2}', min: 4, max: 4 }
    ]
  )
})

await t.test('the same agent and metadata in several places are one pool, and the largest numbers count', async t => {
  const env = { WARM_AGENTS: '3', WARM_AGENTS_MAX: '4', AGENT_METADATA: '{"x":1}' }
  t.same(
    pools([
      `{ agents: [{ agent: ${OURS}, weight: 1, warm: { min: 5, max: 6 } }] }`,
      `{ agent: ${OURS}, warm: { min: 1, max: 9 } }`,
      `{ agent: ${OURS}, metadata: { x: 1 }, warm: 2 }`
    ], { env }),
    [{ agent: OURS, metadata: '{"x":1}', min: 5, max: 9 }]
  )
})

await t.test('a way is the same with and without the rooms: they are in no call and in no room', async t => {
  const ways = (warm: string) => {
    const { table } = readRoutes(`version: 1\nroutes: [{ name: a, connect: [
      { agent: , ring: 20s${warm} },
      { agent: a${warm} },
      { agents: [{ agent: b, weight: 1${warm} }] }
    ] }]`)
    const query = { callSid: 'c', at: 0, to: '+1555', from: '', direction: 'inbound' as const, headers: new Map() }
    return [table!.choose(query, { agent: 'own', metadata: '' }), table!.ways]
  }
  t.same(ways(', warm: { min: 1, max: 2 }'), ways(''))
})

await t.test('the id of a pool tells agent and metadata apart, and is the same in every process', async t => {
  t.equal(poolIdOf('desk', '{"tenant":"acme"}'), '966ZzT7NljHH9myL')
  const ids = [['a', 'b'], ['ab', ''], ['', 'ab'], ['a","b', ''], ['a', '","b']].map(([a, b]) => poolIdOf(a!, b!))
  t.equal(new Set(ids).size, ids.length)
})
