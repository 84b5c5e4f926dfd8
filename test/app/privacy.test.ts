import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import {
  agentStatus,
  API_SECRET,
  buildTestBridge,
  callHook,
  callerStatus,
  dialAction,
  livekitJwt,
  OPERATOR_TOKEN,
  SECRET,
  type TestBridge
} from '../fixtures/build.ts'
import { readRecording } from '../replay/read.ts'
import { isPlayable } from '../replay/recording.ts'
import { playInProcess } from '../replay/session.ts'
import { settle } from '../fixtures/test-clock.ts'
import { CALL_TOKEN_PREFIX } from '../../src/call-token.ts'
import { ask, controlOfCall } from '../fixtures/agent-control.ts'
import { exchange, lines, listen, rawPost, rawSocket, registryWith } from '../routes/support.ts'
import { fixture } from '../fixtures/paths.ts'

const NUMBER = '+15550004321'
/** Never in a log, whatever happened. */
const SECRETS = [
  SECRET,
  API_SECRET,
  OPERATOR_TOKEN,
  'trunk-password',
  'Basic ',
  'Bearer ',
  'eyJ',
  CALL_TOKEN_PREFIX,
  'v1=',
  'jambonz-signature',
  'authorization'
]
/** What the machinery says of itself; it is about no call. */
const isAboutCall = (line: Record<string, any>) =>
  line['msg'] !== 'request' ||
  ['call-hook', 'status', 'action', 'refer', 'refer-complete', 'hang-up', 'send-digits'].includes(line['operation'])

function assertClean (t: Test, logged: string, hidden: string[]): void {
  for (const secret of [...SECRETS, ...hidden]) {
    t.notOk(logged.toLowerCase().includes(secret.toLowerCase()), `no ${secret.slice(0, 12)}… in the log`)
  }
  t.notMatch(logged, /\b\+?1?555\d{7}\b/, 'no phone number')
  t.notMatch(logged, /\bjb_c/, 'no room')
  t.notMatch(logged, /\bc[a-z2-7]{26}\b/, 'no token')
  // The numbers of a packet that is logged as a list of bytes.
  for (const secret of [NUMBER, SECRET]) {
    t.notOk(logged.includes([...Buffer.from(secret)].join(',')), 'nor any of it as bytes')
  }
}

/** Every phone number in a text, without its plus sign. */
const numbersIn = (
  text: string
): string[] => [...new Set([...text.matchAll(/\b1555\d{7}\b/g)].map(([number]) => number))]

const WANTED = [
  'normal-caller-hangs-up',
  'normal-agent-hangs-up',
  'transfer-by-livekit',
  'transfer-refused-by-carrier',
  'anonymous-caller',
  'wrong-trunk-password',
  'caller-leg-refers'
]

/** Plays a recorded call with the log at level trace. */
async function logOf (name: string) {
  const recording = readRecording(fileURLToPath(fixture(`chain/${name}.json`)))
  if (!isPlayable(recording)) throw new Error(recording.detail)
  let logged = ''
  const { calls } = await playInProcess(recording, undefined, line => { logged += line })
  return { logged, callSid: calls[0]!.callSid, call: calls[0]!.call as any }
}

for (const name of WANTED) {
  await t.test(`a recorded call, at log level trace: ${name}`, async t => {
    const numbers = numbersIn(readFileSync(fixture(`chain/${name}.json`), 'utf8'))
    t.ok(numbers.length > 0, 'the recording has numbers')
    const { logged, callSid, call } = await logOf(name)
    t.equal(call.phase, 'ended')
    assertClean(t, logged, [
      ...numbers,
      ...call.attempts.flatMap(({ room }: { room?: string }) => room ? [room, room.slice('jb_'.length)] : []),
      'Alice'
    ])
    const about = lines(logged).filter(isAboutCall)
    t.ok(about.length > 10, 'the call is in the log')
    t.same(about.filter(line => line['callSid'] !== callSid), [], 'every line about it has its callSid')
    t.match(about.find(({ msg }) => msg === 'call ended'), { cause: call.end.cause, by: call.end.by })
  })
}

await t.test('the log of a call tells its story at level info', async t => {
  const { logged } = await logOf('normal-caller-hangs-up')
  const story = lines(logged).filter(({ level, msg }) => level >= 30 && msg.startsWith('call '))
  t.same(story.map(({ msg, phase, cause }) => phase ?? `${msg}: ${cause}`), [
    'received',
    'dialing',
    'ringing',
    'connected',
    'call ended: caller-hung-up'
  ])
})

