import t from 'tap'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { ACK_LINE, INVITE_LINE, sipText, type Line, type Sides } from '../fixtures/sip-texts.ts'
import type { Finding } from '../../src/finding.ts'

const TO_LIVEKIT: Sides = {
  called: 'h7token7h7token7h7to',
  host: '9z8y7x6w5v4.sip.livekit.cloud',
  calledTag: 'SCL_31',
  ends: ['203.0.113.9:5060', '198.51.100.20:5060']
}
const OF_JAMBONZ: Line = { ...INVITE_LINE, headers: `${INVITE_LINE.headers}X-Call-Sid: call-31\n` }
const refusal = (phrase: string): Line => ({ at: 90, by: 'called', start: `SIP/2.0 404 ${phrase}` })

async function routeOf (lines: readonly Line[], sides: Sides = TO_LIVEKIT): Promise<Finding[]> {
  const explanation = await explainedAll([sipText(lines, sides)])
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-no-route')
  return findingsOf(explanation)
}

await t.test("LiveKit's phrase decides whether the trunk or the rule is missing", async t => {
  for (const phrase of ['No trunk found', 'Does not match any SIP Trunks']) {
    const [route, ...others] = await routeOf([OF_JAMBONZ, refusal(phrase), ACK_LINE])
    t.match(route, { seen: `LiveKit has no inbound trunk for this call (404 ${phrase}).`, todo: /no inbound trunk takes/ })
    t.notMatch(JSON.stringify(others), /look alike/, phrase)
  }
  const [route, ...others] = await routeOf([OF_JAMBONZ, refusal('Does not match Trunks or Dispatch Rules'), ACK_LINE])
  t.match(route, { seen: /^LiveKit has no dispatch rule for this call \(404 /, todo: /no dispatch rule takes/ })
  t.notMatch(JSON.stringify(others), /look alike/)
})

await t.test('another phrase says nothing, and the doubt stays', async t => {
  const [route, ...others] = await routeOf([OF_JAMBONZ, refusal('Not Found'), ACK_LINE])
  t.match(route?.seen, /no trunk or rule/)
  t.match(JSON.stringify(others), /look alike/)
})

await t.test('how to match this very call with the lists of the project', async t => {
  const [route] = await routeOf([OF_JAMBONZ, refusal('No trunk found'), ACK_LINE])
  t.match(route?.todo, /bridge provision --plan/)
  t.equal(
    route?.command,
    'lk sip inbound list -j > trunks.json; lk sip dispatch list -j > rules.json; ' +
      'bridge explain --to h7token7h7token7h7to --from +15550100001 --ip 203.0.113.9 trunks.json rules.json'
  )
  const [behindNat] = await routeOf([OF_JAMBONZ, refusal('No trunk found')], {
    ...TO_LIVEKIT,
    ends: ['10.1.2.3:5060', '198.51.100.20:5060']
  })
  t.notMatch(behindNat?.command, /--ip/, 'LiveKit does not see a private address')
})

await t.test('a 404 alone: nobody saw an INVITE', async t => {
  const { calls: [call] } = await explainedAll([sipText([refusal('No trunk found')], TO_LIVEKIT)])
  t.match(call?.summary, /no inbound trunk/)
  t.notMatch(JSON.stringify(call?.evidence), /INVITE to LiveKit/)
})

await t.test('X-LK-Call is missed only where another INVITE has it', async t => {
  const leg = (callId: string, header: string): string =>
    sipText([{ ...OF_JAMBONZ, headers: `${OF_JAMBONZ.headers}${header}` }, refusal('Not Found')], {
      ...TO_LIVEKIT,
      callId
    })
  t.notMatch(codesOf(await explainedAll([leg('a', '')])).join(), /no-call-header/)
  const both = await explainedAll([leg('a', ''), leg('b', 'X-LK-Call: token-2\n').replace('call-31', 'call-32')])
  t.equal(codesOf(both).filter(code => code === 'no-call-header').length, 1)
})

await t.test('each thing is said once, and causes in words', async t => {
  const at = (s: number): string => new Date(Date.UTC(2026, 0, 31, 10, 0, s)).toISOString()
  const record = (direction: string, sipStatus: number, host: string): object => ({
    time: at(0),
    account_sid: 'account-3',
    call_sid: `${direction}-31`,
    from: '+15550100031',
    to: '+15550100032',
    answered: false,
    sip_callid: `${direction}@31`,
    sip_status: sipStatus,
    duration: 0,
    attempted_at: Date.parse(at(0)),
    terminated_at: Date.parse(at(1)),
    termination_reason: 'failed',
    host: '192.0.2.3',
    remote_host: host,
    direction,
    trunk: direction === 'inbound' ? 'Example Carrier' : 'sipUri'
  })
  const data = [record('outbound', 404, '9z8y7x6w5v4.sip.livekit.cloud'), record('inbound', 480, '192.0.2.4')]
  const records = findingsOf(await explainedAll([JSON.stringify({ total: 2, page: 1, data })]))
  t.equal(JSON.stringify(records).split('found no trunk or no dispatch rule').length, 2)
  t.equal(new Set(records.map(({ todo }) => todo)).size, records.length)

  const hungUp = findingsOf(await explainedAll([sipText([
    { ...INVITE_LINE, headers: `${INVITE_LINE.headers}X-CID: 9\nX-Account-Sid: 8\n` },
    { at: 900, by: 'called', start: 'SIP/2.0 200 OK' },
    { at: 950, by: 'caller', start: 'ACK sip:x@example.com SIP/2.0' },
    { at: 9000, by: 'caller', start: 'BYE sip:x@example.com SIP/2.0' },
    { at: 9010, by: 'called', start: 'SIP/2.0 200 OK' }
  ])]))
  t.match(
    hungUp.find(({ code }) => code === 'not-told-apart')?.seen,
    /^Another cause would look the same from here: [A-Z].* \(agent-lost\)\.$/
  )
})

await t.test('a quota that is used up: the headline says it, and nothing of Redis', async t => {
  const line = '2026-01-31T09:00:00.000Z\tWARN\tsip\tsip/inbound.go:528\tRejecting inbound, quota exceeded\t' +
    '{"callID": "SCL_32", "sipCallID": "quota-32"}\n'
  const { calls: [call] } = await explainedAll([line])
  t.match(call, { end: { cause: 'livekit-overloaded' }, summary: /a quota of the project is used up/ })
  t.match(call?.findings[0]?.todo, /limits of its plan/)
  t.notMatch(JSON.stringify(call?.findings), /Redis/)
})

await t.test('a target that is busy: nothing about whether the carrier supports REFER', async t => {
  const lines: Line[] = [
    OF_JAMBONZ,
    { at: 900, by: 'called', start: 'SIP/2.0 200 OK' },
    { at: 950, by: 'caller', start: 'ACK sip:x@example.com SIP/2.0' },
    { at: 9000, by: 'called', start: 'REFER sip:x@example.com SIP/2.0', headers: 'Refer-To: <tel:+15550100077>\n' },
    { at: 9040, by: 'caller', start: 'SIP/2.0 202 Accepted' },
    {
      at: 11_000,
      by: 'caller',
      start: 'NOTIFY sip:x@example.com SIP/2.0',
      headers: 'Event: refer\nContent-Type: message/sipfrag\n',
      body: 'SIP/2.0 486 Busy Here\n'
    },
    { at: 11_010, by: 'called', start: 'SIP/2.0 200 OK' },
    { at: 20_000, by: 'caller', start: 'BYE sip:x@example.com SIP/2.0' },
    { at: 20_010, by: 'called', start: 'SIP/2.0 200 OK' }
  ]
  const [main] = findingsOf(await explainedAll([sipText(lines, TO_LIVEKIT)]))
  t.match(main, { code: 'transfer-failed', todo: 'Dial the target by hand over the same carrier' })
})

await t.test('the command that asks for a route names the files that were read', async t => {
  const trunk = { sip_trunk_id: 'ST_31', name: 'x', numbers: ['+15550100031'] }
  const rules = findingsOf(await explainedAll([JSON.stringify({ items: [trunk] })]))
  t.match(rules.find(({ code }) => code === 'config-not-asked')?.command, /--ip 203\.0\.113\.7 file-1 rules\.json$/)
})
