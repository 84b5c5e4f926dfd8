import { createHmac } from 'node:crypto'
import t from 'tap'
import type { AgentBehaviour, LiveKitDouble, LiveKitDoubleOptions } from '../../src/sandbox/livekit.ts'
import type { OutgoingCall } from '../../src/sip/user-agent.ts'
import type { Hook, Recording } from '../fixtures/livekit/helper.ts'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { header } from '../../src/sip/message.ts'
import { KEY, recording, SECRET, shape, startSink, steady } from '../fixtures/livekit/helper.ts'
import { createTestClock, during } from '../fixtures/test-clock.ts'

type Json = Record<string, unknown>

const METADATA = '{"managed_by":"jambonz-livekit-bridge"}'
const TRUNK = {
  username: 'jambonz',
  password: 'trunk-password',
  roomPrefix: 'jb',
  agentName: 'demo-agent',
  agentMetadata: '{"from":"rule"}',
  metadata: METADATA
}
const AGENT: AgentBehaviour = { name: 'demo-agent', joinAfterMs: 350, publishAfterMs: 100 }

interface Scenario {
  name: string
  agents?: AgentBehaviour[]
  trunk?: Partial<NonNullable<LiveKitDoubleOptions['trunk']>>
  password?: string | undefined
  /** How the call ends. */
  end?: 'caller' | 'cancel' | 'delete' | 'transfer' | 'none'
}

/**
 * One entry for each recording of a SIP call. Times are shorter than recorded: a 180 comes every 50 ms, and ringing
 * times out after 300 ms, or after 1.5 s when an agent must join before. Time passes only when the test makes it pass.
 * /
 */
const SCENARIOS: Scenario[] = [
  { name: 'answered-caller-hangs-up', agents: [AGENT], end: 'caller' },
  { name: 'dtmf-from-caller', agents: [AGENT], end: 'caller' },
  { name: 'room-not-created-rule-dispatches', agents: [AGENT], end: 'caller' },
  { name: 'answered-room-deleted', agents: [AGENT], end: 'delete' },
  { name: 'transfer-accepted', agents: [AGENT], end: 'transfer' },
  { name: 'agent-silent', agents: [{ ...AGENT, publishes: false }], trunk: { ringingTimeoutS: 1.5 } },
  { name: 'no-agent-worker', trunk: { ringingTimeoutS: 0.3 } },
  { name: 'agent-name-typo', agents: [AGENT], trunk: { ringingTimeoutS: 0.3 } },
  { name: 'caller-cancels-while-ringing', end: 'cancel' },
  { name: 'bad-credentials', password: 'wrong' },
  { name: 'no-credentials', password: undefined },
  { name: 'no-common-codec', agents: [AGENT] },
  { name: 'no-trunk-matches', trunk: { numbers: ['+15559990000'] }, end: 'cancel' },
  { name: 'seed-option-1-no-credentials', password: undefined },
  // The double does not play the outbound half (CreateSIPParticipant through a trunk), but the call that Jambonz makes.
  { name: 'seed-option-1', agents: [AGENT], end: 'none' }
]
// outbound-answered is left out, because the double places no calls.

function jwt (claims: Json, secret = SECRET): string {
  const text = [{ alg: 'HS256' }, claims].map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** Sends a recorded request with its recorded grants and a token of the present time. */
async function replay (
  double: LiveKitDouble,
  call: Recording['twirp'][number],
  secret = SECRET
): Promise<{ status: number, type: string | null, reply: unknown }> {
  const claims = JSON.parse(/grants (.*)>$/.exec(call.requestHeaders.authorization ?? '')?.[1] ?? '{}') as Json
  const now = Math.floor(Date.now() / 1000)
  const response = await fetch(double.apiUrl + call.path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json;charset=UTF-8',
      authorization: `Bearer ${jwt({ ...claims, nbf: now, exp: now + 600 }, secret)}`
    },
    body: JSON.stringify(call.request)
  })
  const body = await response.text()
  const type = response.headers.get('content-type')
  return { status: response.status, type, reply: type === 'application/json' ? JSON.parse(body) as unknown : body }
}

/** LiveKit's messages in their order. Consecutive 180s count as one. */
function wire (lines: string[]): string[] {
  return lines.filter((line, i) => !(line === '180 Ringing' && lines[i - 1] === line))
}

const label = ({ event, participant }: Hook) =>
  [
    event,
    participant?.identity?.replace(/AJ_.*/, 'AJ'),
    participant?.disconnectReason,
    participant?.attributes?.['sip.callStatus']
  ].filter(Boolean).join(' ')

/**
 * On real servers counts lag by seconds, so whether a webhook contains them depends on chance. Whether a job is listed
 * does too.
 */
