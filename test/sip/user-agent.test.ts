import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import type { IncomingCall, TransportName, UserAgent, UserAgentOptions } from '../../src/sip/user-agent.ts'
import type { Test } from 'tap'
import type { SipMessage } from '../../src/sip/message.ts'
import { formatChallenge, parseAnswer, verifyAnswer } from '../../src/sip/digest.ts'
import { cseq, header } from '../../src/sip/message.ts'
import { tagOf } from '../../src/sip/address.ts'
import { buildSdp } from '../../src/sip/sdp.ts'
import { createUserAgent } from '../../src/sip/user-agent.ts'
import { fixture } from '../fixtures/paths.ts'

const pem = (name: string) => readFileSync(fixture(`tls/${name}.pem`))
const tls = { key: pem('key'), cert: pem('cert'), ca: pem('cert') }
const body = buildSdp({ ip: '127.0.0.1', port: 40000 })

async function agent (t: Test, transport: TransportName, options: UserAgentOptions = {}): Promise<UserAgent> {
  const ua = await createUserAgent({ transport, ...(transport === 'tls' && { tls }), ...options })
  t.after(() => ua.close())
  return ua
}

const uriOf = (ua: UserAgent, transport: TransportName, user = 'token') =>
  `sip:${user}${user && '@'}127.0.0.1:${ua.port};transport=${transport}`
const event = <T>(on: (fn: (value: T) => void) => void) => new Promise<T>(resolve => on(resolve))

function callee (ua: UserAgent): Promise<IncomingCall> {
  return event<IncomingCall>(fn => ua.onInvite(fn))
}

