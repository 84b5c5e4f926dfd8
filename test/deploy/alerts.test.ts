import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { CAUSES, PHASES, WAITING_ON } from '../../src/calls/fold/vocabulary.ts'
import { example, missingTools, render } from '../fixtures/chart.ts'
import { exportedMetrics, selected, unknownIn } from '../fixtures/exported-metrics.ts'
import { anchorsOf } from '../fixtures/markdown.ts'
import { project } from '../fixtures/paths.ts'
import { readPromql } from '../fixtures/promql.ts'
import { promtool, withoutPromtool } from '../fixtures/promtool.ts'
import { scenarios, testFile } from '../fixtures/alert-scenarios.ts'

interface Rule {
  alert: string
  expr: string
  labels: Record<string, string>
  annotations: Record<'summary' | 'description' | 'runbook_url', string>
}

const read = (path: string): string => readFileSync(project(path), 'utf8')
const text = read('deploy/prometheus/alerts.yaml')
const { groups: [group] } = parse(text) as { groups: [{ name: string, rules: Rule[] }] }
const { rules } = group

/** Causes of calls that nobody answered, or that only a fallback answered. */
const UNANSWERED = [
  'caller-gave-up',
  'livekit-no-route',
  'no-agent',
  'agent-without-audio',
  'room-closed',
  'livekit-refused-credentials',
  'livekit-overloaded',
  'retell-failed',
  'sip-unreachable',
  'media-mismatch',
  'dial-timeout',
  'busy',
  'declined',
  'livekit-failed',
  'media-server-failed',
  'reply-refused',
  'capacity',
  'draining',
  'bridge-error',
  // Of calls in which somebody is called, which that alert does not count.
  'callee-hung-up',
  'agent-gave-up',
  'no-answer',
  'number-unobtainable',
  'carrier-failed',
  'not-allowed',
  'not-placed',
  'machine-answered',
  'transfer-cancelled',
  'caller-gone'
]

await t.test('alerts are about metrics, labels and words that exist', async t => {
  const exported = await exportedMetrics(t)
  const known: Record<string, readonly string[]> = { cause: CAUSES, phase: PHASES, waiting_on: WAITING_ON }
  for (const { alert, expr, annotations } of rules) {
    const expression = readPromql(expr)
    t.same(unknownIn(expression, exported), [], alert)
    t.ok(expression.selectors.length > 0, alert)
    for (const { matchers } of expression.selectors) {
      for (const { label, value } of matchers) {
        for (const word of value.split('|')) t.ok(known[label]?.includes(word) ?? true, `${alert}: ${label} ${word}`)
      }
    }
    for (const name of `${annotations.summary} ${annotations.description}`.match(/\bbridge_\w+/g) ?? []) {
      t.ok(exported.labels.has(name) || exported.labels.has(`${name}_count`), `${alert}: ${name}`)
    }
  }
})

await t.test('every cause counts as answered or not: a new one goes into the alert or into the list here', async t => {
  const { expr } = rules.find(({ alert }) => alert === 'JambonzBridgeAnswerRateLow')!
  const answered = /cause!~"([^"]+)"/.exec(expr)?.[1]?.split('|') ?? []
  t.same([...answered, ...UNANSWERED].sort(), [...CAUSES].sort())
})

await t.test('what an alert counts begins at 0, or the first burst would be no increase', async t => {
  const exported = await exportedMetrics(t)
  // One series for each status of Jambonz' REST API would be too many.
  const rest = ['bridge_jambonz_request_seconds_count']
  for (const { alert, expr } of rules.filter(({ expr }) => expr.includes('increase('))) {
    for (const selector of readPromql(expr).selectors) {
      if (!/_(total|count)$/.test(selector.metric) || rest.includes(selector.metric)) continue
      const begun = selected(selector, exported)
      t.ok(begun.length > 0 && begun.every(({ value }) => value === 0), `${alert}: ${selector.metric}`)
      const counted = new Set(begun.map(({ labels }) => labels.cause))
      for (const { label, operator, value } of selector.matchers) {
        if (label !== 'cause' || operator.startsWith('!')) continue
        for (const cause of value.split('|')) t.ok(counted.has(cause), `${alert}: ${cause}`)
      }
    }
  }
})