function comparable (value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value),
    (key, entry: unknown) => {
      if (key === 'jobs') return []
      return key === 'numParticipants' || key === 'numPublishers' ? undefined : entry
    }
  ) as unknown
}

for (const scenario of SCENARIOS) {
  await t.test(scenario.name, async t => {
    const recorded = recording(scenario.name)
    const sink = await startSink()
    const clock = createTestClock()
    const double = await createLiveKitDouble({
      apiKey: KEY,
      apiSecret: SECRET,
      webhookUrls: [sink.url],
      trunk: { ...TRUNK, ...scenario.trunk },
      agents: scenario.agents ?? [],
      ringIntervalMs: 50,
      unknownRoomMs: 0,
      clock,
      tokenTime: Date.now
    })
    const said: string[] = []
    const caller = await createUserAgent({
      transport: 'tcp',
      name: 'sbc',
      onMessage ({ dir, message }) {
        if (dir === '<') said.push(message.kind === 'request' ? message.method : `${message.status} ${message.reason}`)
      }
    })
    t.after(() => Promise.all([double.close(), caller.close(), sink.close()]))

    const replayed: Array<{ call: Recording['twirp'][number], got: Awaited<ReturnType<typeof replay>> }> = []
    async function look (methods: RegExp, from: number, to: number): Promise<void> {
      for (const call of recorded.twirp) {
        if (methods.test(call.path) && call.at_ms >= from && call.at_ms < to) {
          // LiveKit looks for an unknown room, which takes no time in this test.
          replayed.push({ call, got: await during(clock, replay(double, call)) })
        }
      }
    }
    const READS = /ListDispatch|ListParticipants/
    const lastSip = Math.max(...recorded.sip.map(m => m.at_ms))
    await look(/CreateRoom/, 0, Infinity)
    await look(READS, 0, 100)

    const invite = recorded.sip[0]
    const user = /sip:([^@]*)@/.exec(invite?.start ?? '')?.[1] ?? ''
    const room = `jb_${user}`
    const call: OutgoingCall = caller.invite(double.sipUri(user), {
      from: 'sip:+15550001111@sbc.example.com',
      headers: Object.fromEntries(Object.entries(invite?.headers ?? {}).filter(([name]) => name.startsWith('x-'))),
      body: invite?.body ?? '',
      ...('password' in scenario
        ? scenario.password !== undefined && { auth: { username: 'jambonz', password: scenario.password } }
        : { auth: { username: 'jambonz', password: 'trunk-password' } })
    })
    call.onRefer(() => {
      // The far end transfers the call, as recorded.
      setImmediate(() => {
        call.bye().catch(() => {})
      })
      return { status: 202 }
    })
    const rings = (count: number) =>
      new Promise<void>(resolve =>
        call.onProvisional(m => {
          if (m.status === 180 && --count === 0) resolve()
        })
      )
    const callerJoined = () =>
      sink.until(hooks => hooks.some(h => h.event === 'participant_joined' && h.participant?.kind === 'SIP'))
    const answered = recorded.sip.some(m => m.start === 'SIP/2.0 200 OK' && /INVITE/.test(m.headers.cseq ?? ''))
    const rejected = recorded.sip.some(m => m.start.startsWith('SIP/2.0 486'))

    if (scenario.name === 'no-trunk-matches') {
      await rings(1)
      call.cancel()
    } else if (scenario.end === 'cancel') {
      const rung = rings(2)
      await callerJoined()
      await clock.pass(60)
      await rung
      call.cancel()
    } else if (rejected) {
      const rung = rings(4)
      await callerJoined()
      await clock.pass(160)
      await rung
      if (recorded.webhooks.some(w => w.body.includes('"AGENT"'))) await clock.pass(400)
      await look(READS, 100, lastSip)
      await clock.pass(1500)
    } else if (scenario.name === 'no-common-codec') {
      await call.final
      await clock.pass(500)
    } else if (answered) {
      await callerJoined()
      await clock.pass(500)
    }

    if (scenario.name !== 'no-trunk-matches') await call.final
    if (call.state === 'answered') {
      await sink.until(hooks => hooks.filter(h => h.event === 'track_published').length === 2)
      await look(READS, 100, lastSip)
      if (scenario.end === 'caller') await call.bye()
      else if (scenario.end === 'delete') await look(/DeleteRoom/, 0, Infinity)
      else if (scenario.end === 'transfer') await look(/TransferSIPParticipant/, 0, Infinity)
    }
    if (scenario.end !== 'none') await look(READS, lastSip, Infinity)

    const relevant = (hooks: Hook[]) =>
      scenario.name === 'seed-option-1' ? hooks.filter(h => h.room?.name === room) : hooks
    const expected = relevant(recorded.webhooks.map(w => JSON.parse(w.body) as Hook))
    await sink.until(hooks => relevant(hooks).length >= expected.length)
    await double.webhooksSent()

    await t.test('SIP messages', async t => {
      const lines = recorded.sip.filter(m => m.dir === '<').map(m =>
        m.start.replace(/^SIP\/2\.0 /, '').replace(/^([A-Z]+) .*/, '$1')
      )
      t.same(wire(said), wire(lines))
      if (scenario.name === 'no-trunk-matches') t.equal(call.state, 'ringing', 'not even CANCEL is answered')
    })
    await t.test('webhooks', async t => {
      t.same(relevant(sink.hooks).map(label), expected.map(label))
      t.same(relevant(sink.hooks).map(hook => shape(comparable(hook))), expected.map(hook => shape(comparable(hook))))
    })
    await t.test('API', async t => {
      for (const { call, got } of replayed) {
        t.equal(got.status, call.status, call.path)
        t.same(shape(comparable(got.reply)), shape(comparable(call.reply)), `${call.path} at ${call.at_ms}`)
      }
      const left = recorded.twirp.filter(c => !replayed.some(r => r.call === c)).map(c => c.path.split('/').pop())
      t.same(
        left.filter(method => scenario.name !== 'seed-option-1' || !/SIP|List/.test(method ?? '')),
        [],
        'nothing recorded was left out'
      )
    })
  })
}

