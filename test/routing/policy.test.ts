import fc from 'fast-check'
import t from 'tap'
import { policyWith } from '../fixtures/policies.ts'
import { maskNumber } from '../../src/routing/policy/mask-number.ts'
import { planOf } from '../../src/routing/policy/phone-numbers.ts'
import { decide, DOORS, type Door, type PolicyContext } from '../../src/routing/policy/policy.ts'
import { entryProblem } from '../../src/routing/policy/entries.ts'
import { explainRefusal, REFUSALS } from '../../src/routing/policy/refusals.ts'
import { CONTEXT_AT_DOORS, NUMBERS_AT_DOORS } from '../fixtures/numbers-at-doors.ts'

const context = CONTEXT_AT_DOORS

/** As the table writes it: `ok`, `→` and what is dialled instead, or the reason. */
function verdict (door: Door, number: string, context: PolicyContext): string {
  const decision = decide(door, number, context)
  if (!decision.allowed) return decision.reason
  return decision.target === number ? 'ok' : `→ ${decision.target}`
}

for (const [group, rows] of NUMBERS_AT_DOORS) {
  await t.test(group, async t => {
    for (const [number, transfer, outbound = transfer, routes = transfer] of rows) {
      t.strictSame(
        DOORS.map(door => `${door}: ${verdict(door, number, context)}`),
        [`outbound: ${outbound}`, `transfer: ${transfer}`, `trunk: ${outbound}`, `routes: ${routes}`],
        JSON.stringify(number)
      )
    }
  })
}

const ALL = NUMBERS_AT_DOORS.flatMap(([, rows]) => rows.map(([number]) => number))
const OTHERS_CHOOSE = ['outbound', 'transfer', 'trunk'] as const

await t.test('without a policy, or with an empty `allow`, nothing passes a door where others choose', async t => {
  t.ok(ALL.length > 250)
  const passed = (changed: Partial<PolicyContext>) =>
    ALL.flatMap(number => OTHERS_CHOOSE.filter(door => decide(door, number, { ...context, ...changed }).allowed))
  t.same(passed({ policy: undefined }), [])
  t.same(passed({ policy: policyWith({ sip: ['pbx.example.com'] }) }), [])
  t.match(decide('transfer', '+49531180546', { ...context, policy: undefined }), { reason: 'no-policy' })
  t.match(decide('transfer', '+49531180546', { ...context, policy: policyWith() }), { reason: 'nothing-allowed' })
})

await t.test('the routes file may name what it likes, but for what is refused everywhere', async t => {
  for (const policy of [undefined, policyWith()]) {
    const word = (number: string) => verdict('routes', number, { ...context, policy })
    t.equal(word('+49531180546'), 'ok')
    t.equal(word('sip:alice@elsewhere.example.com'), 'ok')
    t.equal(word('+19005551234'), 'premium-rate')
    t.equal(word('+4953118054630'), 'own-number')
    t.equal(word('+15559998888'), 'invalid')
    t.equal(word('112'), 'emergency')
  }
})

await t.test('a national number says nothing where no country is set', async t => {
  const abroad = { ...context, country: undefined }
  t.equal(verdict('transfer', '0531 180546', abroad), 'national')
  t.equal(verdict('transfer', '0049531180546', abroad), 'national')
  t.equal(verdict('transfer', '650 253 0000', { ...context, country: 'US' }), '→ +16502530000')
  t.equal(verdict('transfer', '1-800-FLOWERS', { ...context, country: 'US' }), '→ +18003569377')
  const own = { ...abroad, numbers: ['0531 18054630'] }
  t.equal(verdict('transfer', '+4953118054630', own), 'own-number', 'one of ours is known by its digits')
})

await t.test('a prefix that does not go beyond the country code opens only numbers that somebody may have', async t => {
  const only = (entry: string) => ({ ...context, policy: policyWith({ allow: [entry] }) })
  t.equal(verdict('outbound', '+15559998888', only('+1')), 'invalid')
  t.equal(verdict('outbound', '+15559998888', only('US')), 'invalid')
  t.equal(verdict('outbound', '+18765551234', only('+1')), 'ok', 'in every country of +1')
  t.equal(verdict('outbound', '+447012345678', only('GB')), 'not-allowed', 'a personal number')
  t.equal(verdict('outbound', '+447012345678', only('+44')), 'not-allowed')
  t.equal(verdict('outbound', '+19005551234', only('+1900')), 'premium-rate')
  t.equal(verdict('outbound', '+881612345678', only('+881612345678')), 'ok', 'named in full')
})

