import t from 'tap'
import { reportText } from '../../src/explain/report.ts'
import { explainedAll } from '../fixtures/explained.ts'
import { INVITE_LINE, sipText, TRYING_LINE, type Line } from '../fixtures/sip-texts.ts'

const AT_LIVEKIT = { called: '+15550100041', host: '9z8y7x6w5v4.sip.livekit.cloud', calledTag: 'SCL_6' }
const ASTERISK = 'User-Agent: Asterisk PBX 20.9.2\n'
const JAMBONZ = 'X-Call-Sid: 77777777-7777-4777-8777-777777777777\n'

async function reportOf (headers: string, ...answers: string[]): Promise<string> {
  const lines = answers.map((status, i): Line => ({ at: 60 + i, by: 'called', start: `SIP/2.0 ${status}` }))
  const explanation = await explainedAll([sipText([{ ...INVITE_LINE, headers }, TRYING_LINE, ...lines], AT_LIVEKIT)])
  return reportText(explanation, { width: 120, rewrite: false, colour: false, ascii: true })
}

for (const status of ['404 Not Found', '486 Busy Here', '488 Not Acceptable Here', '500 Internal Server Error',
  '503 Service Unavailable', '603 Decline']) {
  await t.test(`${status} of LiveKit to a caller who is not Jambonz`, async t => {
    t.notMatch(await reportOf(ASTERISK, status), /jambonz/i)
    t.match(await reportOf(JAMBONZ, status), /jambonz/, 'and to Jambonz')
  })
}

await t.test('who shares no codec with LiveKit', async t => {
  t.match(await reportOf(ASTERISK, '488 Not Acceptable Here'), /The caller's side and LiveKit share no codec/)
  t.match(await reportOf(JAMBONZ, '488 Not Acceptable Here'), /Jambonz and LiveKit share no codec/)
})

await t.test("a leg of feature-server to its media server is no caller's", async t => {
  const invite: Line = { ...INVITE_LINE, headers: 'User-Agent: drachtio-fsmrf:1\nX-esl-outbound: 192.0.2.10:40001\n' }
  const { calls: [call] } = await explainedAll([
    sipText([invite, { at: 9, by: 'called', start: 'SIP/2.0 488 Not Acceptable Here' }])
  ])
  t.match(call, { end: { cause: 'media-server-failed', sipStatus: 488 }, summary: /answered feature-server with 488/ })
  t.notMatch(JSON.stringify(call?.findings), /LiveKit accepts|The caller got|caller's leg/)
})
