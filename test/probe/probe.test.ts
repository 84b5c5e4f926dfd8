import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { loadSettings, type Settings } from '../../src/config.ts'
import { NOT_PROVEN, runProbe, type ProbeOptions, type ProbeReport } from '../../src/probe/probe.ts'
import { createLiveKitDouble, type LiveKitDouble, type LiveKitDoubleOptions } from '../../src/sandbox/livekit.ts'
import type { TransportName } from '../../src/sip/user-agent.ts'
import { API_KEY, API_SECRET, ENV } from '../fixtures/build.ts'
import { fixture } from '../fixtures/paths.ts'

const pem = (name: string) => readFileSync(fixture(`tls/${name}.pem`))
const tls = { key: pem('key'), cert: pem('cert'), ca: pem('cert') }
const AGENT = { name: 'demo-agent', joinAfterMs: 5, publishAfterMs: 5 }
/** Whatever comes is waited for, also on a busy machine; only what is waited for in vain is waited for briefly. */
const LIMITS = { response: 20_000, ringing: 20_000, nextRinging: 20_000, answer: 30_000, listen: 800, goodbye: 10_000 }
const IN_VAIN = 500

// Most of a probe is waiting: several wait at once, each with a double of its own.
t.jobs = 8
const all: Array<PromiseLike<unknown>> = []
const test = (name: string, run: (t: Test) => Promise<void>): void => {
  all.push(t.test(name, run))
}

interface Stage {
  double: LiveKitDouble
  settings: Settings
  /** Rooms there ever were. */
  made: string[]
  probe(options?: Partial<ProbeOptions>): Promise<ProbeReport>
}

async function stage (
  t: Test,
  options: Partial<LiveKitDoubleOptions> = {},
  env: Record<string, string> = {}
): Promise<Stage> {
  const sipTransport = options.sipTransport ?? 'tcp'
  const made: string[] = []
  const double = await createLiveKitDouble({
    apiKey: API_KEY,
    apiSecret: API_SECRET,
    trunk: { username: 'jambonz', password: 'trunk-password', roomPrefix: 'jb' },
    agents: [AGENT],
    ringIntervalMs: 50,
    onEvent: (event, room) => {
      if (event === 'room_started') made.push(room)
    },
    ...(sipTransport === 'tls' && { tls }),
    ...options
  })
  t.teardown(() => double.close())
  const settings = loadSettings({
    ...ENV,
    LIVEKIT_URL: double.apiUrl,
    LIVEKIT_SIP_HOST: `127.0.0.1:${double.sipPort}`,
    LIVEKIT_SIP_TRANSPORT: sipTransport,
    ...env
  })
  return {
    double,
    settings,
    made,
    probe: options =>
      runProbe({ settings, limits: LIMITS, ...(sipTransport === 'tls' && { tls: { ca: tls.ca } }), ...options })
  }
}

const codes = ({ findings }: ProbeReport) => findings.map(({ code, severity }) => `${code} ${severity}`)
const told = ({ ladder }: ProbeReport) => ladder.map(({ from, to, what }) => `${from}>${to} ${what}`)
const next = ({ findings }: ProbeReport) =>
  findings.filter(({ severity }) => severity === 'failed').every(({ todo }) => todo !== undefined && todo.length > 20)

/** Every failure: the code comes first, has a next step, and leaves no room behind. */
function failed (
  t: Test,
  report: ProbeReport,
  code: string,
  { double, made }: Pick<Stage, 'double' | 'made'>,
  rooms = 1
): void {
  t.equal(codes(report)[0], `${code} failed`, JSON.stringify(report.findings))
  t.ok(next(report), 'a next step each')
  t.same(double.rooms(), [], 'no room is left')
  t.equal(made.length, rooms, 'rooms made')
  t.notMatch(JSON.stringify(report), /trunk-password|devsecret/, 'no secrets')
}

