import fc from 'fast-check'
import t from 'tap'
import { buildTestBridge, agentStatus, callHook, callerStatus, dialAction, type TestBridge } from '../fixtures/build.ts'
import { assertRunnable } from '../replay/check.ts'

// eslint-disable-next-line no-control-regex
const STEERS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]/

const CONTROLS = ['\u0000', '\r\nX-Evil: 1', '\n', '\u001b[2J', '\u007f', '\u009b31m', '\u2028', '\u202e']
const SYNTAX = ['"', '<', '>', '@', ';', 'sip:', 'tel:', '+15550001111', 'anonymous']
const piece = fc.oneof(fc.constantFrom(...CONTROLS, ...SYNTAX), fc.string({ maxLength: 8 }))
const nasty = fc.array(piece, { maxLength: 6 }).map(pieces => pieces.join(''))

/** What callers, carriers, agents and administrators choose the text of. */
const texts = fc.record({
  from: nasty,
  to: nasty,
  name: nasty,
  reason: nasty,
  trunk: nasty,
  header: nasty,
  agent: nasty,
  number: nasty,
  referTo: nasty,
  referUser: nasty,
  direction: fc.constantFrom('inbound', 'outbound'),
  privacy: fc.constantFrom('id', 'none')
})

const closing: Array<() => unknown> = []

/** Every text in a JSON value, names of properties too. */
function textsIn (value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, child]) => [key, ...textsIn(child)])
}

type Chosen = typeof texts extends fc.Arbitrary<infer T> ? T : never

async function everyHook (bridge: TestBridge, chosen: Chosen) {
  const { from, to, name, reason, trunk, header, agent, number, referTo, referUser, direction, privacy } = chosen
  const common = { from, to, sip_reason: reason, originating_sip_trunk_name: trunk, direction, application_sid: name }
  const hook = callHook({
    ...common,
    caller_name: name,
    sip: { headers: { from: header, privacy, Diversion: header, 'X-Any': header } },
    env_vars: { LIVEKIT_AGENT_NAME: agent, FALLBACK_NUMBER: number }
  })
  const sid = hook['call_sid']
  const stranger = callHook()['call_sid']
  const refer = { refer_details: { sip_refer_to: referTo, refer_to_user: referUser } }
  const hooks: Array<[url: string, body: object]> = [
    ['/livekit-api', hook],
    ['/status', callerStatus(sid, 'trying', 100, common)],
    ['/status', agentStatus(sid, 'ringing', 180, { to, sip_reason: reason })],
    ['/status', agentStatus(sid, 'in-progress', 200, { to })],
    ['/refer', { ...agentStatus(sid, 'in-progress', 200), ...refer }],
    ['/refer-complete', { ...callerStatus(sid, 'in-progress', 200, common), refer_status: 603 }],
    ['/action', dialAction(sid, 'failed', 503, common)],
    ['/amd', { ...callerStatus(sid, 'in-progress', 200, common), type: 'amd_machine_detected', reason }],
    ['/refer', { ...agentStatus(stranger, 'in-progress', 200, { from }), ...refer }],
    ['/action', dialAction(callHook()['call_sid'], 'busy', 486, { ...common, verb_id: name })]
  ]
  const replies = []
  for (const [url, body] of hooks) replies.push({ url, ...await bridge.hook(url, body) })
  return replies
}

await t.test('whatever texts hooks carry, verbs, agents, operators and logs get no control characters', async t => {
  await fc.assert(
    fc.asyncProperty(texts, async chosen => {
      const bridge = await buildTestBridge({ after: fn => closing.push(fn) }, { CALLER_HEADERS: 'X-Any' })
      const replies = await everyHook(bridge, chosen)
      for (const { url, json } of replies.filter(({ json }) => json !== undefined)) assertRunnable(url, json)
      const agents = [...bridge.rooms.open.values()].flatMap(({ agent, metadata }) => [
        agent.name,
        ...textsIn(JSON.parse(agent.metadata)),
        ...textsIn(JSON.parse(metadata))
      ])
      const { json: page } = await bridge.operator('GET', '/calls')
      const look = async ({ callSid }: { callSid: string }) =>
        (await bridge.operator('GET', `/calls/${callSid}`)).json
      const pages = await Promise.all(page.calls.map(look))
      const logged = bridge.logged().split('\n').filter(line => line !== '').flatMap(line => textsIn(JSON.parse(line)))
      const bad = [...textsIn(replies.map(({ json }) => json)), ...agents, ...textsIn(pages), ...logged].filter(text =>
        STEERS.test(text.replace(/\n\s+at /g, ''))
      )
      while (closing.length > 0) await closing.pop()!()
      return bad.length === 0
    }),
    { numRuns: 40 }
  )
  t.pass('for all of them')
})

await t.test("control characters of a caller's number do not reach the dial", async t => {
  const bridge = await buildTestBridge(t)
  const { json } = await bridge.hook('/livekit-api', callHook({ from: '\u0000\r\nX-Evil: 1' }))
  t.equal(json[0].callerId, 'X-Evil: 1')
})

await t.test('a call hook that cannot be read: a caller is declined, a callee who has answered is hung up', async t => {
  const bridge = await buildTestBridge(t)
  const unreadable = (change: object) => bridge.hook('/livekit-api', callHook({ call_sid: 7, ...change }))
  t.strictSame((await unreadable({})).json, [{ verb: 'sip:decline', status: 400, reason: 'Bad Request' }])
  t.strictSame((await unreadable({ direction: 'outbound' })).json, [
    { verb: 'pause', length: 1 },
    { verb: 'hangup' }
  ])
})
