import t from 'tap'
import { calls } from '../../src/cli/calls.ts'
import {
  agentStatus,
  buildTestBridge,
  callHook,
  callerStatus,
  dialAction,
  OPERATOR_TOKEN,
  type TestBridge
} from '../fixtures/build.ts'

const ENV = { PUBLIC_URL: 'https://bridge.example.com', OPERATOR_TOKEN }

/** The command against a bridge in this process. */
async function run (
  bridge: TestBridge | undefined,
  args: string[],
  { env = ENV, elsewhere, follow }: {
    env?: Record<string, string>
    elsewhere?: (url: string) => Response | undefined
    /** What happens between two polls of --follow; `end` is Ctrl-C. */
    follow?: (poll: number, end: () => void, out: readonly string[]) => Promise<void> | void
  } = {}
) {
  const out: string[] = []
  const err: string[] = []
  const asked: string[] = []
  const stop = new AbortController()
  let polls = 0
  const fetchIt = (async (url: string, init: RequestInit) => {
    asked.push(url)
    const other = elsewhere?.(url)
    if (other) return other
    if (!bridge) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
    const reply = await bridge.app.inject({
      url: new URL(url).pathname + new URL(url).search,
      headers: Object.fromEntries(new Headers(init.headers))
    })
    return new Response(reply.body, { status: reply.statusCode })
  }) as unknown as typeof fetch
  const code = await calls(args, {
    env,
    out: line => out.push(line),
    err: line => err.push(line),
    fetch: fetchIt,
    now: () => bridge?.clock.now() ?? 0,
    signal: stop.signal,
    wait: async () => {
      await follow?.(++polls, () => stop.abort(), out)
    },
    ladder: { width: 120, colour: false, ascii: false, rewrite: false }
  })
  return { code, out: out.join('\n'), err: err.join('\n'), asked }
}

/** A call whose dial LiveKit refused. */
async function refusedCall (bridge: TestBridge): Promise<string> {
  const hook = callHook()
  const callSid = hook['call_sid'] as string
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', callerStatus(callSid, 'trying', 100))
  await bridge.clock.pass(30)
  await bridge.hook('/status', agentStatus(callSid, 'trying', 100))
  await bridge.clock.pass(30)
  await bridge.hook('/status', agentStatus(callSid, 'failed', 401, { sip_reason: 'Unauthorized\u001b[31m' }))
  await bridge.hook('/action', dialAction(callSid, 'failed', 401))
  await bridge.clock.pass(5000)
  return callSid
}

await t.test('who refuses and is no bridge is not taken for one', async t => {
  const elsewhere = () => new Response('{"code":"unauthenticated"}', { status: 401 })
  t.match(await run(undefined, [], { elsewhere }), { code: 1, err: /It is not a bridge, or it stands in front of one.*--url/ })
})

await t.test('a table of calls: when, who, agent, how long, and how it ended', async t => {
  const bridge = await buildTestBridge(t)
  t.equal((await run(bridge, [])).out, 'No calls')
  const callSid = await refusedCall(bridge)
  const { code, out, asked } = await run(bridge, ['--cause', 'livekit-refused-credentials', '--limit', '10'])
  t.equal(code, 0)
  const [head, ...rows] = out.split('\n')
  t.match(head, /^UTC +call +from, to +agent +time +state$/)
  t.match(rows[0], new RegExp(`^10:00:00  ${callSid}  \\+15\\d+ +\\S+ +\\d\\.\\d s +livekit-`))
  t.match(rows.map(row => row.slice(head!.indexOf('state'))).join(''), /^livekit-refused-credentials \(sip\)$/)
  t.match(rows[1], /^ +\+15\d+/, 'the called number is below the calling one')
  for (const line of [head!, ...rows]) t.ok(line.length <= 100, `${line.length} columns`)
  t.match(asked[0], 'https://bridge.example.com/calls?cause=livekit-refused-credentials&limit=10')
  t.match(JSON.parse((await run(bridge, ['--json'])).out), { calls: [{ callSid }] })
  t.equal((await run(bridge, ['--active'])).out, 'No calls')
})

await t.test('a call under way shows its agent and how long it has taken so far', async t => {
  const bridge = await buildTestBridge(t)
  await bridge.hook('/livekit-api', callHook())
  await bridge.clock.pass(12_000)
  t.match((await run(bridge, ['--active'])).out, / demo-agent +12\.0 s +received$/m)
})

await t.test('the calls of a number, as caller or callee', async t => {
  const bridge = await buildTestBridge(t)
  const one = callHook({ from: '+15550001111', to: '+15551230000' })
  const other = callHook({ from: '+15559990000', to: '+15550001111' })
  const third = callHook({ from: '+15557770000', to: '+15551230000' })
  for (const hook of [one, other, third]) {
    await bridge.hook('/livekit-api', hook)
    await bridge.clock.pass(1000)
  }
  const { out, asked } = await run(bridge, ['+15550001111', '--json'])
  t.same(JSON.parse(out).calls.map((call: { callSid: string }) => call.callSid), [
    other['call_sid'],
    one['call_sid']
  ], 'newest first')
  t.same(asked.map(url => new URL(url).search), ['?number=%2B15550001111'])
  const part = await run(bridge, ['555 7770', '--json'])
  t.same(JSON.parse(part.out).calls.map((call: { callSid: string }) => call.callSid), [third['call_sid']])
})

