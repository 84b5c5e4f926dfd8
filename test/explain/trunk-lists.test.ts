import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import type { RouteQuestion } from '../../src/explain/config/route.ts'
import { FINDING_CODES } from '../../src/finding-codes.ts'
import { routeCall, type RoutingRule, type RoutingTrunk } from '../../src/livekit/dispatch-matching.ts'
import { portions } from '../fixtures/captures.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { INBOUND_COLUMNS, lkTable, OUTBOUND_COLUMNS, RULE_COLUMNS } from '../fixtures/exports.ts'

const seen = async (files: string[], question?: RouteQuestion): Promise<string> =>
  findingsOf(await explainedAll(files, { ...(question && { question }) }))
    .map(finding => `${finding.code}: ${finding.seen}`).join('\n')

const TRUNK = {
  sipTrunkId: 'ST_main',
  name: 'main',
  numbers: ['+15550102222'],
  allowedAddresses: ['203.0.113.0/24'],
  allowedNumbers: ['+15550101111'],
  authUsername: 'someone'
}
const RULE = {
  sipDispatchRuleId: 'SDR_main',
  name: 'to the agent',
  trunkIds: ['ST_main'],
  rule: { dispatchRuleIndividual: { roomPrefix: 'call' } },
  roomConfig: { agents: [{ agentName: 'demo-agent' }] }
}
const inboundRow = ['ST_main', 'main', '+15550102222', '203.0.113.0/24', '+15550101111', 'someone / ****', 'DISABLE']
const ROOM = 'call_<caller>_<random>'
const ruleRow = ['SDR_main', 'to the agent', 'ST_main', 'Individual (Caller)', ROOM, '', 'map[]', 'demo-agent']
const QUESTION = { to: '+15550102222', from: '+15550101111', ip: '203.0.113.9' }

const snake = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(snake)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name.replace(/[A-Z]/g, one => `_${one.toLowerCase()}`), snake(inner)])
  )
}
/** The forms in which people have a list. */
const forms = (item: object): Array<[string, string]> => [
  ['the answer of the API', JSON.stringify({ items: [item] }, null, 2)],
  ['the same in one line', JSON.stringify({ items: [item] })],
  ['in snake_case', JSON.stringify({ items: [snake(item)] }, null, 2)],
  ['alone', JSON.stringify(item, null, 2)],
  ['a list', JSON.stringify([item], null, 2)]
]

await t.test('lists in each form: what is in them, and where a call goes', async t => {
  const trunks: Array<[string, string]> = [
    ...forms(TRUNK),
    ['the table of lk', lkTable(INBOUND_COLUMNS, inboundRow)],
    ['a table with other borders', lkTable(INBOUND_COLUMNS, inboundRow).replaceAll('│', '|').replaceAll(/[┌┬┐├┼┤└┴┘]/g, '+')
      .replaceAll('─', '-')],
    ['a request', JSON.stringify({ trunk: TRUNK }, null, 2)]
  ]
  for (const [form, file] of trunks) {
    const text = await seen([file, JSON.stringify(RULE)], QUESTION)
    t.match(text, /Inbound trunk ST_main "main": takes \+15550102222, asks for user name and password, from 203/, form)
    t.match(text, /config-route: .* gets inbound trunk ST_main "main", and dispatch rule SDR_main/, form)
  }
  const rules: Array<[string, string]> = [
    ...forms(RULE),
    ['the table of lk', lkTable(RULE_COLUMNS, ruleRow)],
    ['a request', JSON.stringify({ dispatch_rule: snake(RULE) }, null, 2)],
    ['an object of the SDK', JSON.stringify({
      ...RULE,
      rule: { rule: { case: 'dispatchRuleIndividual', value: { roomPrefix: 'call' } } }
    })],
    ['what the SDK takes', JSON.stringify({ ...RULE, rule: { type: 'individual', roomPrefix: 'call' } })]
  ]
  for (const [form, file] of rules) {
    const text = await seen([JSON.stringify({ items: [TRUNK] }), file], QUESTION)
    t.match(text, /room call_\+15550101111_<random> for agent demo-agent\. LiveKit first asks for user name/, form)
  }
})

