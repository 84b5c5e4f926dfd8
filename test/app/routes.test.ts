import t from 'tap'
import type { CallView } from '../../src/calls/view.ts'
import { speakingMs } from '../../src/sandbox/jambonz/announce.ts'
import { setRoutesStage, type RoutesStage } from '../fixtures/routes-stage.ts'

const NOBODY = 'Nobody is here. Please call again tomorrow.'
const HELPFUL = { name: 'helper', joinAfterMs: 300, publishAfterMs: 100, onConnected: { hangUpAfterMs: 5000 } }

/** Each attempt with its own cause. */
const causes = ({ attempts }: CallView) => attempts.map(({ strategy, cause }) => `${strategy} ${cause}`)

const secondsBetween = (from: string | undefined, to: string | undefined): number =>
  (Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000

/** How long each attempt took, seconds. */
const lengths = ({ attempts }: CallView) => attempts.map(({ at }) => secondsBetween(at.opened, at.ended))

const roomsOf = ({ livekit }: RoutesStage) => livekit.rooms().map(({ room }) => room['name'])

/** A caller who waits until the other side hangs up. Resolves with the final status of the INVITE. */
async function callToTheEnd (stage: RoutesStage) {
  const call = stage.call()
  let byes = 0
  call.onBye(() => byes++)
  const over = await stage.over()
  const { status, reason } = await call.final
  return { over, status, reason, byes }
}

await t.test('two agents that do not come, a busy carrier, and a voice', async t => {
  const stage = await setRoutesStage(t, {
    routes: `
      - { agent: first, ring: 20s }
      - { agent: second, ring: 10s }
      - { phone: "+15551230009", carrier: Busy, ring: 30s }
      - { say: "${NOBODY}" }
`,
    carriers: { Idle: { status: 200 }, Busy: { status: 486, ringMs: 2000 } }
  })
  const { over, status, byes } = await callToTheEnd(stage)
  t.same(causes(over), ['room no-agent', 'room no-agent', 'phone busy', 'say announced'])
  t.same(over.attempts.map(({ agent }) => agent), ['first', 'second', undefined, undefined])
  t.same(lengths(over), [20, 10, 2, speakingMs(NOBODY) / 1000], 'each rings as long as it may, and no longer')
  t.equal(secondsBetween(over.at.received, over.attempts.at(-1)?.at.opened), 32, 'nothing is waited for in between')
  t.match(over.end, { cause: 'busy', by: 'carrier', sipStatus: 486 }, 'the announcement is not why the call failed')
  t.equal(over.route, 'test')
  t.same([status, byes], [200, 1], 'the voice answers the caller, who is hung up on')
  t.match(stage.carriers['Busy']?.calls[0]?.request.uri, /^sip:\+15551230009@/)
  t.equal(stage.carriers['Idle']?.calls.length, 0, 'no other carrier is called')
  t.not(over.attempts[0]?.room, over.attempts[1]?.room)
  t.same(roomsOf(stage), [], 'both rooms are gone')
})

await t.test('an agent that does not come, and one that does', async t => {
  const stage = await setRoutesStage(t, {
    routes: `
      - { agent: first, ring: 8s }
      - { agent: helper, ring: 8s, metadata: { tenant: acme } }
`,
    agents: [HELPFUL]
  })
  const { over, status, byes } = await callToTheEnd(stage)
  t.same(causes(over), ['room no-agent', 'room agent-hung-up'])
  t.equal(lengths(over)[0], 8)
  t.match(over.end, { cause: 'agent-hung-up', by: 'agent' })
  t.equal(over.agent, 'helper')
  t.same([status, byes], [200, 1])
  t.same(roomsOf(stage), [])
})

await t.test('a phone, a carrier and a SIP address that nobody answers, and a refusal', async t => {
  const stage = await setRoutesStage(t, {
    routes: `
      - { phone: "+15551230009", carrier: Quiet, from: "+15551230000", ring: 7s }
      - { carrier: Quiet, number: "+15551230008", ring: 5s }
      - { sip: "sip:desk@{Quiet}", ring: 3s }
      - { decline: 486, reason: Busy Here }
`,
    carriers: { Quiet: {} }
  })
  const { over, status, reason } = await callToTheEnd(stage)
  t.same(causes(over), ['phone dial-timeout', 'carrier dial-timeout', 'sip dial-timeout', 'decline declined'])
  t.same(lengths(over).slice(0, 3), [7, 5, 3])
  t.same([status, reason], [486, 'Busy Here'])
  const invites = stage.carriers['Quiet']!.calls.map(({ request }) => request)
  t.match(invites.map(({ uri }) => uri), [/^sip:\+15551230009@/, /^sip:\+15551230008@/, /^sip:desk@/])
  const from = invites.map(({ headers }) => headers.find(({ name }) => name === 'From')?.value)
  t.match(from, [/\+15551230000@/, /\+15550001111@/, /\+15550001111@/], 'one shows our own number')
})

await t.test('a route may refuse at once', async t => {
  const stage = await setRoutesStage(t, { routes: '      - { decline: 603, reason: Not Wanted }\n' })
  const { over, status, reason } = await callToTheEnd(stage)
  t.same([status, reason], [603, 'Not Wanted'])
  t.same(causes(over), ['decline declined'])
  t.match(over.end, { cause: 'declined', by: 'bridge', sipStatus: 603 })
  t.same(roomsOf(stage), [])
})

await t.test('a voice, then an agent', async t => {
  const stage = await setRoutesStage(t, {
    routes: `
      - { say: "${NOBODY}" }
      - { agent: helper, ring: 8s }
`,
    agents: [HELPFUL]
  })
  const { over, status, byes } = await callToTheEnd(stage)
  t.same(causes(over), ['say announced', 'room agent-hung-up'])
  t.equal(lengths(over)[0], speakingMs(NOBODY) / 1000)
  t.match(over.end, { cause: 'agent-hung-up', by: 'agent' })
  t.same([status, byes], [200, 1])
  t.same(roomsOf(stage), [])
})

await t.test('an agent that does not come to a caller who was answered by a voice', async t => {
  const stage = await setRoutesStage(t, {
    routes: `
      - { say: "${NOBODY}" }
      - { agent: first, ring: 8s }
`
  })
  const { over, status, byes } = await callToTheEnd(stage)
  t.same(causes(over), ['say announced', 'room no-agent'])
  t.equal(over.end?.cause, 'no-agent')
  t.same([status, byes], [200, 1])
  t.same(roomsOf(stage), [])
})

await t.test('only a recording', async t => {
  const stage = await setRoutesStage(t, { routes: '      - { play: "https://example.com/closed.wav" }\n' })
  const { over, status, byes } = await callToTheEnd(stage)
  t.same(causes(over), ['play announced'])
  t.match(over.end, { cause: 'announced' })
  t.same([status, byes], [200, 1])
})

await t.test('announcements that cannot be heard', async t => {
  const routes = `
      - { say: "${NOBODY}" }
      - { play: "https://example.com/closed.wav" }
      - { agent: helper, ring: 8s }
`
  await t.test('no speech credentials, and no file: the agent comes at once', async t => {
    const stage = await setRoutesStage(t, { routes, agents: [HELPFUL] })
    stage.jambonz.faults.say = 'no-credentials'
    stage.jambonz.faults.play = 'not-found'
    const { over } = await callToTheEnd(stage)
    t.same(lengths(over).slice(0, 2), [0, 0])
    t.equal(over.end?.cause, 'agent-hung-up')
    t.same(roomsOf(stage), [])
  })
  await t.test('a media server that fails while it speaks ends the call', async t => {
    const stage = await setRoutesStage(t, { routes })
    stage.jambonz.faults.say = 'error'
    const { over, status, byes } = await callToTheEnd(stage)
    t.same([status, byes], [200, 1])
    t.same(causes(over).length, 1, 'nobody asks for the next way')
    t.not(over.end?.cause, 'announced')
  })
  await t.test('without a media server the caller is refused, and the bridge hears of it', async t => {
    const stage = await setRoutesStage(t, { routes: `      - { say: "${NOBODY}" }\n` })
    stage.jambonz.faults.noMediaServer = true
    const { over, status } = await callToTheEnd(stage)
    t.equal(status, 480)
    t.equal(over.end?.cause, 'media-server-failed')
  })
})

await t.test('credentials of a SIP address come from the environment', async t => {
  const routes = `
      - sip: "sip:desk@{Pbx}"
        auth: { username: PBX_USER, password: PBX_PASSWORD }
      - { decline: 480 }
`
  const options = {
    routes,
    auth: { username: 'bob', password: 'secret' },
    carriers: { Pbx: { status: 200, hangUpAfterMs: 1000 } }
  }
  await t.test('the far end lets us in', async t => {
    const stage = await setRoutesStage(t, { ...options, env: { PBX_USER: 'bob', PBX_PASSWORD: 'secret' } })
    const { over, status } = await callToTheEnd(stage)
    t.equal(status, 200)
    t.equal(over.attempts.length, 1)
    t.equal(stage.carriers['Pbx']?.calls.length, 1)
  })
  await t.test('without them the next way is tried', async t => {
    const stage = await setRoutesStage(t, options)
    const { over, status } = await callToTheEnd(stage)
    t.equal(status, 480)
    t.match(over.attempts, [{ strategy: 'sip', sipStatus: 401 }, { strategy: 'decline' }])
  })
})

await t.test('a caller who hangs up', async t => {
  const next = '      - { agent: helper, ring: 8s }\n'
  const rings = ({ phase }: CallView) => phase === 'ringing'
  const speaks = ({ phase }: CallView) => phase === 'connected'
  const cases: [string, string, (call: CallView) => boolean, string, string[]][] = [
    ['while an agent does not come', '- { agent: first, ring: 20s }', rings, 'caller-gave-up', ['room']],
    ['while a phone rings', '- { phone: "+15551230009", ring: 20s }', rings, 'caller-gave-up', ['phone']],
    ['while a carrier rings', '- { carrier: Quiet, number: "+1555", ring: 20s }', rings, 'caller-gave-up', ['carrier']],
    ['while a SIP address rings', '- { sip: "sip:desk@{Quiet}", ring: 20s }', rings, 'caller-gave-up', ['sip']],
    ['while a voice speaks', `- { say: "${NOBODY.repeat(9)}" }`, speaks, 'caller-hung-up', ['say']],
    ['while a recording plays', '- { play: "https://example.com/closed.wav" }', speaks, 'caller-hung-up', ['play']],
    [
      'while the second agent does not come',
      '- { agent: first, ring: 5s }\n      - { agent: second, ring: 20s }',
      call => call.attempts.length === 2 && rings(call),
      'caller-gave-up',
      ['room', 'room']
    ],
    [
      'while an agent does not come after a voice',
      `- { say: "${NOBODY}" }\n      - { agent: first, ring: 20s }`,
      call => call.attempts.length === 2 && call.attempts[1]?.at.ringing !== undefined,
      'caller-gave-up',
      ['say', 'room']
    ]
  ]
  for (const [when, ways, state, cause, strategies] of cases) {
    await t.test(when, async t => {
      const stage = await setRoutesStage(t, {
        routes: `      ${ways}\n${next}`,
        agents: [HELPFUL],
        carriers: { Quiet: {} }
      })
      const call = stage.call()
      const isAnswered = call.final.then(({ status }) => status < 300)
      await stage.passUntil(state)
      await stage.pass(1000)
      call.cancel()
      call.bye().catch(() => {})
      const over = await stage.over()
      t.equal(over.end?.cause, cause)
      t.equal(over.end?.by, 'caller')
      t.same(over.attempts.map(({ strategy }) => strategy), strategies, 'no further way is tried')
      t.equal(await isAnswered, strategies.includes('say') || strategies.includes('play'))
      t.same(roomsOf(stage), [])
    })
  }
})
