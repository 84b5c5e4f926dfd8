import t from 'tap'
import type { InboundCall, RoutingRule, RoutingTarget, RoutingTrunk } from '../../src/sandbox/livekit/routing.ts'
import { addressAllowed, matchRule, matchTrunk, normalizeNumber, roomOf } from '../../src/sandbox/livekit/routing.ts'

const call: InboundCall = { fromUser: '+15550001111', fromHost: 'sbc.example.com', toUser: 'ctoken', sourceIp: '203.0.113.9' }
const trunk = (sipTrunkId: string, more: Partial<RoutingTrunk> = {}): RoutingTrunk => ({ sipTrunkId, numbers: [], allowedAddresses: [], allowedNumbers: [], ...more })
const rule = (sipDispatchRuleId: string, more: Partial<RoutingRule> = {}): RoutingRule =>
  ({ sipDispatchRuleId, target: { type: 'callee', roomPrefix: 'jb', pin: '', randomize: false }, trunkIds: [], inboundNumbers: [], numbers: [], ...more })
const direct: RoutingTarget = { type: 'direct', roomName: 'lobby', pin: '' }

await t.test('trunk', async t => {
  const wildcard = trunk('any')
  const cases: Array<[string, RoutingTrunk[], Partial<InboundCall>, object]> = [
    ['nothing there', [], {}, { match: 'none' }],
    ['a trunk without numbers takes all', [wildcard], {}, { match: 'default', trunk: wildcard }],
    ['a trunk that lists the number is better', [wildcard, trunk('s', { numbers: ['ctoken'] })], {}, { match: 'specific', trunk: { sipTrunkId: 's' } }],
    ['numbers compare without separators', [trunk('s', { numbers: ['1 (555) 123-0000'] })], { toUser: '+15551230000' }, { match: 'specific' }],
    ['another number', [trunk('s', { numbers: ['+1'] })], {}, { match: 'none' }],
    ['two specific ones', [trunk('a', { numbers: ['ctoken'] }), trunk('b', { numbers: ['ctoken'] })], {}, { match: 'conflict', trunks: [{}, {}] }],
    ['two wildcards', [trunk('a'), trunk('b')], {}, { match: 'conflict' }],
    ['caller not allowed', [trunk('a', { allowedNumbers: ['+1999'] })], {}, { match: 'none' }],
    ['caller allowed', [trunk('a', { allowedNumbers: ['15550001111'] })], {}, { match: 'default' }],
    ['address not allowed', [trunk('a', { allowedAddresses: ['198.51.100.0/24'] })], {}, { match: 'none' }],
    ['address allowed', [trunk('a', { allowedAddresses: ['203.0.113.0/24'] })], {}, { match: 'default' }]
  ]
  for (const [name, trunks, change, expected] of cases) t.match(matchTrunk(trunks, { ...call, ...change }), expected, name)
})

await t.test('addresses', async t => {
  const ok = (allowed: string[]) => addressAllowed(allowed, call)
  t.ok(ok([]))
  t.ok(ok(['203.0.113.9']))
  t.ok(ok(['sbc.example.com']), 'From host: spoofable, and how LiveKit does it')
  t.notOk(ok(['203.0.113.9:5060']), 'with a port it never fits')
  t.ok(ok(['sip://203.0.113.1']), 'only unusable entries: everyone')
  t.notOk(ok(['10.0.0.0/33', '::/0', '1.1.1.1']))
  t.equal(normalizeNumber('+1 (555) 1-2'), '+155512')
  t.equal(normalizeNumber('ctoken'), 'ctoken')
})

await t.test('rule', async t => {
  t.equal(matchRule([], 'a', call), undefined)
  t.match(matchRule([rule('open'), rule('mine', { trunkIds: ['a'] })], 'a', call), { sipDispatchRuleId: 'mine' }, 'a rule that names the trunk is better')
  t.match(matchRule([rule('open'), rule('other', { trunkIds: ['b'] })], 'a', call), { sipDispatchRuleId: 'open' })
  t.equal(matchRule([rule('mine', { trunkIds: ['a'] })], undefined, call), undefined, 'no trunk, no bound rule')
  t.match(matchRule([rule('callee', { trunkIds: ['a'] }), rule('direct', { trunkIds: ['a'], target: direct })], 'a', call), { sipDispatchRuleId: 'direct' })
  t.equal(matchRule([rule('x', { inboundNumbers: ['+15551230000'] })], 'a', call), undefined, 'inboundNumbers are callers')
  t.match(matchRule([rule('x', { numbers: ['ctoken'] }), rule('y')], 'a', call), { sipDispatchRuleId: 'x' })
  t.match(matchRule([rule('b'), rule('a')], 'a', call), { sipDispatchRuleId: 'a' })
})

await t.test('room', async t => {
  const name = (target: RoutingTarget) => roomOf(target, call, () => 'rnd')
  t.equal(name(direct), 'lobby')
  t.equal(name({ type: 'callee', roomPrefix: 'call-', pin: '', randomize: false }), 'call-_ctoken')
  t.equal(name({ type: 'callee', roomPrefix: '', pin: '', randomize: true }), 'ctoken_rnd')
  t.equal(name({ type: 'individual', roomPrefix: 'p', pin: '', noRandomness: false }), 'p_+15550001111_rnd')
  t.equal(name({ type: 'individual', roomPrefix: 'p', pin: '', noRandomness: true }), 'p_+15550001111')
})
