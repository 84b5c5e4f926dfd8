import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import type { Call, Reply } from '../../src/calls/fold/call.ts'
import { newCall } from '../../src/calls/fold/new-call.ts'
import type { Way } from '../../src/calls/fold/way.ts'
import type { VerbConfig } from '../../src/jambonz/verb-config.ts'
import { attemptOfDialId, dialId, verbsFor } from '../../src/jambonz/verbs-for.ts'
import type { Dial, Verbs } from '../../src/jambonz/verbs.ts'
import { loadVerbParser } from '../../src/sandbox/jambonz/verbs.ts'
import { attemptWith, factsWith, rulesWith, tokenOf } from '../fixtures/events.ts'
import { warmAttemptWith, WARM_TOKEN } from '../fixtures/warm-attempts.ts'

const parse = loadVerbParser()
const { validateApp } = createRequire(import.meta.url)('@jambonz/schema') as {
  validateApp(verbs: unknown): { valid: boolean, errors?: unknown }
}

const CONFIG: VerbConfig = {
  publicUrl: 'https://bridge.example.com',
  sipHost: 'sip.example.com',
  sipTransport: 'tcp',
  sipAuth: { username: 'jambonz', password: 'trunk-password' },
  srtp: false,
  dialTimeoutS: 40,
  timeLimitS: 7200,
  ringbackTone: 'tone_stream://L=20;%(2000,4000,440,480)',
  retellSipHost: 'sip.retellai.com',
  secretOf: () => undefined
}

function callWith (
  facts: Parameters<typeof factsWith>[0] = {},
  callSid = 'd00d8a36-93f1-4a61-b3df-98751116d97a'
): Call {
  const token = tokenOf(callSid, 1)
  return {
    ...newCall(callSid, 0, factsWith(facts), rulesWith().app),
    attempts: [
      attemptWith({ n: 1, token, room: `jb_${token}` }),
      attemptWith({
        n: 2,
        strategy: 'phone',
        way: { strategy: 'phone', number: '+15551230009' },
        number: '+15551230009',
        token: undefined,
        room: undefined,
        agent: undefined
      })
    ]
  }
}

const dial = (call: Call, attempt = 1, config: Partial<VerbConfig> = {}) =>
  verbsFor(call, { kind: 'dial', attempt }, { ...CONFIG, ...config })[0] as Dial

await t.test('the dial of a room', async t => {
  const call = callWith()
  t.same(verbsFor(call, { kind: 'dial', attempt: 1 }, CONFIG), [
    {
      verb: 'dial',
      id: 'attempt-1',
      target: [{
        type: 'sip',
        sipUri: `sip:${call.attempts[0]!.token}@sip.example.com;transport=tcp`,
        auth: { username: 'jambonz', password: 'trunk-password' }
      }],
      actionHook: `https://bridge.example.com/action?call=${call.callSid}&attempt=1#rc=2&rp=all`,
      referHook: `https://bridge.example.com/refer?call=${call.callSid}&attempt=1`,
      answerOnBridge: true,
      anchorMedia: true,
      timeout: 40,
      timeLimit: 7200,
      callerId: '+15550001111',
      dialMusic: 'tone_stream://L=20;%(2000,4000,440,480)',
      headers: { 'X-LK-Call': call.callSid }
    },
    { verb: 'sip:decline', status: 480, reason: 'Agent Unavailable' }
  ])
})

await t.test('the dial of the fallback number', async t => {
  const verb = dial(callWith(), 2)
  t.same(verb.target, [{ type: 'phone', number: '+15551230009' }])
  t.notOk(verb.referHook, 'whoever answers must not transfer our caller')
  t.notOk(verb.dialMusic, 'a carrier has early media of its own')
  t.equal(verb.callerId, '+15550001111')
})

await t.test('the dials of the other ways', async t => {
  const dialOfWay = (way: Way, token?: string) => {
    const attempt = attemptWith({ n: 2, strategy: way.strategy, way, token, room: undefined, agent: undefined })
    return dial({ ...callWith(), attempts: [attempt] }, 2)
  }
  const tone = CONFIG.ringbackTone
  const agentLeg = { dialMusic: tone, referHook: /\/refer\?call=d00d8a36-[^&]*&attempt=2$/ }
  const number = '+15551230009'

  t.match(dialOfWay({ strategy: 'carrier', carrier: 'LiveKit', number, ringS: 25 }), {
    ...agentLeg,
    timeout: 25,
    target: [{ type: 'phone', number, trunk: 'LiveKit' }]
  })
  t.match(dialOfWay({ strategy: 'retell', agent: 'agent_1', key: 'RETELL_API_KEY' }, 'call_1'), {
    ...agentLeg,
    target: [{ type: 'sip', sipUri: 'sip:call_1@sip.retellai.com;transport=tcp' }]
  })
  const phone = dialOfWay({ strategy: 'phone', number, carrier: 'Telnyx', from: '+15551230000' })
  t.match(phone, { callerId: '+15551230000', target: [{ type: 'phone', number, trunk: 'Telnyx' }] })
  const sip = dialOfWay({ strategy: 'sip', uri: 'sip:desk@pbx.example.com' })
  t.same(sip.target, [{ type: 'sip', sipUri: 'sip:desk@pbx.example.com' }])
  for (const dial of [phone, sip]) t.notOk(dial.dialMusic ?? dial.referHook, 'no tone over early media, no transfer')
})

