import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { probe, PROBE_USAGE, type ProbeIo } from '../../src/cli/probe.ts'
import { createLiveKitDouble, type LiveKitDouble } from '../../src/sandbox/livekit.ts'
import { API_KEY, API_SECRET, ENV } from '../fixtures/build.ts'
import { project } from '../fixtures/paths.ts'

const LIMITS = { response: 400, ringing: 400, nextRinging: 400, answer: 900, listen: 250, goodbye: 100 }

async function stage (
  t: Test
): Promise<
  {
    double: LiveKitDouble
    env: Record<string, string>
    run(args: string[], io?: Partial<ProbeIo>): Promise<{ code: number, out: string, err: string }>
  }
> {
  const double = await createLiveKitDouble({
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    trunk: { password: 'trunk-password', roomPrefix: 'jb' },
    agents: [{ name: 'demo-agent', joinAfterMs: 5, publishAfterMs: 5 }],
    ringIntervalMs: 50
  })
  double.faults.media = 'audio'
  t.teardown(() => double.close())
  const { PUBLIC_URL, JAMBONZ_WEBHOOK_SECRET, OPERATOR_TOKEN, ...rest } = ENV
  const env = { ...rest, LIVEKIT_URL: double.apiUrl, LIVEKIT_SIP_HOST: `127.0.0.1:${double.sipPort}` }
  return {
    double,
    env,
    async run (args, io = {}) {
      const lines: { out: string[], err: string[] } = { out: [], err: [] }
      const code = await probe(args, {
        env,
        out: line => lines.out.push(line),
        err: line => lines.err.push(line),
        probe: { limits: LIMITS },
        ...io
      })
      return { code, out: lines.out.join('\n'), err: lines.err.join('\n') }
    }
  }
}

await t.test('a call that works, with the settings of LiveKit alone', async t => {
  const { run, double } = await stage(t)
  const { code, out, err } = await run([])
  t.equal(code, 0, out + err)
  t.equal(err, '')
  for (
    const line of [
      /Room jb_c\w+ made with agent demo-agent/,
      /caller +jambonz +bridge +livekit +agent/,
      /INVITE with credentials/,
      /180 Ringing/,
      /200 OK/,
      /RTP audio/,
      /BYE/,
      /Called sip:c\w+@127.0.0.1/,
      /codec PCMU, first response \d+ ms/,
      /^ {2}✓ LiveKit answered after \d+ ms\. Agent demo-agent was seen in the room \d+ ms.* {2}\(answered\)$/m,
      /\(audio-heard\)/,
      /\(room-deleted\)/,
      /What a probe cannot prove:\n {2}- that Jambonz's SBC reaches LiveKit/
    ]
  ) t.match(out, line)
  t.notMatch(out, /trunk-password|devsecret/)
  t.same(double.rooms(), [])
})

await t.test('a call that does not, and the next step', async t => {
  const { run, env } = await stage(t)
  const wrong = await run([], { env: { ...env, LIVEKIT_SIP_PASSWORD: 'wrong' } })
  t.equal(wrong.code, 1)
  t.match(
    wrong.out,
    /^ {2}✗ LiveKit said 401 Unauthorized.* {2}\(livekit-refused-credentials\)\n {6}→ Give the inbound trunk LIVEKIT_SIP_USERNAME.*\n {6}\$ bridge doctor --only trunk-and-rule,matching --fix/m
  )
  const refused = await run([], { env: { ...env, LIVEKIT_API_SECRET: 'another-secret-another-secret-another' } })
  t.match(refused.out, /^Not called: sip:c/, 'nothing was dialled')
  t.notMatch(refused.out, /cannot prove/)
  const typo = await run(['--agent', 'typo'])
  t.equal(typo.code, 1)
  t.match(typo.out, /registered as typo/)
})

await t.test('JSON, and nothing else', async t => {
  const { run } = await stage(t)
  const { code, out } = await run(['--json', '--transport', 'tcp', '--seconds', '1'])
  t.equal(code, 0)
  t.match(JSON.parse(out), {
    uri: /^sip:c/,
    transport: 'tcp',
    codec: 'PCMU',
    findings: [{ code: 'answered', severity: 'ok' }],
    ladder: [{ what: 'INVITE' }],
    audio: { audible: Number },
    notProven: [String]
  })
})

await t.test('OPTIONS, with or without the rest of the settings', async t => {
  const { run, env, double } = await stage(t)
  const { code, out } = await run(['--options'], { env: { LIVEKIT_SIP_HOST: env.LIVEKIT_SIP_HOST! } })
  t.equal(code, 0, out)
  t.match(out, /proves little/)
  t.notMatch(out, /cannot prove/)
  t.equal((await run(['--options', '--uri', `127.0.0.1:${double.sipPort}`, '--transport', 'tcp'], { env: {} })).code, 0)
})

await t.test('a URI, without settings', async t => {
  const { run, double } = await stage(t)
  const { code, out, err } = await run(['--uri', double.sipUri('SCL_x')], { env: {} })
  t.equal(code, 1)
  t.match(out, /\(sip-credentials-missing\)/)
  t.match(out, /\(scl-is-no-address\)/)
  t.match(err, /Without usable settings/)
})

await t.test('arguments and settings that are not usable', async t => {
  const { run } = await stage(t)
  for (
    const args of [
      ['--transport', 'sctp'],
      ['--seconds', 'x'],
      ['--seconds', '0'],
      ['--seconds', '9999'],
      ['--agent', 'a', '--uri', 'sip:x@y'],
      ['--agent', ''],
      ['--nope'],
      ['word']
    ]
  ) {
    const { code, err, out } = await run(args)
    t.equal(code, 2, args.join(' '))
    t.ok(err.includes(PROBE_USAGE) && out === '')
  }
  const { code, err } = await run([], { env: {} })
  t.equal(code, 2)
  t.match(err, /LIVEKIT_URL is required/)
  t.notMatch(err, /PUBLIC_URL|JAMBONZ_WEBHOOK_SECRET/)
  t.equal((await run(['--uri', 'http://x'])).code, 2)
  t.match(await run(['--help']), { code: 0, out: PROBE_USAGE })
})

await t.test('Ctrl-C: it says so, and the room goes', async t => {
  const { double, env } = await stage(t)
  double.agents.splice(0)
  const source = `import { probe } from ${JSON.stringify(new URL('../../src/cli/probe.js', import.meta.url).href)}
    process.exitCode = await probe([], { env: process.env, out: console.log, err: console.error })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    cwd: fileURLToPath(project('')),
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  t.teardown(() => {
    child.kill('SIGKILL')
  })
  let out = ''
  child.stdout.setEncoding('utf8').on('data', chunk => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', chunk => {
    out += chunk
  })
  while (!out.includes('180 Ringing') && child.exitCode === null) await new Promise(resolve => setTimeout(resolve, 20))
  t.equal(double.rooms().length, 1)
  child.kill('SIGINT')
  const [code] = await once(child, 'close')
  t.equal(code, 1, out)
  t.match(out, /\(interrupted\)/)
  t.match(out, /\(room-deleted\)/)
  t.same(double.rooms(), [])
})