for (const transport of ['udp', 'tcp', 'tls'] as const) {
  await t.test(`${transport}: the callee answers, and the caller hangs up`, async t => {
    const [a, b] = [await agent(t, transport, { name: 'sbc' }), await agent(t, transport)]
    const invited = callee(b)
    const out = a.invite(uriOf(b, transport), {
      from: '+15550001111',
      displayName: 'Ann',
      headers: { 'X-LK-Call': 'c1' },
      body
    })
    const statuses: number[] = []
    out.onProvisional(m => statuses.push(m.status))
    t.equal(out.state, 'calling')
    const call = await invited
    t.equal(call.callId, out.callId)
    t.equal(header(call.request, 'X-LK-Call'), 'c1')
    t.equal(header(call.request, 'user-agent'), 'sbc')
    t.match(header(call.request, 'from'), /^"Ann" <sip:\+15550001111@127\.0\.0\.1>;tag=/)
    t.match(
      header(call.request, 'via'),
      new RegExp(`SIP/2.0/${transport.toUpperCase()} .*rport=\\d+;received=127.0.0.1`)
    )
    t.equal(call.request.body, body)
    call.tag('SCL_x')
    call.respond(100, 'Processing')
    call.respond(180)
    t.throws(() => call.tag('late'))
    const acked = event(call.onAck)
    call.respond(200, undefined, { body })
    const final = await out.final
    t.equal(final.status, 200)
    t.equal(final.body, body)
    t.equal(tagOf(header(final, 'to')), 'SCL_x')
    t.same(statuses, [100, 180])
    await acked
    t.equal(out.state, 'answered')
    t.equal(call.state, 'answered')
    const gone = event(call.onBye)
    const bye = await out.bye({ Reason: 'Q.850;cause=16' })
    t.equal(bye.status, 200)
    t.equal(header(await gone, 'reason'), 'Q.850;cause=16')
    t.equal(call.state, 'ended')
    t.equal((await out.bye()).status, 481, 'a second BYE is not sent')
  })

  await t.test(`${transport}: the callee answers, sends a REFER and hangs up`, async t => {
    const [a, b] = [await agent(t, transport), await agent(t, transport)]
    const invited = callee(b)
    const out = a.invite(uriOf(b, transport), { from: 'x', body })
    out.onRefer(m => header(m, 'refer-to') === '<tel:+15559990000>' ? { status: 202 } : { status: 403, reason: 'No' })
    const call = await invited
    call.onRefer(async () => ({ status: 501 }))
    call.respond(200, 'OK', { body })
    await out.final
    t.equal((await call.refer('tel:+15559990000', { 'X-A': 'b' })).status, 202)
    t.match(await call.refer('sip:other@x'), { status: 403, reason: 'No' })
    t.equal((await out.send('REFER', { headers: { 'Refer-To': '<sip:x@y>' } })).status, 501)
    t.equal((await out.send('UPDATE')).status, 405)
    const informed = [event(out.onInfo), event(call.onInfo)]
    t.equal((await call.send('INFO', { body: 'Signal=1' })).status, 200)
    t.equal((await out.send('INFO', { body: 'Signal=2' })).status, 200)
    t.match(await Promise.all(informed), [{ body: 'Signal=1' }, { body: 'Signal=2' }])
    const notified = event(out.onNotify)
    t.equal((await call.send('NOTIFY', { headers: { Event: 'refer' }, body: 'SIP/2.0 200 OK' })).status, 200)
    t.match(await notified, { body: 'SIP/2.0 200 OK' })
    t.match(
      await out.send('INVITE', { headers: { 'Content-Type': 'application/sdp' }, body }),
      { status: 200, body },
      're-INVITE'
    )
    const gone = event(out.onBye)
    t.equal((await call.bye()).status, 200)
    t.ok(await gone)
    t.equal(out.state, 'ended')
  })

  await t.test(`${transport}: the caller cancels while it rings`, async t => {
    const [a, b] = [await agent(t, transport), await agent(t, transport)]
    const invited = callee(b)
    const out = a.invite(uriOf(b, transport), { from: 'x' })
    const ringing = event(out.onProvisional)
    const call = await invited
    call.respond(180)
    await ringing
    t.equal(out.state, 'ringing')
    const cancelled = event(call.onCancel)
    out.cancel({ Reason: 'SIP;cause=200' })
    t.equal(header(await cancelled, 'reason'), 'SIP;cause=200')
    t.match(await out.final, { status: 487, reason: 'Request Terminated' })
    t.equal(out.state, 'ended')
    t.equal(call.state, 'ended')
  })

  await t.test(`${transport}: a first 407 is answered, a second is final`, async t => {
    const seen: SipMessage[] = []
    const [a, b] = [
      await agent(t, transport),
      await agent(t, transport, {
        onMessage: m => {
          if (m.dir === '<') seen.push(m.message)
        }
      })
    ]
    const nonce = 'n1'
    b.onInvite(call => {
      const answer = parseAnswer(header(call.request, 'proxy-authorization') ?? '')
      if (!answer) {
        return call.respond(407, 'Unauthorized', {
          headers: { 'Proxy-Authenticate': formatChallenge({ realm: 'LiveKit', nonce }) }
        })
      }
      const good = verifyAnswer(answer, { username: 'u', password: 'p', realm: 'LiveKit', nonce, method: 'INVITE' })
      call.respond(good ? 200 : 401, undefined, good ? { body } : {})
    })
    const good = a.invite(uriOf(b, transport), { from: 'x', auth: { username: 'u', password: 'p' } })
    t.equal((await good.final).status, 200)
    await good.bye()
    const invites = seen.filter(m => m.kind === 'request' && m.method === 'INVITE')
    t.same(invites.map(m => cseq(m).number), [1, 2])
    t.same(new Set(invites.map(m => header(m, 'call-id'))).size, 1)
    t.same(new Set(invites.map(m => header(m, 'from'))).size, 1)
    t.match(await a.invite(uriOf(b, transport), { from: 'x', auth: { username: 'u', password: 'wrong' } }).final, {
      status: 401
    })
    t.match(await a.invite(uriOf(b, transport), { from: 'x' }).final, { status: 407, reason: 'Unauthorized' })
  })

  await t.test(`${transport}: OPTIONS, a call without a handler, a URI without a user, and a dropped call`, async t => {
    const [a, b] = [await agent(t, transport), await agent(t, transport)]
    t.match(await a.options(uriOf(b, transport, '')), { status: 200 })
    t.match(await a.invite(uriOf(b, transport), { from: 'x' }).final, { status: 404 })
    const invited = callee(b)
    const out = a.invite(uriOf(b, transport, ''), { from: '' })
    const ringing = event(out.onProvisional)
    const call = await invited
    t.equal(call.request.uri, `sip:127.0.0.1:${b.port};transport=${transport}`)
    t.match(header(call.request, 'from'), /^<sip:127\.0\.0\.1>/)
    call.respond(180)
    await ringing
    call.drop()
    call.respond(200)
    t.equal(call.state, 'ended')
    call.onCancel(() => t.fail('a dropped call reports no CANCEL'))
    out.cancel()
    t.match(await b.options(uriOf(a, transport)), { status: 200 }, 'the user agents still work')
    t.equal(out.state, 'ringing')
    await a.close()
    t.match(await out.final, { status: 503 }, 'closing ends the open call')
  })
}

await t.test('refused connections and unknown hosts end the call with a local 503', async t => {
  const a = await agent(t, 'tcp')
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  t.match(await a.invite(`sip:x@127.0.0.1:${port};transport=tcp`, { from: 'x' }).final, {
    status: 503,
    reason: 'Connection refused'
  })
  t.match(await a.invite('sip:x@host.invalid;transport=tcp', { from: 'x' }).final, { status: 503, reason: 'DNS Error' })
  t.match(await a.invite('sip:x@host.invalid', { from: 'x' }).final, { status: 503, reason: 'DNS Error' })
  t.throws(() => a.invite('not a uri', { from: 'x' }), { code: 'SIP_PARSE_ERROR' })
})

await t.test('a connection that breaks ends the calls on it', async t => {
  const server = createServer(socket => socket.on('data', () => socket.destroy())).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.after(() => server.close())
  const a = await agent(t, 'tcp')
  t.match(
    await a.invite(`sip:x@127.0.0.1:${(server.address() as AddressInfo).port};transport=tcp`, { from: 'x' }).final,
    { status: 503 }
  )
})

