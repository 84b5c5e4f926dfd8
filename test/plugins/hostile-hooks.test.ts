import t from 'tap'
import { agentStatus, buildTestBridge, callHook, callerStatus, dialAction, type TestBridge } from '../fixtures/build.ts'

/*
 * What callers, carriers and agents can make long: 256 KiB of it, in every field, in forms that make careless loops and
 * regular expressions quadratic. Work is measured by its growth: a body of four times the size takes some four times as
 * long, where quadratic work takes sixteen times. Time limits would depend on the machine.
 */

const SIZES = [60_000, 240_000] as const
/** Between 4 (linear) and 16 (quadratic), for machines that have other things to do. */
const MOST_GROWTH = 10
/** Shorter work is too short to be compared, milliseconds. */
const NEGLIGIBLE_MS = 40
const TRIES = 5

const FORMS: Record<string, (size: number) => string> = {
  digits: size => '1'.repeat(size),
  numbers: size => repeat('+15550001111,', size),
  'different numbers': size => Array.from({ length: size / 12 }, (_, i) => `<tel:${1_000_000 + i}>`).join(''),
  'unfinished numbers': size => repeat('1((', size),
  'a number with a long end': size => `1${'('.repeat(size)}`,
  separators: size => repeat('- . ', size),
  'plus signs': size => '+'.repeat(size),
  'opening brackets': size => '<'.repeat(size),
  'closing brackets': size => '>'.repeat(size),
  'pairs of brackets': size => repeat('<>', size),
  'a URI without an end': size => `<sip:${'a'.repeat(size)}`,
  'at signs': size => `sip:${'@'.repeat(size)}`,
  'tel URIs': size => repeat('tel:', size),
  'anonymous hosts': size => repeat('@anonymous.invali', size),
  quotes: size => '"'.repeat(size),
  spaces: size => ' '.repeat(size),
  'spaces and a letter': size => `${' '.repeat(size)}x`,
  semicolons: size => ';'.repeat(size),
  'privacy values': size => repeat('none;', size),
  'control characters': size => repeat('\u0001', size / 6),
  'bidirectional controls': size => repeat('\u202ea', size / 4),
  'halves of characters': size => '\ud83d'.repeat(size / 6),
  slashes: size => '/'.repeat(size),
  attempts: size => `attempt-${'1'.repeat(size)}`
}

const repeat = (text: string, size: number): string => text.repeat(size / text.length)

type Body = Record<string, any>
const HEADERS = ['from', 'P-Asserted-Identity', 'Remote-Party-ID', 'Privacy', 'Diversion', 'X-Any']

/** Every place in a hook that somebody else fills, one after another. */
const PLACES: Record<string, (text: string) => { url: string, body: Body }> = {
  ...Object.fromEntries(
    ['from', 'to', 'caller_name', 'originating_sip_trunk_name', 'sip_reason', 'application_sid'].map(name => [
      `call hook ${name}`,
      (text: string) => ({ url: '/livekit-api', body: callHook({ [name]: text }) })
    ])
  ),
  ...Object.fromEntries(
    HEADERS.map(name => [
      `header ${name}`,
      (text: string) => ({ url: '/livekit-api', body: withHeaders({ privacy: 'id', [name]: text }) })
    ])
  ),
  'all identity headers': text => ({
    url: '/livekit-api',
    body: withHeaders(
      Object.fromEntries(HEADERS.map(name => [name, name === 'Privacy' ? 'id' : text.slice(0, text.length / 5)]))
    )
  }),
  'a header that appears often': text => ({
    url: '/livekit-api',
    body: withHeaders({ privacy: 'id', Diversion: text.match(/.{1,20}/gs) ?? [], 'p-asserted-identity': ['x'] })
  }),
  'names of headers': text => ({
    url: '/livekit-api',
    body: withHeaders(Object.fromEntries((text.match(/.{1,12}/gs) ?? []).map((part, i) => [`${i}${part}`, 'x'])))
  }),
  'env vars': text => ({
    url: '/livekit-api',
    body: callHook({ env_vars: { LIVEKIT_AGENT_NAME: text, FALLBACK_NUMBER: text.slice(0, 100) } })
  }),
  'status to': text => ({ url: '/status', body: agentStatus(callHook()['call_sid'], 'ringing', 180, { to: text }) }),
  'status sip_reason': text => ({
    url: '/status',
    body: callerStatus(callHook()['call_sid'], 'busy', 486, { sip_reason: text })
  }),
  'action verb_id': text => ({
    url: '/action',
    body: dialAction(callHook()['call_sid'], 'busy', 486, { verb_id: text, dial_sbc_callid: 'x' })
  }),
  'Refer-To': text => ({
    url: '/refer',
    body: { ...agentStatus(callHook()['call_sid'], 'in-progress', 200), refer_details: { sip_refer_to: text } }
  }),
  'user of Refer-To': text => ({
    url: '/refer',
    body: { ...agentStatus(callHook()['call_sid'], 'in-progress', 200), refer_details: { refer_to_user: text } }
  }),
  'unknown properties': text => ({
    url: '/livekit-api',
    body: callHook(Object.fromEntries((text.match(/.{1,12}/gs) ?? []).map((part, i) => [`${i}${part}`, {}])))
  })
}

