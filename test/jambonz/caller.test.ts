import fc from 'fast-check'
import t from 'tap'
import { callerFacts, pickHeaders, referTarget, remoteNumber, strangerFacts } from '../../src/jambonz/caller.ts'
import type { CallHook } from '../../src/jambonz/payloads.ts'

const NUMBER = '+15550001111'

const hook = (headers: Record<string, unknown> = {}, extra: Partial<CallHook> = {}): CallHook => ({
  call_sid: 'call-1',
  direction: 'inbound',
  from: NUMBER,
  to: '+15551230000',
  caller_name: '"Alice"',
  application_sid: 'app-1',
  sbc_callid: 'carrier-call-id',
  originating_sip_trunk_name: 'MyCarrier',
  sip: { headers: { from: `"Alice" <sip:${NUMBER}@carrier.example.com>;tag=1`, ...headers }, method: 'INVITE' },
  ...extra
})

await t.test('what a call hook says of the caller', async t => {
  t.same(callerFacts(hook({ 'X-Customer-Id': '4711' }), ['X-Customer-Id']), {
    direction: 'inbound',
    from: NUMBER,
    to: '+15551230000',
    callerName: 'Alice',
    withheld: false,
    trunk: 'MyCarrier',
    headers: { 'X-Customer-Id': '4711' },
    applicationSid: 'app-1'
  })
})

await t.test('display names come with and without quotes', async t => {
  const name = (text: string | undefined) => callerFacts(hook({}, { caller_name: text }), []).callerName
  t.equal(name('"Alice"'), 'Alice')
  t.equal(name('Alice'), 'Alice')
  t.equal(name('"Alice "the caller" Smith"'), 'Alice "the caller" Smith')
  t.equal(name('"'), '"')
  t.equal(name('""'), '')
  t.equal(name(undefined), '')
})

await t.test('a call without a number', async t => {
  const facts = callerFacts(hook({ from: '<sip:carrier.example.com>' }, { from: undefined }), [])
  t.equal(facts.from, '')
  t.equal(facts.withheld, false)
})

await t.test('only the wanted headers pass, and Diversion', async t => {
  const { headers } = callerFacts(
    hook({
      'X-Customer-Id': '4711',
      'X-Other': 'no',
      Diversion: '<sip:+15559999999@x>;reason=no-answer',
      'proxy-authorization': 'Digest secret'
    }),
    ['X-Customer-Id', 'X-Absent']
  )
  t.same(headers, { 'X-Customer-Id': '4711', Diversion: '<sip:+15559999999@x>;reason=no-answer' })
})

await t.test(
  'a header is found whatever the case of its name, and passed on under the name that was asked for',
  async t => {
    fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 13, maxLength: 13 }), upper => {
      const spelled = [...'x-customer-id'].map((char, i) => upper[i] ? char.toUpperCase() : char).join('')
      const facts = callerFacts(hook({ [spelled]: 'value' }), ['X-Customer-Id'])
      return facts.headers['X-Customer-Id'] === 'value' &&
        pickHeaders({ [spelled]: 'value' }, ['x-CUSTOMER-id']).get('x-customer-id') === 'value'
    }))
    t.equal(pickHeaders(undefined, ['x']).size, 0)
    t.equal(pickHeaders({}, ['constructor']).size, 0)
    t.equal(pickHeaders({ x: ['a', 1, 'b'] }, ['X']).get('x'), 'a, b', 'several of one name')
    t.equal(pickHeaders({ x: 1 }, ['x']).size, 0)
  }
)

await t.test('a header is no place for documents', async t => {
  t.equal(callerFacts(hook({ 'X-Long': 'a'.repeat(5000) }), ['X-Long']).headers['X-Long']?.length, 1024)
})

await t.test('headers that are too long to be read: nothing that they may hide gets out', async t => {
  const padding = ' '.repeat(10_000)
  const long = {
    'a wish for privacy': { privacy: `none${';none'.repeat(2000)};id` },
    'the number': { privacy: 'id', 'p-asserted-identity': `<sip:x@y>${padding}<tel:+15559997777>` },
    'an anonymous From': { from: `${padding}<sip:anonymous@anonymous.invalid>` }
  }
  for (const [says, headers] of Object.entries(long)) {
    const facts = callerFacts(hook({ ...headers, Diversion: '<tel:+15559997777>', 'X-Any': NUMBER }), ['X-Any'])
    t.match(facts, { withheld: true, from: 'anonymous', headers: {} }, says)
  }
})

await t.test('a number that the cut of a long header divides is left out', async t => {
  for (let length = 4080; length < 4100; length++) {
    const { headers } = callerFacts(hook({ privacy: 'id', Diversion: `${'1/'.repeat(length / 2)}${NUMBER}x` }), [])
    t.notMatch(headers['Diversion'], /\d{4}/)
  }
})

const WITHHELD: Array<[string, CallHook]> = [
  ['Privacy: id', hook({ privacy: 'id' })],
  ['Privacy: user', hook({ Privacy: 'user' })],
  ['Privacy with several values', hook({ PRIVACY: 'header;id;critical' })],
  ['Privacy with spaces', hook({ privacy: ' Id ; user' })],
  [
    'an anonymous number',
    hook({ 'p-asserted-identity': `<sip:${NUMBER}@carrier.example.com>` }, { from: 'anonymous' })
  ],
  ['in capitals', hook({ 'p-asserted-identity': `<sip:${NUMBER}@carrier.example.com>` }, { from: 'Anonymous' })],
  [
    'anonymous.invalid',
    hook({ from: '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1', 'p-asserted-identity': `<tel:${NUMBER}>` })
  ]
]