await t.test('cells that go on in the next line', async t => {
  const rows = [['ST_main', 'main', '+15550102222,', '203.0.113.1', ''], ['', '', '+15550103333', '203.0.113.2', '']]
  t.match(
    await seen([lkTable(INBOUND_COLUMNS, ...rows)]),
    /takes \+15550102222, \+15550103333, asks for no password, from 203.0.113.1, 203.0.113.2 /
  )
})

await t.test('outbound trunks', async t => {
  const row = ['ST_out', 'out', 'example.pstn.twilio.com', 'AUTO', '+15550102222', 'someone / ****', 'DISABLE']
  const json = JSON.stringify({ trunk: { name: 'out', address: 'example.pstn.twilio.com', numbers: ['+15550102222'] } })
  for (const file of [lkTable(OUTBOUND_COLUMNS, row), json]) {
    const text = await seen([file])
    t.match(text, /"out": dials example.pstn.twilio.com/)
    t.notMatch(text, /outbound-address-form|outbound-number-form|half|no rule/)
  }
  t.match(await seen([JSON.stringify({ trunk: { address: 'example.sip.twilio.com', numbers: ['*'] } })]), /runs? TwiML/)
  const half = lkTable(OUTBOUND_COLUMNS, row.with(5, 'someone / '))
  t.match(await seen([half]), /trunk-half-credentials: .* user name without password/)
})

await t.test('a password that an answer leaves out is not missed', async t => {
  t.notMatch(await seen([JSON.stringify({ items: [TRUNK] })]), /half|open to strangers/)
  const { sipTrunkId: _, ...fresh } = TRUNK
  t.match(await seen([JSON.stringify({ trunk: fresh })]), /trunk-half-credentials/)
})

await t.test('what is wrong between trunks and rules', async t => {
  const other = { ...TRUNK, sipTrunkId: 'ST_other', name: '', numbers: ['15550102222'] }
  for (
    const [says, ...files] of [
      [/trunk-conflict: .*ST_main.*ST_other.* \+15550102222/, { items: [TRUNK, other] }],
      [/trunk-conflict: .*every number/, {
        items: [{ ...TRUNK, numbers: [], allowedNumbers: [] }, { ...other, numbers: [] }]
      }],
      [/trunk-without-rule: .*ST_other/, { items: [TRUNK, other] }, RULE],
      [/rule-unknown-trunk: .*ST_gone, which is not among/, TRUNK, { ...RULE, trunkIds: ['ST_gone'] }],
      [/rule-inbound-numbers/, TRUNK, { ...RULE, inboundNumbers: ['+15550102222'] }],
      [/rule-inbound-numbers/, { trunk: { numbers: TRUNK.numbers } }, { ...RULE, inboundNumbers: ['+15550102222'] }],
      [/rule-pin/, { ...RULE, rule: { dispatchRuleDirect: { roomName: 'lobby', pin: '12' } } }],
      [/rule-shared-room: .*all calls to one number/, { ...RULE, rule: { dispatchRuleCallee: { roomPrefix: 'call' } } }],
      [/rule-without-trunks/, { ...RULE, trunkIds: [] }],
      [/trunk-addresses-dropped/, { ...TRUNK, allowedAddresses: ['sip://203.0.113.1'] }]
    ] as const
  ) {
    t.match(await seen(files.map(file => JSON.stringify(file))), says)
  }
  const random = { ...RULE, rule: { dispatchRuleCallee: { roomPrefix: 'call', randomize: true } } }
  t.notMatch(await seen([JSON.stringify(random)]), /rule-shared-room/)
  const apart = { ...other, allowedNumbers: ['+15550103333'] }
  t.notMatch(await seen([JSON.stringify({ items: [TRUNK, apart] })]), /trunk-conflict/)
})

