import t from 'tap'
import { consoleModule } from '../fixtures/console-modules.ts'

const { createOrderKeys, EMPTY_ORDER, orderRequest, refusalOf } = await consoleModule('place-order.js')
const { ApiError } = await consoleModule('api.js')

await t.test('an order says what was filled in, and nothing else', async t => {
  t.same(orderRequest({ ...EMPTY_ORDER, to: ' +15550001111 ' }), { to: '+15550001111' })
  const form = {
    to: '+15550001111',
    from: '+15551230000',
    agent: 'my-agent',
    metadata: '{"customer": "C-17"}',
    reference: 'order-4711',
    carrier: 'MyCarrier',
    callerName: 'Acme Inc',
    ring: '30',
    longest: ' 900 ',
    voicemail: 'agent',
    onMachine: 'hangup'
  }
  t.same(orderRequest(form), { ...form, metadata: { customer: 'C-17' }, ring: 30, longest: 900 })
  t.same(Object.keys(EMPTY_ORDER).sort(), Object.keys(form).sort())
})

await t.test('metadata is an object only when it reads as one', async t => {
  const metadata = (text: string) => orderRequest({ ...EMPTY_ORDER, metadata: text }).metadata
  t.same(metadata(' {"a": 1} '), { a: 1 })
  for (const text of ['C-17', '17', 'true', 'null', '[1]', '{"a": 1']) t.equal(metadata(text), text)
  t.equal(metadata('  '), undefined)
})

await t.test('what is no number of seconds is left to the bridge to refuse', async t => {
  t.equal(orderRequest({ ...EMPTY_ORDER, ring: '1m' }).ring, '1m')
})

await t.test('an order has one key until its fate is known', async t => {
  let count = 0
  const keys = createOrderKeys(() => `key-${++count}`)
  t.equal(keys.keyOf({ to: '1' }), 'key-1')
  t.equal(keys.keyOf({ to: '1' }), 'key-1', 'a second click, or another try after no answer')
  t.equal(keys.keyOf({ to: '2' }), 'key-2', 'another order')
  keys.settled()
  t.equal(keys.keyOf({ to: '2' }), 'key-3', 'the same order once more is another call')
  const key = createOrderKeys().keyOf({})
  t.match(key, /^[\x21-\x7e]{20,255}$/, 'as an Idempotency-Key must be')
  t.not(createOrderKeys().keyOf({}), key)
})

await t.test('“nobody was called” is said only where it is proven', async t => {
  const error = (status: number, code: string, body?: object) => new ApiError('why', { status, code, body })
  const nobody: Array<[number, string]> = [
    [403, 'BRIDGE_NUMBER_REFUSED'],
    [409, 'BRIDGE_ORDER_TOO_LATE'],
    [429, 'BRIDGE_CAP_REACHED'],
    [502, 'BRIDGE_JAMBONZ_REFUSED'],
    [503, 'BRIDGE_STORE_UNAVAILABLE'],
    [504, 'BRIDGE_JAMBONZ_UNREACHABLE'],
    [413, 'HTTP']
  ]
  for (const [status, code] of nobody) {
    const refusal = { title: 'Nobody was called.', message: 'why', code, isSettled: true }
    t.match(refusalOf(error(status, code)), refusal, code)
  }
  const unknown: Array<[number, string]> = [
    [0, 'NO_ANSWER'],
    [500, 'BRIDGE_INTERNAL_ERROR'],
    [502, 'HTTP'],
    [504, 'HTTP'],
    [504, 'BRIDGE_PLACEMENT_UNKNOWN'],
    [409, 'BRIDGE_IDEMPOTENCY_UNDER_WAY']
  ]
  for (const [status, code] of unknown) {
    const { title, isSettled, hint } = refusalOf(error(status, code))
    t.notMatch(title, /Nobody/, code)
    t.equal(isSettled, false, code)
    t.match(hint, /no second call/, code)
  }
  t.equal(refusalOf(new Error('fault')).isSettled, false)
  t.equal(refusalOf(error(504, 'BRIDGE_PLACEMENT_UNKNOWN', { callSid: 'order-1' })).callSid, 'order-1')
  t.match(refusalOf(error(403, 'BRIDGE_NUMBER_REFUSED')).hint, /Routes/)
})
