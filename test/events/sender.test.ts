import { readFileSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { LookupOptions } from 'node:dns'
import type { AddressInfo, LookupFunction } from 'node:net'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/clock.ts'
import type { Receiver } from '../../src/events/receivers.ts'
import { createSender, publicOnly, type SenderOptions } from '../../src/events/sender.ts'
import { project } from '../fixtures/paths.ts'
import { freePort } from '../fixtures/redis-server.ts'
import { startReceiver, type Received } from '../fixtures/receiver.ts'
import { createTestClock, settle } from '../fixtures/test-clock.ts'

const [SECRET, NEXT_SECRET] = ['a', 'b'].map(letter => `whsec_${Buffer.from(letter.repeat(32)).toString('base64')}`)
const MESSAGE = { id: 'd00d8a36:call.ended', body: '{"to":"Zoë ☎"}' }

const receiverAt = (url: string, secrets = [SECRET!]): Receiver =>
  ({ id: 'r1', url, origin: new URL(url).origin, secrets })

function senderWith (t: Test, extra: Partial<SenderOptions> = {}) {
  const sender = createSender({
    timeoutMs: 15_000,
    connections: 4,
    allowPrivate: true,
    version: '1.2.3',
    clock: systemClock,
    ...extra
  })
  t.teardown(() => sender.close())
  return sender
}

const verify = ({ headers, body }: Pick<Received, 'headers' | 'body'>, secret = SECRET!): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>)

await t.test('what is sent, the library verifies, and nothing else', async t => {
  const { url, received } = await startReceiver(t)
  t.same(await senderWith(t).send(receiverAt(url), MESSAGE), { ok: true, status: 204 })
  const [request] = received as [Received]
  t.equal(request.headers['webhook-id'], MESSAGE.id)
  t.equal(request.headers['content-type'], 'application/json')
  t.equal(request.headers['user-agent'], 'jambonz-livekit-bridge/1.2.3')
  t.equal(request.body, MESSAGE.body)
  t.same(verify(request), { to: 'Zoë ☎' })

  const refused = (changed: Partial<Received>, secret?: string) =>
    t.throws(() => verify({ ...request, ...changed }, secret), WebhookVerificationError)
  refused({}, NEXT_SECRET)
  refused({ body: request.body.replace('Z', 'z') })
  refused({ headers: { ...request.headers, 'webhook-id': `${MESSAGE.id}:2` } })
  const timestamp = Number(request.headers['webhook-timestamp'])
  refused({ headers: { ...request.headers, 'webhook-timestamp': String(timestamp + 1) } })
})

await t.test('the signature is as old as the request: a receiver refuses it after five minutes', async t => {
  const { url, received } = await startReceiver(t)
  for (const [ago, fresh] of [[290_000, true], [310_000, false]] as const) {
    const clock = { ...systemClock, now: () => Date.now() - ago }
    await senderWith(t, { clock }).send(receiverAt(url), MESSAGE)
    const check = () => verify(received.at(-1)!)
    if (fresh) t.same(check(), { to: 'Zoë ☎' })
    else t.throws(check, /too old/)
  }
})

await t.test('while a secret is rotated, either one verifies', async t => {
  const { url, received } = await startReceiver(t)
  await senderWith(t).send(receiverAt(url, [SECRET!, NEXT_SECRET!]), MESSAGE)
  t.match(received[0]!.headers['webhook-signature'], /^v1,\S{44} v1,\S{44}$/)
  for (const secret of [SECRET, NEXT_SECRET]) t.same(verify(received[0]!, secret), { to: 'Zoë ☎' })
})

await t.test('what a receiver answers', async t => {
  const { url } = await startReceiver(t, ({ body }, reply) => {
    const { status, headers } = JSON.parse(body) as { status: number, headers: Record<string, string> }
    reply.writeHead(status, headers).end('never read'.repeat(10))
  })
  const sender = senderWith(t)
  const answer = (status: number, headers = {}) =>
    sender.send(receiverAt(url), { id: 'x', body: JSON.stringify({ status, headers }) })
  t.same(await answer(200), { ok: true, status: 200 })
  t.same(await answer(202), { ok: true, status: 202 })
  t.same(await answer(400), { ok: false, failure: 'refused', detail: 'HTTP 400' })
  t.same(await answer(410), { ok: false, failure: 'gone', detail: 'HTTP 410' })
  t.same(await answer(500, { 'retry-after': '7' }), { ok: false, failure: 'failed', detail: 'HTTP 500' })
  t.match(await answer(429, { 'retry-after': '7' }), { failure: 'overloaded', retryAfterMs: 7000 })
  t.match(await answer(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }), {
    failure: 'overloaded',
    retryAfterMs: Number
  })
  t.equal((await answer(503, { 'retry-after': 'soon' }) as { retryAfterMs?: number }).retryAfterMs, undefined)
})

