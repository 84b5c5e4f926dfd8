import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { formatAddress, parseAddress, parseUri, targetOf } from '../../src/sip/address.ts'
import {
  createFramer,
  cseq,
  header,
  headerList,
  headersObject,
  MAX_HEAD_BYTES,
  parseMessage,
  serializeMessage,
  splitList
} from '../../src/sip/message.ts'
import { fixture } from '../fixtures/paths.ts'

interface Recorded {
  start: string
  headers: Record<string, string>
  body?: string
}

const folder = fixture('livekit/')
const recorded = readdirSync(folder).filter(name => name.endsWith('.json')).flatMap(name =>
  (JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as { sip?: Recorded[] }).sip ?? []
)

function wire ({ start, headers, body = '' }: Recorded): Buffer {
  return Buffer.from(
    [start, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n')
  )
}

await t.test('every recorded message stays the same when it is parsed and serialized', async t => {
  t.ok(recorded.length > 100)
  for (const one of recorded) {
    const message = parseMessage(wire(one))
    t.match(headersObject(message), one.headers)
    t.equal(message.body, one.body ?? '')
    t.same(parseMessage(serializeMessage(message)), {
      ...message,
      headers: [...message.headers.filter(h => h.name !== 'content-length'), {
        name: 'Content-Length',
        value: String(Buffer.byteLength(message.body))
      }]
    })
  }
})

await t.test('a stream gives the same messages wherever it is cut', async t => {
  const messages = recorded.slice(0, 8)
  const bytes = Buffer.concat(messages.flatMap(one => [wire(one), Buffer.from('\r\n\r\n')]))
  const whole = messages.map(one => parseMessage(wire(one)))
  t.same(
    [...bytes].flatMap((() => {
      const framer = createFramer()
      return (byte: number) => framer.push(Buffer.from([byte]))
    })()),
    whole,
    'byte by byte'
  )
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: bytes.length }), { maxLength: 12 }), cuts => {
    const framer = createFramer()
    const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length]
    const got = edges.slice(1).flatMap((edge, i) => framer.push(bytes.subarray(edges[i], edge)))
    return JSON.stringify(got) === JSON.stringify(whole)
  }))
})

await t.test('hostile input throws a SipParseError and nothing else', async t => {
  const bad: Array<[string, string]> = [
    ['nothing', ''],
    ['no end', 'INVITE sip:a@b SIP/2.0\r\nVia: x\r\n'],
    ['no start line', 'hello\r\n\r\n'],
    ['other version', 'INVITE sip:a@b SIP/3.0\r\n\r\n'],
    ['status out of range', 'SIP/2.0 999 x\r\n\r\n'],
    ['header without colon', 'INVITE sip:a@b SIP/2.0\r\nVia\r\n\r\n'],
    ['two lengths', 'INVITE sip:a@b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nab'],
    ['negative length', 'INVITE sip:a@b SIP/2.0\r\nl: -1\r\n\r\n'],
    ['body cut off', 'INVITE sip:a@b SIP/2.0\r\nl: 10\r\n\r\nab'],
    ['huge', `INVITE sip:a@b SIP/2.0\r\nX: ${'a'.repeat(MAX_HEAD_BYTES)}\r\n\r\n`],
    ['many headers', `INVITE sip:a@b SIP/2.0\r\n${'X: y\r\n'.repeat(300)}\r\n`]
  ]
  for (const [name, text] of bad) t.throws(() => parseMessage(text), { code: 'SIP_PARSE_ERROR' }, name)
  t.throws(
    () => createFramer().push(Buffer.alloc(MAX_HEAD_BYTES + 1, 'a')),
    { code: 'SIP_PARSE_ERROR' },
    'endless stream'
  )
  t.throws(() => createFramer().push(Buffer.from('INVITE sip:a@b SIP/2.0\r\nl: 999999999\r\n\r\n')), {
    code: 'SIP_PARSE_ERROR'
  }, 'endless body')
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => {
    for (const read of [() => parseMessage(Buffer.from(bytes)), () => createFramer().push(Buffer.from(bytes))]) {
      try {
        read()
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'SipParseError') return false
      }
    }
    return true
  }))
})

