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
  { env = ENV, elsewhere }: { env?: Record<string, string>, elsewhere?: (url: string) => Response | undefined } = {}
) {
  const out: string[] = []
  const err: string[] = []
  const asked: string[] = []
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
  t.match(await run(undefined, [], { elsewhere }), { code: 1, err: /is no bridge or stands in front of one.*--url/ })
})

await t.test('a table of calls', async t => {
  const bridge = await buildTestBridge(t)
  t.equal((await run(bridge, [])).out, 'No calls')
  const callSid = await refusedCall(bridge)
  const { code, out, asked } = await run(bridge, ['--cause', 'livekit-refused-credentials', '--limit', '10'])
  t.equal(code, 0)
  t.match(out.split('\n')[0], /^received \(UTC\) +call +phase +from +to +cause/)
  t.match(
    out.split('\n')[1],
    new RegExp(`^2026-11-21 10:00:00  ${callSid}  ended .*livekit-refused-credentials \\(sip\\)`)
  )
  t.match(asked[0], 'https://bridge.example.com/calls?cause=livekit-refused-credentials&limit=10')
  t.match(JSON.parse((await run(bridge, ['--json'])).out), { calls: [{ callSid }] })
  t.equal((await run(bridge, ['--active'])).out, 'No calls')
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
  t.match(out, 'Cause: livekit-refused-credentials, by unknown, waiting on sip')
  t.match(out, /Evidence:\n +\+0\.\d{3} s {2}agent leg trying 100: Jambonz dialled/)
  t.match(out, 'Was the INVITE sent? Yes: ')
  t.match(out, '    $ bridge provision --rotate')
  t.match(out, /Not told apart:\n {2}Whether the user name or the password/)
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
  const elsewhere = (url: string) =>
    url.includes('/Alerts')
      ? new Response(
        JSON.stringify({ data: [{ alert_type: 'invalid-app-payload', message: 'bad', target_sid: callSid }] })
      )
      : url.startsWith('https://jambonz.')
        ? new Response(JSON.stringify({ data: [] }))
        : undefined
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
    [/knows no such call/, run(bridge, ['none'])],
    [/ECONNREFUSED.*--url/, run(undefined, [])],
    [/refused OPERATOR_TOKEN/, run(bridge, [], { env: { ...ENV, OPERATOR_TOKEN: 'another-token-altogether' } })],
    [/no operator API.*--url/, run(bridge, [], { elsewhere: page })],
    [/no operator API/, run(bridge, [], { elsewhere: () => new Response('hello') })],
    [/is no bridge/, run(bridge, [], { elsewhere: () => new Response('{}') })],
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
    [/No cause bored/, ['--cause', 'bored']],
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
