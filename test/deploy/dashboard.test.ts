import { readFileSync } from 'node:fs'
import t from 'tap'
import { dashboard } from '../../scripts/dashboard.ts'
import { ANSWERED } from '../../scripts/dashboard/of-calls.ts'
import { staleCopies } from '../../scripts/chart-files.ts'
import { exportedMetrics, unknownIn } from '../fixtures/exported-metrics.ts'
import { project } from '../fixtures/paths.ts'
import { readPromql } from '../fixtures/promql.ts'
import { promtool, withoutPromtool } from '../fixtures/promtool.ts'

interface Grid {
  h: number
  w: number
  x: number
  y: number
}

interface Panel {
  id: number
  type: string
  title: string
  description?: string
  gridPos: Grid
  datasource?: { uid: string }
  fieldConfig?: { defaults: { unit: string } }
  targets?: Array<{ refId: string, expr: string, legendFormat: string }>
}

const read = (path: string): string => readFileSync(project(path), 'utf8')
const json = read('deploy/grafana/bridge.json')
const { panels, templating, uid, schemaVersion, ...rest } = JSON.parse(json) as {
  panels: Panel[]
  templating: { list: Array<{ name: string, type: string, definition?: string }> }
  uid: string
  schemaVersion: number
  id?: number
}
const drawn = panels.filter(({ type }) => type !== 'row')
const queries = drawn.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ title, expr: filledIn(expr) })))

/** The query as Grafana sends it. */
function filledIn (query: string): string {
  return query
    .replaceAll('$__rate_interval', '5m')
    .replaceAll('$namespace', '.*')
    .replaceAll('$job', 'bridge|other')
}

await t.test('the dashboard and the copies in the chart are up to date', async t => {
  t.equal(json, dashboard())
  t.same(staleCopies(), [])
})

await t.test('every query is about metrics and labels of /metrics', async t => {
  const exported = await exportedMetrics(t)
  t.ok(queries.length > 60)
  for (const { title, expr } of queries) {
    const expression = readPromql(expr)
    t.same(unknownIn(expression, exported), [], title)
    t.ok(expression.selectors.length > 0, title)
    for (const { metric, matchers } of expression.selectors) {
      const first = matchers.slice(0, 2).map(({ label }) => label)
      t.same(first, ['namespace', 'job'], `${title}: ${metric} of the chosen bridges`)
    }
  }
  for (const { definition = '' } of templating.list.filter(({ type }) => type === 'query')) {
    const [, metric = '', label = ''] = /^label_values\((\w+)(?:\{.*\})?, (\w+)\)$/.exec(definition)!
    t.ok(exported.labels.has(metric) && ['namespace', 'job'].includes(label), definition)
  }
})

await t.test('every legend names labels that its query leaves', async t => {
  const exported = await exportedMetrics(t)
  for (const { title, targets = [] } of drawn) {
    for (const { expr, legendFormat } of targets) {
      const { selectors, groupings } = readPromql(filledIn(expr))
      const own = selectors.flatMap(({ metric }) => exported.labels.get(metric) ?? [])
      const left = groupings.length > 0 ? groupings : own
      for (const [, label = ''] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
        t.ok(left.includes(label), `${title}: ${label}`)
      }
    }
  }
})

await t.test('promtool can read every query', { skip: withoutPromtool }, async t => {
  const rules = queries.map(({ expr }, i) => ({ record: `query:${i}`, expr }))
  const rulesFile = (list: typeof rules) => ({ 'queries.yaml': { groups: [{ name: 'dashboard', rules: list }] } })
  const outcome = await promtool(['check', 'rules', 'queries.yaml'], { files: rulesFile(rules) })
  t.equal(outcome.code, 0, outcome.stdout + outcome.stderr)
  const wrong = [...rules, { record: 'query:wrong', expr: 'sum(rate(bridge_calls))' }]
  t.not((await promtool(['check', 'rules', 'queries.yaml'], { files: rulesFile(wrong) })).code, 0, 'but not any')
})

await t.test('panels lie side by side, with a title, a description and a unit', async t => {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
  const taken = new Set<string>()
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    t.ok(x >= 0 && w > 0 && x + w <= 24, `${title} is on the page`)
    for (let column = x; column < x + w; column++) {
      for (let line = y; line < y + h; line++) {
        t.notOk(taken.has(`${column} ${line}`), `${title} covers nothing`)
        taken.add(`${column} ${line}`)
      }
    }
  }
  for (const { title, description = '', datasource, fieldConfig, targets = [] } of drawn) {
    t.ok(description.length > 15, title)
    t.ok(fieldConfig?.defaults.unit, `${title} has a unit`)
    t.match(datasource?.uid, /^\$\{datasource\}$/)
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
    t.ok(targets.every(({ legendFormat }) => legendFormat), `${title} has legends`)
  }
})

await t.test('Grafana 10 can import it, and it belongs to no data source', async t => {
  t.equal(uid, 'jambonz-livekit-bridge')
  t.ok(schemaVersion <= 38, 'later schemas are for later Grafanas')
  t.notOk('id' in rest, 'an id is that of somebody\'s own Grafana')
  t.same(templating.list.map(({ name }) => name), ['datasource', 'namespace', 'job'])
  t.notMatch(json, /"uid": "(?!\$\{datasource\}|jambonz-livekit-bridge)/)
})

await t.test('dashboard and alert agree on which calls were answered', async t => {
  const [, ofAlert] = /cause!~"([^"]+)\|lost"/.exec(read('deploy/prometheus/alerts.yaml'))!
  t.equal(ofAlert, ANSWERED)
})
