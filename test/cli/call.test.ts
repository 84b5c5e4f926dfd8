import { readFileSync } from 'node:fs'
import t from 'tap'
import { call } from '../../src/cli/call.ts'
import { refusalLines } from '../../src/cli/call-refusals.ts'
import { RefusedError } from '../../src/cli/calls-client.ts'
import { agentStatus, callHook, OPERATOR_TOKEN } from '../fixtures/build.ts'
import { buildOrderBridge, outboundStatus, type OrderBridge } from '../fixtures/order-bridge.ts'
import { project } from '../fixtures/paths.ts'

const ENV = { PUBLIC_URL: 'https://bridge.example.com', OPERATOR_TOKEN }
const TO = '+15550001111'

/** The command against a bridge in this process. @param between what happens between two polls */
async function run (
  bridge: OrderBridge | undefined,
  args: string[],
  between: (poll: number, end: () => void) => Promise<void> | void = () => {},
  env: Record<string, string> = ENV
) {
  const out: string[] = []
  const err: string[] = []
  let drawn = ''
  let polls = 0
  const stop = new AbortController()
  const fetchIt = (async (url: string, init: RequestInit) => {
    if (!bridge) throw Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } })
    const reply = await bridge.app.inject({
      method: (init.method ?? 'GET') as 'GET' | 'POST',
      url: new URL(url).pathname,
      headers: Object.fromEntries(new Headers(init.headers)),
      ...(init.body ? { payload: init.body as string } : {})
    })
    return new Response(reply.body, {
      status: reply.statusCode,
      headers: reply.headers['retry-after'] ? { 'retry-after': String(reply.headers['retry-after']) } : {}
    })
  }) as unknown as typeof fetch
  const code = await call(args, {
    env,
    out: line => out.push(line),
    err: line => err.push(line),
    write: text => {
      drawn += text
    },
    fetch: fetchIt,
    signal: stop.signal,
    wait: async () => {
      await between(++polls, () => stop.abort())
    },
    ladder: { width: 120, colour: false, ascii: false, rewrite: false }
  })
  return { code, out: out.join('\n'), err: err.join('\n'), drawn }
}

/** The callee's phone rings. */
async function rings (bridge: OrderBridge): Promise<void> {
  await bridge.hook('/status', outboundStatus('call-1', 'ringing', 180))
  await bridge.clock.pass(200)
}

/** The callee answers, and is connected to the agent. */
async function answers (bridge: OrderBridge): Promise<void> {
  const about = outboundStatus('call-1', 'in-progress', 200)
  await bridge.hook('/status', about)
  const { sip: _sip, ...hook } = callHook()
  await bridge.hook('/livekit-api', { ...hook, ...about, defaults: {} })
  await bridge.hook('/status', agentStatus('call-1', 'ringing', 180))
  await bridge.hook('/status', agentStatus('call-1', 'in-progress', 200))
}

