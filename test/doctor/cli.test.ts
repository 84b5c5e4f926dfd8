import t, { type Test } from 'tap'
import { doctor, type DoctorIo } from '../../src/cli/doctor.ts'
import { createProgress, summaryLine } from '../../src/cli/doctor-print.ts'
import { createAgentCheck } from '../../src/doctor/agent.ts'
import type { Check } from '../../src/doctor/check.ts'
import { CHECKS } from '../../src/doctor/checks.ts'
import type { CheckResult } from '../../src/doctor/run.ts'
import { ProvisionError } from '../../src/provisioning/livekit.ts'
import { LIVEKIT_CHECKS, surgery, type Surgery } from '../fixtures/doctor-surgery.ts'

interface Ran {
  code: number
  out: string
  err: string
  asked: string[]
}
type Run = (args: string[], env?: Record<string, string>, io?: Partial<DoctorIo> & { answer?: boolean }) => Promise<Ran>

/** The command on a project of its own; without an answer nobody is there to ask. */
async function bench (t: Test, checks: readonly Check[] = LIVEKIT_CHECKS): Promise<{ at: Surgery, run: Run }> {
  const at = await surgery(t)
  const run: Run = async (args, env = {}, { answer, ...io } = {}) => {
    const [out, err, asked]: [string[], string[], string[]] = [[], [], []]
    const code = await doctor(args, {
      env: { ...at.env, ...env },
      checks,
      out (line) {
        out.push(line)
      },
      err (line) {
        err.push(line)
      },
      ...(answer !== undefined && {
        ask: async (question: string) => {
          asked.push(question)
          return answer
        }
      }),
      ...io
    })
    const said = [...out, ...err].join('\n')
    t.notMatch(said, /^\s+at .*:\d+/m, 'no stack trace')
    t.notMatch(said, /eyJ|devsecret|trunk-password/, 'no secret')
    return { code, out: out.join('\n'), err: err.join('\n'), asked }
  }
  return { at, run }
}