const refused = async (bridge: TestBridge, url: string, payload: string, headers: Record<string, string>) =>
  bridge.app.inject({ method: 'POST', url, headers: { 'content-type': 'application/json', ...headers }, payload })

await t.test('what goes wrong: bad bodies, refused requests, odd URLs', async t => {
  const bridge = await buildTestBridge(t)
  const { call_sid: sid } = callHook()
  const bodies: unknown[] = [
    `{"from":"${NUMBER}"`,
    NUMBER,
    [NUMBER],
    { from: NUMBER },
    { ...callHook(), call_sid: NUMBER.slice(1) + ' ', from: NUMBER },
    { ...callHook({ from: NUMBER }), call_status: NUMBER },
    { ...callHook(), direction: NUMBER },
    { ...callHook(), sip_status: NUMBER },
    { ...callHook(), from: { [NUMBER]: NUMBER } },
    { ...callHook(), sip: NUMBER },
    { ...callerStatus(sid, 'ringing', 180), refer_details: NUMBER }
  ]
  for (const url of ['/livekit-api', '/status', '/action', '/refer', '/refer-complete', '/amd']) {
    for (const body of bodies) t.match((await bridge.hook(url, body)).status, url === '/refer' ? /^(403|503)$/ : 200)
  }
  const raw = JSON.stringify(callHook({ from: NUMBER }))
  await refused(bridge, '/livekit-api', raw, {
    authorization: `Basic ${Buffer.from(`jambonz:${SECRET}`).toString('base64')}`
  })
  await refused(bridge, '/livekit-api', raw, { 'jambonz-signature': `t=1,v1=${'0'.repeat(64)}` })
  await refused(
    bridge,
    '/livekit-events',
    JSON.stringify({
      event: 'participant_joined',
      room: { name: 'jb_cabcdefghijklmnopqrstuvwxyz' },
      participant: { identity: `sip_${NUMBER}` }
    }),
    { authorization: await livekitJwt('another body') }
  )
  await refused(bridge, '/livekit-events', `{"room":${NUMBER}`, {
    authorization: await livekitJwt(`{"room":${NUMBER}`)
  })
  await refused(bridge, '/livekit-api', JSON.stringify({ from: NUMBER, padding: 'x'.repeat(300_000) }), {})
  for (
    const url of [
      `/calls?from=${NUMBER}`,
      `/calls?from=${encodeURIComponent(NUMBER)}&phase=x`,
      `/calls/${NUMBER}`,
      `/calls/${encodeURIComponent(NUMBER)}`,
      `/nowhere/${NUMBER}?from=${NUMBER}`,
      `/%zz${NUMBER}`,
      `/calls?cursor=${NUMBER}`
    ]
  ) {
    for (const authorization of [`Bearer ${OPERATOR_TOKEN}`, `Bearer ${NUMBER}`]) {
      await bridge.app.inject({ url, headers: { authorization } })
    }
  }
  await settle()
  assertClean(t, bridge.logged(), [])
  t.ok(lines(bridge.logged()).length > 60, 'and yet each of them is in the log')
})

await t.test('LiveKit refuses, fails, hangs', async t => {
  const bridge = await buildTestBridge(t, { FALLBACK_NUMBER: '+15551230009' })
  for (const mode of ['refused-key', 'failed', 'unreachable', 'timeout'] as const) {
    bridge.rooms.mode = mode
    const hook = callHook({ from: NUMBER, env_vars: { LIVEKIT_AGENT_NAME: 'their-agent' } })
    const sid = hook['call_sid']
    await bridge.hook('/livekit-api', hook)
    await bridge.hook('/status', agentStatus(sid, 'ringing', 180, { from: NUMBER, to: '+15551230009' }))
    await bridge.hook('/action', dialAction(sid, 'failed', 486))
    await bridge.operator('GET', `/calls/${sid}?live=true`)
    await bridge.clock.pass(700_000)
  }
  assertClean(t, bridge.logged(), [])
  const about = lines(bridge.logged()).filter(isAboutCall)
  t.ok(about.some(({ msg }) => msg === 'operation failed'), 'the failures are logged')
  t.ok(about.some(({ msg }) => /^duty given up/.test(msg)), 'and what was given up')
  t.same(about.filter(line => !line['callSid']), [], 'every line about a call has its callSid')
})