for (const sipTransport of ['udp', 'tcp', 'tls'] as TransportName[]) {
  test(`${sipTransport}: answered, audio comes back, the room is deleted`, async t => {
    const { double, settings, made, probe } = await stage(t, { sipTransport })
    double.faults.media = 'audio'
    const notes: string[] = []
    const report = await probe({ onNote: note => notes.push(note) })
    t.same(codes(report), ['answered ok', 'audio-heard ok', 'room-deleted ok'], JSON.stringify(report.findings))
    t.match(report, {
      uri: /^sip:c[a-z2-7]{26}@127\.0\.0\.1:\d+;transport=/,
      transport: sipTransport,
      codec: 'PCMU',
      room: { name: /^jb_c/, agent: 'demo-agent' }
    })
    t.equal(report.room?.name, `jb_${/:(c\w+)@/.exec(report.uri ?? '')?.[1]}`, "the token is the room's")
    t.same(made, [report.room?.name])
    t.same(double.rooms(), [])
    t.match(notes, [/Room jb_c\w+ made with agent demo-agent in \d+ ms/])
    const steps = told(report)
    for (
      const step of [
        'bridge>livekit INVITE',
        'livekit>bridge 407 Unauthorized',
        'bridge>livekit INVITE with credentials',
        'livekit>bridge 180 Ringing',
        'livekit>bridge 200 OK',
        'bridge>livekit RTP PCMU silence',
        'livekit>bridge RTP audio',
        'bridge>livekit BYE'
      ]
    ) t.ok(steps.includes(step), step)
    t.ok(report.audio!.audible > 3 && report.audio!.sent > 3)
    t.ok(report.timings.answered! >= report.timings.ringing!)
    t.same(report.notProven, NOT_PROVEN)
    t.notMatch(JSON.stringify(report), new RegExp(`trunk-password|${settings.LIVEKIT_API_SECRET}`))
  })

  test(`${sipTransport}: wrong password`, async t => {
    const s = await stage(t, { sipTransport }, { LIVEKIT_SIP_PASSWORD: 'wrong' })
    const report = await s.probe()
    failed(t, report, 'livekit-refused-credentials', s)
    t.match(report.findings[0]?.seen, /401 Unauthorized/)
  })

  test(`${sipTransport}: 100 and then nothing; one 180 and then nothing; nothing at all`, async t => {
    const s = await stage(t, { sipTransport })
    s.double.faults.sip = 'dropped'
    failed(t, await s.probe({ limits: { ...LIMITS, ringing: IN_VAIN, goodbye: IN_VAIN } }), 'sip-host-silent', s, 1)
    s.double.faults.sip = 'silent'
    const report = await s.probe({ limits: { ...LIMITS, nextRinging: IN_VAIN, goodbye: IN_VAIN } })
    failed(t, report, 'livekit-no-route', s, 2)
    t.ok(told(report).includes('bridge>livekit CANCEL'), 'it does not just go away')
    s.double.faults.sip = 'mute'
    failed(t, await s.probe({ limits: { ...LIMITS, response: IN_VAIN } }), 'sip-unreachable', s, 3)
  })

  test(`${sipTransport}: no codec`, async t => {
    const s = await stage(t, { sipTransport })
    s.double.faults.sip = 'no-codec'
    failed(t, await s.probe(), 'media-mismatch', s)
  })

  test(`${sipTransport}: nobody listens`, async t => {
    const s = await stage(t, { sipTransport: sipTransport === 'udp' ? 'tcp' : 'udp' })
    failed(
      t,
      await s.probe({ transport: sipTransport, limits: { ...LIMITS, response: IN_VAIN } }),
      sipTransport === 'udp' ? 'sip-unreachable' : 'sip-refused',
      s
    )
  })

  test(`${sipTransport}: no agent, an agent without audio`, async t => {
    const s = await stage(t, { sipTransport, agents: [{ ...AGENT, publishes: false }] })
    failed(t, await s.probe({ agent: 'typo', limits: { ...LIMITS, answer: 4 * IN_VAIN } }), 'no-agent', s, 1)
    failed(t, await s.probe({ limits: { ...LIMITS, answer: 4 * IN_VAIN } }), 'agent-without-audio', s, 2)
  })

  test(`${sipTransport}: OPTIONS`, async t => {
    const s = await stage(t, { sipTransport })
    const report = await s.probe({ reachOnly: true })
    t.same(codes(report), ['options-answered ok'])
    t.match(report.findings[0]?.seen, /proves little/)
    t.same(told(report), ['bridge>livekit OPTIONS', 'livekit>bridge 200 OK'])
    t.same(s.made, [])
  })
}

test('what LiveKit refuses with', async t => {
  const s = await stage(t)
  const expected = {
    'no-trunk': ['livekit-no-route', /404 No trunk found/],
    overloaded: ['livekit-overloaded', /Redis/],
    quota: ['livekit-overloaded', /quota/],
    failed: ['livekit-failed', /500/],
    refused: ['livekit-refused-credentials', /401/]
  } as const
  let made = 0
  for (const [sip, [code, seen]] of Object.entries(expected)) {
    s.double.faults.sip = sip as keyof typeof expected
    const report = await s.probe()
    failed(t, report, code, s, ++made)
    t.match(report.findings[0]?.seen, seen)
  }
})

