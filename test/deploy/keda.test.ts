import { readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { CAUSES, PHASES, WAITING_ON } from '../../src/calls/fold/vocabulary.ts'
import { exportedMetrics, selected, unknownIn } from '../fixtures/exported-metrics.ts'
import { project } from '../fixtures/paths.ts'
import { readPromql } from '../fixtures/promql.ts'
import { promtool, withoutPromtool } from '../fixtures/promtool.ts'

interface ScaledObject {
  apiVersion: string
  kind: string
  spec: {
    scaleTargetRef: { name: string }
    minReplicaCount: number
    maxReplicaCount: number
    fallback: { replicas: number }
    triggers: Array<{ type: string, metadata: Record<string, unknown> }>
  }
}

const file = readFileSync(project('deploy/helm/examples/keda-agents.yaml'), 'utf8')
const { apiVersion, kind, spec } = parse(file) as ScaledObject
const [trigger] = spec.triggers
const query = String(trigger?.metadata['query'])

await t.test('KEDA example: its query is about metrics, labels and words that exist', async t => {
  t.same([apiVersion, kind, trigger?.type], ['keda.sh/v1alpha1', 'ScaledObject', 'prometheus'])
  const exported = await exportedMetrics(t)
  const expression = readPromql(query)
  t.same(unknownIn(expression, exported), [])
  const known: Record<string, readonly string[]> = { cause: CAUSES, phase: PHASES, waiting_on: WAITING_ON }
  for (const selector of expression.selectors) {
    t.ok(selected(selector, exported).length > 0, `${selector.metric} is there before the first call`)
    for (const { label, value } of selector.matchers) {
      for (const word of value.split('|')) t.ok(known[label]?.includes(word) ?? true, `${label} ${word}`)
    }
  }
  const counted = /phase=~"([^"]+)"/.exec(query)?.[1]?.split('|')
  t.same(counted, PHASES.filter(phase => phase !== 'requested' && phase !== 'ended'), 'each phase with an agent')
})

await t.test('KEDA example: its numbers fit each other, and what it hands to KEDA is text', async t => {
  t.ok(spec.minReplicaCount >= 1 && spec.minReplicaCount <= spec.fallback.replicas)
  t.ok(spec.fallback.replicas <= spec.maxReplicaCount)
  for (const [name, value] of Object.entries(trigger?.metadata ?? {})) t.type(value, 'string', name)
  t.match(query, /namespace="voice",job="bridge-jambonz-livekit-bridge"/, 'as the chart names its release')
})

await t.test('KEDA example: the query says how many calls need an agent', { skip: withoutPromtool }, async t => {
  const target = 'namespace="voice",job="bridge-jambonz-livekit-bridge"'
  const replica = (instance: string, phase: string, calls: number) =>
    ({ series: `bridge_calls{${target},instance="${instance}",phase="${phase}"}`, values: `${calls}x20` })
  const gaveUp = `${target},instance="a",direction="inbound",cause="caller-gave-up",waiting_on="agent"`
  const waiting = (instance: string, agent: string, rooms: number) =>
    ({ series: `bridge_warm_rooms_wanted{${target},instance="${instance}",agent="${agent}"}`, values: `${rooms}x20` })
  const story = (warm: object[], value: number) => ({
    rule_files: [],
    tests: [{
      interval: '1m',
      input_series: [
        ...warm,
        ...['a', 'b'].flatMap(one => [
          replica(one, 'ringing', 3),
          replica(one, 'connected', 20),
          replica(one, 'requested', 50),
          replica(one, 'ended', 400)
        ]),
        { series: `bridge_calls_ended_total{${gaveUp}}`, values: '0x20' }
      ],
      promql_expr_test: [{ expr: query, eval_time: '15m', exp_samples: [{ labels: '{}', value }] }]
    }]
  })
  const pools = ['a', 'b'].flatMap(one => [waiting(one, 'receptionist', 5), waiting(one, 'helpdesk', 2)])
  for (const [warm, calls] of [[[], 23], [pools, 30]] as const) {
    const files = { 'story.yaml': story([...warm], calls) }
    const outcome = await promtool(['test', 'rules', 'story.yaml'], { files })
    t.equal(outcome.code, 0, outcome.stdout + outcome.stderr)
  }
})
