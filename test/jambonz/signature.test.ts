import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { verifyBasic, verifySignature } from '../../src/jambonz/signature.ts'
import { readRecordings } from '../fixtures/recordings.ts'

const NOW = Date.UTC(2026, 10, 21, 10)
const signed = (body: string | Buffer, secret: string, seconds = NOW / 1000) =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')}`
const verify = (header: string | undefined, body: string | Buffer, secrets = ['a'], now = NOW) =>
  verifySignature(header, Buffer.from(body), secrets, now)

await t.test('every recorded hook verifies at its time', async t => {
  let count = 0
  for (const { name, requests, start } of readRecordings()) {
    for (const { headers, body, at_ms: ms } of requests) {
      count++
      if (!verify(headers['jambonz-signature'], body, ['wh_secret_abc'], start + ms)) t.fail(`${name} at ${ms}`)
      if (verify(headers['jambonz-signature'], `${body} `, ['wh_secret_abc'], start + ms)) {
        t.fail(`${name} at ${ms}, changed`)
      }
      if (verify(headers['jambonz-signature'], body, ['wh_secret_abd'], start + ms)) {
        t.fail(`${name} at ${ms}, another secret`)
      }
    }
  }
  t.ok(count > 400, `${count} hooks`)
})

await t.test("whatever the body's bytes are", async t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string({ minLength: 1 }), (bytes, secret) =>
      verify(signed(Buffer.from(bytes), secret), Buffer.from(bytes), [secret]))
  )
  t.pass('for all of them')
})

await t.test('any of the secrets may have signed', async t => {
  t.ok(verify(signed('x', 'old'), 'x', ['new', 'old']))
  t.ok(verify(signed('x', 'new'), 'x', ['new', 'old']))
  t.notOk(verify(signed('x', 'older'), 'x', ['new', 'old']))
  t.notOk(verify(signed('x', 'old'), 'x', []), 'none accepts nothing')
})

await t.test('a rotating sender may sign twice', async t => {
  const [time, one] = signed('x', 'old').split(',')
  const [, two] = signed('x', 'new').split(',')
  t.ok(verify(`${time},${one},${two}`, 'x', ['new']))
  t.ok(verify(`${time}, ${two}, ${one}`, 'x', ['new']))
})

await t.test('the timestamp may be five minutes off, either way', async t => {
  for (const seconds of [0, 299, 300, -299, -300]) {
    t.ok(verify(signed('x', 'a', NOW / 1000 + seconds), 'x'), `${seconds}`)
  }
  for (const seconds of [302, -302, 3600, -3600]) {
    t.notOk(verify(signed('x', 'a', NOW / 1000 + seconds), 'x'), `${seconds}`)
  }
})

await t.test('garbage is refused and never throws', async t => {
  const parts = fc.oneof(
    fc.string(),
    fc.constantFrom(
      't=',
      't=1',
      `t=${NOW / 1000}`,
      't=99999999999999999999',
      't=-1',
      'v1=',
      `v1=${'0'.repeat(64)}`,
      `v1=${'f'.repeat(63)}`,
      'v1=zz',
      'v0=1',
      '=',
      ',',
      't=NaN',
      't=1e3'
    )
  )
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 6 }), fc.string(), (texts, body) => !verify(texts.join(','), body)),
    { numRuns: 500 }
  )
  t.notOk(verify(undefined, 'x'))
  t.notOk(verify('', 'x'))
})

await t.test('a signature is of one body and one time', async t => {
  const header = signed('{"a":1}', 'a')
  t.ok(verify(header, '{"a":1}'))
  t.notOk(verify(header, '{"a": 1}'))
  t.notOk(verify(header.replace(/t=\d+/, `t=${NOW / 1000 + 1}`), '{"a":1}'))
})

const basic = (user: string, password: string) => `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

await t.test('Basic credentials', async t => {
  t.ok(verifyBasic(basic('u', 'p'), 'u', 'p'))
  t.ok(verifyBasic(basic('u', 'p').replace('Basic', 'basic'), 'u', 'p'))
  t.ok(verifyBasic(basic('u', 'p:q'), 'u', 'p:q'), 'a colon in the password')
  t.ok(verifyBasic(basic('u', 'pä€'), 'u', 'pä€'))
  for (
    const wrong of [
      undefined,
      '',
      'Basic',
      'Basic ',
      basic('u', 'q'),
      basic('v', 'p'),
      basic('u', ''),
      basic('', ''),
      `Bearer ${Buffer.from('u:p').toString('base64')}`,
      'Basic u:p'
    ]
  ) {
    t.notOk(verifyBasic(wrong, 'u', 'p'), String(wrong))
  }
  t.notOk(verifyBasic(undefined, '', ''), 'no header is no credentials')
})

await t.test('any pair matches itself and no other', async t => {
  const user = fc.string({ maxLength: 20 }).filter(text => !text.includes(':'))
  fc.assert(
    fc.property(user, fc.string({ maxLength: 20 }), user, fc.string({ maxLength: 20 }), (u, p, v, q) =>
      verifyBasic(basic(u, p), u, p) && verifyBasic(basic(u, p), v, q) === (u === v && p === q))
  )
  t.pass('for all of them')
})