function withHeaders (headers: Body): Body {
  const hook = callHook()
  hook['sip'].headers = { ...hook['sip'].headers, ...headers }
  return hook
}

const LIMIT = 256 * 1024

/** Processor time of the fastest of some tries, milliseconds: others on the machine can only make it longer. */
async function workOf (bridge: TestBridge, make: () => { url: string, body: Body }): Promise<number> {
  let least = Infinity
  for (let i = 0; i < TRIES && least > NEGLIGIBLE_MS / 2; i++) {
    const { url, body } = make()
    const raw = JSON.stringify(body)
    if (Buffer.byteLength(raw) > LIMIT) return 0
    const before = process.cpuUsage()
    await bridge.hook(url, raw)
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}

for (const [place, make] of Object.entries(PLACES)) {
  await t.test(`${place}: work grows with its length, and no more`, async t => {
    const bridge = await buildTestBridge(t, { CALLER_HEADERS: 'X-Any' })
    for (const [form, text] of Object.entries(FORMS)) {
      const large = await workOf(bridge, () => make(text(SIZES[1])))
      if (large <= NEGLIGIBLE_MS) continue
      const small = await workOf(bridge, () => make(text(SIZES[0])))
      t.ok(large / small < MOST_GROWTH, `${form}: ${small.toFixed()} ms, ${large.toFixed()} ms`)
    }
    t.pass('all forms')
  })
}

await t.test('however much comes in, little is passed on and kept', async t => {
  const bridge = await buildTestBridge(t, { CALLER_HEADERS: 'X-Any' })
  for (const make of Object.values(PLACES)) {
    for (const text of Object.values(FORMS)) {
      const { url, body } = make(text(SIZES[0]))
      const { text: reply } = await bridge.hook(url, body)
      if (reply.length > 2000) t.fail(`${url} replies ${reply.length} characters`)
      for (const { agent, metadata } of bridge.rooms.open.values()) {
        if (agent.metadata.length > 8000 || metadata.length > 8000) t.fail('the room gets too much')
      }
      bridge.rooms.open.clear()
    }
  }
  const { calls } = await bridge.app.registry.list({}, { limit: 500 })
  const longest = Math.max(...calls.map(call => JSON.stringify(call).length))
  t.ok(calls.length > 100)
  t.ok(longest < 20_000, `${longest} characters`)
})

await t.test('LiveKit: events with long and many attributes', async t => {
  const bridge = await buildTestBridge(t)
  const event = (size: number) => {
    const attributes = Array.from({ length: size / 80 }, (_, i) => [`sip.h.x-${i}`, 'sip.h.x-lk-call'])
    return {
      event: 'participant_joined',
      id: 'EV_1',
      createdAt: 'not a time',
      room: { name: 'jb_x', metadata: `{${'{"a":'.repeat(size / 40)}` },
      participant: {
        sid: 'PA_1',
        identity: 'i'.repeat(size / 10),
        kind: 'SIP',
        attributes: Object.fromEntries(attributes)
      }
    }
  }
  const measure = async (size: number) => {
    let least = Infinity
    for (let i = 0; i < TRIES; i++) {
      const before = process.cpuUsage()
      t.equal(await bridge.livekitEvent(event(size)), 200)
      least = Math.min(least, process.cpuUsage(before).user / 1000)
    }
    return least
  }
  await measure(SIZES[0])
  const [small, large] = [await measure(SIZES[0]), await measure(SIZES[1])]
  t.ok(large < NEGLIGIBLE_MS || large / small < MOST_GROWTH, `${small.toFixed()} ms, ${large.toFixed()} ms`)
})