const someNumber = fc.oneof(
  fc.constantFrom(...ALL),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.stringMatching(/^\+?[0-9 ()./-]{3,20}$/),
  fc.stringMatching(/^(sip|sips|tel):[+0-9a-z%;=@.?:]{1,40}$/)
)
const someEntry = fc.oneof(
  fc.constantFrom('DE', 'US', 'JM', '+49', '+1', '+1555', '+15559998888', '115'),
  fc.stringMatching(/^\+[1-9][0-9]{0,12}$/)
)
const somePolicy = fc.record({
  allow: fc.array(someEntry, { maxLength: 5 }),
  deny: fc.array(someEntry, { maxLength: 3 }),
  sip: fc.constantFrom([], ['pbx.example.com']),
  caps: fc.constant({})
})
const someDoor = fc.constantFrom(...DOORS)

await t.test('what is dialled is plain, and is judged again as it was', async t => {
  fc.assert(fc.property(someDoor, someNumber, somePolicy, (door, number, policy) => {
    const decision = decide(door, number, { ...context, policy })
    if (!decision.allowed) return decision.why.length > 0
    const again = decide(door, decision.target, { ...context, policy })
    return /^(\+[1-9]\d{1,14}|\d{1,6}|sips?:[\w.+*%~!-]+@[a-z0-9.:[\]-]+(;transport=[a-z]+)?(;user=phone)?)$/
      .test(decision.target) && again.allowed && again.target === decision.target
  }), { numRuns: 3000 })
  t.pass('for all of them')
})

await t.test('a SIP address without a real host is none', async t => {
  const policy = { allow: ['DE'], deny: [], sip: ['pbx.example.com'], caps: {} }
  for (const host of ['.', '..', '.example.com', 'pbx..example.com', 'pbx.example.com..']) {
    for (const door of DOORS) t.equal(decide(door, `sip:desk@${host}`, { ...context, policy }).allowed, false, host)
  }
  t.match(decide('transfer', 'sip:desk@pbx.example.com.', { ...context, policy }), {
    allowed: true,
    target: 'sip:desk@pbx.example.com'
  })
})

await t.test('deny wins, whatever is allowed', async t => {
  fc.assert(fc.property(someDoor, someNumber, somePolicy, (door, number, policy) => {
    const decision = decide(door, number, { ...context, policy })
    const digits = decision.allowed ? /\+\d+/.exec(decision.target)?.[0] : undefined
    if (digits === undefined) return true
    // Any beginning of what was allowed forbids it.
    return [2, 3, 5, digits.length].every(length => {
      const denied = { ...policy, deny: [...policy.deny, digits.slice(0, length)] }
      const now = decide(door, number, { ...context, policy: denied })
      return !now.allowed && now.reason === 'denied'
    })
  }), { numRuns: 1000 })
  t.pass('for all of them')
})

await t.test('nothing passes an empty `allow`, and no text breaks anything', async t => {
  fc.assert(fc.property(fc.constantFrom(...OTHERS_CHOOSE), someNumber, (door, number) =>
    !decide(door, number, { ...context, policy: policyWith({ sip: ['pbx.example.com'] }) }).allowed))
  t.pass('for all of them')
})

await t.test('what the log shows of a number', async t => {
  const cases = [
    ['+49531180546', '+49531****'],
    ['+4915123456789', '+49151****'],
    ['+15551230009', '+1555****'],
    ['0531 180546', '+49531****'],
    ['+49531', '****'],
    ['112', '****'],
    ['alice', '****'],
    ['sip:+49531180546@pbx.example.com', 'sip:****@pbx.example.com'],
    ['sip:a@49531180546.example.com', 'sip:****@****.example.com']
  ] as const
  for (const [number, masked] of cases) t.equal(maskNumber(number, 'DE'), masked, number)
  fc.assert(fc.property(fc.stringMatching(/^\+[1-9][0-9]{6,14}$/), number =>
    (maskNumber(number).match(/\d/g)?.length ?? 0) <= number.length - 6))
})

await t.test('entries that mean nothing, and what to write instead', async t => {
  for (const entry of ['DE', 'de', '+49', '+49 531*', '+15551230009', '115']) {
    t.equal(entryProblem(entry), undefined, entry)
  }
  t.match(entryProblem('XX'), /"XX" is no country/)
  t.match(entryProblem('004953118'), /Write "\+4953118" in quotes/)
  t.match(entryProblem('everything'), /neither a country such as DE, nor a prefix/)
  t.ok(entryProblem('+'))
  t.ok(entryProblem(''))
})

await t.test('every refusal says what to do', async t => {
  for (const reason of REFUSALS) t.match(explainRefusal(reason, 'x'), /^[A-Z`].{20,300}\.$/s, reason)
})

await t.test('how national numbers begin', async t => {
  t.same(planOf('DE'), { trunk: '0', code: '49' })
  t.same(planOf('US'), { trunk: '1', code: '1' })
  t.same(planOf('IT'), { trunk: undefined, code: '39' })
})