test("486: LiveKit's ringing timeout without an agent, and a room that was deleted", async t => {
  const s = await stage(t, {
    trunk: { username: 'jambonz', password: 'trunk-password', roomPrefix: 'jb', ringingTimeoutS: 1 },
    agents: []
  })
  const late = await s.probe()
  failed(t, late, 'no-agent', s, 1)
  t.match(late.findings[0]?.seen, /rang for 1 s/)
  const deleted = s.probe()
  while (s.double.rooms()[0]?.participants.length !== 1) await new Promise(resolve => setTimeout(resolve, 5))
  await fetch(`${s.double.apiUrl}/twirp/livekit.RoomService/DeleteRoom`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await jwt()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ room: s.made[1] })
  })
  const report = await deleted
  t.equal(codes(report)[0], 'room-closed failed', JSON.stringify(report.findings))
})

test('silence comes back, or nothing, or the agent hangs up', async t => {
  const s = await stage(t)
  s.double.faults.media = 'silence'
  t.same(codes(await s.probe()), ['answered ok', 'audio-silent warning', 'room-deleted ok'])
  s.double.faults.media = 'none'
  t.same(codes(await s.probe()), ['answered ok', 'audio-missing failed', 'room-deleted ok'])
  s.double.agents[0] = { ...AGENT, onConnected: { hangUpAfterMs: 50 } }
  s.double.faults.media = 'audio'
  t.same(codes(await s.probe({ limits: { ...LIMITS, listen: 10_000 } })).filter(code => !code.startsWith('audio')), [
    'answered ok',
    'hung-up-early warning'
  ])
  t.same(s.double.rooms(), [])
})

test('credentials: none set, and a trunk that asks for none', async t => {
  const closed = await stage(t, {}, { LIVEKIT_SIP_USERNAME: '', LIVEKIT_SIP_PASSWORD: '' })
  failed(t, await closed.probe(), 'sip-credentials-missing', closed)
  const open = await stage(t, { trunk: { password: '', roomPrefix: 'jb' } })
  open.double.faults.media = 'audio'
  t.same(codes(await open.probe()), ['answered ok', 'trunk-open warning', 'audio-heard ok', 'room-deleted ok'])
})

test("LiveKit's API: unreachable, wrong key, failing, hanging, late", async t => {
  const s = await stage(t, {}, { LIVEKIT_TIMEOUT_MS: '1000' })
  const probe = (settings: Partial<Settings>) => s.probe({ settings: { ...s.settings, ...settings } })
  failed(t, await probe({ LIVEKIT_URL: 'http://127.0.0.1:1' }), 'livekit-unreachable', s, 0)
  failed(t, await probe({ LIVEKIT_API_SECRET: 'another-secret-another-secret-another' }), 'livekit-key-refused', s, 0)
  s.double.faults.apiMethods.CreateRoom = 'fail'
  failed(t, await s.probe(), 'livekit-failed', s, 0)
  s.double.faults.apiMethods.CreateRoom = 'hang'
  failed(t, await s.probe(), 'livekit-unreachable', s, 0)
  s.double.faults.apiMethods.CreateRoom = 'lost'
  const report = await s.probe()
  failed(t, report, 'livekit-unreachable', s, 1)
  t.same(
    codes(report),
    ['livekit-unreachable failed', 'room-deleted ok'],
    'what it may have made all the same is deleted'
  )
})

test('a room that cannot be deleted is named', async t => {
  const s = await stage(t)
  s.double.faults.media = 'audio'
  s.double.faults.apiMethods.DeleteRoom = 'fail'
  const report = await s.probe()
  t.same(codes(report), ['answered ok', 'audio-heard ok', 'room-not-deleted warning'])
  t.match(report.findings[2], { seen: /jb_c/, command: /lk room delete jb_c/ })
})