await t.test('SIP responses have the headers and bodies of the recorded ones', async t => {
  const double = await createLiveKitDouble({
    apiKey: KEY,
    apiSecret: SECRET,
    trunk: TRUNK,
    agents: [{ ...AGENT, joinAfterMs: 5, publishAfterMs: 1 }],
    ringIntervalMs: 50
  })
  const caller = await createUserAgent({ transport: 'tcp' })
  t.after(() => Promise.all([double.close(), caller.close()]))
  const recorded = recording('answered-caller-hangs-up').sip
  const call = caller.invite(double.sipUri('ctoken'), {
    from: '+15550001111',
    body: recorded[0]?.body ?? '',
    auth: { username: 'jambonz', password: 'trunk-password' }
  })
  const rings: string[] = []
  call.onProvisional(m => rings.push(header(m, 'allow') ?? ''))
  const final = await call.final
  const answer = recorded.find(m => m.start === 'SIP/2.0 200 OK')
  const same = (sdp: string) => sdp.replace(/m=audio \d+/, 'm=audio x')
  t.equal(same(final.body), same(answer?.body ?? ''))
  t.match(header(final, 'to'), /;tag=SCL_\w{12}$/)
  t.same(new Set(rings), new Set([recorded[1]?.headers.allow]))
})

await t.test('api-errors: errors of the API have the recorded statuses, types and bodies', async t => {
  const double = await createLiveKitDouble({ apiKey: KEY, apiSecret: SECRET, trunk: TRUNK, unknownRoomMs: 5 })
  t.after(() => double.close())
  const [trunk] =
    (await replay(double, recording('dispatch-rules-listed').twirp[0] as Recording['twirp'][number])).reply instanceof
        Object
      ? [double.provision('ListSIPInboundTrunk', {})]
      : []
  const trunkId = (trunk?.items as Array<{ sip_trunk_id: string }>)[0]?.sip_trunk_id ?? ''
  for (const [i, call] of recording('api-errors').twirp.entries()) {
    const request = JSON.parse(JSON.stringify(call.request).replace('ST_sxeREhPKmVj7', trunkId)) as Json
    const got = await replay(double, { ...call, request }, i === 0 ? 'wrong' : SECRET)
    t.equal(got.status, call.status, call.path)
    t.equal(got.type, call.replyHeaders['content-type'])
    t.same(steady(got.reply), steady(call.reply))
  }
})

await t.test('dispatch-rules-listed: trunk and rule are as recorded, before and after an update', async t => {
  const double = await createLiveKitDouble({ apiKey: KEY, apiSecret: SECRET, trunk: TRUNK })
  t.after(() => double.close())
  const ids = JSON.stringify([double.provision('ListSIPInboundTrunk', {}), double.provision('ListSIPDispatchRule', {})])
  const [ruleId = ''] = /SDR_\w+/.exec(ids) ?? []
  const [trunkId = ''] = /ST_\w+/.exec(ids) ?? []
  for (const call of recording('dispatch-rules-listed').twirp) {
    const request = JSON.parse(
      JSON.stringify(call.request).replaceAll(/SDR_\w+/g, ruleId).replaceAll(/ST_\w+/g, trunkId)
    ) as Json
    const got = await replay(double, { ...call, request })
    t.equal(got.status, call.status)
    t.same(steady(got.reply), steady(call.reply), call.path)
  }
})
