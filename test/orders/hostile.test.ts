import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import type { Test } from 'tap'
import { OPERATOR_TOKEN } from '../fixtures/build.ts'
import type { OrderBridge } from '../fixtures/order-bridge.ts'
import { exchange, listen } from '../routes/support.ts'
import { orderTest } from './support.ts'

const TO = '+15550001111'

/** Sends bytes as an order over a connection of their own. */
async function send (port: number, body: string | Buffer, headers: Record<string, string> = {}) {
  const bytes = Buffer.from(body)
  const all: Record<string, string> = {
    host: 'bridge',
    connection: 'close',
    'content-type': 'application/json',
    'content-length': String(bytes.length),
    authorization: `Bearer ${OPERATOR_TOKEN}`,
    ...headers
  }
  const head = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const reply = await exchange(port, `POST /calls HTTP/1.1\r\n${head}\r\n${bytes.toString('latin1')}`, 'latin1')
  const [, status = ''] = /^HTTP\/1\.1 (\d{3})/.exec(reply) ?? []
  return { status: Number(status), code: /"code":"(\w+)"/.exec(reply)?.[1] }
}

async function assertPlacesNothing (t: Test, bridge: OrderBridge): Promise<void> {
  t.same(bridge.placed(), [])
  t.same((await bridge.ask('GET', '/calls')).json.calls, [])
  t.equal((await bridge.order({ to: TO })).status, 201, 'and the bridge goes on')
}

await orderTest('bodies that nobody means well with', async (t, bridge) => {
  const port = await listen(bridge)
  const deep = (open: string, close: string, levels: number) =>
    `{"to":"${TO}","metadata":{"a":${open.repeat(levels)}1${close.repeat(levels)}}}`
  const bodies: Array<[what: string, body: string | Buffer]> = [
    ['arrays 4000 deep', deep('[', ']', 4000)],
    ['objects 2000 deep', deep('{"a":', '}', 2000)],
    ['just too deep', deep('[', ']', 33)],
    ['__proto__', `{"to":"${TO}","__proto__":{"agent":"x"}}`],
    ['__proto__ in metadata', `{"to":"${TO}","metadata":{"__proto__":{"a":1}}}`],
    ['constructor.prototype', `{"to":"${TO}","constructor":{"prototype":{"a":1}}}`],
    ['constructor', `{"to":"${TO}","constructor":1}`],
    ['toString', `{"to":"${TO}","toString":"x"}`],
    ['hasOwnProperty', `{"to":"${TO}","hasOwnProperty":null}`],
    ['an infinite ring', `{"to":"${TO}","ring":1e999}`],
    ['a huge ring', `{"to":"${TO}","ring":9007199254740993}`],
    ['a negative ring', `{"to":"${TO}","ring":-1}`],
    ['an infinite number in metadata', `{"to":"${TO}","metadata":{"a":[1e999]}}`],
    ['NUL in the agent', `{"to":"${TO}","agent":"a\\u0000b"}`],
    ['a lone surrogate in the agent', `{"to":"${TO}","agent":"\\ud800"}`],
    ['a lone surrogate in metadata', `{"to":"${TO}","metadata":"\\udfff"}`],
    ['a bare NUL', `{"to":"${TO}"}\0`],
    ['two values', `{"to":"${TO}"}{"to":"${TO}"}`],
    ['a comment', `{"to":"${TO}"/**/}`],
    ['gzip', gzipSync(`{"to":"${TO}"}`)],
    ['UTF-16', Buffer.from(`{"to":"${TO}"}`, 'utf16le')],
    ['nothing but spaces', ' '.repeat(1000)]
  ]
  for (const [what, body] of bodies) {
    const { status, code } = await send(port, body)
    t.match({ status, code }, { status: 400, code: /^BRIDGE_/ }, what)
  }
  const large = 'x'.repeat(16 * 1024)
  t.equal((await send(port, `{"to":"${TO}","metadata":"${large}"}`)).status, 413)
  t.equal((await send(port, '{}', { 'content-length': '999999999' })).status, 413, 'refused before it was sent')
  t.equal((await send(port, '', { 'content-type': '' })).status >= 400, true)
  await assertPlacesNothing(t, bridge)
})

await orderTest('whatever the body is: a code of the list, and a call only for an order', async (t, bridge) => {
  const value = fc.oneof(
    fc.constantFrom('', TO, '+1555\u0000', '\ud800', '__proto__', 'x'.repeat(300), null, true, -0, 1e308, 7.5),
    fc.jsonValue({ maxDepth: 3 })
  )
  const names = ['to', 'from', 'agent', 'metadata', 'carrier', 'ring', 'longest', 'headers', 'callerName', 'reference']
  const keys = fc.constantFrom(...names, 'notAfter', 'agentAt', 'voicemail', 'onMachine', 'constructor', 'X-A', '')
  const mapping = fc.dictionary(keys, value)
  const body = fc.oneof(value, mapping, mapping.map(rest => ({ ...rest, to: TO })))
  let placed = 0
  await fc.assert(fc.asyncProperty(body, async body => {
    const { status, json } = await bridge.order(JSON.stringify(body))
    if (status === 201) placed++
    const isKnown = status === 201 || /^BRIDGE_/.test(json.code)
    if (!isKnown || status >= 500) throw new Error(`${status} ${JSON.stringify(json)} for ${JSON.stringify(body)}`)
  }), { numRuns: 300 })
  t.equal(bridge.placed().length, placed)
}, { env: { JAMBONZ_REST_PER_MINUTE: '6000' } })
