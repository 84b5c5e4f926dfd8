import t from 'tap'
import { isPrivate } from '../../src/probe/address.ts'
import { DEFAULT_LIMITS, overdue, type ProbeCall } from '../../src/probe/call.ts'
import type { ProbeContext } from '../../src/probe/context.ts'
import { findingsOf } from '../../src/probe/findings.ts'
import { networkErrorFinding } from '../../src/probe/network-error.ts'
import { isProjectHost, readTarget } from '../../src/probe/target.ts'

const at = (ms: number, status: number, reason = '') => ({ at: ms, status, reason })
const call = (extra: Partial<ProbeCall> = {}): ProbeCall => ({
  invitedAt: 0,
  responses: [at(10, 407, 'Unauthorized'), at(20, 100), at(30, 180), at(400, 200, 'OK')],
  isLiveKit: true,
  challenged: true,
  answeredChallenge: true,
  final: at(400, 200, 'OK'),
  codec: 'PCMU',
  audio: { sent: 250, received: 240, audible: 100, firstAt: 420, firstAudibleAt: 440 },
  ended: { by: 'probe', at: 5400, status: 200 },
  ...extra
})
const context: ProbeContext = {
  uri: 'sip:ctoken@sip.example.com',
  user: 'ctoken',
  host: 'sip.example.com',
  own: '203.0.113.5',
  remote: '203.0.113.9',
  ours: true,
  hasCredentials: true,
  srtp: false,
  room: {
    name: 'jb_ctoken',
    made: true,
    agent: 'demo',
    look: { exists: true, agent: { identity: 'a', audio: true } },
    agentJoinedMs: 200,
    agentAudioMs: 300
  }
}
const codes = (one: Partial<ProbeCall>, other: Partial<ProbeContext> = {}) =>
  findingsOf(call(one), { ...context, ...other }).map(({ code, severity }) => `${code} ${severity}`)
const refused = (status: number, reason = '', other: Partial<ProbeCall> = {}): Partial<ProbeCall> => ({
  final: at(400, status, reason),
  responses: [at(400, status, reason)],
  ended: undefined,
  ...other
})

await t.test('a good call', async t => {
  const [answered, audio] = findingsOf(call(), context)
  t.match(answered, {
    code: 'answered',
    severity: 'ok',
    seen: 'LiveKit answered after 400 ms. Agent demo was seen in the room 200 ms, with audio 300 ms after it was made.'
  })
  t.match(audio, {
    code: 'audio-heard',
    severity: 'ok',
    seen: 'Audio came back over PCMU, 40 ms after the answer: 100 of 240 packets could be heard.'
  })
  t.same(codes({ ended: { by: 'probe', at: 5400 } }), ['answered ok', 'audio-heard ok', 'bye-unanswered warning'])
  t.same(codes({ ended: { by: 'probe', at: 5400, status: 481 } }).at(-1), 'bye-unanswered warning')
  t.same(codes({ codec: undefined }), ['answered ok', 'media-mismatch failed'])
})

await t.test('answered in another room: what LiveKit says to the caller does not show it', async t => {
  const looking = (looks: Array<{ from: number, until: number, sip: boolean }>, made = true) =>
    codes({}, { room: { ...context.room!, made, looks } })[0]
  const before = { from: 100, until: 150, sip: false }
  const during = { from: 1000, until: 1050, sip: false }
  t.equal(looking([before, during]), 'other-room failed')
  t.equal(looking([before]), 'answered ok', 'nobody looked while it was up')
  t.equal(looking([before, { from: 5300, until: 5500, sip: false }]), 'answered ok', 'seen when it was over')
  t.equal(looking([{ ...before, sip: true }, during]), 'answered ok', 'it was there')
  t.equal(looking([during], false), 'answered ok', 'a room that nobody made for it')
  const ringing = {
    gaveUp: 'not-answered' as const,
    final: undefined,
    ended: undefined,
    responses: [at(30, 180), at(39_000, 180)]
  }
  t.equal(
    codes(ringing, { room: { ...context.room!, looks: [{ from: 20_000, until: 20_050, sip: false }] } })[0],
    'other-room failed'
  )
  t.equal(
    codes(ringing, { room: { ...context.room!, looks: [during] } })[0],
    'dial-timeout failed',
    'it may be chosen yet'
  )
})