for (const [says, call] of WITHHELD) {
  await t.test(`withheld: ${says}`, async t => {
    const wanted = ['X-Original-Caller', 'P-Asserted-Identity', 'Remote-Party-ID']
    const headers = {
      ...call.sip!.headers,
      'X-Original-Caller': `tel:${NUMBER}`,
      Diversion: `<sip:${NUMBER}@pbx>, <sip:${NUMBER.slice(1)}@pbx>`,
      'Remote-Party-ID': `<sip:${NUMBER}@x>;party=calling`
    }
    const facts = callerFacts({ ...call, sip: { headers } }, wanted)
    t.equal(facts.withheld, true)
    t.equal(facts.from, 'anonymous')
    t.equal(facts.callerName, '', 'a name would tell as much')
    t.equal(facts.to, '+15551230000')
    t.equal(Object.keys(facts.headers).length >= 3, true)
    t.notMatch(JSON.stringify(facts), NUMBER.slice(1), 'the number is nowhere')
  })
}

await t.test('not withheld', async t => {
  for (const privacy of ['none', 'header', 'session', 'identity', 'history']) {
    t.equal(callerFacts(hook({ privacy }), []).withheld, false, privacy)
  }
  t.equal(
    callerFacts({ ...hook({ privacy: 'id' }), direction: 'outbound' }, []).withheld,
    false,
    'a call of ours has nobody to protect'
  )
})

await t.test('any withheld number is masked in every header that passes', async t => {
  const digits = fc.stringMatching(/^[1-9][0-9]{6,14}$/)
  fc.assert(
    fc.property(
      digits,
      fc.boolean(),
      fc.constantFrom('sip:%@pbx', 'tel:%', '%', '<sip:%@x>;reason=unknown, "x" <sips:%@y>', 'sip:+%@x'),
      (number, plus, shape) => {
        const from = plus ? `+${number}` : number
        const facts = callerFacts(
          hook({
            privacy: 'id',
            from: `<sip:${from}@c>`,
            'X-Any': shape.replaceAll('%', number),
            Diversion: shape.replaceAll('%', from)
          }, { from }),
          ['X-Any']
        )
        return !JSON.stringify(facts).includes(number)
      }
    )
  )
  t.pass('for all of them')
})

await t.test('a withheld number is masked in other spellings as well', async t => {
  for (const spelled of ['+1-555-000-1111', '+1 (555) 000-1111', '+1.555.000.1111', '5550001111', '0015550001111']) {
    const { headers } = callerFacts(hook({ privacy: 'id', Diversion: `<tel:${spelled}>;reason=unconditional` }), [])
    t.notMatch(headers['Diversion']!.replace(/[^0-9]/g, ''), '5550001111', spelled)
  }
})

await t.test('what a later hook says of a call that is not known', async t => {
  t.match(strangerFacts({ direction: 'inbound', from: NUMBER, to: '+15551230000', application_sid: 'app-1' }), {
    direction: 'inbound',
    from: NUMBER,
    to: '+15551230000',
    applicationSid: 'app-1',
    withheld: false
  })
  t.match(
    strangerFacts({ direction: 'outbound', from: NUMBER, to: '+15551230000' }),
    { direction: 'outbound' },
    'a REST-originated call'
  )
  await t.test("an agent leg's target is a secret", async t => {
    const facts = strangerFacts({
      direction: 'outbound',
      from: NUMBER,
      to: 'sip:csecret@sip.example.com',
      parent_call_sid: 'call-1'
    })
    t.equal(facts.direction, 'inbound', "and its direction is not the caller's")
    t.notMatch(JSON.stringify(facts), 'csecret')
  })
  t.equal(strangerFacts({ direction: 'inbound', from: 'anonymous' }).withheld, true)
})

await t.test('whom the agent talks to', async t => {
  t.equal(remoteNumber(callerFacts(hook(), [])), NUMBER)
  t.equal(remoteNumber(callerFacts({ ...hook(), direction: 'outbound' }, [])), '+15551230000')
})

await t.test('where a transfer goes to, as it is written', async t => {
  const cases: Array<[string | undefined, string | undefined, string | undefined]> = [
    ['<sip:+15559998888@carrier.example.com>', '+15559998888', 'sip:+15559998888@carrier.example.com'],
    ['sip:bob@example.com', 'bob', 'sip:bob@example.com'],
    ['"Bob" <sips:bob@example.com:5061;transport=tls>;x=y', 'bob', 'sips:bob@example.com:5061;transport=tls'],
    ['<tel:+1(555)999.8888;phone-context=x>', '+15559998888', 'tel:+1(555)999.8888;phone-context=x'],
    [' tel:+15559998888 ', undefined, 'tel:+15559998888'],
    [undefined, '+15559998888', '+15559998888'],
    ['<http://example.com>', 'bob', 'http://example.com'],
    ['', '+15559998888', '+15559998888'],
    ['', '', undefined],
    [undefined, ' ', undefined],
    [undefined, undefined, undefined]
  ]
  for (const [referTo, user, wanted] of cases) {
    t.equal(referTarget({ sip_refer_to: referTo, refer_to_user: user }), wanted, `${referTo} / ${user}`)
  }
})