await t.test('a call is placed as the options say', async t => {
  const bridge = await buildOrderBridge(t)
  const { code, out } = await run(bridge, [
    ...['+1 (555)', '000-1111', '--from', '+15551230001', '--agent', 'sales', '--carrier', 'MyCarrier'],
    ...['--reference', 'order-4711', '--metadata', 'hello', '--ring', '30', '--longest', '600'],
    ...['--voicemail', 'jambonz', '--on-machine', 'hangup', '--caller-name', 'Acme']
  ])
  t.equal(code, 0)
  t.equal(out, 'Placed: call-1. Watch it: bridge calls call-1 --follow')
  t.match(bridge.placed(), [{
    from: '+15551230001',
    to: { number: TO, trunk: 'MyCarrier' },
    timeout: 30,
    timeLimit: 600,
    callerName: 'Acme',
    amd: { actionHook: /\/amd#/ }
  }])
  t.match((await bridge.ask('GET', '/calls/call-1')).json, { agent: 'sales', reference: 'order-4711' })
})

await t.test('--wait draws the call, says how it ended, and tells it by the exit code', async t => {
  const bridge = await buildOrderBridge(t)
  const { code, out, drawn, err } = await run(bridge, [TO, '--wait'], async poll => {
    if (poll === 1) await rings(bridge)
    if (poll === 2) await answers(bridge)
    if (poll === 3) {
      const ended = { ...outboundStatus('call-1', 'completed', 200), call_termination_by: 'caller' }
      await bridge.hook('/status', ended)
      await bridge.clock.pass(5000)
    }
  })
  t.equal(err, '')
  t.equal(code, 0)
  const lines = drawn.split('\n')
  t.match(lines[0], /ms +callee +jambonz +bridge +livekit +agent/)
  const shown = (text: string) => lines.filter(line => line.includes(text)).length
  for (
    const text of [
      'call ordered by operator',
      'createCall',
      'call placed',
      'callee leg ringing 180',
      'callee leg in-progress 200',
      'reply: dial the room',
      'call ended callee-hung-up by callee'
    ]
  ) t.equal(shown(text), 1, `${text}, once`)
  t.notMatch(drawn, /caller/)
  t.match(out, /Cause: callee-hung-up, by callee\nThe callee hung up/)
})

await t.test('nobody was connected: exit code 1', async t => {
  const bridge = await buildOrderBridge(t)
  const { code, out } = await run(bridge, [TO, '--wait'], async poll => {
    if (poll === 1) await rings(bridge)
    if (poll === 2) {
      await bridge.hook('/status', outboundStatus('call-1', 'busy', 486))
      await bridge.clock.pass(5000)
    }
  })
  t.equal(code, 1)
  t.match(out, /Cause: busy, by carrier\nThe callee was busy \(486\)\./)
})

await t.test('Ctrl-C ends the watching, not the call', async t => {
  const bridge = await buildOrderBridge(t)
  const { code, err } = await run(bridge, [TO, '--wait'], (_poll, end) => end())
  t.equal(code, 1)
  t.equal(err, 'The call goes on: bridge calls call-1 --follow')
  t.equal((await bridge.ask('GET', '/calls/call-1')).json.phase, 'dialing')
})

await t.test('--json', async t => {
  const bridge = await buildOrderBridge(t)
  const { out } = await run(bridge, [TO, '--json', '--reference', 'r-1'])
  t.match(JSON.parse(out), { callSid: 'call-1', reference: 'r-1' })
})

await t.test('a refusal: what the bridge says, and what to do', async t => {
  const bridge = await buildOrderBridge(t)
  const refused = await run(bridge, ['+4915111111111'])
  t.equal(refused.code, 1)
  t.match(refused.err, /policy\.allow.*\(BRIDGE_NUMBER_REFUSED\)\n`bridge routes check`/)
  t.match((await run(bridge, [TO, '--from', '+15559999999'])).err, /\(BRIDGE_FROM_NOT_OURS\)\nGive --from one of/)
  t.same(bridge.placed(), [])
})

await t.test('every code that POST /calls may answer has its advice', async t => {
  const document = JSON.parse(readFileSync(project('openapi.json'), 'utf8'))
  const { responses } = document.paths['/calls'].post
  const codes = [...JSON.stringify(responses).matchAll(/BRIDGE_[A-Z_]+/g)].map(([code]) => code)
  t.ok(codes.length > 20, `${codes.length} codes`)
  for (const code of new Set(codes)) {
    if (code === 'BRIDGE_UNAUTHORIZED') continue
    const lines = refusalLines(new RefusedError('The bridge says why.', { code, callSid: 'order-1' }, 7))
    t.equal(lines.length, 4, code)
    t.match(lines, [`The bridge says why. (${code})`, 'Ask again in 7 s', /./, 'bridge calls order-1 --follow'])
  }
})

await t.test('wrong arguments and settings', async t => {
  const wrong = async (args: string[], env: Record<string, string> = ENV) => {
    const { code, err } = await run(undefined, args, undefined, env)
    t.equal(code, 2, args.join(' '))
    return err
  }
  t.match(await wrong([]), /^Whom to call\?/)
  t.match(await wrong([TO, '--ring', 'long']), /^--ring must be whole seconds/)
  t.match(await wrong([TO, '--voicemail', 'nobody']), /^--voicemail must be one of off, agent, jambonz/)
  t.match(await wrong([TO, '--no-such-option']), /no-such-option/)
  t.match(await wrong([TO], { OPERATOR_TOKEN }), /^Where is the bridge\?/)
  t.match(await wrong([TO], { PUBLIC_URL: 'https://b.example.com' }), /^OPERATOR_TOKEN is not set/)
  const help = await run(undefined, ['--help'])
  t.match(help, { code: 0, out: /^Usage: bridge call <number>/ })
  t.match(await run(undefined, [TO]), { code: 1, err: /^No bridge answers at .* \(ECONNREFUSED\)/ })
})
