import t from 'tap'
import { SIPDispatchRuleInfo, SIPInboundTrunkInfo } from 'livekit-server-sdk'
import { matchingCheck, matchingFindings } from '../../src/doctor/matching.ts'
import { PAIR, surgery } from '../fixtures/doctor-surgery.ts'

const OWN = { LIVEKIT_URL: 'wss://livekit.example.com' }
const CLOUD = { LIVEKIT_URL: 'wss://myproject-1a2b3c4d.livekit.cloud' }
const SAMPLE = { token: 'ctoken', room: { name: 'jb_ctoken' } }
const CALLERS = ['+15550001111', '+15550002222']

const trunk = (sipTrunkId: string, more: object = {}) =>
  new SIPInboundTrunkInfo({ sipTrunkId, authUsername: 'u', authPassword: 'p', ...more })
const rule = (sipDispatchRuleId: string, target: object, more: object = {}) =>
  new SIPDispatchRuleInfo({ sipDispatchRuleId, rule: { rule: target as never }, trunkIds: ['ST_our'], ...more })
const callee = (more: object = {}) => ({ case: 'dispatchRuleCallee', value: { roomPrefix: 'jb', ...more } })
const direct = { case: 'dispatchRuleDirect', value: { roomName: 'lobby' } }
const individual = { case: 'dispatchRuleIndividual', value: { roomPrefix: 'x' } }
const OUR = trunk('ST_our')
const RULE = rule('SDR_our', callee())

interface Case {
  name: string
  trunks?: SIPInboundTrunkInfo[]
  rules?: SIPDispatchRuleInfo[]
  settings?: typeof OWN
  found: object[]
}