await t.test('--since leaves out what came before', async t => {
  const bridge = await buildTestBridge(t)
  const [old, young] = [callHook(), callHook()]
  await bridge.hook('/livekit-api', old)
  await bridge.clock.pass(30 * 60_000)
  await bridge.hook('/livekit-api', young)
  const sids = async (since: string) =>
    JSON.parse((await run(bridge, ['--since', since, '--json'])).out).calls.map(({ callSid }: any) => callSid)
  t.same(await sids('5m'), [young['call_sid']])
  t.same(await sids('2h'), [young['call_sid'], old['call_sid']])
  t.same(await sids(new Date(bridge.clock.now()).toISOString()), [young['call_sid']])
  for (const wrong of ['yesterday', '5', '5w', '']) {
    t.match(await run(bridge, ['--since', wrong]), { code: 2, err: /^--since must be like 30m, 2h, 1d or 2026-/ }, wrong)
  }
})

await t.test('--follow prints calls under way, then each change, and ends with Ctrl-C', async t => {
  const bridge = await buildTestBridge(t)
  await refusedCall(bridge)
  const hook = callHook()
  const callSid = hook['call_sid'] as string
  let seen = 0
  const { code, out, err } = await run(bridge, ['--follow'], {
    follow: async (poll, end, lines) => {
      if (poll === 1) {
        t.equal(lines.length, 1, 'the head alone: calls that had ended are no news')
        await bridge.hook('/livekit-api', hook)
      }
      if (poll === 2) {
        t.match(lines.join('\n'), new RegExp(`${callSid} .*received`))
        seen = lines.length
      }
      if (poll === 3) {
        t.equal(lines.length, seen, 'nothing changed, nothing printed')
        await bridge.hook('/status', agentStatus(callSid, 'ringing', 180))
      }
      if (poll === 4) end()
    }
  })
  t.equal(code, 0)
  t.equal(err, '')
  t.match(out, new RegExp(`${callSid} .*ringing`))
  for (const line of out.split('\n')) t.ok(line.length <= 100)
})

await t.test('--follow waits for a bridge that is away for a while, and says so once', async t => {
  const bridge = await buildTestBridge(t)
  let away = false
  const { code, err } = await run(bridge, ['--follow'], {
    elsewhere: () => away ? new Response('{}', { status: 503 }) : undefined,
    follow: (poll, end) => {
      away = poll < 4
      if (poll === 5) end()
    }
  })
  t.equal(code, 0)
  t.match(err, /^The bridge answered 503\. Waiting for it\nThe bridge answers again$/)
})

await t.test('--follow of a call: its events, and at its end why it ended', async t => {
  const bridge = await buildTestBridge(t)
  const hook = callHook()
  const callSid = hook['call_sid'] as string
  await bridge.hook('/livekit-api', hook)
  const { code, out } = await run(bridge, [callSid, '--follow'], {
    follow: async poll => {
      if (poll === 1) await bridge.hook('/status', agentStatus(callSid, 'ringing', 180))
      if (poll === 2) {
        await bridge.hook('/status', callerStatus(callSid, 'no-answer', 487, { call_termination_by: 'caller' }))
        await bridge.clock.pass(10_000)
      }
      if (poll > 20) t.fail('it goes on after the end')
    }
  })
  t.equal(code, 0)
  t.match(out, /^ +\+0\.000 s {2}/)
  t.equal(out.match(/jambonz -> bridge: agent leg ringing 180/g)?.length, 1)
  t.match(out, 'Cause: caller-gave-up, by caller')
})

await t.test('one call: ladder, cause, evidence, next steps', async t => {
  const bridge = await buildTestBridge(t)
  const callSid = await refusedCall(bridge)
  const { code, out, asked } = await run(bridge, [callSid, '--url', 'http://127.0.0.1:3000/'])
  t.equal(code, 0)
  t.ok(asked.every(url => url.startsWith(`http://127.0.0.1:3000/calls/${callSid}`)))
  t.match(out, /caller +jambonz +bridge +livekit +agent/, 'the parties')
  t.match(out, /agent leg failed 401 Unauthorized/)
  t.match(out, /createRoom created/)
  t.match(out, /^agent {2}demo-agent\nroom {3}\S+_c[a-z2-7]{26}$/m)
  t.match(out, 'Cause: livekit-refused-credentials, by unknown, waiting on sip')
  t.match(out, /Evidence:\n +\+0\.\d{3} s {2}agent leg trying 100: Jambonz dialled/)
  t.match(out, 'Was the INVITE sent? Yes: ')
  t.match(out, '    $ bridge provision --rotate')
  t.match(out, /Not told apart:\n {2}A wrong user name and a wrong password look alike/)
  const prose = out.slice(out.indexOf('Cause: ')).split('\n').filter(line => !/^ *\$/.test(line))
  for (const line of prose) t.ok(line.length <= 100, line)
  t.notMatch(out, '\u001b', 'nobody else writes to the terminal')
  const json = JSON.parse((await run(bridge, [callSid, '--json'])).out)
  t.match(json, { call: { callSid, events: [] }, diagnosis: { cause: 'livekit-refused-credentials' } })
})