await t.test('all is well: progress, findings by check, a summary', async t => {
  const { at, run } = await bench(t)
  await at.provision()
  const { code, out, err } = await run([])
  t.equal(code, 0)
  t.ok(out.startsWith(`LiveKit project: ${at.project.url}\n`))
  t.match(out, /✓ trunk-and-rule: Do the bridge's .*\n {4}✓ Trunk ST_\w+ takes every number.* \(trunk-and-rule-ok\)/)
  t.match(out, /→ Make a call to know more\n {8}\$ bridge probe/)
  t.ok(out.endsWith('6 checks: 6 ok.'))
  for (const { name } of LIVEKIT_CHECKS) t.match(err, new RegExp(`^✓ ${name} \\(\\d+ ms\\)$`, 'm'))
})

await t.test('something is wrong: 1; only warnings: 0; --only', async t => {
  const { at, run } = await bench(t)
  const sick = await run([])
  t.equal(sick.code, 1)
  t.match(sick.out, /✗ trunk-and-rule:[^]*✗ The project has no inbound trunk[^]*\$ bridge doctor --fix/)
  t.match(sick.out, /– matching:[^]*the check trunk-and-rule found is fixed/, 'one cause is reported once')
  t.match(sick.out, /6 checks: 4 ok, 1 failed, 1 skipped\.$/)
  t.equal((await run(['--only', 'livekit-api,sip-host'])).code, 0)
  await at.provision()
  at.trunk({ ringing_timeout: '50s' })
  const warned = await run(['--only', 'trunk-and-rule', '--only', 'matching'])
  t.equal(warned.code, 0)
  t.match(warned.out, /! trunk-and-rule[^]*2 checks: 1 ok, 1 warning\.$/)
  t.notMatch(warned.out, 'livekit-api')
  const off = await run([], { LIVEKIT_URL: 'ws://127.0.0.1:1' })
  t.equal(off.code, 1)
  t.match(off.out, /✗ livekit-api[^]*– matching[^]*6 checks: 2 ok, 1 failed, 3 skipped\.$/)
})

await t.test('arguments and settings that do not do: 2', async t => {
  const { run } = await bench(t)
  for (
    const args of [
      ['--fly'],
      ['word'],
      ['--yes'],
      ['--only', ','],
      ['--only'],
      ['--agent', ''],
      ['--agent', 'a', '--only', 'matching']
    ]
  ) {
    const { code, err } = await run(args)
    t.equal(code, 2, args.join(' '))
    t.match(err, 'Usage: bridge doctor')
  }
  t.match(await run(['--only', 'matching,nose']), { code: 2, err: /No check nose\. There are livekit-api, sip-host/ })
  const missing = await run([], { PUBLIC_URL: '', LIVEKIT_AGENT_NAME: '', JAMBONZ_WEBHOOK_SECRET: '' })
  t.match(missing, {
    code: 2,
    out: '',
    err: /PUBLIC_URL is required[^]*LIVEKIT_AGENT_NAME is required[^]*JAMBONZ_WEBHOOK_SECRET is required/
  })
  const json = await run(['--json'], { PUBLIC_URL: '' })
  t.equal(json.code, 2)
  t.match(JSON.parse(json.out), { findings: [{ code: 'settings-unusable', severity: 'failed', seen: /PUBLIC_URL/ }] })
})

await t.test('--agent: that agent, and by itself that check', async t => {
  const { run } = await bench(t)
  const asked: Array<string | undefined> = []
  const agent: Check = {
    ...createAgentCheck(),
    async run (context) {
      asked.push(context.agent)
      return [{ code: 'agent-ready', severity: 'ok', seen: 'x' }]
    }
  }
  const checks = [...LIVEKIT_CHECKS, agent]
  t.match(await run(['--agent', 'sales'], {}, { checks }), { code: 0, out: /\n1 check: 1 ok\.$/ })
  t.match(await run(['--agent', 'sales', '--only', 'agent,sip-host'], {}, { checks }), { out: /2 checks: 2 ok\.$/ })
  t.same(asked, ['sales', 'sales'])
})

await t.test('--help names every check', async t => {
  const { run } = await bench(t)
  const { code, out } = await run(['--help'])
  t.equal(code, 0)
  for (const { name, title } of CHECKS) t.ok(out.includes(`  ${name}`) && out.includes(title), name)
  t.equal(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length)
  for (const { name, title, limitMs } of CHECKS) {
    t.match(name, /^[a-z-]+$/)
    t.match(title, /\?$/)
    t.ok(limitMs <= 60_000)
  }
})

await t.test('--json: one document', async t => {
  const { at, run } = await bench(t)
  await at.provision()
  const { code, out, err } = await run(['--json'])
  t.equal(code, 0)
  t.equal(err, '')
  t.match(JSON.parse(out), {
    project: at.project.url,
    checks: [{ name: 'livekit-api', status: 'ok', findings: [{ code: 'livekit-api-ok' }], ms: Number }],
    summary: { ok: 6, warning: 0, failed: 0, skipped: 0 }
  })
})

await t.test('--fix: shows, asks, changes, checks again', async t => {
  const { at, run } = await bench(t)
  const nobody = await run(['--fix'])
  t.equal(nobody.code, 1)
  t.match(
    nobody.out,
    /To be changed in LiveKit project http[^]*\+ create LiveKit inbound trunk[^]*nobody can be asked[^]*--fix --yes/
  )
  const no = await run(['--fix'], {}, { answer: false })
  t.equal(no.code, 1)
  t.match(no.asked, [`Make these changes in LiveKit project ${at.project.url}?`])
  t.match(no.out, /Nothing was changed\.$/)
  const document = await run(['--fix', '--json'], {}, { answer: true })
  t.match(document, { code: 1, asked: [] }, 'a document cannot ask')
  t.match(JSON.parse(document.out), { fixes: [{ check: 'trunk-and-rule', applied: false }], done: [] })
  t.same(at.project.writes, [])

  const yes = await run(['--fix'], {}, { answer: true })
  t.equal(yes.code, 0)
  t.match(
    yes.out,
    /created: LiveKit inbound trunk ST_\w+[^]*created: LiveKit dispatch rule SDR_\w+[^]*Once more:[^]*6 checks: 6 ok\.$/
  )
  const writes = at.project.writes.length
  const again = await run(['--fix', '--yes'])
  t.equal(again.code, 0)
  t.match(again.out, /There is nothing that --fix can put right here\.$/)
  t.equal(at.project.writes.length, writes)

  at.rule({ numbers: { set: ['+15551230000'] } })
  const json = await run(['--fix', '--yes', '--json'])
  t.equal(json.code, 0)
  t.match(JSON.parse(json.out), {
    before: [{}, {}, {}, { status: 'failed' }],
    fixes: [{
      check: 'trunk-and-rule',
      where: `LiveKit project ${at.project.url}`,
      lines: [/update LiveKit dispatch rule/, /numbers/],
      applied: true
    }],
    done: [/^updated: LiveKit dispatch rule/],
    summary: { ok: 6 }
  })
})

await t.test('--fix --only repairs no more than was looked at', async t => {
  const { at, run } = await bench(t)
  const { out } = await run(['--fix', '--yes', '--only', 'matching'])
  t.match(out, /nothing that --fix can put right/)
  t.same(at.project.writes, [])
})

await t.test('a fix that fails half-way: what was changed is said, and why it ended', async t => {
  const { at, run } = await bench(t)
  at.project.meets = method =>
    method === 'CreateSIPDispatchRule' ? { status: 400, body: { code: 'invalid_argument', msg: 'no' } } : 'pass'
  const { code, out } = await run(['--fix', '--yes'])
  t.equal(code, 1)
  t.match(out, /created: LiveKit inbound trunk[^]*\(livekit-refused\)[^]*Once more:[^]*rule-missing/)
  const readsFail: Check = {
    ...LIVEKIT_CHECKS[3]!,
    fix: async () => {
      throw new ProvisionError({ code: 'livekit-unreachable', seen: 'gone' })
    }
  }
  t.match(await run(['--fix', '--yes'], {}, { checks: [readsFail] }), {
    code: 1,
    out: /livekit-unreachable[^]*nothing that --fix/
  })
})

await t.test('interrupted: what was made is taken away, and it says so', async t => {
  const { at, run } = await bench(t)
  const stop = new AbortController()
  at.project.meets = method => {
    // The room is there once it is looked into.
    if (method === 'ListParticipants') stop.abort()
    return 'pass'
  }
  const { code, out, err } = await run([], {}, { checks: [createAgentCheck({ waitMs: 30_000 })], signal: stop.signal })
  t.equal(code, 1)
  t.match(err, /Interrupted: the checks end and remove what they made/)
  t.match(out, /\(interrupted\)[^]*1 check: 1 skipped\.\nNothing that a check made is left\.$/)
  t.ok(at.project.writes.includes('CreateRoom'))
  t.same(at.project.double.rooms(), [])
})

await t.test('progress on a terminal shows what still runs', t => {
  const lines: string[] = []
  let screen = ''
  const progress = createProgress(line => lines.push(line), {
    isTTY: true,
    columns: 40,
    write (text) {
      screen += text
    }
  })
  const result = (name: string): CheckResult => ({ name, title: '', status: 'warning', findings: [], ms: 3 })
  progress.started('a')
  progress.started('b')
  t.ok(screen.endsWith('… a, b'))
  progress.done(result('a'))
  t.ok(screen.endsWith('… b'))
  progress.done(result('b'))
  t.ok(screen.endsWith('\r\x1b[K'), 'nothing is left on the line')
  t.same(lines, ['! a (3 ms)', '! b (3 ms)'])
  t.equal(summaryLine([result('a'), result('b')]), '2 checks: 2 warnings')
  t.end()
})