await t.test('who is shown to the agent', async t => {
  t.equal(dial(callWith({ from: 'anonymous', withheld: true })).callerId, 'anonymous')
  t.equal(dial(callWith({ from: 'anonymous', withheld: true }), 2).callerId, 'anonymous')
  t.notOk('callerId' in dial(callWith({ from: '' })), 'an empty one would make Jambonz refuse the call')
  t.equal(
    dial(callWith({ direction: 'outbound' })).callerId,
    '+15551230000',
    'the called party of a call that we originated'
  )
})

function warmCallWith (facts: Parameters<typeof factsWith>[0], callSid?: string): Call {
  const call = callWith(facts, callSid)
  return { ...call, attempts: [warmAttemptWith(), ...call.attempts.slice(1)] }
}
const warmDial = (facts: Parameters<typeof factsWith>[0]) => dial(warmCallWith(facts))

await t.test('the dial of a warm room says who calls', async t => {
  const { target, headers, ...rest } = warmDial({})
  t.match(target, [{ sipUri: `sip:${WARM_TOKEN}@sip.example.com;transport=tcp` }])
  const sid = callWith().callSid
  t.same(headers, { 'X-LK-Call': sid, 'X-LK-From': '+15550001111', 'X-LK-To': '+15551230000' })
  const { target: _target, headers: _headers, ...cold } = dial(callWith())
  t.same(rest, cold, 'all else is as without a warm room')
})

await t.test('a number that is withheld, or that no header can hold, is in no header', async t => {
  const withheld = warmDial({ from: '+15550001111', withheld: true })
  t.equal(withheld.headers!['X-LK-From'], 'anonymous')
  t.notMatch(JSON.stringify(withheld), '+15550001111')
  for (const text of ['', ' ', 'zoë', '+1555\r\nX-Account-Sid: other', '\t', '+1555\u007f', '\ud800', '+1555\n']) {
    t.same(Object.keys(warmDial({ from: text }).headers!), ['X-LK-Call', 'X-LK-To'], JSON.stringify(text))
    t.same(Object.keys(warmDial({ to: text }).headers!), ['X-LK-Call', 'X-LK-From'], JSON.stringify(text))
  }
  t.equal(warmDial({ to: 'front desk' }).headers!['X-LK-To'], 'front desk')
})

await t.test('settings that add to the dial or take away', async t => {
  const call = callWith()
  t.notOk('auth' in dial(call, 1, { sipAuth: undefined }).target[0]!)
  t.notOk('dialMusic' in dial(call, 1, { ringbackTone: '' }))
  t.equal(dial(call, 1, { srtp: true }).srtpEncryption, 'sdes')
  t.notOk('srtpEncryption' in dial(call))
  t.match(dial(call, 1, { sipHost: '[2001:db8::1]:5060', sipTransport: 'udp' }).target[0], {
    sipUri: /@\[2001:db8::1\]:5060;transport=udp$/
  })
})

await t.test('an attempt that is not there is declined', async t => {
  t.match(verbsFor(callWith(), { kind: 'dial', attempt: 9 }, CONFIG), [{ verb: 'sip:decline', status: 480 }])
})

await t.test("the caller leg's REFER has its own hook", async t => {
  const call = callWith()
  t.same(verbsFor(call, { kind: 'refer', to: '+15559998888', referredBy: '+15551230000' }, CONFIG), [{
    verb: 'sip:refer',
    referTo: '+15559998888',
    referredBy: '+15551230000',
    actionHook: `https://bridge.example.com/refer-complete?call=${call.callSid}#rc=2&rp=all`
  }])
  t.notOk('referredBy' in verbsFor(call, { kind: 'refer', to: '+1' }, CONFIG)[0]!)
})

await t.test('dial ids', async t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 999_999 }), n => attemptOfDialId(dialId(n)) === n))
  for (const id of [undefined, '', 'attempt-', 'attempt-x', 'attempt-1x', 'livekit-dial', 'Attempt-1']) {
    t.equal(attemptOfDialId(id), undefined, String(id))
  }
})

