import { SIPOutboundTrunkInfo } from 'livekit-server-sdk'
import t from 'tap'
import { MARKER } from '../../src/provisioning/livekit-wish.ts'
import {
  planPair,
  planPairDeletion,
  TRANSPORT,
  type Carrier,
  type PairState,
  type PairWish
} from '../../src/provisioning/outbound-pair.ts'
import { reviewPair } from '../../src/provisioning/outbound-review.ts'

const FRESH = { username: 'jambonz-fresh', password: 'fresh-password' }
const wish: PairWish = {
  carrierName: 'livekit-out',
  accountSid: 'acct-1',
  numbers: ['+15551230000', '+15551239999'],
  fresh: FRESH
}

const carrierWith = (extra: Partial<Carrier> = {}): Carrier => ({
  voip_carrier_sid: 'vc-1',
  name: 'livekit-out',
  trunk_type: 'auth',
  is_active: 1,
  application_sid: 'app-1',
  inbound_auth_username: 'jambonz-1',
  inbound_auth_password: 'pw-1',
  ...extra
})

const trunkWith = (extra: Partial<SIPOutboundTrunkInfo> = {}) =>
  new SIPOutboundTrunkInfo({
    sipTrunkId: 'ST_1',
    name: 'jambonz-bridge',
    metadata: MARKER,
    address: 'acme.sip.example.com',
    transport: TRANSPORT.tcp,
    numbers: ['+15551230000', '+15551239999'],
    authUsername: 'jambonz-1',
    authPassword: 'pw-1',
    includeHeaders: 1,
    ...extra
  } as ConstructorParameters<typeof SIPOutboundTrunkInfo>[0])

const stateWith = (extra: Partial<PairState> = {}): PairState => ({
  trunks: [trunkWith()],
  carriers: [{ voip_carrier_sid: 'vc-0', name: 'MyCarrier', trunk_type: 'static_ip', is_active: 1 }, carrierWith()],
  sipRealm: 'acme.sip.example.com',
  application: 'app-1',
  ...extra
})

const NOTHING = stateWith({ trunks: [], carriers: [] })
const made = (state: PairState, changed: Partial<PairWish> = {}) =>
  planPair({ ...wish, ...changed }, state).changes.map(({ do: what, what: object }) => `${what} ${object}`)

await t.test('both sides are made with the same credentials, Jambonz first', async t => {
  const { changes, renewed } = planPair(wish, NOTHING)
  t.equal(renewed, true)
  t.match(changes, [{
    what: 'carrier',
    do: 'create',
    body: {
      name: 'livekit-out',
      trunk_type: 'auth',
      account_sid: 'acct-1',
      application_sid: 'app-1',
      is_active: 1,
      inbound_auth_username: FRESH.username,
      inbound_auth_password: FRESH.password
    }
  }, {
    what: 'outbound-trunk',
    do: 'create',
    object: {
      address: 'acme.sip.example.com',
      transport: TRANSPORT.tcp,
      numbers: wish.numbers,
      authUsername: FRESH.username,
      authPassword: FRESH.password,
      metadata: MARKER
    }
  }])
  t.notMatch(JSON.stringify(changes.map(({ fields }) => fields)), FRESH.password, 'what is shown has no password')
})

await t.test('a pair that fits is left alone', async t => {
  t.same(made(stateWith()), [])
  t.same(made(stateWith({ trunks: [trunkWith({ authPassword: '' })] })), [], 'LiveKit does not show its password')
  t.same(made(stateWith({ carriers: [carrierWith({ inbound_auth_password: null })] })), [], 'nor does Jambonz')
  t.same(made(stateWith({ trunks: [trunkWith({ transport: TRANSPORT.tls })] })), [], 'TLS is better still')
})

await t.test('one side alone gets new credentials with the other, and the user name stays', async t => {
  const { changes } = planPair(wish, stateWith({ trunks: [] }))
  t.match(changes, [
    {
      what: 'carrier',
      do: 'update',
      body: { inbound_auth_username: 'jambonz-1', inbound_auth_password: 'fresh-password' }
    },
    { what: 'outbound-trunk', do: 'create', object: { authUsername: 'jambonz-1', authPassword: 'fresh-password' } }
  ])
  t.same(made(stateWith({ carriers: [] })), ['create carrier', 'update outbound-trunk'])
})

await t.test('credentials that differ are renewed on both sides, and so they are on demand', async t => {
  const both = ['update carrier', 'update outbound-trunk']
  t.same(made(stateWith({ trunks: [trunkWith({ authPassword: 'other' })] })), both)
  t.same(made(stateWith({ trunks: [trunkWith({ authUsername: 'other' })] })), both)
  t.same(made(stateWith({ carriers: [carrierWith({ inbound_auth_username: null })] })), both)
  t.same(made(stateWith(), { rotate: true }), both)
})

