import { createRequire } from 'node:module'
import fc from 'fast-check'
import t from 'tap'
import { preparationOf } from '../../src/calls/fold/attempt-facts.ts'
import {
  currentAttempt,
  type Attempt,
  type Call,
  type CallStatus,
  type HookName,
  type Reply
} from '../../src/calls/fold/call.ts'
import { STRATEGIES, type Strategy, type Way } from '../../src/calls/fold/way.ts'
import type { VerbConfig } from '../../src/jambonz/verb-config.ts'
import { verbsFor } from '../../src/jambonz/verbs-for.ts'
import type { Verbs } from '../../src/jambonz/verbs.ts'
import { loadVerbParser } from '../../src/sandbox/jambonz/verbs.ts'
import { tell, type Story } from '../fixtures/events.ts'

/*
 * Every reply that any plan can give, at every position in it, is one that every Jambonz since 2023 takes.
 */

/** What @jambonz/verb-specifications 0.0.26, of 2023, knows of the verbs that we use. */
const KNOWN_SINCE_2023: Record<string, readonly string[]> = {
  dial: [
    'id',
    'actionHook',
    'answerOnBridge',
    'callerId',
    'callerName',
    'confirmHook',
    'referHook',
    'dialMusic',
    'dtmfCapture',
    'dtmfHook',
    'headers',
    'anchorMedia',
    'listen',
    'target',
    'timeLimit',
    'timeout',
    'proxy',
    'transcribe',
    'amd'
  ],
  'sip:decline': ['id', 'status', 'reason', 'headers'],
  pause: ['id', 'length'],
  'sip:refer': ['id', 'referTo', 'referredBy', 'headers', 'actionHook', 'eventHook'],
  say: ['id', 'text', 'loop', 'synthesizer', 'earlyMedia', 'disableTtsCache'],
  play: ['id', 'url', 'loop', 'earlyMedia', 'seekOffset', 'timeoutSecs', 'actionHook'],
  redirect: ['id', 'actionHook'],
  hangup: ['id', 'headers']
}
const TARGET_SINCE_2023 = [
  'type',
  'confirmHook',
  'method',
  'headers',
  'from',
  'name',
  'number',
  'sipUri',
  'auth',
  'vmail',
  'tenant',
  'trunk',
  'overrideTo'
]
const SYNTHESIZER_SINCE_2023 = ['vendor', 'language', 'voice', 'engine', 'gender', 'options']

const parse = loadVerbParser()
const { validateApp } = createRequire(import.meta.url)('@jambonz/schema') as {
  validateApp(verbs: unknown): { valid: boolean, errors?: unknown }
}

const text = fc.oneof(
  fc.constantFrom('"quoted"', 'ünicode', '<speak>hello</speak>', '{x}'),
  fc.string({ minLength: 1 })
)
const number = fc.constantFrom('+15551230009', '+4953118054630', '112')
const ringS = fc.option(fc.integer({ min: 1, max: 160 }), { nil: undefined })
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const variable = fc.constantFrom('SET', 'UNSET')

/** Drops what a reader of routes leaves out. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T

/** The ways of a route. A person's way into a caller's room is none. */
type RouteStrategy = Exclude<Strategy, 'join'>

const WAYS: { [S in RouteStrategy]: fc.Arbitrary<Extract<Way, { strategy: S }>> } = {
  room: fc.record({ strategy: fc.constant('room'), agent: text, metadata: maybe(text), ringS }),
  phone: fc.record({ strategy: fc.constant('phone'), number, carrier: maybe(text), from: maybe(number), ringS }),
  carrier: fc.record({ strategy: fc.constant('carrier'), carrier: text, number, ringS }),
  retell: fc.record({
    strategy: fc.constant('retell'),
    agent: text,
    key: variable,
    version: maybe(fc.nat()),
    metadata: maybe(fc.constant('{"tenant":"acme"}')),
    variables: maybe(fc.dictionary(text, text)),
    ringS
  }),
  sip: fc.record({
    strategy: fc.constant('sip'),
    uri: fc.constantFrom('sip:desk@pbx.example.com', 'sips:desk@[2001:db8::1]:5061;transport=tls'),
    auth: maybe(fc.record({ username: variable, password: variable })),
    ringS
  }),
  say: fc.record({
    strategy: fc.constant('say'),
    text,
    language: maybe(fc.constant('de-DE')),
    voice: maybe(text),
    vendor: maybe(fc.constantFrom('google', 'default'))
  }),
  play: fc.record({ strategy: fc.constant('play'), url: fc.webUrl() }),
  decline: fc.record({ strategy: fc.constant('decline'), status: fc.integer({ min: 400, max: 699 }), reason: text })
}
const way: fc.Arbitrary<Way> = fc.oneof(...Object.values(WAYS) as fc.Arbitrary<Way>[]).map(compact)

