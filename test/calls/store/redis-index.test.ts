import fc from 'fast-check'
import t from 'tap'
import type { Call } from '../../../src/calls/fold/call.ts'
import { PHASES, type Cause } from '../../../src/calls/fold/vocabulary.ts'
import {
  COUNTED,
  entriesOf,
  kindsOf,
  listPlace,
  timeOf,
  timeToLive,
  without
} from '../../../src/calls/store/redis-index.ts'
import {
  createRevisions,
  decodeRecord,
  encodeRecord,
  hold,
  NOTHING
} from '../../../src/calls/store/redis-record.ts'
import { HEADER_LENGTH, REVISION_LENGTH, TIME_LENGTH } from '../../../src/calls/store/redis-scripts.ts'
import { numberKey } from '../../../src/calls/store/number-key.ts'
import { matches, type CallFilter } from '../../../src/calls/store/registry.ts'
import { NOW, sketch } from '../../fixtures/registry-contract.ts'

const kindOf = (entry: string) => entry.slice(0, entry.indexOf('\0'))
const kinds = (call: Call) => [...entriesOf(call.callSid, call)].map(kindOf).sort()

await t.test('what a call is found by', async t => {
  t.same(
    kinds(sketch('a', { from: '+1', to: '+2', phase: 'ringing', rooms: ['one', 'two'], earlier: ['old'], duties: 2 })),
    ['a', 'd', 'd', 'f:1', 'g:demo-agent', 'l', 'p:ringing', 'r:old', 'r:one', 'r:two', 't:2']
  )
  t.same(kinds(sketch('a', { from: '+1', to: '+2', phase: 'ended', cause: 'busy' })), [
    'c:busy',
    'f:1',
    'g:demo-agent',
    'l',
    'p:ended',
    't:2'
  ])
  const place = listPlace({ received: NOW, callSid: 'a' })
  t.ok([...entriesOf('a', sketch('a'))].every(entry => entry.endsWith(`\0${place}`)))
})

await t.test('a call has all kinds that a filter asks for exactly when it matches', async t => {
  const numbers = fc.constantFrom('+1', '1', 'tel:1', '+2', '00 (2)', 'anonymous', '')
  const causes = fc.constantFrom<Cause>('lost', 'busy')
  const some = fc.record({ phase: fc.constantFrom(...PHASES), from: numbers, to: numbers, cause: causes })
  const filter = fc.record<CallFilter>({
    phase: fc.constantFrom(...PHASES, 'active' as const),
    from: numbers,
    to: numbers,
    cause: causes
  }, { requiredKeys: [] })
  fc.assert(fc.property(some, filter, (is, filter) => {
    const call = sketch('a', is)
    return kindsOf(filter).every(kind => kinds(call).includes(kind)) === matches(call, filter)
  }))
  t.pass('for all of them')
})

await t.test('numbers are the same in every spelling', async t => {
  const spellings = [
    '+15550001111',
    '15550001111',
    '0015550001111',
    ' 15550001111',
    '+1 (555) 000-1111',
    '+1.555.000/1111',
    'tel:+1-555-000-1111',
    'TEL:+15550001111;phone-context=x',
    'sip:+15550001111@carrier.example.com',
    'sips:15550001111@[2001:db8::1]:5061;transport=tls'
  ]
  for (const spelled of spellings) t.equal(numberKey(spelled), '15550001111', spelled)
  for (const [text, key] of [['Alice', 'alice'], ['anonymous', 'anonymous'], ['', ''], ['*98#', '*98#'], ['0', '0']]) {
    t.equal(numberKey(text!), key)
  }
  t.not(numberKey('5550001111'), numberKey('15550001111'), 'national and international may be different numbers')
})

await t.test('the entries of a record of version 1 have its numbers as they were spelled', async t => {
  const call = sketch('a', { from: '+1', to: '+2' })
  const record = encodeRecord(call, 'x'.repeat(REVISION_LENGTH))
  const old = record.replace(`"v":${call.v}`, '"v":1').replace(/"attempts":\[[^\]]*\]/, '"attempts":[]')
  const numbers = (record: string) =>
    [...decodeRecord('a', record).entries].map(kindOf).filter(kind => /^[ft]:/.test(kind)).sort()
  t.same(numbers(record), ['f:1', 't:2'])
  t.same(numbers(old), ['f:+1', 't:+2'], 'so that the next update removes them')
})

await t.test('places are in the order of the list', async t => {
  const place = fc.record({ received: fc.nat(3), callSid: fc.constantFrom('a', 'b', 'B', 'a-1', 'a1') })
  fc.assert(fc.property(place, place, (one, other) => {
    const before = one.received > other.received || (one.received === other.received && one.callSid < other.callSid)
    return before === (Buffer.compare(Buffer.from(listPlace(one)), Buffer.from(listPlace(other))) < 0)
  }))
  t.equal(timeOf(NOW).length, TIME_LENGTH)
  t.equal(timeOf(999_999_999_999_999).length, TIME_LENGTH)
})

await t.test('only what differs is told', async t => {
  const [before, after] = [sketch('a', { phase: 'dialing', duties: 1 }), sketch('a', { phase: 'ringing', duties: 2 })]
    .map(call => entriesOf('a', call))
  t.same(without(before!, after!).map(kindOf), ['p:dialing'])
  t.same(without(after!, before!).map(kindOf), ['p:ringing', 'd'])
  t.equal(COUNTED.length, PHASES.length + 1)
})

await t.test('how long a record is kept', async t => {
  const day = 86_400_000
  t.equal(timeToLive(sketch('a', { phase: 'ended', wake: NOW + 5000 }), NOW), 605_000)
  t.equal(
    timeToLive(sketch('a', { phase: 'ended', wake: NOW - 5000 }), NOW),
    600_000,
    'never at once: somebody may be looking at it'
  )
  t.equal(timeToLive(sketch('a', { phase: 'ended', wake: NOW + 5000, duties: 1 }), NOW), day + 5000)
  t.equal(timeToLive(sketch('a', { wake: NOW + 5000 }), NOW), day + 5000)
  t.equal(timeToLive(sketch('a'), NOW), day)
})

await t.test('a record has its revision and its time in front', async t => {
  const { next, mine } = createRevisions()
  const [one, two] = [next(), next()]
  t.not(one, two)
  t.equal(one.length, REVISION_LENGTH)
  t.ok(one.startsWith(mine))
  t.notOk(createRevisions().next().startsWith(mine), 'no other process makes the same')
  const call = sketch('a', { wake: NOW })
  const record = encodeRecord(call, one)
  t.equal(record.slice(0, HEADER_LENGTH), one + timeOf(NOW))
  t.same(decodeRecord('a', record), hold('a', call, one))
  t.equal(hold('a', undefined), NOTHING)
})