await t.test("no audio: a private address of ours is no fault of LiveKit's", async t => {
  const audio = { sent: 250, received: 0, audible: 0 }
  t.same(codes({ audio }), ['answered ok', 'audio-missing failed'])
  t.same(codes({ audio }, { own: '10.0.0.7' }), ['answered ok', 'audio-missing warning'])
  t.same(codes({ audio }, { own: '10.0.0.7', remote: '10.0.0.9' }), ['answered ok', 'audio-missing failed'])
  t.same(codes({ audio: { ...audio, received: 9, audible: 2 } }), ['answered ok', 'audio-silent warning'], 'a click')
})

await t.test('a private address', async t => {
  for (
    const address of [
      '10.1.1.1',
      '172.16.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '127.0.0.1',
      '169.254.1.1',
      '::1',
      'fd00::1',
      'fe80::1'
    ]
  ) t.ok(isPrivate(address), address)
  for (const address of ['172.32.0.1', '8.8.8.8', '143.223.88.1', '2001:db8::1', 'host', '']) {
    t.notOk(isPrivate(address), address)
  }
})

await t.test('an agent for which the caller waits is slow, also when it answers in the end', async t => {
  const room = { ...context.room!, agentJoinedMs: 7000, agentAudioMs: 8000 }
  t.same(codes({}, { room }), ['answered ok', 'agent-slow warning', 'audio-heard ok'])
})

await t.test("LiveKit's own limit is not blamed on the agent", async t => {
  const trunk = { id: 'ST_our', maxCallDurationS: 3 }
  // It began to ring after 30 ms.
  const ended = { by: 'livekit' as const, at: 3050 }
  t.same(codes({ ended }, { trunk }), ['answered ok', 'audio-heard ok', 'trunk-max-call-duration failed'])
  t.same(codes({ ended: { ...ended, at: 1000 } }, { trunk }).at(-1), 'hung-up-early warning', 'another reason')
  t.same(codes({ ended }).at(-1), 'hung-up-early warning', 'a trunk without a limit')
  t.equal(
    codes({ final: at(3040, 486), responses: [at(30, 180), at(3040, 486)], ended: undefined }, { trunk })[0],
    'trunk-max-call-duration failed',
    'while it rang'
  )
})

await t.test('refusals', async t => {
  const first = (one: Partial<ProbeCall>, other: Partial<ProbeContext> = {}) => codes(one, other)[0]
  t.equal(first(refused(401)), 'livekit-refused-credentials failed')
  t.equal(first(refused(403)), 'livekit-refused-credentials failed', 'after credentials')
  t.equal(first(refused(403, '', { answeredChallenge: false, isLiveKit: false })), 'declined failed')
  t.equal(first(refused(407)), 'livekit-refused-credentials failed')
  t.equal(first(refused(407), { hasCredentials: false }), 'sip-credentials-missing failed')
  t.equal(first(refused(404)), 'livekit-no-route failed')
  for (const status of [400, 415, 488]) t.equal(first(refused(status)), 'media-mismatch failed')
  t.equal(first(refused(486)), 'room-closed failed')
  t.equal(first(refused(486), { room: { ...context.room!, look: { exists: true } } }), 'no-agent failed')
  t.equal(
    first(refused(486), { room: { ...context.room!, look: { exists: true }, closed: true } }),
    'room-closed failed'
  )
  t.equal(first(refused(480)), 'sip-unreachable failed')
  t.equal(first(refused(500)), 'livekit-failed failed')
  t.equal(first(refused(603, '', { isLiveKit: false })), 'declined failed')
  t.match(findingsOf(call(refused(488)), { ...context, srtp: true })[0]?.todo, /LIVEKIT_SIP_SRTP is set/)
})

await t.test('100 and nothing: the trap of the websocket name is named', async t => {
  const silent = (host: string) =>
    findingsOf(call({ gaveUp: 'no-ringing', final: undefined, responses: [at(10, 100, 'Processing')] }), {
      ...context,
      host,
      livekitUrl: 'wss://myproject-1a2b3c4d.livekit.cloud'
    })[0]
  t.match(silent('1a2b3c4d.sip.livekit.cloud'), {
    code: 'sip-host-silent',
    severity: 'failed',
    seen: /1a2b3c4d is the end of/,
    command: /lk project list/
  })
  t.match(silent('myproject-1a2b3c4d.sip.livekit.cloud')?.seen, /websocket name/)
  t.notMatch(silent('vjnxecm0tjk.sip.livekit.cloud')?.seen, /websocket/)
})

