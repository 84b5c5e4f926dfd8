import t from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Check, DoctorContext } from '../../src/doctor/check.ts'
import { countStatuses, runChecks, type CheckResult, type Progress } from '../../src/doctor/run.ts'
import type { Finding, Severity } from '../../src/finding.ts'
import { ProvisionError } from '../../src/provisioning/livekit.ts'

// The checks here look at nothing but the clock.
const context = { clock: systemClock } as DoctorContext
const found = (severity: Severity): Finding => ({ code: 'project-ok', severity, seen: 'seen' })
const check = (name: string, run: Check['run'], more: Partial<Check> = {}): Check => ({
  name,
  title: `${name}?`,
  readOnly: true,
  limitMs: 5000,
  run,
  ...more
})
/** Ends when it is told to, with these. */
const untilStopped = (findings: Finding[] = []): Check['run'] => (_context, signal) =>
  new Promise(resolve => {
    signal.addEventListener('abort', () => resolve(findings))
  })

await t.test('all at once, told in the order of the list, each with its worst', async t => {
  let release = () => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const events: string[] = []
  const results = await runChecks(
    [
      check('first', async () => {
        await held
        return [found('ok'), found('warning')]
      }),
      check('second', async () => {
        release()
        return [found('skipped'), found('ok')]
      }),
      check('third', async () => [found('skipped')]),
      check('fourth', async () => [found('ok'), found('failed'), found('warning')])
    ],
    context,
    {
      onProgress: (event: Progress) => {
        events.push(`${event.now} ${event.check.name}`)
      }
    }
  )
  t.same(results.map(({ name, status }) => [name, status]), [['first', 'warning'], ['second', 'ok'], [
    'third',
    'skipped'
  ], ['fourth', 'failed']])
  t.same(events.slice(0, 4), ['started first', 'started second', 'started third', 'started fourth'])
  t.equal(events.at(-1), 'done first', 'who waits ends last')
  t.same(countStatuses(results), { ok: 1, warning: 1, failed: 1, skipped: 1 })
  t.match(results[0], { title: 'first?', ms: Number })
})

await t.test('a check that takes too long is stopped, and what it says then is heard', async t => {
  const [result] = await runChecks([check('slow', untilStopped([found('warning')]), { limitMs: 20 })], context) as [
    CheckResult
  ]
  t.match(result, {
    status: 'failed',
    findings: [{ severity: 'warning' }, {
      code: 'check-timeout',
      severity: 'failed',
      seen: /limit of 0\.02 s/,
      command: 'bridge doctor --only slow'
    }]
  })
})

await t.test('one that does not stop is left behind', async t => {
  const deaf = () => new Promise<Finding[]>(() => {})
  const results = await runChecks(
    [check('deaf', deaf, { limitMs: 20 }), check('makes', deaf, { limitMs: 20, readOnly: false })],
    context,
    { graceMs: 20 }
  )
  t.match(results[0]?.findings, [{ code: 'check-timeout' }, { code: 'check-not-stopped', severity: 'skipped' }])
  t.match(results[1]?.findings, [{ code: 'check-timeout' }, {
    code: 'check-not-stopped',
    severity: 'warning',
    seen: /may still be there/
  }])
})

await t.test('a check that breaks is a finding without stack and text; one that knows why says it', async t => {
  const results = await runChecks([
    check('breaks', async () => {
      throw Object.assign(new TypeError('token eyJ-secret'), { code: 'ERR_X' })
    }),
    check('throws', () => {
      // eslint-disable-next-line no-throw-literal -- what a check throws need not be an error
      throw 'a string'
    }),
    check('knows', async () => {
      throw new ProvisionError({ code: 'livekit-unreachable', seen: 'gone' })
    }),
    check('works', async () => [found('ok')])
  ], context)
  t.match(results, [
    {
      status: 'failed',
      findings: [{ code: 'check-failed', seen: /TypeError ERR_X$/, command: 'bridge doctor --only breaks' }]
    },
    { findings: [{ code: 'check-failed' }] },
    { findings: [{ code: 'livekit-unreachable' }] },
    { status: 'ok' }
  ])
  t.notMatch(JSON.stringify(results), /eyJ|\.ts:/)
})

await t.test('interrupted: who runs is told and clears up, who has not begun does not begin', async t => {
  const stop = new AbortController()
  let cleared = false
  const running = runChecks(
    [
      check('ready', async () => [found('ok')]),
      check('clears', async (context, signal) => {
        await untilStopped()(context, signal)
        await new Promise<void>(resolve => {
          setImmediate(resolve)
        })
        cleared = true
        return [found('ok')]
      })
    ],
    context,
    {
      signal: stop.signal,
      onProgress (event) {
        if (event.now === 'done') stop.abort()
      }
    }
  )
  const [ready, clears] = await running
  t.match(ready, { status: 'ok' })
  t.match(clears?.findings, [{ severity: 'ok' }, { code: 'interrupted', severity: 'skipped' }])
  t.ok(cleared)
  t.match(await runChecks([check('late', async () => t.fail('began') as never)], context, { signal: stop.signal }), [{
    status: 'skipped',
    findings: [{ code: 'interrupted' }]
  }])
})

await t.test('what checks remember by the context is of one run', async t => {
  const seen: unknown[] = []
  const remember = check('remember', async context => {
    seen.push(context)
    return []
  })
  await runChecks([remember, remember], context)
  await runChecks([remember], context)
  t.equal(seen[0], seen[1])
  t.not(seen[0], seen[2])
})
