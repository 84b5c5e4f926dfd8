import fc from 'fast-check'
import t from 'tap'
import { createTokenOf } from '../../src/livekit/token.ts'

const SECRET = 'devsecretdevsecretdevsecretdevsecret'

await t.test('a token is a SIP user that needs no escaping and is no phone number', async t => {
  fc.assert(
    fc.property(fc.string(), fc.string({ minLength: 1 }), fc.nat(1000), (secret, callSid, attempt) =>
      /^c[a-z2-7]{26}$/.test(createTokenOf(secret)(callSid, attempt)))
  )
  t.pass('for all of them')
})

await t.test('the same on every replica and after a restart', async t => {
  fc.assert(fc.property(fc.uuid(), fc.integer({ min: 1, max: 100 }), (callSid, attempt) => {
    const [one, other] = [createTokenOf(SECRET), createTokenOf(SECRET)]
    return one(callSid, attempt) === other(callSid, attempt)
  }))
  t.equal(
    createTokenOf(SECRET)('d00d8a36-93f1-4a61-b3df-98751116d97a', 1),
    'cb7nt2zscxdk57mwl7q6xf6bhd2',
    'and in every version: rooms of running calls are named by it'
  )
})

await t.test('another call, attempt or secret has another token', async t => {
  const tokens = new Set<string>()
  let count = 0
  for (const secret of [SECRET, `${SECRET}2`]) {
    const tokenOf = createTokenOf(secret)
    for (let call = 0; call < 200; call++) {
      for (let attempt = 1; attempt <= 5; attempt++, count++) tokens.add(tokenOf(`call-${call}`, attempt))
    }
  }
  t.equal(tokens.size, count)
  t.not(createTokenOf(SECRET)('a:1', 1), createTokenOf(SECRET)('a', 11))
})

await t.test('a token says nothing of its call', async t => {
  const tokenOf = createTokenOf(SECRET)
  const letters = new Map<string, number>()
  for (let call = 0; call < 400; call++) {
    for (const char of tokenOf(`call-${call}`, 1).slice(1)) letters.set(char, (letters.get(char) ?? 0) + 1)
  }
  t.equal(letters.size, 32, 'all of the alphabet')
  t.ok(Math.min(...letters.values()) > 200 && Math.max(...letters.values()) < 450, 'evenly')
})