await t.test('what the files do not show is not said', async t => {
  const trunksOnly = await seen([JSON.stringify({ items: [TRUNK] })])
  t.match(trunksOnly, /config-incomplete: No dispatch rule is in these files/)
  t.notMatch(trunksOnly, /trunk-without-rule/)
  const rulesOnly = await seen([JSON.stringify({ items: [RULE] })])
  t.match(rulesOnly, /config-incomplete: No inbound trunk is in these files/)
  t.notMatch(rulesOnly, /rule-unknown-trunk/)
  const tables = [lkTable(INBOUND_COLUMNS, inboundRow), lkTable(RULE_COLUMNS, ruleRow)]
  t.match(await seen(tables, QUESTION), /does not show for which callers and dialled numbers/)
  t.match(await seen(['nothing of the kind\n'], QUESTION), /config-incomplete: No inbound trunk is in these files/)
  t.match(await seen([lkTable(INBOUND_COLUMNS)], QUESTION), /fits no inbound trunk: there is none/)
  const json = JSON.stringify({ ...RULE, numbers: ['+15550107777'] })
  for (const files of [[tables[0]!, json, tables[1]!], [...tables, json]]) {
    t.match(await seen(files, QUESTION), /config-no-route: .*SDR_main "to the agent" is for other numbers/, 'JSON shows more')
  }
  t.notMatch(await seen([JSON.stringify({ trunk: { numbers: ['+15550102222'] } }), JSON.stringify(RULE)]), /unknown-trunk/)
  const older = [tables[0]!, lkTable([...RULE_COLUMNS.slice(0, 6), 'HidePhone', 'Metadata'], ruleRow.slice(0, 6))]
  t.notMatch(await seen(older, QUESTION), /names no agent|without an agent name/)
})

await t.test('what a question leaves open is a condition', async t => {
  const files = [JSON.stringify(TRUNK), JSON.stringify({ ...RULE, inboundNumbers: ['+15550101111'] })]
  const text = await seen(files, { to: '+15550102222' })
  t.match(text, /if the caller is one of its allowed_numbers and it comes from one of its allowed_addresses/)
  t.match(text, /if the caller is one of its inbound_numbers: room call_<caller>_<random>/)
  t.match(await seen(files, { ...QUESTION, ip: '198.51.100.1' }), /config-no-route: .*does not allow the address/)
  t.match(await seen(files, { ...QUESTION, from: '+15550109999' }), /config-no-route: .*does not allow the caller/)
  t.match(await seen(files, { to: '0102222' }), /ST_main "main" lists \+15550102222, which is another form/)
  t.match(await seen(files, { to: '+15550107777' }), /does not list the number/)
})

const SOME_NUMBERS = ['+15550102222', '15550102222', '+15550103333', '0102222']
const SOME_CALLERS = ['+15550101111', '+15550104444']
const SOME_ADDRESSES = ['203.0.113.0/24', '198.51.100.7', 'sip:odd']
const few = (pool: readonly string[]) => fc.subarray([...pool], { maxLength: 2 })
const trunkArb = fc.record({
  numbers: few(SOME_NUMBERS),
  allowedAddresses: few(SOME_ADDRESSES),
  allowedNumbers: few(SOME_CALLERS)
})
const ruleArb = fc.record({
  trunkIds: few(['ST_0', 'ST_1', 'ST_2']),
  numbers: few(SOME_NUMBERS),
  inboundNumbers: few(SOME_CALLERS),
  roomName: fc.constantFrom('a', 'b'),
  pin: fc.constantFrom('', '7')
})

