import { readdirSync } from 'node:fs'
import t from 'tap'
import { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from 'livekit-server-sdk'
import {
  addressAllowed,
  challenges,
  matchRule,
  matchTrunk,
  normalizeNumber,
  roomOf,
  routeCall,
  routingRule,
  type InboundCall,
  type RoutingRule,
  type RoutingTarget,
  type RoutingTrunk
} from '../../src/livekit/dispatch-matching.ts'
import { parseAddress, parseUri } from '../../src/sip/address.ts'
import { recording, type Recording } from '../fixtures/livekit/helper.ts'
import { fixture } from '../fixtures/paths.ts'

const call: InboundCall = {
  fromUser: '+15550001111',
  fromHost: 'sbc.example.com',
  toUser: 'ctoken',
  sourceIp: '203.0.113.9'
}
const trunk = (sipTrunkId: string, more: Partial<RoutingTrunk> = {}): RoutingTrunk => ({
  sipTrunkId,
  numbers: [],
  allowedAddresses: [],
  allowedNumbers: [],
  ...more
})
const rule = (sipDispatchRuleId: string, more: Partial<RoutingRule> = {}): RoutingRule => ({
  sipDispatchRuleId,
  target: { type: 'callee', roomPrefix: 'jb', pin: '', randomize: false },
  trunkIds: [],
  inboundNumbers: [],
  numbers: [],
  ...more
})
const callee = (roomPrefix: string, more = {}): RoutingTarget => ({
  type: 'callee',
  roomPrefix,
  pin: '',
  randomize: false,
  ...more
})
const direct: RoutingTarget = { type: 'direct', roomName: 'lobby', pin: '' }
const individual: RoutingTarget = { type: 'individual', roomPrefix: 'p', pin: '', noRandomness: true }

/*
 * Against what a real LiveKit did. The recordings were made in one project, whose trunk and rule two of them list.
 */

interface Listed {
  items: object[]
}
const listed = (name: string, method: string) =>
  (recording(name).twirp.find(({ path }) => path.endsWith(method))!.reply as Listed).items
const TRUNKS = listed('dispatch-rules-listed', 'ListSIPInboundTrunk').map(item =>
  SIPInboundTrunkInfo.fromJson(item as never)
)
const RULES = listed('dispatch-rules-listed', 'ListSIPDispatchRule').map(item =>
  routingRule(SIPDispatchRuleInfo.fromJson(item as never))!
)

interface Seen {
  invite: InboundCall
  challenged: boolean
  admitted: boolean
  room: string | undefined
  finals: number[]
}

/** What a recording shows of a call into LiveKit; undefined for one without. */
function seenIn ({ sip = [], webhooks = [] }: Partial<Recording>): Seen | undefined {
  const invite = sip.find(({ dir, start }) => dir === '>' && start.startsWith('INVITE'))
  if (!invite) return undefined
  const from = parseUri(parseAddress(invite.headers['from']!).uri)
  const to = parseUri(parseAddress(invite.headers['to']!).uri)
  const statuses = sip.flatMap(({ dir, start }) =>
    dir === '<' && start.startsWith('SIP/2.0') ? [Number(start.split(' ')[1])] : []
  )
  const joined = webhooks.map(({ body }) => JSON.parse(body)).find(({ event, participant }) =>
    event === 'participant_joined' && participant?.attributes?.['sip.trunkPhoneNumber'] === to.user
  )
  return {
    invite: { fromUser: from.user, fromHost: from.host, toUser: to.user, sourceIp: '127.0.0.1' },
    challenged: statuses.includes(407),
    admitted: statuses.includes(180),
    room: joined?.room?.name,
    finals: statuses.filter(status => status >= 200 && status !== 407)
  }
}

const names = readdirSync(fixture('livekit/')).filter(file => file.endsWith('.json')).map(
  file => file.slice(0, -5)
)

await t.test('recorded calls land where they landed', async t => {
  t.ok(TRUNKS.length === 1 && RULES.length === 1)
  t.ok(challenges(TRUNKS[0]!))
  const rooms: string[] = []
  for (const name of names.filter(name => name !== 'no-trunk-matches')) {
    const seen = seenIn(recording(name))
    if (!seen) continue
    const route = routeCall(TRUNKS, RULES, seen.invite, { cloud: false })
    t.match(route, { to: 'room', room: `jb_${seen.invite.toUser}`, pin: false }, name)
    t.equal(seen.challenged, true, `${name}: the trunk asked for credentials`)
    if (seen.room === undefined) continue
    t.equal((route as { room: string }).room, seen.room, `${name}: the room that LiveKit's webhook names`)
    rooms.push(name)
  }
  t.ok(rooms.length >= 10, `${rooms.length} recordings name their room`)
  t.ok(rooms.includes('seed-option-1'), 'also where somebody dialled an SCL_ id')
})

await t.test(
  'a trunk that lists another number, recorded: nobody asks for credentials, it rings once and falls ' +
    'silent',
  async t => {
    const seen = seenIn(recording('no-trunk-matches'))!
    t.match(seen, { challenged: false, admitted: true, room: undefined, finals: [] })
    const other = TRUNKS.map(trunk => Object.assign(trunk.clone(), { numbers: ['+15559990000'] }))
    t.same(routeCall(other, RULES, seen.invite, { cloud: false }), { to: 'no-rule' })
  }
)

await t.test('trunk: livekit.md 2.3, 3.4', async t => {
  const any = trunk('any')
  const specific = trunk('s', { numbers: ['ctoken'] })
  const cases: Array<[string, RoutingTrunk[], Partial<InboundCall>, object]> = [
    ['nothing there', [], {}, { match: 'none' }],
    ['a trunk without numbers takes all', [any], {}, { match: 'default', trunk: any }],
    ['also what is no number', [any], { toUser: 'SCL_x' }, { match: 'default' }],
    ['a trunk that lists the number is better', [any, specific], {}, { match: 'specific', trunk: { sipTrunkId: 's' } }],
    ['in whatever order', [specific, any], {}, { match: 'specific', trunk: { sipTrunkId: 's' } }],
    ['even of two wildcards', [any, trunk('b'), specific], {}, { match: 'specific' }],
    [
      'numbers compare without separators',
      [trunk('s', { numbers: ['1 (555) 123-0000'] })],
      { toUser: '+15551230000' },
      { match: 'specific' }
    ],
    ['an all-digit user is read as a number', [trunk('s', { numbers: ['+123'] })], { toUser: '123' }, {
      match: 'specific'
    }],
    ['names compare as they are', [trunk('s', { numbers: ['CTOKEN'] })], {}, { match: 'none' }],
    ['another number', [trunk('s', { numbers: ['+1'] })], {}, { match: 'none' }],
    ['two specific ones: 503', [specific, trunk('b', { numbers: ['ctoken'] })], {}, {
      match: 'conflict',
      trunks: [{}, {}]
    }],
    ['one that lists it twice is in its own way', [trunk('a', { numbers: ['+1555', '1555'] })], { toUser: '1555' }, {
      match: 'conflict'
    }],
    ['two wildcards: 503', [any, trunk('b')], {}, { match: 'conflict', trunks: [any, { sipTrunkId: 'b' }] }],
    [
      'two wildcards for different callers',
      [trunk('a', { allowedNumbers: ['+1999'] }), trunk('b', { allowedNumbers: ['+15550001111'] })],
      {},
      { match: 'default', trunk: { sipTrunkId: 'b' } }
    ],
    [
      'two wildcards for different addresses',
      [trunk('a', { allowedAddresses: ['198.51.100.1'] }), trunk('b', { allowedAddresses: ['203.0.113.9'] })],
      {},
      { match: 'default', trunk: { sipTrunkId: 'b' } }
    ],
    ['caller not allowed', [trunk('a', { allowedNumbers: ['+1999'] })], {}, { match: 'none' }],
    ['caller allowed, normalised', [trunk('a', { allowedNumbers: ['1 (555) 000-1111'] })], {}, { match: 'default' }],
    ['caller without number', [trunk('a', { allowedNumbers: ['anonymous'] })], { fromUser: 'anonymous' }, {
      match: 'default'
    }],
    ['address not allowed', [trunk('a', { allowedAddresses: ['198.51.100.0/24'] })], {}, { match: 'none' }],
    ['address allowed', [trunk('a', { allowedAddresses: ['203.0.113.0/24'] })], {}, { match: 'default' }],
    ['a trunk that does not fit is no conflict', [any, trunk('b', { allowedAddresses: ['198.51.100.1'] })], {}, {
      match: 'default',
      trunk: any
    }]
  ]
  for (const [name, trunks, change, expected] of cases) {
    t.match(matchTrunk(trunks, { ...call, ...change }), expected, name)
  }
})

await t.test('addresses: livekit.md 2.3', async t => {
  const ok = (allowed: string[], change = {}) => addressAllowed(allowed, { ...call, ...change })
  t.ok(ok([]))
  t.ok(ok(['203.0.113.9']))
  t.ok(ok(['203.0.113.0/24', '198.51.100.1']))
  t.notOk(ok(['203.0.113.10']))
  t.ok(ok(['sbc.example.com']), 'From host: spoofable, and how LiveKit does it')
  t.notOk(ok(['other.example.com']))
  t.notOk(ok(['203.0.113.9:5060']), 'with a port it is kept and never fits')
  for (
    const entry of [
      'sip://203.0.113.1',
      '198.51.100.*',
      '(198.51.100.1)',
      '+198.51.100.1',
      '198.51.100.1;x',
      '198.51.100.1,198.51.100.2',
      '198.51.100.1 '
    ]
  ) {
    t.ok(ok([entry]), `${entry}: dropped; nothing is left, so everyone`)
    t.notOk(ok([entry, '198.51.100.1']), `${entry}: dropped; the other entry counts`)
  }
  t.notOk(ok(['10.0.0.0/33', '::/0', '1.1.1.1']))
  t.ok(ok(['2001:db8::/32'], { sourceIp: '2001:db8::9' }))
  t.equal(normalizeNumber('+1 (555) 1-2'), '+155512')
  t.equal(normalizeNumber('ctoken'), 'ctoken')
  t.equal(normalizeNumber('c155'), 'c155', 'a token begins with a letter')
})

await t.test('credentials: half a pair asks nobody', async t => {
  t.same(['', 'u'].flatMap(authUsername => ['', 'p'].map(authPassword => challenges({ authUsername, authPassword }))), [
    false,
    false,
    false,
    true
  ])
})

await t.test('rule: livekit.md 3.5', async t => {
  const mine = rule('mine', { trunkIds: ['a'] })
  const bound = (id: string, more: Partial<RoutingRule> = {}) => rule(id, { trunkIds: ['a'], ...more })
  const cases: Array<[string, RoutingRule[], string | undefined, string | undefined, Partial<InboundCall>?]> = [
    ['no rule', [], 'a', undefined],
    ['a rule that names the trunk is better', [rule('open'), mine], 'a', 'mine'],
    ['whatever its priority', [rule('open', { target: direct, inboundNumbers: [call.fromUser] }), mine], 'a', 'mine'],
    ['a rule for another trunk does not count', [rule('open'), rule('other', { trunkIds: ['b'] })], 'a', 'open'],
    ['no trunk: only rules without trunk ids', [mine], undefined, undefined],
    ['no trunk: a rule without trunk ids takes strangers', [mine, rule('open')], undefined, 'open'],
    ['direct before callee', [mine, bound('direct', { target: direct })], 'a', 'direct'],
    [
      'direct before individual',
      [bound('individual', { target: individual }), bound('direct', { target: direct })],
      'a',
      'direct'
    ],
    ['individual before callee', [mine, bound('individual', { target: individual })], 'a', 'individual'],
    [
      'callee for this caller before direct for all',
      [bound('direct', { target: direct }), bound('x', { inboundNumbers: [call.fromUser] })],
      'a',
      'x'
    ],
    [
      'callee for this number before direct for all',
      [bound('direct', { target: direct }), bound('x', { numbers: ['ctoken'] })],
      'a',
      'x'
    ],
    [
      'caller and number before caller',
      [
        bound('y', { target: direct, inboundNumbers: [call.fromUser] }),
        bound('x', { inboundNumbers: [call.fromUser], numbers: ['ctoken'] })
      ],
      'a',
      'x'
    ],
    [
      'inboundNumbers are callers, not what is dialled',
      [bound('x', { inboundNumbers: ['+15551230000'] })],
      'a',
      undefined,
      { toUser: '+15551230000' }
    ],
    ['numbers of a rule compare letter by letter', [bound('x', { inboundNumbers: ['15550001111'] })], 'a', undefined],
    ['dialled ones too', [bound('x', { numbers: ['1 555'] })], 'a', undefined, { toUser: '1555' }],
    ['with a PIN before without', [mine, bound('pin', { target: callee('jb', { pin: '12' }) })], 'a', 'pin'],
    [
      'direct with PIN before callee with PIN',
      [bound('pin', { target: callee('jb', { pin: '12' }) }), bound('direct', { target: { ...direct, pin: '34' } })],
      'a',
      'direct'
    ],
    [
      'the PIN that was typed',
      [
        mine,
        bound('other', { target: callee('jb', { pin: '34' }) }),
        bound('pin', { target: callee('jb', { pin: '12' }) })
      ],
      'a',
      'pin',
      { pin: '12' }
    ],
    [
      'a wrong PIN leads to no rule without one',
      [mine, bound('pin', { target: callee('jb', { pin: '12' }) })],
      'a',
      undefined,
      { pin: '99' }
    ],
    [
      'a tie goes to the room that sorts first',
      [bound('a', { target: callee('zz') }), bound('b', { target: callee('aa') })],
      'a',
      'b'
    ]
  ]
  for (const [name, rules, trunkId, expected, change] of cases) {
    t.equal(matchRule(rules, trunkId, { ...call, ...change })?.sipDispatchRuleId, expected, name)
  }
})

await t.test('room: livekit.md 3.1, 3.3', async t => {
  const name = (target: RoutingTarget, change = {}) => roomOf(target, { ...call, ...change }, () => 'rnd')
  t.equal(name(direct), 'lobby')
  t.equal(name(callee('call-')), 'call-_ctoken', "the underscore is LiveKit's")
  t.equal(name(callee('')), 'ctoken')
  t.equal(name(callee('', { randomize: true })), 'ctoken_rnd')
  t.equal(name(callee('p', { randomize: true })), 'p_ctoken_rnd')
  t.equal(name(callee('p'), { toUser: 'C-Token_1' }), 'p_C-Token_1', 'as it was sent')
  t.equal(name(callee('p'), { toUser: '1 555' }), 'p_1 555', 'not normalised')
  t.equal(name({ ...individual, noRandomness: false } as RoutingTarget), 'p_+15550001111_rnd')
  t.equal(name(individual), 'p_+15550001111')
  t.equal(name({ ...individual, hidesCaller: true } as RoutingTarget), 'p_1111')
})

await t.test('the whole way', async t => {
  const any = trunk('any')
  const mine = rule('mine', { trunkIds: ['any'] })
  const route = (trunks: RoutingTrunk[], rules: RoutingRule[], cloud = false) =>
    routeCall(trunks, rules, call, { cloud })
  t.match(route([any], [mine]), { to: 'room', room: 'jb_ctoken', trunk: any, rule: mine, pin: false })
  t.match(route([any, trunk('b')], [mine]), { to: 'conflict', trunks: [{}, {}] })
  t.same(route([any], []), { to: 'no-rule', trunk: any })
  t.same(route([], [mine]), { to: 'no-rule' })
  const strangers = route([], [rule('open')])
  t.match(
    strangers,
    { to: 'room', room: 'jb_ctoken' },
    "a server of one's own lets in a call that no trunk has authenticated"
  )
  t.notOk('trunk' in strangers)
  t.same(route([], [rule('open')], true), { to: 'no-trunk' }, 'LiveKit Cloud answers 404')
  t.match(route([any], [rule('pin', { target: callee('jb', { pin: '1' }) })]), { to: 'room', pin: true })
})

await t.test('rules of the SDK', async t => {
  const of = (rule: object, more = {}) =>
    routingRule(
      new SIPDispatchRuleInfo({
        sipDispatchRuleId: 'r',
        rule: { rule } as never,
        trunkIds: ['a'],
        inboundNumbers: ['+1'],
        numbers: ['x'],
        ...more
      })
    )
  t.same(of({ case: 'dispatchRuleCallee', value: { roomPrefix: 'jb', randomize: true } }), {
    sipDispatchRuleId: 'r',
    trunkIds: ['a'],
    inboundNumbers: ['+1'],
    numbers: ['x'],
    target: callee('jb', { randomize: true })
  })
  t.match(of({ case: 'dispatchRuleDirect', value: { roomName: 'lobby', pin: '1' } })?.target, {
    type: 'direct',
    roomName: 'lobby',
    pin: '1'
  })
  t.match(of({ case: 'dispatchRuleIndividual', value: { roomPrefix: 'p' } }, { hidePhoneNumber: true })?.target, {
    type: 'individual',
    roomPrefix: 'p',
    noRandomness: false,
    hidesCaller: true
  })
  t.equal(routingRule(new SIPDispatchRuleInfo()), undefined, 'a kind that is not known')
})