await t.test('a call under way', async t => {
  const bridge = await buildTestBridge(t)
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const { code, out } = await run(bridge, [hook['call_sid']])
  t.equal(code, 0)
  t.match(out, /Under way \(received\)\nThe call is received, waiting for /)
})

await t.test("with Jambonz's own view", async t => {
  const bridge = await buildTestBridge(t)
  const callSid = await refusedCall(bridge)
  const env = {
    ...ENV,
    JAMBONZ_REST_API_BASE_URL: 'https://jambonz.example.com/v1',
    JAMBONZ_ACCOUNT_SID: 'acct-1',
    JAMBONZ_API_KEY: 'secret-key'
  }
  const alert = { alert_type: 'invalid-app-payload', message: 'bad', target_sid: callSid }
  const elsewhere = (url: string) => {
    if (url.includes('/Alerts')) return new Response(JSON.stringify({ data: [alert] }))
    return url.startsWith('https://jambonz.') ? new Response(JSON.stringify({ data: [] })) : undefined
  }
  const { code, out } = await run(bridge, [callSid, '--fetch'], { env, elsewhere })
  t.equal(code, 0)
  t.match(
    out,
    /Jambonz:\n {2}! .* {2}\(jambonz-no-record\)\n {6}→ [^]*\n {2}✗ Alert of this call: invalid-app-payload: bad {2}\(jambonz-alert\)/
  )
  t.notMatch(out, 'secret-key')
  t.match(JSON.parse((await run(bridge, [callSid, '--fetch', '--json'], { env, elsewhere })).out), {
    jambonz: { findings: [{ code: 'jambonz-no-record' }] }
  })
})

await t.test('what cannot be had: said, exit code 1', async t => {
  const bridge = await buildTestBridge(t)
  const page = () => new Response('<html>', { status: 404 })
  const cases: Array<[says: RegExp, Promise<{ code: number, err: string }>]> = [
    [/does not know this call/, run(bridge, ['none'])],
    [/ECONNREFUSED.*--url/, run(undefined, [])],
    [/refused OPERATOR_TOKEN/, run(bridge, [], { env: { ...ENV, OPERATOR_TOKEN: 'another-token-altogether' } })],
    [/no operator API.*--url/, run(bridge, [], { elsewhere: page })],
    [/no operator API/, run(bridge, [], { elsewhere: () => new Response('hello') })],
    [/is not a bridge/, run(bridge, [], { elsewhere: () => new Response('{}') })],
    [
      /answered 503: /,
      run(bridge, [], {
        elsewhere: () => new Response(JSON.stringify({ message: 'The store is gone' }), { status: 503 })
      })
    ],
    [/operator API is off/, run(await buildTestBridge(t, { OPERATOR_TOKEN: '' }), [])]
  ]
  for (const [says, running] of cases) {
    const { code, err } = await running
    t.equal(code, 1)
    t.match(err, says)
    t.notMatch(err, /another-token|\n +at /)
  }
})

await t.test('what it does not understand: said with the usage, exit code 2', async t => {
  const cases: Array<[says: RegExp, args: string[], env?: Record<string, string>]> = [
    [/Too many words: b/, ['a', 'b']],
    [/--loud/, ['--loud']],
    [/OPERATOR_TOKEN is not set/, [], { PUBLIC_URL: 'http://x' }],
    [/Where is the bridge/, [], { OPERATOR_TOKEN }],
    [/http or https/, ['--url', 'ftp://x']],
    [/Unknown cause bored/, ['--cause', 'bored']],
    [/1 to 500/, ['--limit', '0']],
    [/--fetch needs a call_sid/, ['--fetch']],
    [/--fetch needs JAMBONZ_REST_API_BASE_URL/, ['a', '--fetch']]
  ]
  for (const [says, args, env] of cases) {
    const { code, err, asked } = await run(undefined, args, env ? { env } : {})
    t.equal(code, 2, args.join(' '))
    t.match(err, says)
    t.match(err, 'Usage: bridge calls')
    t.strictSame(asked, [])
  }
  const help = await run(undefined, ['--help'], { env: {} })
  t.equal(help.code, 0)
  t.match(help.out, /^Usage: bridge calls/)
})