/** What becomes of one attempt. */
const outcome = fc.record({
  prepared: fc.constantFrom('created', 'failed', 'timeout'),
  dial: fc.constantFrom<[CallStatus | undefined, number | undefined]>(
    ['no-answer', 487],
    ['busy', 486],
    ['failed', 404],
    ['failed', 503],
    ['failed', 400],
    ['ringing', 180],
    [undefined, undefined]
  ),
  refers: fc.boolean(),
  talks: fc.boolean()
})

const config: fc.Arbitrary<VerbConfig> = fc.record({
  publicUrl: fc.constantFrom('https://bridge.example.com', 'http://10.0.0.1:3000/prefix'),
  sipHost: fc.constantFrom('sip.example.com', '[2001:db8::1]:5061'),
  sipTransport: fc.constantFrom('udp', 'tcp', 'tls'),
  sipAuth: maybe(fc.record({ username: text, password: text })),
  srtp: fc.boolean(),
  dialTimeoutS: fc.integer({ min: 1, max: 160 }),
  timeLimitS: fc.integer({ min: 1, max: 86_400 }),
  ringbackTone: fc.constantFrom('', 'tone_stream://L=20;%(2000,4000,440,480)'),
  retellSipHost: fc.constantFrom('sip.retellai.com', '127.0.0.1:5060'),
  secretOf: fc.constant((name: string) => name === 'SET' ? 'a secret' : undefined)
})

const scene = fc.record({
  ways: fc.array(way, { minLength: 1, maxLength: 8 }),
  outcomes: fc.array(outcome, { minLength: 8, maxLength: 8 }),
  config,
  answered: fc.boolean(),
  answeredBetween: fc.boolean(),
  facts: fc.record({
    direction: fc.constantFrom('inbound', 'outbound'),
    from: fc.constantFrom('', '+15550001111', 'alice', '"quoted"', 'sip:x@y'),
    to: fc.constantFrom('', '+15551230000', 'ünicode'),
    withheld: fc.boolean()
  })
})
type Scene = typeof scene extends fc.Arbitrary<infer S> ? S : never

interface Given {
  call: Call
  hook: HookName
  reply: Reply
  verbs: Verbs
}

/** Plays a call through its whole plan, and collects every reply that it gives on the way. */
function replies ({ ways, outcomes, config, answered, answeredBetween, facts }: Scene): Given[] {
  const given: Given[] = []
  const story = tell({ facts, check: (_before, _event, after) => { if (after) collect(after) } })
  const seen = new Set<unknown>()

  function collect (call: Call) {
    for (const { hook, hash, reply } of call.hooks) {
      const key = `${hook} ${hash}`
      if (!reply || seen.has(key)) continue
      seen.add(key)
      given.push({ call, hook, reply, verbs: verbsFor(call, reply, config) })
    }
  }

  let callerStatus: CallStatus = answered ? 'in-progress' : 'trying'
  story.hook({ answered, route: { ways } })
  for (const [position, outcome] of outcomes.entries()) {
    prepare(story, outcome.prepared)
    const attempt = currentAttempt(story.it)
    if (!attempt || story.it.closing || story.it.phase === 'ended') break
    if (story.it.caller.answered || attempt.strategy === 'say' || attempt.strategy === 'play') {
      callerStatus = 'in-progress'
    }
    if (outcome.refers && attempt.strategy !== 'decline') {
      story.refer({ hash: `refer-${position}`, legSid: `b${position}` })
      if (story.it.phase === 'transferring') story.referComplete(603, undefined, { hash: `complete-${position}` })
    }
    if (answeredBetween && callerStatus === 'trying' && position === 1) {
      story.caller('in-progress', 200)
      callerStatus = 'in-progress'
    }
    const dialled = attempt.strategy !== 'say' && attempt.strategy !== 'play'
    const [status, sipStatus] = dialled ? outcome.dial : []
    if (outcome.talks && dialled) story.answered(`b${position}`)
    story.action(status, sipStatus, {
      hash: `action-${position}`,
      callerStatus: outcome.talks && dialled ? 'in-progress' : callerStatus,
      dialCallSid: status === undefined ? undefined : `b${position}`
    })
  }
  return given
}

/** Tells what became of the preparations, until an attempt needs none. */
function prepare (story: Story, outcome: 'created' | 'failed' | 'timeout'): void {
  let last: Attempt | undefined
  for (;;) {
    const attempt = currentAttempt(story.it)
    if (!attempt || attempt === last || attempt.n === last?.n || attempt.at.replied !== undefined) return
    last = attempt
    const { n } = attempt
    if (preparationOf(attempt) === 'room') story.made(outcome, n)
    if (preparationOf(attempt) === 'registration') {
      const registered = outcome === 'created'
      story.feed({
        kind: 'registration',
        attempt: n,
        outcome: registered ? 'created' : 'failed',
        ...(registered ? { sipUser: `call_${n}` } : { detail: outcome })
      })
    }
  }
}