await t.test('what drifted is corrected, and nothing else', async t => {
  const trunk = trunkWith({ address: '203.0.113.7', transport: TRANSPORT.udp, headers: { 'X-Theirs': '1' } })
  const [change, ...more] = planPair(wish, stateWith({ trunks: [trunk] })).changes
  t.same(more, [])
  t.match(change, {
    do: 'update',
    id: 'ST_1',
    object: { address: 'acme.sip.example.com', headers: { 'X-Theirs': '1' }, authPassword: 'pw-1' }
  })
  t.same(change?.fields.map(({ name }) => name).sort(), ['address', 'transport'])
  t.match(planPair(wish, stateWith({ carriers: [carrierWith({ is_active: 0, application_sid: 'app-9' })] })).changes, [{
    do: 'update',
    id: 'vc-1',
    body: { is_active: 1, application_sid: 'app-1', account_sid: 'acct-1' }
  }])
})

await t.test('a trunk whose password nobody can read is written with a new one', async t => {
  const hidden = trunkWith({ authPassword: '', address: 'old.example.com' })
  t.match(planPair(wish, stateWith({ trunks: [hidden] })), {
    renewed: true,
    changes: [{ what: 'carrier' }, { what: 'outbound-trunk', object: { authPassword: 'fresh-password' } }]
  })
})

await t.test('what is in the way is said, and nothing is changed', async t => {
  const obstacle = (state: Partial<PairState>, changed: Partial<PairWish> = {}) => {
    const { changes, obstacles } = planPair({ ...wish, ...changed }, stateWith({ trunks: [], carriers: [], ...state }))
    t.same(changes, [])
    return obstacles.map(({ code }) => code)
  }
  t.same(obstacle({ sipRealm: undefined }), ['outbound-no-realm'])
  t.same(obstacle({ sipRealm: '203.0.113.7' }), ['outbound-no-realm'])
  t.same(obstacle({ sipRealm: '[2001:db8::1]' }), ['outbound-no-realm'])
  t.same(obstacle({ application: undefined }), ['application-missing'])
  t.same(obstacle({}, { numbers: [] }), ['outbound-no-numbers'])
  t.same(obstacle({ carriers: [carrierWith({ trunk_type: 'static_ip' })] }), ['outbound-carrier-type'])
  const { trunk_type: _, ...old } = carrierWith({ name: 'MyCarrier' })
  t.same(obstacle({ carriers: [old] }), ['outbound-unsupported'])
})

await t.test('a carrier is found by its name in any case, as Jambonz finds it', async t => {
  t.same(made(stateWith({ carriers: [carrierWith({ name: 'LiveKit-Out' })] })), [])
})

await t.test('only what is ours is deleted', async t => {
  const others = [trunkWith({ metadata: '', sipTrunkId: 'ST_2' })]
  const ids = (state: PairState) => planPairDeletion(wish, state).map(({ id }) => id)
  t.same(ids(stateWith({ trunks: [...others, trunkWith()] })), ['ST_1', 'vc-1'])
  t.same(ids(stateWith({ trunks: others, carriers: [carrierWith({ trunk_type: 'static_ip' })] })), [])
})

await t.test('the review: every fault has its finding, with what to do', async t => {
  const review = (extra: Partial<PairState>, numbers = wish.numbers) => {
    const findings = reviewPair({ ...wish, numbers }, stateWith(extra))
    for (const { severity, todo } of findings) t.ok(severity === 'ok' || todo)
    return findings.map(({ code, severity }) => `${severity} ${code}`)
  }
  t.same(review({}), ['ok agents-call-out'])
  t.same(review({ trunks: [], carriers: [] }), ['skipped agents-call-out'])
  t.same(review({ trunks: [] }), ['failed outbound-trunk-missing'])
  t.same(review({ carriers: [] }), ['failed outbound-carrier-missing'])
  t.same(review({ trunks: [trunkWith({ address: '203.0.113.7' })] }), ['failed outbound-trunk-address'])
  t.same(review({ trunks: [trunkWith({ transport: TRANSPORT.auto })] }), ['warning outbound-trunk-transport'])
  t.same(review({ trunks: [trunkWith({ numbers: ['+15551230000'] })] }), ['warning outbound-trunk-numbers'])
  t.same(review({ trunks: [trunkWith({ authPassword: 'other' })] }), ['failed outbound-credentials'])
  t.same(review({ carriers: [carrierWith({ is_active: 0 })] }), ['failed outbound-carrier-inactive'])
  t.same(review({ carriers: [carrierWith({ application_sid: null })] }), ['failed outbound-carrier-application'])
  t.same(review({ carriers: [carrierWith({ trunk_type: 'reg' })] }), ['failed outbound-carrier-type'])
  t.same(review({}, []), ['failed outbound-no-numbers', 'warning outbound-trunk-numbers'])
})