await t.test('what the network says', async t => {
  const codeOf = (code: string, sent = false, status = 503) =>
    networkErrorFinding({ code, message: 'x' }, { host: 'h', sent, status }).code
  t.same(['ENOTFOUND', 'EAI_AGAIN'].map(code => codeOf(code)), ['sip-host-unresolved', 'sip-host-unresolved'])
  t.equal(codeOf('ECONNREFUSED'), 'sip-refused')
  t.same(
    ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', ''].map(code => codeOf(code)),
    Array.from({ length: 4 }, () => 'sip-unreachable')
  )
  t.equal(codeOf('', true, 408), 'sip-unreachable')
  t.equal(codeOf('ECONNRESET', true), 'sip-connection-closed')
  for (
    const code of [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'CERT_HAS_EXPIRED',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'EPROTO',
      'ERR_TLS_HANDSHAKE_TIMEOUT'
    ]
  ) t.equal(codeOf(code), 'tls-failed', code)
  for (
    const [code, transport, command] of [['ETIMEDOUT', 'tcp', 'tls'], ['ETIMEDOUT', 'udp', 'tcp'], [
      'ECONNREFUSED',
      'udp',
      'tcp'
    ], ['ECONNREFUSED', 'tcp', 'udp']] as const
  ) {
    t.equal(
      networkErrorFinding({ code, message: '' }, { host: 'h', transport, sent: false, status: 503 }).command,
      `bridge probe --transport ${command}`,
      'not what was just tried'
    )
  }
  t.match(
    networkErrorFinding({ code: 'ERR_TLS_HANDSHAKE_TIMEOUT', message: '' }, { host: 'h', sent: false, status: 503 })
      .seen,
    /does not speak TLS/
  )
})

await t.test('how long is long enough', async t => {
  const when = (now: number, responses: ProbeCall['responses'], isLiveKit = true, invitedAt: number | undefined = 0) =>
    overdue({ invitedAt, responses, isLiveKit }, 0, now, DEFAULT_LIMITS)
  t.equal(when(9999, []), undefined)
  t.equal(when(10_000, []), 'no-response')
  t.equal(
    overdue({ responses: [], isLiveKit: false }, 0, 19_000, DEFAULT_LIMITS),
    undefined,
    'a connection has its own limit'
  )
  t.equal(overdue({ responses: [], isLiveKit: false }, 0, 20_000, DEFAULT_LIMITS), 'no-response')
  t.equal(when(8010, [at(10, 100)]), 'no-ringing')
  t.equal(when(10_020, [at(10, 100), at(20, 407)]), 'no-response', 'to the second INVITE')
  t.equal(when(5030, [at(10, 407), at(20, 100), at(30, 180)]), 'no-further-ringing')
  t.equal(when(5030, [at(20, 100), at(30, 180)], false), undefined, 'others ring once')
  t.equal(when(39_999, [at(20, 100), at(39_000, 180)]), undefined)
  t.equal(when(40_000, [at(20, 100), at(39_000, 180)]), 'not-answered')
})

await t.test('what is called', async t => {
  const uriOf = (text: string, options = {}) => readTarget(text, options).uri
  t.equal(uriOf('sip:a@h;transport=tls'), 'sip:a@h;transport=tls')
  t.equal(uriOf('sip:a@h;transport=tls;x=1', { transport: 'udp' }), 'sip:a@h;x=1;transport=udp')
  t.equal(uriOf('a@h:5070', { fallback: 'tcp' }), 'sip:a@h:5070;transport=tcp')
  t.equal(uriOf('h:5070'), 'sip:h:5070')
  t.equal(uriOf('sips:a:pw@h', { transport: 'udp' }), 'sips:a@h')
  t.match(readTarget('sip:a@[2001:db8::1]'), {
    uri: 'sip:a@[2001:db8::1]',
    host: '2001:db8::1',
    port: 5060,
    transport: 'udp'
  })
  const ours = (uri: string, host = 'h.example:5060') => isProjectHost(readTarget(uri), { LIVEKIT_SIP_HOST: host })
  t.ok(ours('sip:a@H.example:5060'))
  t.notOk(ours('sip:a@h.example:5080'), 'another port is not asked for a password of ours')
  t.ok(ours('sip:a@h.example'))
  t.ok(ours('sip:a@h.example;transport=tls', 'h.example'), 'each transport has its own port')
  t.notOk(ours('sip:a@h.example;transport=tls'))
  t.notOk(isProjectHost(readTarget('sip:a@h.example.org'), { LIVEKIT_SIP_HOST: 'h.example' }))
  t.notOk(isProjectHost(readTarget('sip:a@h'), undefined))
})
