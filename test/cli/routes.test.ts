import { join } from 'node:path'
import t from 'tap'
import { routes } from '../../src/cli/routes.ts'
import { portions } from '../fixtures/captures.ts'
import { ENV as SETTINGS } from '../fixtures/build.ts'

const GOOD = `version: 1
routes:
  - name: sales
    when: { to: "+15551230000", header: { X-Tenant: acme }, hours: { zone: UTC, in: ["Sat 20:00-24:00"] } }
    connect:
      - agent: sales-agent
        ring: 20s
      - phone: "+4917139200011"
        carrier: MyCarrier
        ring: 30s
      - retell: { agent: agent_1, key: RETELL_API_KEY }
  - name: everything else
    connect: [{ agent: receptionist }]
`
const WRONG = GOOD.replace('- agent: sales', '- agnet: sales').replace('ring: 30s', 'ring: soon')

const NOW = Date.UTC(2026, 10, 28, 12)

async function run (args: string[], { stdin = '', env = {}, columns }: {
  stdin?: string
  env?: Record<string, string>
  columns?: number
} = {}) {
  const out: string[] = []
  const err: string[] = []
  const code = await routes(args, {
    env,
    out: line => out.push(line),
    err: line => err.push(line),
    stdin: portions(stdin),
    now: () => NOW,
    ...(columns && { columns })
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

await t.test('test: how many rooms are kept ready for a way', async t => {
  const file = `version: 1
routes:
  - name: all
    connect: [{ agent: a, warm: 1 }, { agent: b, warm: 3 }, { agent: c, warm: { min: 2, max: 9 } }, { agent: d }]
`
  const { out } = await run(['test', '-', '--to', '+1555', '--no-verbs'], { stdin: file, env: SETTINGS })
  t.same(out.match(/^\d\. .*$/gm), [
    '1. agent a, rings 40 s, 1 warm room',
    '2. agent b, rings 40 s, 3 warm rooms',
    '3. agent c, rings 40 s, 2 to 9 warm rooms',
    '4. agent d, rings 40 s'
  ])
})

await t.test('check: every problem in the form that editors understand', async t => {
  const folder = t.testdir({ 'good.yaml': GOOD, 'wrong.yaml': WRONG })
  const wrong = join(folder, 'wrong.yaml')
  const { code, out, err } = await run(['check', wrong])
  t.equal(code, 1)
  t.equal(err, '')
  const lines = out.split('\n')
  t.match(lines[0], new RegExp(`^${wrong}:6:9 error .*"agnet".*"agent"`))
  t.match(lines[1], new RegExp(`^${wrong}:10:15 error `))
  t.match(lines.at(-1), /cannot be used: 2 errors/)
  t.match(await run(['check', join(folder, 'good.yaml')]), {
    code: 0,
    out: /good\.yaml:11:\d+ warning .*RETELL_API_KEY[^]*good\.yaml can be used: 2 routes, 1 warning$/
  })
  t.match(await run(['check'], { env: { ROUTES_FILE: join(folder, 'good.yaml'), RETELL_API_KEY: 'k' } }), {
    code: 0,
    out: /^\S+good\.yaml can be used: 2 routes$/
  })
})

await t.test('check: standard input, and JSON', async t => {
  t.match(await run(['check', '-'], { stdin: WRONG }), { code: 1, out: /^<stdin>:6:9 error / })
  const { code, out } = await run(['check', '-', '--json'], { stdin: WRONG })
  t.equal(code, 1)
  t.match(JSON.parse(out), {
    file: '<stdin>',
    usable: false,
    problems: [{ severity: 'error', line: 6, column: 9, path: String }, { line: 10 }]
  })
  t.match(JSON.parse((await run(['check', '-', '--json'], { stdin: GOOD })).out), { usable: true, routes: 2 })
})

await t.test('check: what cannot be read', async t => {
  const folder = t.testdir({ sub: {} })
  t.match(await run(['check', join(folder, 'none')]), { code: 1, out: /none error There is no such file\./ })
  t.match(await run(['check', join(folder, 'sub')]), { code: 1, out: /This is a folder/ })
  t.match(await run(['check', '-'], { stdin: 'x'.repeat(3_000_000) }), { code: 1, out: /larger than 2 MiB/ })
  const hostile = await run(['check', '-'], { stdin: 'version: 1\nroutes: []\n"\\e[2J": 1' })
  t.equal(hostile.code, 1)
  t.notMatch(hostile.out, '\u001b')
})

const ASK = ['test', '--to', '+15551230000', '--header', 'X-Tenant: acme', '--at', '23:10', '--zone', 'UTC', '-']

await t.test('test: route, ways with their times, policy and verbs, without any settings', async t => {
  const { code, out, err } = await run(ASK, { stdin: GOOD })
  t.equal(code, 0)
  t.equal(err, '')
  t.match(out, /^\(no caller\) -> \+15551230000 {2}inbound {2}Sat 2026-11-28 23:10:00 UTC\n/)
  t.match(out, /^Route: sales \(line 3\)$/m)
  t.match(out, /^1\. agent sales-agent, rings 20 s$/m)
  t.match(out, /^2\. phone \+4917139200011 over MyCarrier, rings 30 s\n {3}policy: /m)
  t.match(out, /^3\. retell agent_1, rings 40 s\n {3}! RETELL_API_KEY is not set here/m)
  t.match(out, /^Longest wait: 90 s of ringing$/m)
  t.match(out, /placeholders: PUBLIC_URL, LIVEKIT_SIP_HOST/)
  const [verbs] = [...out.matchAll(/^ {3}\[\n[^]*?\n {3}\]$/gm)]
  t.match(JSON.parse(verbs![0]), [{ verb: 'dial', timeout: 20 }, { verb: 'sip:decline' }], 'verbs can be copied')
})

await t.test('test: with settings, the addresses are theirs', async t => {
  const { code, out } = await run([...ASK, '--json', '--call-sid', 'c1'], { stdin: GOOD, env: SETTINGS })
  t.equal(code, 0)
  const trial = JSON.parse(out)
  t.same(trial.notes, [])
  t.match(trial.ways[0].verbs[0], {
    actionHook: /^https:\/\/bridge\.example\.com\/action\?call=c1/,
    target: [{ sipUri: /@sip\.example\.com;/, auth: { username: 'jambonz', password: '…' } }]
  })
})

await t.test('test: why not, in lines that fit the terminal', async t => {
  const { out } = await run(['test', '--to', '+15551230000', '--from', 'anonymous', '--at', '23:10', '-'], {
    stdin: GOOD,
    columns: 80
  })
  t.match(out, /Not matched:\n {2}sales \(line 3\): header X-Tenant: the call has none/)
  t.match(out, /Route: everything else \(line 12\)/)
  const prose = out.split('\n').filter(line => !/^ {3}/.test(line) || /^ {8}\S/.test(line))
  for (const line of prose) if (!line.includes('"')) t.ok(line.length <= 80, line)
})

await t.test('test: a file that cannot be used', async t => {
  t.match(await run(ASK, { stdin: WRONG }), { code: 1, out: '', err: /^<stdin>:6:9 error [^]*<stdin>:10:15 error / })
})

await t.test('what it does not understand: said with the usage, exit code 2', async t => {
  const cases: Array<[says: RegExp, args: string[], env?: Record<string, string>]> = [
    [/check or test\?/, []],
    [/Unknown command: routes chekc/, ['chekc', 'x']],
    [/Unknown command: routes constructor/, ['constructor']],
    [/Which file\?/, ['check']],
    [/Too many words: b/, ['check', 'a', 'b']],
    [/--loud/, ['check', '--loud', '-']],
    [/Which number is called\?.*--to \+15551230000/, ['test', '-']],
    [/--at: "noon" is not a time\. Write 23:10/, ['test', '--to', '1', '--at', 'noon', '-']],
    [/--zone: .*Did you mean Europe\/Berlin/, ['test', '--to', '1', '--zone', 'Europe/Berln', '-']],
    [/--direction must be inbound or outbound/, ['test', '--to', '1', '--direction', 'up', '-']],
    [/--header "acme" has no name and value.*'X-Tenant: acme'/, ['test', '--to', '1', '--header', 'acme', '-']],
    [/PORT must be/, ['test', '--to', '1', '-'], { PORT: 'x' }]
  ]
  for (const [says, args, env] of cases) {
    const { code, out, err } = await run(args, { stdin: GOOD, ...(env && { env }) })
    t.equal(code, 2, args.join(' '))
    t.match(err, says)
    t.match(err, 'Usage: bridge routes check')
    t.equal(out, '')
  }
  for (const args of [['--help'], ['check', '--help'], ['test', '-h']]) {
    t.match(await run(args), { code: 0, out: /^Usage: bridge routes check/, err: '' })
  }
})
