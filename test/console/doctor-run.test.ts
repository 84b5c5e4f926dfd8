import t from 'tap'
import { consoleModule } from '../fixtures/console-modules.ts'

const { afterEvent, NOTHING_RUN, runAsText, runOf, totalInWords } = await consoleModule('doctor-run.js')
const { afterProbeEvent, NO_PROBE, probeRequest, timingsInWords } = await consoleModule('probe-run.js')

const AT = '2026-11-29T10:00:00.000Z'
const listed = [{ name: 'one', title: 'One?' }, { name: 'two', title: 'Two?' }]
const one = { ...listed[0], status: 'ok', findings: [{ code: 'one-ok', severity: 'ok', seen: 'One is there' }], ms: 3 }
const two = {
  ...listed[1],
  status: 'failed',
  findings: [
    { code: 'two-gone', severity: 'failed', seen: 'Two is gone', todo: 'Bring it back', command: 'bring two' }
  ],
  ms: 70
}
const report = { at: AT, summary: { ok: 1, warning: 0, failed: 1, skipped: 0 }, checks: [one, two] }
const after = (...events: Array<[string, object]>) =>
  events.reduce((run, [event, data]) => afterEvent(run, event, data), NOTHING_RUN)

await t.test('checks stand in their order, each with its result once it has ended', async t => {
  const begun = after(['begin', { at: AT, checks: listed }])
  t.same(begun, { at: AT, lines: listed })
  t.same(after(['begin', { at: AT, checks: listed }], ['check', two]).lines, [listed[0], { ...listed[1], result: two }])
  t.same(after(['check', two], ['check', one]).lines.map(({ name }: any) => name), ['two', 'one'], 'without a list')
  t.same(after(['check', one], ['check', one]).lines.length, 1)
  t.same(afterEvent(begun, 'bye', { reason: 'draining' }), begun)
})

await t.test('a run that is over has its total, whichever way it was asked for', async t => {
  const streamed = after(['begin', { at: AT, checks: listed }], ['check', two], ['check', one], ['report', report])
  t.same(streamed, runOf(report))
  t.same(streamed.total, report.summary)
  t.equal(totalInWords(report.summary), '1 failed, 1 ok')
})

await t.test('as a text it has all that somebody needs who helps', async t => {
  t.equal(runAsText(runOf(report)), [
    `Doctor ${AT}`,
    'OK One?',
    '  One is there (one-ok)',
    'FAILED Two?',
    '  Two is gone (two-gone)',
    '    do: Bring it back',
    '    bring two',
    '1 failed, 1 ok'
  ].join('\n'))
})

await t.test('rows of a probe stand in the order of their numbers, and count', async t => {
  const row = (seq: number, count = 1) => ({ seq, count, what: `step ${seq}` })
  const probe = [row(1), row(0), row(2), row(1, 4)]
    .reduce((probe, row) => afterProbeEvent(probe, 'step', row), NO_PROBE)
  t.same(probe.rows, [row(0), row(1, 4), row(2)])
  const result = { failed: false }
  t.same(afterProbeEvent(probe, 'result', result), { rows: probe.rows, result })
  t.equal(afterProbeEvent(probe, 'message', {}), probe)
})

await t.test('a probe is asked for with what was filled in; its times are in the order in which they come', async t => {
  t.same(probeRequest({ agent: ' ', transport: '', seconds: '' }), {})
  t.same(
    probeRequest({ agent: ' a ', transport: 'tls', seconds: '7' }),
    { agent: 'a', transport: 'tls', seconds: 7 }
  )
  t.same(timingsInWords({ audio: 1400.6, createRoom: 0 }), [
    { words: 'room made', ms: 0 },
    { words: 'audio heard', ms: 1401 }
  ])
})