await t.test('what an agent sends with the token of its call, and where that token is', async t => {
  const bridge = await buildTestBridge(t, {
    JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api/v1',
    JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
    JAMBONZ_API_KEY: 'api-key'
  })
  const hook = callHook({ from: NUMBER })
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', callerStatus(sid, 'in-progress', 200))
  const { url, token } = controlOfCall(bridge, sid)
  const digits = '4929123412341234#'
  for (const given of [token, `${token}x`, token.slice(0, -2), `Bearer ${token}`]) {
    for (const address of [url, `${url}?token=${token}`, `/calls/${token}`, `/calls/${NUMBER}`]) {
      await ask(bridge, 'GET', address, given)
    }
    for (const body of [{ digits }, { digits: `${digits}A` }, { digits, to: digits }, `{"digits":"${digits}"`]) {
      const asking = ask(bridge, 'POST', `${url}/dtmf`, given, body)
      await bridge.clock.pass(10_000)
      await asking
    }
  }
  const view = await bridge.operator('GET', `/calls/${sid}`)
  const diagnosis = await bridge.operator('GET', `/calls/${sid}/diagnosis`)
  await bridge.operator('POST', `/calls/${sid}/hangup`)
  await bridge.clock.pass(10_000)
  assertClean(t, bridge.logged(), [digits, '49291234'])
  t.ok(lines(bridge.logged()).filter(({ operation }) => operation === 'send-digits').length > 8, 'it is in the log')

  const record = await bridge.app.registry.get(sid)
  const rooms = [...bridge.rooms.open.values()].map(({ metadata }) => metadata)
  for (const [where, what] of Object.entries({ record, view, diagnosis, rooms })) {
    t.notMatch(JSON.stringify(what), CALL_TOKEN_PREFIX, `no token in the ${where}`)
  }
})

await t.test('errors of others may hold anything: only their kind is logged', async t => {
  const boom = async () => {
    throw Object.assign(new Error(`cannot store ${NUMBER} with ${SECRET}`), { detail: NUMBER, body: { from: NUMBER } })
  }
  const bridge = await buildTestBridge(t, {}, {
    registry: registryWith({ update: boom, get: boom, list: boom, findByName: boom })
  })
  const hook = callHook({ from: NUMBER })
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', callerStatus(sid, 'trying', 100))
  await bridge.hook('/action', dialAction(sid, 'busy', 486))
  await bridge.livekitEvent({ event: 'room_started', room: { name: 'jb_cabcdefghijklmnopqrstuvwxyz' } })
  for (const url of ['/calls', `/calls/${sid}`]) t.equal((await bridge.operator('GET', url)).status, 500)
  await settle()
  assertClean(t, bridge.logged(), [])
  const failures = lines(bridge.logged()).filter(({ level }) => level >= 40)
  t.ok(failures.length >= 5, 'each is logged')
  t.same(
    failures.filter(line => ['status', 'action'].includes(line['operation']) && !line['callSid']).map((
      { operation, msg }
    ) => `${operation}: ${msg}`),
    [],
    'lines about a call have its callSid'
  )
})

await t.test('a hook that hangs up early while the registry fails', async t => {
  let down = false
  const registry = registryWith({})
  const { update } = registry
  const bridge = await buildTestBridge(t, {}, {
    registry: {
      ...registry,
      update: async (callSid, fn) => {
        if (down) throw new Error(`cannot store ${NUMBER}`)
        return update(callSid, fn)
      }
    }
  })
  bridge.rooms.mode = 'hang'
  const socket = await rawSocket(await listen(bridge))
  socket.write(rawPost('/livekit-api', JSON.stringify(callHook({ from: NUMBER })), bridge.clock.now()))
  while (!bridge.rooms.log.some(entry => entry.startsWith('create'))) await settle()
  down = true
  socket.destroy()
  while (!bridge.logged().includes('event lost')) await settle()
  assertClean(t, bridge.logged(), [])
  bridge.rooms.release()
})

await t.test('bytes that are no HTTP are not logged', async t => {
  const bridge = await buildTestBridge(t)
  const port = await listen(bridge)
  await exchange(
    port,
    `POST /livekit-api HTTP/1.1\r\nhost: bridge\r\nauthorization: Bearer ${SECRET}\r\nbad header ${NUMBER}\r\n\r\n`
  )
  await exchange(port, `${NUMBER} ${SECRET}\r\n\r\n`)
  await settle()
  assertClean(t, bridge.logged(), [])
})