await t.test('a message in small chunks is copied and read once', async t => {
  const body = 'b'.repeat(60_000)
  const head = `INVITE sip:a@b SIP/2.0\r\nSubject: ${'s'.repeat(30_000)}\r\nl: ${body.length}\r\n\r\n`
  const bytes = Buffer.from(head + body)
  const { concat } = Buffer
  let copied = 0
  Buffer.concat = list => {
    const whole = concat(list)
    copied += whole.length
    return whole
  }
  t.teardown(() => {
    Buffer.concat = concat
  })
  const framer = createFramer()
  const messages = []
  for (let at = 0; at < bytes.length; at += 4) messages.push(...framer.push(bytes.subarray(at, at + 4)))
  t.equal(messages.length, 1)
  t.equal(messages[0]?.body, body)
  t.ok(copied < 4 * bytes.length, `${copied} bytes were copied for ${bytes.length}`)
})

await t.test('control characters in a head become spaces', async t => {
  const message = parseMessage('INVITE sip:a@b SIP/2.0\r\nFrom: "a\u0000\u001b[2J" <sip:x@y>\r\ni: 1\n✓ fine\r\n\r\n')
  t.equal(header(message, 'from'), '"a [2J" <sip:x@y>')
  t.equal(header(message, 'call-id'), '1 ✓ fine')
  t.match(parseMessage('SIP/2.0 200 O\u0007K\nX: y\r\n\r\n'), { reason: 'O K X: y' })
  t.throws(() => parseMessage('INVITE sip:a\u001b@b SIP/2.0\r\n\r\n'), { code: 'SIP_PARSE_ERROR' })
  const written = serializeMessage({
    kind: 'response',
    status: 200,
    reason: 'O\u0000K',
    headers: [{ name: 'X-A', value: 'b\u001b\nc' }],
    body: ''
  })
  t.equal(written.toString(), 'SIP/2.0 200 O K\r\nX-A: b c\r\nContent-Length: 0\r\n\r\n')
})

await t.test('headers are found in any case and in compact form', async t => {
  const message = parseMessage(
    'INVITE sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2\r\nVIA: SIP/2.0/UDP c\r\ni: ' +
      'x\r\nSubject: one\r\n  two\r\ncseq: 7 INVITE\r\n\r\n'
  )
  t.same(headerList(message, 'Via'), ['SIP/2.0/UDP a;branch=1', 'SIP/2.0/UDP b;branch=2', 'SIP/2.0/UDP c'])
  t.equal(header(message, 'Call-ID'), 'x')
  t.equal(header(message, 's'), 'one two')
  t.same(cseq(message), { number: 7, method: 'INVITE' })
  t.same(splitList('"a, \\"b" <sip:x,y>, z'), ['"a, \\"b" <sip:x,y>', 'z'])
  t.notMatch(serializeMessage({ ...message, headers: [{ name: 'X', value: 'a\r\nEvil: 1' }] }).toString(), /\r\nEvil/)
})

await t.test('addresses and URIs are parsed and formatted', async t => {
  t.same(parseAddress('"A \\"B\\"" <sip:x@y;p=1>;tag=t'), {
    displayName: 'A "B"',
    uri: 'sip:x@y;p=1',
    params: { tag: 't' }
  })
  t.same(parseAddress('sip:x@y;tag=t'), { displayName: '', uri: 'sip:x@y', params: { tag: 't' } })
  t.same(parseUri('sip:tok@[::1]:5070;transport=TCP'), {
    scheme: 'sip',
    user: 'tok',
    host: '::1',
    port: 5070,
    params: { transport: 'TCP' }
  })
  t.same(parseUri('sip:host'), { scheme: 'sip', user: '', host: 'host', params: {} })
  t.same(parseUri('tel:+1555;x=1'), { scheme: 'tel', user: '+1555', host: '', params: { x: '1' } })
  t.same(targetOf('sip:a@b;transport=tls'), { transport: 'tls', host: 'b', port: 5061 })
  t.same(targetOf('sip:a@b'), { transport: 'udp', host: 'b', port: 5060 })
  t.same(targetOf('sips:a@b'), { transport: 'tls', host: 'b', port: 5061 })
  for (const uri of ['', 'http://x', 'sip:', 'sip:@', 'sip:a@b@c']) {
    t.throws(() => parseUri(uri), { code: 'SIP_PARSE_ERROR' })
  }
  // With quadratic time these would take minutes, and the runner would end this file.
  for (const evil of [' ', '"', '\\', '<', '"\\']) {
    try {
      parseAddress(`x${evil.repeat(2_000_000)}`)
    } catch {}
  }
  t.equal(formatAddress({ displayName: 'A "B"', uri: 'sip:x', tag: '1' }), '"A \\"B\\"" <sip:x>;tag=1')
})
