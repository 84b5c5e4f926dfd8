import t from 'tap'
import { STRATEGIES } from '../../src/calls/fold/way.ts'
import { WAY_SCHEMAS } from '../../src/routing/file/way-schemas.ts'
import { WHEN_KEYS } from '../../src/routing/file/schema.ts'
import { consoleModule } from '../fixtures/console-modules.ts'

process.env['TZ'] = 'Europe/Berlin'
const {
  conditionsInWords, EMPTY_TRIAL, headersOf, placeIn, trialRequest, triedWay, writtenWay
} = await consoleModule('routes-words.js')
const { partsOf } = await consoleModule('ticked.js')

await t.test('all that a condition may say is shown', async t => {
  const when = {
    to: ['+15551230000', '+1555*'],
    from: 'anonymous',
    carrier: 'MyCarrier',
    application: 'a-b',
    direction: 'inbound',
    header: { 'X-Tenant': ['acme', 'present'], 'X-Other': 'a*' },
    hours: { zone: 'Europe/Berlin', in: ['Mon-Fri 08:00-18:00', 'Sat'], not: '12:00-13:00' }
  }
  t.same(Object.keys(when).sort(), [...WHEN_KEYS].sort())
  t.same(conditionsInWords(when), [
    { name: 'to', words: '+15551230000 or +1555*' },
    { name: 'from', words: 'anonymous' },
    { name: 'carrier', words: 'MyCarrier' },
    { name: 'application', words: 'a-b' },
    { name: 'direction', words: 'inbound' },
    { name: 'X-Tenant', words: 'acme or present' },
    { name: 'X-Other', words: 'a*' },
    { name: 'hours', words: 'Mon-Fri 08:00-18:00 or Sat, not 12:00-13:00 (Europe/Berlin)' }
  ])
  t.same(conditionsInWords(undefined), [], 'every call')
})

await t.test('every way that a file may write has its words', async t => {
  for (const kind of Object.keys(WAY_SCHEMAS)) {
    const value = {
      agents: [{ agent: 'a', weight: 95 }, { agent: 'b', weight: 5 }],
      retell: { agent: 'agent_1', key: 'KEY', version: 3 }
    }[kind] ?? `the-${kind}`
    const way = writtenWay({ ring: '20s', [kind]: value })
    t.equal(way.kind, kind)
    t.not(way.words, '', kind)
    t.same(way.more, [{ name: 'ring', words: '20s' }], kind)
  }
  t.match(writtenWay({ phone: '+1555', carrier: 'MyCarrier' }), { kind: 'phone', more: [{ name: 'carrier' }] })
  t.match(writtenWay({ carrier: 'MyCarrier', number: '+1555' }), { kind: 'carrier', more: [{ name: 'number' }] })
  t.match(writtenWay({ agent: null }), { kind: 'agent', words: 'of the application' })
  t.match(writtenWay({ agents: [{ agent: 'a', weight: 95 }] }).words, 'a (weight 95)')
  t.match(writtenWay({ agents: [{ agent: 'a', weight: 95, warm: 5 }] }).words, 'a (weight 95, warm 5)')
  t.match(writtenWay({ agent: 'a', warm: 5 }).more, [{ name: 'warm', words: '5' }])
  t.match(writtenWay({ agent: 'a', warm: { min: 2, max: 10 } }).more, [{ words: '2 to 10' }])
  t.match(writtenWay({ agent: 'a', warm: { min: 2 } }).more, [{ words: '2' }])
  t.match(writtenWay({ agent: 'a', metadata: { x: 1 } }).more, [{ words: '{"x":1}' }])
})

await t.test('every way that a test returns has its words', async t => {
  const targets = {
    room: 'agent',
    phone: 'number',
    carrier: 'carrier',
    retell: 'agent',
    sip: 'uri',
    say: 'text',
    play: 'url',
    decline: 'status',
    join: undefined
  }
  t.same(Object.keys(targets).sort(), [...STRATEGIES].sort())
  for (const [strategy, name] of Object.entries(targets)) {
    const way = triedWay({ strategy, ringS: 30, ...(name && { [name]: 'target' }), extra: 'more' })
    t.equal(way.words, name ? 'target' : '', strategy)
    t.same(way.more, [{ name: 'extra', words: 'more' }], strategy)
  }
  t.equal(triedWay({ strategy: 'decline', status: 603 }).words, '603')
})

await t.test('a test is asked for with what was filled in, at the local time', async t => {
  t.same(trialRequest({ ...EMPTY_TRIAL, to: ' +1555 ' }), { to: '+1555' })
  t.same(trialRequest({
    ...EMPTY_TRIAL,
    to: '+1555',
    from: 'anonymous',
    at: '2026-11-29T14:00',
    direction: 'outbound',
    headers: 'X-Tenant: acme: emea\n\n X-Present \n'
  }), {
    to: '+1555',
    from: 'anonymous',
    at: '2026-11-29T13:00:00.000Z',
    direction: 'outbound',
    headers: { 'X-Tenant': 'acme: emea', 'X-Present': '' }
  })
  t.same(headersOf(' \n'), {})
})

await t.test('places of problems and texts with backticks', async t => {
  t.equal(placeIn('routes.yaml', { line: 14, column: 7 }), 'routes.yaml:14:7')
  t.equal(placeIn('routes.yaml', { line: 0, column: 0 }), 'routes.yaml')
  t.same(partsOf('Add `policy.allow`.'), [
    { code: false, text: 'Add ' },
    { code: true, text: 'policy.allow' },
    { code: false, text: '.' }
  ])
  for (const text of ['a ` b', '``', '<b>`']) t.same(partsOf(text).filter(({ code }: any) => code), [], text)
})