test('interrupted: before, while ringing, while listening; the room goes', async t => {
  const before = await stage(t)
  t.same(codes(await before.probe({ signal: AbortSignal.abort() })), ['interrupted skipped', 'room-deleted ok'])
  for (
    const [what, joinAfterMs, expected] of [
      ['180 Ringing', 60_000, ['interrupted skipped', 'room-deleted ok']],
      ['RTP audio', 5, ['answered ok', 'audio-heard ok', 'interrupted skipped', 'room-deleted ok']]
    ] as const
  ) {
    const s = await stage(t, { agents: [{ ...AGENT, joinAfterMs }] })
    s.double.faults.media = 'audio'
    const controller = new AbortController()
    const report = await s.probe({
      limits: { ...LIMITS, listen: 20_000 },
      signal: controller.signal,
      onStep: step => {
        if (step.what === what) setTimeout(() => controller.abort(), 100)
      }
    })
    t.same(codes(report), expected, JSON.stringify(report.findings))
    t.ok(told(report).includes(what === 'RTP audio' ? 'bridge>livekit BYE' : 'bridge>livekit CANCEL'))
    t.same(s.double.rooms(), [])
  }
})

test('any URI: the id of createSipParticipant lands in a room of its own, which is deleted', async t => {
  const s = await stage(t, {
    trunk: { username: 'jambonz', password: 'trunk-password', roomPrefix: 'jb', agentName: 'demo-agent' }
  })
  s.double.faults.media = 'audio'
  const report = await s.probe({ uri: s.double.sipUri('SCL_abc') })
  t.same(
    codes(report),
    ['answered ok', 'audio-heard ok', 'scl-is-no-address failed', 'room-deleted ok'],
    JSON.stringify(report.findings)
  )
  t.match(report.findings[2]?.seen, /jb_SCL_abc/)
  t.same(s.made, ['jb_SCL_abc'])
  t.same(s.double.rooms(), [])
})

test("any URI: a room that is there already is somebody's call", async t => {
  const s = await stage(t)
  await fetch(`${s.double.apiUrl}/twirp/livekit.RoomService/CreateRoom`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await jwt()}`, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'jb_ctoken' })
  })
  const report = await s.probe({ uri: s.double.sipUri('ctoken') })
  t.same(codes(report), ['room-in-use failed'])
  t.same(told(report), [])
  t.equal(s.double.rooms().length, 1)
})

test('any URI: another host gets no credentials, and nothing is asked of LiveKit', async t => {
  const s = await stage(t)
  const report = await s.probe({ uri: `sip:user:secret@localhost:${s.double.sipPort};transport=tcp` })
  failed(t, report, 'sip-credentials-missing', s, 0)
  t.equal(report.uri, `sip:user@localhost:${s.double.sipPort};transport=tcp`, 'without the password')
  t.notMatch(told(report).join(), /credentials/)
  t.equal(
    codes(await runProbe({ uri: s.double.sipUri('x'), limits: LIMITS }))[0],
    'sip-credentials-missing failed',
    'without settings too'
  )
})

test('hosts and URIs that lead nowhere', async t => {
  const probe = async (uri: string) => await runProbe({ uri, limits: LIMITS })
  t.same(codes(await probe('sip:x@no-such-host.invalid')), ['sip-host-unresolved failed'])
  for (const uri of ['http://x', 'sip:', 'tel:+15550001111', 'sip:x@', '']) {
    t.same(codes(await probe(uri)), ['uri-unusable failed'], uri)
  }
  t.same(codes(await runProbe({})), ['settings-unusable failed'])
})

test('TLS that is not trusted, no TLS at all, something other than SIP', async t => {
  const s = await stage(t, { sipTransport: 'tls' })
  const untrusted = await s.probe({ tls: {} })
  failed(t, untrusted, 'tls-failed', s)
  t.match(untrusted.findings[0], { seen: /certificate.*SELF_SIGNED/, todo: /NODE_EXTRA_CA_CERTS/ })
  for (
    const [transport, answer, code] of [['tcp', '', 'sip-connection-closed'], [
      'tcp',
      'HTTP/1.1 400 Bad Request\r\n\r\n',
      'sip-connection-closed'
    ], ['tls', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'tls-failed']] as const
  ) {
    const server = createServer(socket => socket.on('error', () => {}).once('data', () => socket.end(answer)))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const report = await runProbe({
      uri: `sip:x@127.0.0.1:${(server.address() as AddressInfo).port};transport=${transport}`,
      limits: LIMITS
    })
    t.same(codes(report), [`${code} failed`], JSON.stringify(report.findings))
  }
})

await Promise.all(all)

async function jwt (): Promise<string> {
  const { AccessToken } = await import('livekit-server-sdk')
  const token = new AccessToken(API_KEY, API_SECRET)
  token.addGrant({ roomCreate: true })
  return await token.toJwt()
}