await t.test('a call gets the trunk and the rule that LiveKit would choose', async t => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(trunkArb, { minLength: 1, maxLength: 3 }),
      fc.array(ruleArb, { minLength: 1, maxLength: 3 }),
      fc.record({
        to: fc.constantFrom(...SOME_NUMBERS),
        from: fc.constantFrom(...SOME_CALLERS),
        ip: fc.constantFrom('203.0.113.9', '198.51.100.7', '192.0.2.1')
      }),
      async (trunks, rules, question) => {
        const routingTrunks: RoutingTrunk[] = trunks.map((trunk, i) => ({ sipTrunkId: `ST_${i}`, ...trunk }))
        const routingRules: RoutingRule[] = rules.map(({ roomName, pin, ...rule }, i) => ({
          sipDispatchRuleId: `SDR_${i}`,
          target: { type: 'direct', roomName, pin },
          ...rule
        }))
        const listed = [
          JSON.stringify({ items: routingTrunks }),
          JSON.stringify({
            items: routingRules.map(({ target, ...rule }, i) => ({
              ...rule,
              rule: { dispatchRuleDirect: { roomName: rules[i]!.roomName, pin: rules[i]!.pin } }
            }))
          })
        ]
        const { findings } = await explainedAll(listed, { question })
        const about = findings.filter(finding => finding.seen.startsWith(`A call to ${question.to} from`))
        const call = { toUser: question.to, fromUser: question.from, fromHost: '', sourceIp: question.ip }
        const cloud = routeCall(routingTrunks, routingRules, call, { cloud: true })
        t.equal(about.length, 1)
        const [{ code = '', seen: said = '' } = {}] = about
        switch (cloud.to) {
          case 'conflict':
            return code === 'trunk-conflict' && cloud.trunks.every(({ sipTrunkId }) => said.includes(sipTrunkId))
          case 'no-trunk': {
            const own = routeCall(routingTrunks, routingRules, call, { cloud: false })
            return code === 'config-no-route' && said.includes('fits no inbound trunk') &&
              (own.to !== 'room' || said.includes(`dispatch rule ${own.rule.sipDispatchRuleId}: room ${own.room} `))
          }
          case 'no-rule':
            return code === 'config-no-route' && said.includes(`trunk ${cloud.trunk?.sipTrunkId}, and no rule`)
          case 'room':
            return code === 'config-route' && said.includes(`trunk ${cloud.trunk?.sipTrunkId}, and dispatch rule ${
              cloud.rule.sipDispatchRuleId}: room ${cloud.room} `) && said.includes('PIN') === cloud.pin
        }
      }
    ),
    { numRuns: 150 }
  )
})

await t.test('the command: --to, --from, --ip', async t => {
  const file = join(t.testdir(), 'trunks.json')
  writeFileSync(file, JSON.stringify({ items: [TRUNK, RULE] }))
  const run = async (...args: string[]): Promise<[code: number, out: string]> => {
    let out = ''
    const write = (text: string): void => {
      out += text
    }
    return [await explain(args, { stdin: portions(''), stdout: { write }, stderr: { write }, env: {} }), out]
  }
  t.match((await run(file, '--to', '+15550102222', '--from', '+15550101111', '--ip', '203.0.113.9'))[1], /config-route/)
  t.match((await run(file, '--to', '+15550107777', '--json'))[1], /"code": "config-no-route"/)
  t.match(await run(file, '--from', '+15550101111'), [2, /--from and --ip go with --to/])
  t.match(await run(file, '--to', '1', '--ip', 'example.com'), [2, /--ip is an IPv4 or IPv6 address/])
})

await t.test('other JSON is no trunk', async t => {
  for (
    const other of [
      { name: 'a list of numbers', numbers: [1, 2, 3], owner: 'somebody' },
      { name: 'Example Ltd.', address: 'Example Street 1', numbers: ['7'] },
      { sip_trunk_id: 'ST_main', sip_call_to: '+15550102222', room_name: 'room' },
      { rule: { name: 'x' } }
    ]
  ) {
    t.notOk(codesOf(await explainedAll([JSON.stringify(other)])).some(code => code.startsWith('config')))
  }
  t.ok(FINDING_CODES.includes('config-listed'))
})

await t.test('trunks and rules in the code of an application', async t => {
  const python = `
trunk = api.SIPInboundTrunkInfo(
    name="main",  # it's the first
    numbers=["+15550102222"],
    krisp_enabled=True,
)
request = CreateSIPDispatchRuleRequest(
  rule=SIPDispatchRule(dispatch_rule_individual=SIPDispatchRuleIndividual(room_prefix='call')),
  trunk_ids=[inbound_trunk_id],
  room_config=RoomConfiguration(agents=[RoomAgentDispatch(agent_name="demo-agent")])
)
await lk.sip.create_sip_dispatch_rule(request)
`
  const text = await seen([python])
  t.match(text, /Inbound trunk "main": takes \+15550102222, asks for no password/)
  t.match(text, /Dispatch rule: room call_<caller>_<random>, for <inbound_trunk_id>, agent demo-agent/)
  t.notMatch(text, /rule-unknown-trunk/)
  t.match(await seen(['SIPInboundTrunkInfo(name="x", numbers=[number])']), /takes <number>/, 'a variable is no number')
  t.notMatch(await seen(['SIPInboundTrunkInfo(\n  name="x",\n  numbers=["+15550102222"]']), /takes every number/)
})