const CASES: Case[] = [
  {
    name: 'as it should be',
    found: [{
      code: 'matching-ok',
      severity: 'ok',
      seen:
        /^sip:ctoken@… matches trunk ST_our, is asked for user name and password, matches rule SDR_our and lands in room jb_ctoken$/
    }]
  },
  {
    name: 'half a pair',
    trunks: [trunk('ST_our', { authPassword: '' })],
    found: [{ code: 'matching-ok', seen: /is asked for no credentials/ }]
  },
  {
    name: 'nothing there',
    trunks: [],
    rules: [],
    found: [{
      code: 'livekit-no-route',
      severity: 'failed',
      seen: /finds no trunk and has no rule for it: it rings once/,
      command: 'bridge doctor --fix'
    }]
  },
  {
    name: 'nothing there, Cloud',
    trunks: [],
    rules: [],
    settings: CLOUD,
    found: [{ code: 'livekit-no-route', seen: /answers 404: no trunk/ }]
  },
  {
    name: 'no trunk, and a rule that takes strangers',
    trunks: [],
    rules: [rule('SDR_open', callee(), { trunkIds: [] })],
    found: [{
      code: 'rule-without-trunks',
      severity: 'failed',
      seen:
        /No trunk takes.*without any trunk, from anybody and unasked for credentials, by rule SDR_open into room jb_ctoken/
    }]
  },
  {
    name: 'the same, Cloud',
    trunks: [],
    rules: [rule('SDR_open', callee(), { trunkIds: [] })],
    settings: CLOUD,
    found: [{ code: 'livekit-no-route' }]
  },
  {
    name: 'a trunk for another number',
    trunks: [trunk('ST_our', { numbers: ['+15551230000'] })],
    found: [{ code: 'livekit-no-route', seen: /finds no trunk/ }]
  },
  {
    name: 'a second wildcard',
    trunks: [OUR, trunk('ST_their')],
    found: [{ code: 'trunk-conflict', severity: 'failed', seen: /answers 503, because trunks ST_our and ST_their/ }]
  },
  {
    name: 'a trunk for exactly this token',
    trunks: [OUR, trunk('ST_their', { numbers: ['ctoken'] })],
    found: [{ code: 'livekit-no-route', seen: /takes it on trunk ST_their and has no rule/ }]
  },
  {
    name: 'no rule for the trunk',
    rules: [rule('SDR_our', callee(), { trunkIds: ['ST_gone'] })],
    found: [{
      code: 'livekit-no-route',
      seen: /takes it on trunk ST_our and has no rule for it: it rings once, then nothing/
    }]
  },
  {
    name: 'no rule, Cloud',
    rules: [],
    settings: CLOUD,
    found: [{ code: 'livekit-no-route', seen: /has no rule for it: 404/ }]
  },
  {
    name: 'a direct rule',
    rules: [RULE, rule('SDR_their', direct)],
    found: [{ code: 'other-room', severity: 'failed', seen: /by rule SDR_their into room lobby/, todo: /SDR_their/ }]
  },
  {
    name: 'an individual rule',
    rules: [RULE, rule('SDR_their', individual)],
    found: [{ code: 'other-room', seen: /by rule SDR_their into a room named after the caller/ }]
  },
  {
    name: 'another prefix',
    rules: [rule('SDR_our', callee({ roomPrefix: 'other' }))],
    found: [{ code: 'other-room', seen: /room other_ctoken/ }]
  },
  {
    name: "the prefix with LiveKit's underscore",
    rules: [rule('SDR_our', callee({ roomPrefix: 'jb_' }))],
    found: [{ code: 'other-room', seen: /room jb__ctoken/ }]
  },
  {
    name: 'no prefix',
    rules: [rule('SDR_our', callee({ roomPrefix: '' }))],
    found: [{ code: 'other-room', seen: /room ctoken/ }]
  },
  {
    name: 'a random room',
    rules: [rule('SDR_our', callee({ randomize: true }))],
    found: [{ code: 'other-room', seen: /a room with a random name/ }]
  },
  {
    name: 'a PIN',
    rules: [rule('SDR_our', callee({ pin: '1234' }))],
    found: [{ code: 'rule-pin', severity: 'failed', seen: /behind a PIN/ }]
  },
  {
    name: 'a rule for other dialled numbers',
    rules: [rule('SDR_our', callee(), { numbers: ['+15551230000'] })],
    found: [{ code: 'livekit-no-route' }]
  },
  {
    name: 'a rule without trunk ids loses to ours',
    rules: [rule('SDR_their', direct, { trunkIds: [] }), RULE],
    found: [{ code: 'matching-ok' }]
  },
  {
    name: 'a kind of rule that is not known',
    rules: [RULE, new SIPDispatchRuleInfo({ sipDispatchRuleId: 'SDR_new', trunkIds: ['ST_our'] })],
    found: [{ code: 'matching-ok' }]
  },

  // What holds for some callers and addresses.
  {
    name: 'allowed addresses',
    trunks: [trunk('ST_our', { allowedAddresses: ['203.0.113.0/24', '2001:db8::1'] })],
    found: [{ code: 'matching-ok' }, {
      code: 'matching-addresses',
      severity: 'warning',
      seen: /calls from 203\.0\.113\.0\/24, 2001:db8::1 alone.*from elsewhere LiveKit finds no trunk/
    }]
  },
  {
    name: 'an allowed From host',
    trunks: [trunk('ST_our', { allowedAddresses: ['sbc.example.com'] })],
    found: [{ code: 'matching-ok' }, { code: 'matching-addresses', todo: /only in From, which anybody may write/ }]
  },
  {
    name: 'addresses of which all are dropped: open to all',
    trunks: [trunk('ST_our', { allowedAddresses: ['sip://203.0.113.9'] })],
    found: [{ code: 'matching-ok' }]
  },
  {
    name: 'addresses that never fit',
    trunks: [trunk('ST_our', { allowedAddresses: ['203.0.113.9:5060'] })],
    found: [{ code: 'livekit-no-route', severity: 'failed' }]
  },
  {
    name: 'a second wildcard for one address',
    trunks: [OUR, trunk('ST_their', { allowedAddresses: ['203.0.113.9'] })],
    found: [{ code: 'matching-ok' }, {
      code: 'matching-addresses',
      severity: 'warning',
      seen: /From 203\.0\.113\.9 .* 503/
    }]
  },
  {
    name: 'allowed callers',
    trunks: [trunk('ST_our', { allowedNumbers: CALLERS })],
    found: [{ code: 'matching-ok' }, {
      code: 'matching-callers',
      severity: 'failed',
      seen: /for 2 callers alone.*for everybody else LiveKit finds no trunk/
    }]
  },
  {
    name: 'our rule for some callers, our trunk for some addresses',
    trunks: [trunk('ST_our', { allowedAddresses: ['203.0.113.9', '203.0.113.10'] })],
    rules: [rule('SDR_our', callee(), { inboundNumbers: [CALLERS[0]] })],
    found: [{ code: 'matching-ok' }, { code: 'matching-addresses', seen: /203\.0\.113\.9, 203\.0\.113\.10 alone/ }, {
      code: 'matching-callers',
      seen: /for 1 caller alone.*has no rule/
    }]
  },
  {
    name: 'a direct rule for some callers',
    rules: [RULE, rule('SDR_their', direct, { inboundNumbers: CALLERS })],
    found: [{ code: 'matching-ok' }, {
      code: 'matching-callers',
      severity: 'warning',
      seen: /For 2 of the callers.*by rule SDR_their into room lobby/
    }]
  },
  {
    name: 'a second wildcard for some callers',
    trunks: [OUR, trunk('ST_their', { allowedNumbers: [CALLERS[0]] })],
    found: [{ code: 'matching-ok' }, { code: 'matching-callers', seen: /For 1 of the callers.*503/ }]
  }
]

await t.test('where a call would land', async t => {
  for (const { name, trunks = [OUR], rules = [RULE], settings = OWN, found } of CASES) {
    const findings = matchingFindings(settings, { trunks, rules, outbound: [] }, SAMPLE)
    t.match(findings, found, name)
    t.equal(findings.length, found.length, `${name}: no more than that`)
    for (const number of CALLERS) t.notMatch(JSON.stringify(findings), number, `${name}: nobody's number`)
  }
})

await t.test("against the double: what it says is what LiveKit's double does", async t => {
  const { project, provision, find } = await surgery(t)
  t.match(await find([matchingCheck]), [{ code: 'livekit-no-route' }])
  const { trunk, rule } = await provision()
  const [finding] = await find([matchingCheck])
  t.match(finding, { code: 'matching-ok', seen: new RegExp(`${trunk}.*${rule}.*room jb_c`) })
  project.addRule({
    name: 'wins',
    trunk_ids: [trunk],
    rule: { dispatch_rule_direct: { room_name: 'lobby', pin: '1' } }
  })
  t.match(await find([matchingCheck]), [{ code: 'rule-pin' }])
  t.notMatch(JSON.stringify(finding), PAIR.password)
})
