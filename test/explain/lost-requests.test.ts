import t from 'tap'
import type { ExplainedCall } from '../../src/explain/explanation.ts'
import { explainedAll } from '../fixtures/explained.ts'
import { ACK_LINE, INVITE_LINE, OK_LINE, sipText, TRYING_LINE, type Line, type Sides } from '../fixtures/sip-texts.ts'

const AT_LIVEKIT: Sides = { called: 'k9token8token7token6', host: '9z8y7x6w5v4.sip.livekit.cloud', calledTag: 'SCL_4' }
const JAMBONZ: Line = { ...INVITE_LINE, headers: 'X-Call-Sid: 55555555-5555-4555-8555-555555555555\n' }
/** LiveKit dials a carrier. */
const FROM_LIVEKIT: Sides = { callerTag: 'SCL_8' }

async function callOf (lines: readonly Line[], sides: Sides): Promise<ExplainedCall> {
  const { calls } = await explainedAll([sipText(lines, sides)])
  t.equal(calls.length, 1, 'one call')
  return calls[0]!
}

const invite = (contact: string): Line => ({ ...INVITE_LINE, headers: `Contact: <sip:agent@${contact}>\n` })
const answers = (...times: number[]): Line[] =>
  times.map(at => ({ ...OK_LINE, at, headers: 'Contact: <sip:a@203.0.113.61:5060>\n' }))
const byes = (by: Line['by'], ...times: number[]): Line[] =>
  times.map(at => ({ at, by, start: 'BYE sip:x@example.com SIP/2.0', cseq: '7 BYE' }))
const answered = (by: Line['by'], at: number, status: string): Line => ({ at, by, start: `SIP/2.0 ${status}` })

const UNHEARD = [TRYING_LINE, ...answers(1000, 1500, 2500, 4500)]

await t.test('an answer that is sent again and never acknowledged is no talk, and no good end', async t => {
  const sides: Array<[who: string, lines: Line[], sides: Sides]> = [
    ['LiveKit', [JAMBONZ, ...UNHEARD, ...byes('called', 13_000), answered('caller', 13_020, '200 OK')], AT_LIVEKIT],
    [
      'The called side',
      [INVITE_LINE, ...UNHEARD, ...byes('called', 13_000), answered('caller', 13_020, '200 OK')],
      FROM_LIVEKIT
    ],
    ['The called side', [INVITE_LINE, ...UNHEARD, ...byes('called', 13_000), answered('caller', 13_020, '200 OK')], {}]
  ]
  for (const [who, lines, ends] of sides) {
    const call = await callOf(lines, ends)
    t.match(call.findings[0], {
      code: 'contact-unreachable',
      severity: 'failed',
      seen: new RegExp(`sent 4 times and never acknowledged.*${who} hung up 12 s later.*203\\.0\\.113\\.61\\.$`)
    })
    t.notMatch(JSON.stringify(call), /of talk|could talk/)
  }
  const late = [JAMBONZ, ...UNHEARD, { ...ACK_LINE, at: 4600 }, ...byes('called', 13_000)]
  const twice = await callOf(late, AT_LIVEKIT)
  t.notMatch(JSON.stringify(twice.findings), /acknowledged/, 'one that was acknowledged later')
})

await t.test("a carrier's BYE that LiveKit's Contact does not get", async t => {
  const talk = (contact: string): Line[] => [invite(contact), TRYING_LINE, ...answers(1000), ACK_LINE]
  const lost = byes('called', 31_000, 31_500, 32_500, 34_500)
  const call = await callOf([...talk('10.20.0.5:5060'), ...lost], FROM_LIVEKIT)
  t.match(call.findings[0], { code: 'callee-hung-up', severity: 'warning', seen: /30 s of talk\. The BYE was not/ })
  t.match(call.findings.find(({ code }) => code === 'contact-unreachable'), {
    severity: 'failed',
    seen: /BYE of the called side.*sent 4 times.*Contact of the INVITE: 10\.20\.0\.5, a private address/,
    todo: /use_external_ip/
  })

  const open = await callOf([...talk('203.0.113.5:5060'), ...lost], FROM_LIVEKIT)
  t.match(JSON.stringify(open.findings), /Contact of the INVITE: 203\.0\.113\.5\. /, 'a public address is not blamed')

  const fine = await callOf([...talk('10.20.0.5:5060'), ...lost, answered('caller', 34_520, '200 OK')], FROM_LIVEKIT)
  t.match(fine.findings[0], { code: 'callee-hung-up', severity: 'ok' })
  t.notMatch(JSON.stringify(fine.findings), /contact-unreachable/)

  const short = await callOf([...talk('10.20.0.5:5060'), ...byes('called', 31_000)], FROM_LIVEKIT)
  t.match(short.findings[0], { severity: 'ok' }, 'the file ends with the BYE')
})

await t.test('a late offer that LiveKit answers 500 is told as that alone', async t => {
  const { body: _body, ...bare } = JAMBONZ
  const call = await callOf([
    { ...bare, headers: bare.headers ?? '' },
    TRYING_LINE,
    answered('called', 90, '500 Internal Server Error')
  ], AT_LIVEKIT)
  t.match(call.findings[0], { code: 'late-offer', severity: 'failed' })
  t.notMatch(JSON.stringify(call.findings), /share no codec|media-mismatch/)
  t.match(call.nextSteps, [{ todo: /early offer/ }])
})

await t.test('a file with nothing but OPTIONS was read, and nothing is wrong in it', async t => {
  const ping: Line = { at: 0, by: 'caller', start: 'OPTIONS sip:sbc.example.com SIP/2.0' }
  const { findings, calls } = await explainedAll([sipText([ping, answered('called', 20, '200 OK')])])
  t.same(calls, [])
  t.match(findings, [{ code: 'no-call', severity: 'skipped', seen: /^2 SIP messages were read/ }])
})