/** Why a Jambonz would not take these verbs, or one of 2023. */
function complaint (verbs: Verbs, srtp: boolean): string | undefined {
  const body = JSON.parse(JSON.stringify(verbs)) as { verb: string, target?: object[], synthesizer?: object }[]
  try {
    parse(body)
  } catch (error) {
    return (error as Error).message
  }
  if (body.length === 0) return undefined
  const { valid, errors } = validateApp(body)
  if (!valid) return JSON.stringify(errors)

  for (const { verb, ...properties } of body) {
    const known = KNOWN_SINCE_2023[verb]
    if (!known) return `the verb ${verb}`
    const unknown = [
      ...unknownOf(properties, srtp ? [...known, 'srtpEncryption'] : known),
      ...(properties.target ?? []).flatMap(target => unknownOf(target, TARGET_SINCE_2023)),
      ...unknownOf(properties.synthesizer ?? {}, SYNTHESIZER_SINCE_2023)
    ]
    if (unknown.length > 0) return `${verb} with ${unknown.join(', ')}`
  }
  return undefined
}

/** Jambonz refuses a call whose call hook replies without verbs. Elsewhere such a reply may mean: go on. */
const mustHaveVerbs = (hook: HookName, { kind }: Reply): boolean =>
  hook === 'call-hook' || (kind !== 'nothing' && kind !== 'forbid')

const unknownOf = (value: object, known: readonly string[]): string[] =>
  Object.keys(value).filter(name => !known.includes(name))

const isHole = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'object' && Object.values(value).some(isHole))

await t.test('whatever the plan and the call, every Jambonz since 2023 takes every reply', async t => {
  const covered = new Map<string, number>()
  const count = (what: string) => covered.set(what, (covered.get(what) ?? 0) + 1)
  fc.assert(
    fc.property(scene, scene => {
      for (const { call, hook, reply, verbs } of replies(scene)) {
        const problem = complaint(verbs, scene.config.srtp)
        if (problem !== undefined) throw new Error(`${problem} in ${JSON.stringify(verbs)}`)
        if (isHole(verbs)) throw new Error(`something undefined or null in ${JSON.stringify(verbs)}`)
        if (verbs.length === 0 && mustHaveVerbs(hook, reply)) throw new Error(`no verbs for ${hook}: ${reply.kind}`)
        const attempt = call.attempts.at(-1)
        const position = call.attempts.length > 1 ? 'later' : 'first'
        const leg = call.caller.answered ? 'answered' : 'unanswered'
        count(reply.kind)
        if (attempt && (reply.kind === 'dial' || reply.kind === 'announce' || attempt.strategy === 'decline')) {
          count(`${attempt.strategy} ${position} ${leg}`)
        }
      }
    }),
    { numRuns: 600, seed: 20231 }
  )
  for (const strategy of STRATEGIES.filter(strategy => strategy !== 'join')) {
    for (const position of ['first', 'later']) {
      for (const leg of ['answered', 'unanswered']) {
        const what = `${strategy} ${position} ${leg}`
        t.ok((covered.get(what) ?? 0) > 0, what)
      }
    }
  }
  for (const kind of ['dial', 'announce', 'decline', 'hangup', 'refer', 'nothing', 'forbid']) {
    t.ok((covered.get(kind) ?? 0) > 0, kind)
  }
})

await t.test('the list of known properties does refuse newer ones', async t => {
  t.match(complaint([{ verb: 'hangup', statusHook: 'x' } as unknown as Verbs[number]], false), /unknown property/)
  const dial = { verb: 'dial', target: [{ type: 'phone', number: '+1' }], forwardPAI: true }
  t.equal(complaint([dial as unknown as Verbs[number]], false), 'dial with forwardPAI')
  const target = { type: 'phone', number: '+1', proxy: 'sip:x' }
  t.equal(complaint([{ verb: 'dial', target: [target] } as unknown as Verbs[number]], false), 'dial with proxy')
  const say = { verb: 'say', text: 'x', synthesizer: { vendor: 'google', label: 'x' } }
  t.equal(complaint([say as unknown as Verbs[number]], false), 'say with label')
})

await t.test('an announcement asks what is next, and ends the call where nobody answers that', async t => {
  const config = { publicUrl: 'https://bridge.example.com', dialTimeoutS: 40, timeLimitS: 7200 } as VerbConfig
  const say = { strategy: 'say' as const, text: 'Please wait.' }
  const verbsOf = (ways: Way[]) => {
    const story = tell()
    const reply = story.hook({ route: { ways } })!
    return verbsFor(story.it, reply, config)
  }
  const verbs = verbsOf([say, { strategy: 'phone', number: '+15551230009' }])
  t.same(verbs.map(({ verb }) => verb), ['say', 'redirect', 'hangup', 'sip:decline'])
  t.same(verbsOf([say]), verbs, 'the last one too: without a status hook its end is not heard otherwise')
  t.match(verbs[1], {
    id: 'attempt-1',
    actionHook: 'https://bridge.example.com/action?call=call-1&attempt=1#rc=2&rp=all'
  })
})