await t.test(
  'UDP: an INVITE is repeated with doubling intervals and fails after 32 s; a cancel before a response ends it',
  async t => {
    const timers: Array<{ at: number, fn: () => void }> = []
    let now = 0
    const clock = {
      now: () => now,
      schedule (ms: number, fn: () => void) {
        const timer = { at: now + ms, fn }
        timers.push(timer)
        return () => {
          const i = timers.indexOf(timer)
          if (i >= 0) timers.splice(i, 1)
        }
      }
    }
    const sent: number[] = []
    const socket = (await import('node:dgram')).createSocket('udp4')
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
    t.after(() => socket.close())
    let heard = () => {}
    socket.on('message', () => heard())
    const a = await agent(t, 'udp', { clock, onMessage: m => sent.push(m.at) })
    const first = new Promise<void>(resolve => {
      heard = resolve
    })
    const out = a.invite(`sip:x@127.0.0.1:${socket.address().port}`, { from: 'x' })
    await first
    while (timers.length > 0 && now < 32_000) {
      timers.sort((x, y) => x.at - y.at)
      const timer = timers.shift()
      if (!timer) break
      now = timer.at
      timer.fn()
    }
    t.match(await out.final, { status: 408 })
    t.same(sent, [0, 500, 1500, 3500, 7500, 15500, 31500])
    const early = a.invite(`sip:x@127.0.0.1:${socket.address().port}`, { from: 'x' })
    early.cancel()
    t.match(await early.final, { status: 487 })
  }
)

await t.test('when the answer crosses the CANCEL, the caller acknowledges it and hangs up', async t => {
  const [a, b] = [await agent(t, 'tcp'), await agent(t, 'tcp')]
  const invited = callee(b)
  const out = a.invite(uriOf(b, 'tcp'), { from: 'x' })
  const ringing = event(out.onProvisional)
  const call = await invited
  call.ignoreCancel()
  call.respond(180)
  await ringing
  call.onCancel(() => call.respond(200, 'OK', { body }))
  const gone = event(call.onBye)
  out.cancel()
  t.match(await out.final, { status: 487 })
  t.ok(await gone)
})

await t.test('UDP: a repeated INVITE gets the last response again, and garbage is ignored', async t => {
  const b = await agent(t, 'udp')
  const socket = (await import('node:dgram')).createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  let calls = 0
  b.onInvite(call => {
    calls++
    call.respond(180)
  })
  const invite = Buffer.from(
    [
      'INVITE sip:x@127.0.0.1 SIP/2.0',
      `Via: SIP/2.0/UDP 127.0.0.1:${socket.address().port};branch=z9hG4bKx`,
      'From: <sip:a@b>;tag=1',
      'To: <sip:x@y>',
      'Call-ID: 1',
      'CSeq: 1 INVITE',
      '',
      ''
    ].join('\r\n')
  )
  const answers: string[] = []
  for (let i = 0; i < 2; i++) {
    const answer = new Promise<Buffer>(resolve => socket.once('message', resolve))
    socket.send(invite, b.port, '127.0.0.1')
    answers.push((await answer).toString())
  }
  t.equal(calls, 1)
  t.equal(answers[0], answers[1])
  socket.send('garbage', b.port, '127.0.0.1')
  socket.send(invite.toString().replace('CSeq: 1 INVITE', 'CSeq: x'), b.port, '127.0.0.1')
  const [a] = [await agent(t, 'udp')]
  t.match(await a.options(`sip:127.0.0.1:${b.port}`), { status: 200 }, 'after garbage the user agent still works')
})

await t.test('a local response has the code of the error that caused it', async t => {
  const a = await agent(t, 'tcp')
  const b = await agent(t, 'tcp')
  t.match(await a.invite('sip:x@no-such-host.invalid;transport=tcp', { from: 'x' }).final, {
    status: 503,
    reason: 'DNS Error',
    local: { code: 'ENOTFOUND' }
  })
  t.match((await a.options('sip:127.0.0.1:1;transport=tcp')).local, { code: 'ECONNREFUSED' })
  t.equal((await a.options(uriOf(b, 'tcp', ''))).local, undefined)
  const secure = await agent(t, 'tls')
  const stranger = await agent(t, 'tls', { tls: {} })
  t.match((await stranger.options(uriOf(secure, 'tls', ''))).local, { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
})

await t.test('without a certificate a TLS user agent receives requests on the connection that it opened', async t => {
  const client = await agent(t, 'tls', { tls: { ca: tls.ca } })
  const server = await agent(t, 'tls')
  const invited = callee(server)
  const out = client.invite(uriOf(server, 'tls'), { from: 'x', body })
  const call = await invited
  const port = Number(/:(\d+)$/.exec(call.remote)?.[1])
  t.match(header(call.request, 'contact'), `127.0.0.1:${port};transport=tls`)
  t.match(header(call.request, 'via'), `127.0.0.1:${port};`)
  call.respond(200, 'OK', { body })
  await out.final
  const gone = event(out.onBye)
  t.equal((await call.bye()).status, 200)
  t.ok(await gone)
})
