import { SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import t from 'tap'
import { planDeletion, planProvision, type ProvisionState } from '../../src/provisioning/livekit-plan.ts'
import { reviewProject } from '../../src/provisioning/livekit-review.ts'
import {
  desiredRule,
  desiredTrunk,
  isOurs,
  MARKER,
  marked,
  type ProvisionSettings
} from '../../src/provisioning/livekit-wish.ts'

const wish: ProvisionSettings = {
  livekitSipUsername: 'jambonz',
  livekitSipPassword: 'secret-password',
  livekitRoomPrefix: 'jb',
  livekitAgentName: 'demo-agent',
  dialTimeoutS: 25,
  maxCallDurationS: 3600
}
type Trunk = ConstructorParameters<typeof SIPInboundTrunkInfo>[0]
type Rule = ConstructorParameters<typeof SIPDispatchRuleInfo>[0]
type Outbound = ConstructorParameters<typeof SIPOutboundTrunkInfo>[0]
const project = (trunks: Trunk[] = [], rules: Rule[] = [], outbound: Outbound[] = []): ProvisionState => ({
  trunks: trunks.map((trunk, index) => new SIPInboundTrunkInfo({ ...trunk, sipTrunkId: `ST_${index}` })),
  rules: rules.map((rule, index) => new SIPDispatchRuleInfo({ ...rule, sipDispatchRuleId: `SDR_${index}` })),
  outbound: outbound.map((trunk, index) => new SIPOutboundTrunkInfo({ sipTrunkId: `ST_o${index}`, ...trunk }))
})
const ourTrunk = (trunk: Trunk = {}) => ({ ...desiredTrunk(wish), ...trunk }) as Trunk
const ourRule = (rule: Rule = {}) => ({ ...desiredRule(wish, 'ST_0'), ...rule }) as Rule
const direct = (roomName = 'x', pin = '') => ({
  rule: { case: 'dispatchRuleDirect' as const, value: { roomName, pin } }
})
const callee = (roomPrefix: string) => ({ rule: { case: 'dispatchRuleCallee' as const, value: { roomPrefix } } })
const told = (state: ProvisionState, options = {}) => {
  const { changes, conflicts, findings } = planProvision(wish, state, options)
  return {
    changes: changes.map(({ do: what, what: kind, id }) => `${what} ${kind} ${id}`.trim()),
    conflicts: conflicts.map(({ code }) => code),
    findings: findings.map(({ code, severity }) => `${severity} ${code}`)
  }
}

await t.test('the mark is found whatever else the metadata says', async t => {
  t.ok(isOurs({ metadata: MARKER }))
  t.ok(isOurs({ metadata: '{"a":1,"managed_by":"jambonz-livekit-bridge"}' }))
  for (const metadata of ['', 'x', 'null', '[]', '{}', '"jambonz-livekit-bridge"']) {
    t.notOk(isOurs({ metadata }), metadata)
  }
  t.equal(marked('{"a":1}'), '{"a":1,"managed_by":"jambonz-livekit-bridge"}')
  for (const metadata of ['', 'x', 'null', '[1]']) t.equal(marked(metadata), MARKER)
})

await t.test('what is done', async t => {
  t.same(told(project()), { changes: ['create trunk', 'create rule'], conflicts: [], findings: [] })
  t.same(told(project([ourTrunk()], [ourRule()])), { changes: [], conflicts: [], findings: [] })
  t.same(told(project([ourTrunk()])).changes, ['create rule'])
  t.same(told(project([], [ourRule()])).changes, ['create trunk', 'update rule SDR_0'])
  t.same(told(project([ourTrunk({ authPassword: 'old' })], [ourRule()])).changes, ['update trunk ST_0'])
  t.same(
    told(project([ourTrunk(), ourTrunk({ allowedNumbers: ['+1'] })], [ourRule(), ourRule({ trunkIds: ['ST_gone'] })]))
      .changes,
    ['delete rule SDR_1', 'delete trunk ST_1']
  )
})

await t.test('a password is never shown', async t => {
  for (
    const state of [
      project(),
      project([ourTrunk({ authPassword: 'another-password' })], [ourRule()]),
      project([ourTrunk({ authPassword: '' })], [ourRule()])
    ]
  ) {
    const { changes, findings } = planProvision(wish, state)
    const fields = changes.flatMap(({ fields }) => fields)
    t.ok(fields.some(({ name }) => name === 'auth_password'))
    t.notMatch(JSON.stringify([fields, findings]), /(secret|another)-password/)
  }
})

await t.test('nor a PIN, a phone number, or what was written for an agent', async t => {
  const numbers = ['+15550001111', '+15550002222']
  const pinned = { rule: { case: 'dispatchRuleCallee' as const, value: { roomPrefix: 'jb', pin: '4711' } } }
  const state = project([ourTrunk({ numbers, allowedNumbers: numbers })], [
    ourRule({
      numbers,
      inboundNumbers: numbers,
      rule: pinned,
      roomConfig: { agents: [{ agentName: 'other', metadata: 'for-the-agent' }] }
    }),
    { trunkIds: ['ST_0'], inboundNumbers: numbers, rule: direct() }
  ])
  const { changes, findings } = planProvision(wish, state)
  const fields = changes.flatMap(({ fields }) => fields)
  t.match(fields.map(({ name, from }) => `${name} ${from}`), [
    'numbers 2 numbers',
    /^rule .*"pin":"\(not shown\)"/,
    'inbound_numbers 2 numbers',
    /^room_config .*"agent_name":"other","metadata":"\(not shown\)"/,
    'numbers 2 numbers'
  ])
  t.notMatch(
    JSON.stringify([
      fields,
      findings,
      reviewProject(project([ourTrunk({ allowedNumbers: numbers })], [ourRule({ inboundNumbers: numbers })]))
    ]),
    /\+1555|4711|for-the-agent/
  )
})

await t.test('credentials: those of the settings, or those that the trunk has', async t => {
  const state = project([ourTrunk({ authUsername: 'u', authPassword: 'p' })], [ourRule()])
  t.same(planProvision({ ...wish, keepCredentials: true }, state).changes, [])
  t.same(planProvision({ ...wish, keepCredentials: true }, state).credentials, { username: 'u', password: 'p' })
  t.same(planProvision(wish, state).credentials, { username: 'jambonz', password: 'secret-password' })
  const half = project([ourTrunk({ authUsername: 'u', authPassword: '' })], [ourRule()])
  t.same(planProvision({ ...wish, keepCredentials: true }, half).credentials, {
    username: 'jambonz',
    password: 'secret-password'
  }, 'half a pair is none')
  const theirs = project([{ authUsername: 'u', authPassword: 'p' }])
  t.same(planProvision({ ...wish, keepCredentials: true }, theirs, { adopt: true }).credentials, {
    username: 'jambonz',
    password: 'secret-password'
  }, "somebody else's are known to somebody else")
})

await t.test('audio that the dial encrypts, and one that it does not, get through', async t => {
  const media = (state: ProvisionState, srtp: boolean) =>
    planProvision({ ...wish, livekitSipSrtp: srtp }, state).changes.map(({ object }) =>
      'media' in object ? object.media?.encryption : 'none'
    )
  const state = (encryption?: number) =>
    project(
      [ourTrunk({ media: { mediaTimeout: { seconds: 120n }, ...(encryption !== undefined && { encryption }) } })],
      [ourRule()]
    )
  t.same(media(state(2), false), [1])
  t.same(media(state(1), false), [])
  t.same(media(state(), false), [])
  t.same(media(state(0), true), [1])
  t.same(media(state(), true), [1])
  t.same(media(state(2), true), [])
})

await t.test('another trunk for every number', async t => {
  const theirs = project([{
    name: 'theirs',
    authUsername: 'a',
    authPassword: 'b',
    metadata: '{"team":"x"}',
    allowedAddresses: ['203.0.113.1']
  }])
  t.same(told(theirs).conflicts, ['trunk-conflict'])
  t.same(told(theirs).changes, [])
  t.same(told(theirs, { adopt: true }).changes, ['update trunk ST_0', 'create rule'])
  const [change] = planProvision(wish, theirs, { adopt: true }).changes
  t.match(change, {
    why: 'taken over',
    object: {
      name: 'theirs',
      metadata: '{"team":"x","managed_by":"jambonz-livekit-bridge"}',
      authUsername: 'jambonz',
      allowedAddresses: ['203.0.113.1']
    }
  })
  t.same(told(project([{ numbers: ['+1'] }])).conflicts, [], "one with numbers is nobody's rival")
  const some = told(
    project([{ allowedNumbers: ['+1'], authUsername: 'a', authPassword: 'b' }], [{
      trunkIds: ['ST_0'],
      rule: direct()
    }])
  )
  t.same(some.conflicts, [], 'nor does LiveKit refuse one for some callers')
  t.ok(some.findings.includes('failed trunk-conflict'), 'but their calls get 503')
})

await t.test('another rule on the trunk', async t => {
  const same = project([ourTrunk()], [{ name: 'theirs', trunkIds: ['ST_0'], rule: direct() }])
  t.same(told(same).conflicts, ['rule-conflict'])
  t.same(told(same, { adopt: true }).changes, ['update rule SDR_0'])
  const shared = project([ourTrunk()], [{ trunkIds: ['ST_0', 'ST_1'], rule: direct() }, ourRule({ trunkIds: [] })])
  t.same(told(shared, { adopt: true }).conflicts, ['rule-conflict'], 'what serves others too is not taken')
  t.ok(
    told(project([ourTrunk()], [ourRule(), { trunkIds: ['ST_0'], inboundNumbers: ['+1'], rule: direct() }])).findings
      .includes('failed rule-conflict')
  )
  t.ok(
    told(project([ourTrunk()], [ourRule(), { trunkIds: ['ST_0'], rule: direct('x', '12') }])).findings.includes(
      'failed rule-conflict'
    ),
    'one with a PIN'
  )
  t.same(
    told(project([ourTrunk()], [ourRule(), { trunkIds: ['ST_0'], numbers: ['+1'], rule: direct() }])).findings,
    [],
    'a dialled number is never a token'
  )
})

await t.test('one prefix per project', async t => {
  const other = project([ourTrunk()], [ourRule({ rule: callee('other') })])
  t.same(told(other).conflicts, ['prefix-conflict'])
  t.match(planProvision(wish, other).conflicts[0]?.todo, /LIVEKIT_ROOM_PREFIX=other/)
  t.same(told(other, { adopt: true }).changes, ['update rule SDR_0'])
})

await t.test('deletion: ours alone, rules first', async t => {
  const state = project([ourTrunk(), { numbers: ['+1'] }], [ourRule(), { trunkIds: ['ST_1'], rule: direct() }])
  t.same(planDeletion(state, 'jb').changes.map(({ id }) => id), ['SDR_0', 'ST_0'])
  t.same(planDeletion(state, undefined).changes.length, 2)
  t.match(planDeletion(state, 'other'), {
    changes: [],
    conflicts: [{ code: 'prefix-conflict', command: 'bridge provision --delete --adopt' }]
  })
  t.same(planDeletion(state, 'other', { adopt: true }).changes.length, 2)
})

await t.test('what is wrong with trunks and rules', async t => {
  const good = { authUsername: 'a', authPassword: 'b', numbers: ['+15550001111'] }
  const rule = { trunkIds: ['ST_0'], rule: direct() }
  const cases: Array<[name: string, state: ProvisionState, codes: string[]]> = [
    ['nothing', project([good], [rule]), []],
    ['open to strangers', project([{ numbers: ['+1'] }], [rule]), ['warning trunk-open']],
    ['half a pair', project([{ ...good, authPassword: '' }], [rule]), [
      'warning trunk-half-credentials',
      'warning trunk-open'
    ]],
    [
      'half a pair behind addresses',
      project([{ ...good, authPassword: '', allowedAddresses: ['203.0.113.0/24'] }], [rule]),
      ['warning trunk-half-credentials']
    ],
    [
      'addresses of which some are dropped',
      project([{ ...good, allowedAddresses: ['sip://1.2.3.4', '203.0.113.1'] }], [rule]),
      ['warning trunk-addresses-dropped']
    ],
    [
      'addresses that are all dropped',
      project([{ numbers: ['+1'], allowedAddresses: ['*', '10.0.0.1, 10.0.0.2'] }], [rule]),
      ['warning trunk-open', 'failed trunk-addresses-dropped']
    ],
    ['addresses with port', project([{ ...good, allowedAddresses: ['203.0.113.1:5060'] }], [rule]), [
      'failed trunk-addresses-with-port'
    ]],
    ['addresses of IPv6', project([{ ...good, allowedAddresses: ['2001:db8::1'] }], [rule]), []],
    ['all headers', project([{ ...good, includeHeaders: 2 }], [rule]), ['warning trunk-all-headers']],
    ['no rule', project([good]), ['warning trunk-without-rule']],
    ['no trunk ids', project([good], [{ ...rule, trunkIds: [] }]), ['warning rule-without-trunks']],
    ['a trunk that is gone', project([good], [rule, { trunkIds: ['ST_gone'], rule: direct() }]), [
      'failed rule-unknown-trunk'
    ]],
    ['own numbers as callers', project([good], [{ ...rule, inboundNumbers: ['+15550001111'] }]), [
      'warning rule-inbound-numbers'
    ]],
    ['rooms by name', project([good], [{ trunkIds: ['ST_0'], rule: callee('') }]), ['warning rule-without-prefix']],
    ['our prefix', project([ourTrunk(), good], [ourRule(), { trunkIds: ['ST_1'], rule: callee('jb') }]), [
      'warning rule-same-prefix'
    ]],
    ['our callers restricted', project([ourTrunk({ allowedNumbers: ['+1'] })], [ourRule()]), [
      'failed trunk-callers-restricted'
    ]],
    ['LiveKit dials itself', project([], [], [{ address: 'vjnxecm0tjk.sip.livekit.cloud' }]), [
      'warning outbound-livekit'
    ]],
    [
      'LiveKit dials itself in a region',
      project([], [], [{ address: 'sip:VJNXECM0TJK.aus.sip.livekit.cloud:5060;transport=tcp' }]),
      ['warning outbound-livekit']
    ],
    ['LiveKit dials our own SIP host', project([], [], [{ address: 'sip.example.com:5062' }]), [
      'warning outbound-livekit'
    ]],
    ['Retell', project([], [], [{ address: '5t4n6j0wnrl.sip.livekit.cloud' }, { address: 'sip.retellai.com' }]), [
      'warning outbound-retell',
      'warning outbound-retell'
    ]],
    [
      'a carrier',
      project([], [], [{ address: 'sip.carrier.example' }, { address: 'notsip.livekit.cloud.example' }]),
      []
    ]
  ]
  for (const [name, state, codes] of cases) {
    const reviewed = reviewProject(state, { sipHost: 'sip.example.com:5062' })
    t.same(
      reviewed.flatMap(({ findings }) => findings).filter(({ severity }) => severity !== 'ok').map((
        { code, severity }
      ) => `${severity} ${code}`),
      codes,
      name
    )
    for (const { does, findings } of reviewed) {
      t.ok(does)
      for (const { severity, todo } of findings) if (severity !== 'ok') t.ok(todo, 'says what to do')
    }
  }
})