await t.test('each alert says what happened, what to do, and where more of it is written', async t => {
  const anchors = anchorsOf(read('docs/troubleshooting.md'))
  const page = read('docs/monitoring.md')
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length)
  for (const { alert, expr, labels, annotations } of rules) {
    t.match(alert, /^JambonzBridge[A-Z]\w+$/)
    t.match(labels.severity, /^(critical|warning)$/, alert)
    t.ok(annotations.summary && annotations.description.length > 60, alert)
    t.ok(page.includes(`\`${alert.slice('JambonzBridge'.length)}\``), `docs/monitoring.md names ${alert}`)
    const [path, anchor = ''] = annotations.runbook_url.split('#')
    t.equal(path, 'docs/troubleshooting.md', alert)
    const causes = [...expr.matchAll(/cause=~?"([^"]+)"/g)].flatMap(([, values = '']) => values.split('|'))
    const all = anchor === '{{ $labels.cause }}' ? causes : [anchor]
    t.ok(all.length > 0, alert)
    for (const one of all) t.ok(anchors.includes(one), `${alert}: docs/troubleshooting.md#${one}`)
  }
})

await t.test('promtool takes the rules, and what /metrics shows', { skip: withoutPromtool }, async t => {
  const checked = await promtool(['check', 'rules', 'alerts.yaml'], { files: { 'alerts.yaml': text } })
  t.equal(checked.code, 0, checked.stderr)
  t.match(checked.stdout, new RegExp(`SUCCESS: ${rules.length} rules found`))
  const broken = text.replace('sum by', 'sum bi')
  const wrong = await promtool(['check', 'rules', 'alerts.yaml'], { files: { 'alerts.yaml': broken } })
  t.not(wrong.code, 0, 'and would not take others')

  const linted = await promtool(['check', 'metrics'], { input: (await exportedMetrics(t)).text })
  t.equal(linted.code, 0, linted.stdout + linted.stderr)
})

async function alarmsRightly (t: Test, alerts: string, told?: readonly string[]): Promise<void> {
  const outcome = await promtool(['test', 'rules', 'tests.yaml'], {
    files: { 'tests.yaml': testFile('alerts.yaml', told), 'alerts.yaml': alerts }
  })
  t.equal(outcome.code, 0, outcome.stdout + outcome.stderr)
}

await t.test(`alerts fire when they should: ${Object.keys(scenarios).length} stories`, {
  skip: withoutPromtool
}, async t => {
  const told = new Set(Object.values(scenarios).flatMap(({ firing }) => Object.values(firing).flat()))
  const untold = rules.filter(({ alert }) => !told.has(alert.slice('JambonzBridge'.length)))
  t.same(untold.map(({ alert }) => alert), [], 'each has a story')
  await alarmsRightly(t, text)
})

const withoutHelm = missingTools.length > 0 && process.env.REQUIRE_CHART_TOOLS !== '1' && 'helm is not installed'

/** They differ in their selectors only, which test/deploy/chart.test.ts compares. */
const OF_CHART = [
  'the first burst of 12 failures, on a bridge that had none',
  'the burst comes before the first scrape of a new process',
  'the only bridge is gone',
  'one of two replicas is gone',
  'a bridge has too much to do'
]

await t.test('those of the Helm chart fire in the same stories', {
  skip: withoutPromtool || withoutHelm
}, async t => {
  const rendered = await render(example('production'))
  t.same(OF_CHART.filter(name => !(name in scenarios)), [])
  await alarmsRightly(t, JSON.stringify({ groups: rendered.one('PrometheusRule').spec.groups }), OF_CHART)
})