await t.test('a redirect is not followed', async t => {
  const elsewhere = await startReceiver(t)
  const { url } = await startReceiver(t, (_request, reply) => reply.writeHead(307, { location: elsewhere.url }).end())
  t.same(await senderWith(t).send(receiverAt(url), MESSAGE), { ok: false, failure: 'redirected', detail: 'HTTP 307' })
  t.same(elsewhere.received, [])
})

await t.test('a receiver that hangs is given up after the timeout, also in the middle of its answer', async t => {
  for (const begin of [false, true]) {
    const clock = createTestClock()
    const { url, count } = await startReceiver(t, (_request, reply) => {
      if (begin) reply.writeHead(200).write('and then')
    })
    const sent = senderWith(t, { clock }).send(receiverAt(url), MESSAGE)
    await count(1)
    await settle()
    await clock.pass(15_000)
    if (begin) t.same(await sent, { ok: true, status: 200 }, 'its status had said all')
    else t.same(await sent, { ok: false, failure: 'timeout', detail: '' })
  }
})

await t.test('an answer without end is not read', async t => {
  const { url } = await startReceiver(t, (_request, reply) => {
    reply.writeHead(200)
    const more = () => {
      while (!reply.destroyed && reply.write(Buffer.alloc(64 * 1024)));
      if (!reply.destroyed) reply.once('drain', more)
    }
    more()
  })
  t.same(await senderWith(t).send(receiverAt(url), MESSAGE), { ok: true, status: 200 })
})

await t.test('what is under way ends when the sender is closed', async t => {
  const { url, count } = await startReceiver(t, () => {})
  const sender = senderWith(t)
  const sent = sender.send(receiverAt(url), MESSAGE)
  await count(1)
  await sender.close()
  t.match(await sent, { ok: false, failure: 'unreachable' })
})

await t.test('nobody listens', async t => {
  const port = await freePort()
  t.same(await senderWith(t).send(receiverAt(`http://127.0.0.1:${port}/`), MESSAGE), {
    ok: false,
    failure: 'unreachable',
    detail: 'ECONNREFUSED'
  })
})

await t.test('the certificate must be valid', async t => {
  const [key, cert] = ['key', 'cert'].map(name => readFileSync(project(`test/fixtures/tls/${name}.pem`)))
  const server = createTlsServer({ key, cert }, (_request, reply) => reply.end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  t.match(await senderWith(t).send(receiverAt(`https://localhost:${port}/`), MESSAGE), { ok: false, failure: 'tls' })
})

await t.test('private addresses are refused', async t => {
  const { port, received } = await startReceiver(t)
  const resolvesTo = (...addresses: string[]): LookupFunction => (_hostname, options, callback) => {
    const found = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))
    if (options.all) callback(null, found)
    else callback(null, found[0]!.address, found[0]!.family)
  }
  const refused = { ok: false, failure: 'private-address', detail: '' }

  await t.test('written as an address, in whatever way', async t => {
    const sender = senderWith(t, { allowPrivate: false })
    for (const host of ['127.0.0.1', '0x7f.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', '10.0.0.1', '[fd00::1]']) {
      t.same(await sender.send(receiverAt(`http://${host}:${port}/`), MESSAGE), refused, host)
    }
  })

  await t.test('behind a name, whatever it resolved to before', async t => {
    // What rebinding does: the first answer is public, the one that is connected to is not.
    const answers = [['192.0.2.1'], ['127.0.0.1'], ['::1', '127.0.0.1'], ['169.254.169.254']]
    for (const addresses of answers) {
      const sender = senderWith(t, { allowPrivate: false, lookup: resolvesTo(...addresses) })
      t.same(await sender.send(receiverAt(`http://receiver.example:${port}/`), MESSAGE), refused, addresses.join())
    }
    const sender = senderWith(t, { allowPrivate: false })
    t.same(await sender.send(receiverAt(`http://localhost:${port}/`), MESSAGE), refused, "the system's own resolver")
  })

  await t.test('of several addresses only the public ones are connected to', async t => {
    const lookup = publicOnly(resolvesTo('127.0.0.1', '198.41.0.4', '::1', '2001:500::1'))
    const ask = (options: LookupOptions) =>
      new Promise(resolve => lookup('receiver.example', options, (...answer) => resolve(answer)))
    t.same(await ask({ all: true }), [null, [
      { address: '198.41.0.4', family: 4 },
      { address: '2001:500::1', family: 6 }
    ]])
    t.same(await ask({}), [null, '198.41.0.4', 4])
  })

  t.same(received, [], 'nothing has arrived')
})