const number = fc.oneof(
  fc.constantFrom('', '+15550001111', '5550001111', 'alice', '"quoted"', 'ünicode', 'sip:x@y'),
  fc.string()
)
const config: fc.Arbitrary<VerbConfig> = fc.record({
  publicUrl: fc.constantFrom('https://bridge.example.com', 'http://10.0.0.1:3000', 'https://example.com/path/bridge'),
  sipHost: fc.constantFrom(
    'sip.example.com',
    'sip.example.com:5060',
    '10.0.0.1',
    '[2001:db8::1]:5061',
    'vjnxecm0tjk.sip.livekit.cloud'
  ),
  sipTransport: fc.constantFrom('udp', 'tcp', 'tls'),
  sipAuth: fc.option(fc.record({ username: fc.string({ minLength: 1 }), password: fc.string({ minLength: 1 }) }), {
    nil: undefined
  }),
  srtp: fc.boolean(),
  dialTimeoutS: fc.integer({ min: 1, max: 160 }),
  timeLimitS: fc.integer({ min: 1, max: 86_400 }),
  ringbackTone: fc.constantFrom('', 'tone_stream://L=20;%(2000,4000,440,480)', 'https://example.com/ring.wav'),
  retellSipHost: fc.constant('sip.retellai.com'),
  secretOf: fc.constant(() => undefined)
})
const call = fc.record({
  sid: fc.oneof(fc.uuid(), fc.stringMatching(/^[\w.:-]{1,128}$/)),
  facts: fc.record({
    direction: fc.constantFrom('inbound', 'outbound'),
    from: number,
    to: number,
    withheld: fc.boolean()
  }),
  isWarm: fc.boolean()
}).map(({ sid, facts, isWarm }) => isWarm ? warmCallWith(facts, sid) : callWith(facts, sid))
const forCallHook: fc.Arbitrary<Reply> = fc.oneof(
  fc.record({ kind: fc.constant('dial'), attempt: fc.constantFrom(1, 2, 3) }),
  fc.record({
    kind: fc.constant('decline'),
    status: fc.integer({ min: 400, max: 699 }),
    reason: fc.constantFrom('Agent Unavailable', 'Busy Here', 'Decline')
  }),
  fc.record({ kind: fc.constant('hangup') })
)
const forOthers: fc.Arbitrary<Reply> = fc.oneof(
  forCallHook,
  fc.record({
    kind: fc.constant('refer'),
    to: fc.constantFrom('+15559998888', 'sip:bob@example.com', '1234'),
    referredBy: fc.option(number, { nil: undefined })
  }),
  fc.record({ kind: fc.constantFrom('nothing', 'forbid') })
)

/** What Jambonz would say of these verbs. */
function complaint (verbs: Verbs): string | undefined {
  const body = JSON.parse(JSON.stringify(verbs)) as unknown[]
  try {
    parse(body)
  } catch (error) {
    return (error as Error).message
  }
  if (body.length === 0) return undefined
  const { valid, errors } = validateApp(body)
  return valid ? undefined : JSON.stringify(errors)
}

await t.test('whatever the call and the settings, Jambonz takes the verbs', async t => {
  fc.assert(
    fc.property(call, forOthers, config, (call, reply, config) => {
      const verbs = verbsFor(call, reply, config)
      const problem = complaint(verbs)
      if (problem) throw new Error(`${problem} in ${JSON.stringify(verbs)}`)
    }),
    { numRuns: 400 }
  )
  t.pass('for all of them')
})

await t.test('the validators do refuse what is wrong', async t => {
  t.ok(complaint([{ ...dial(callWith()), foo: 1 } as unknown as Dial]))
  t.ok(complaint([{ verb: 'sip:decline' } as unknown as Verbs[number]]))
})

await t.test('a call hook never gets an empty reply, nor anything undefined or null', async t => {
  const holes = (value: unknown): boolean =>
    value === undefined || value === null || (typeof value === 'object' && Object.values(value).some(holes))
  fc.assert(
    fc.property(call, forCallHook, config, (call, reply, config) => {
      const verbs = verbsFor(call, reply, config)
      return verbs.length > 0 && !holes(verbs)
    }),
    { numRuns: 400 }
  )
  t.pass('for all of them')
})

await t.test('a dialled SIP URI has a user part, and the hooks are absolute', async t => {
  fc.assert(fc.property(call, config, (call, config) => {
    const { target: [target], actionHook, referHook } = dial(call, 1, config)
    const uri = target?.type === 'sip' ? target.sipUri : ''
    return /^sip:c[a-z2-7]{26}@[^@;]+;transport=(udp|tcp|tls)$/.test(uri) && actionHook.startsWith(config.publicUrl) &&
      actionHook.endsWith('#rc=2&rp=all') && new URL(actionHook).searchParams.get('call') === call.callSid &&
      !referHook!.includes('#')
  }))
  t.pass('for all of them')
})

await t.test('the same call and reply give the same verbs', async t => {
  fc.assert(
    fc.property(call, forOthers, config, (call, reply, config) =>
      JSON.stringify(verbsFor(call, reply, config)) === JSON.stringify(verbsFor(structuredClone(call), reply, config)))
  )
  t.pass('for all of them')
})
