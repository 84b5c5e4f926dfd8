import t from 'tap'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { ACK_LINE, INVITE_LINE, sipText, type Line } from '../fixtures/sip-texts.ts'

/*
 * The leg on which feature-server asks FreeSWITCH for an endpoint, with the headers of drachtio-fsmrf.
 */

const AT_FREESWITCH = { caller: '', called: 'drachtio', host: '192.0.2.33', callId: 'endpoint-1' }

const asked = (headers: string): Line => ({ ...INVITE_LINE, headers: `${INVITE_LINE.headers}${headers}` })
const answer = (status: string): Line => ({ at: 4, by: 'called', start: `SIP/2.0 ${status}` })

const MARKS = ['User-Agent: drachtio-fsmrf:7\n', 'X-esl-outbound: 192.0.2.33:41022\n']

await t.test('FreeSWITCH refuses the leg of feature-server: that is no leg of the caller', async t => {
  for (const mark of MARKS) {
    const explanation = await explainedAll([sipText([asked(mark), answer('488 Not Acceptable Here')], AT_FREESWITCH)])
    const [call] = explanation.calls
    t.equal(call?.legs[0]?.role, 'inside', mark)
    t.equal(call?.end?.cause, 'media-server-failed')
    t.match(call?.summary, /media server \(FreeSWITCH\) did not accept the call: .* with 488 Not Acceptable Here/)
    t.match(findingsOf(explanation)[0]?.todo, /codecs/)
    t.notMatch(JSON.stringify(explanation), /The caller got|LiveKit accepts/)
    t.strictSame(new Set(call?.steps.flatMap(({ from, to }) => [from, to])), new Set(['jambonz']), 'the ladder')
  }
})

await t.test('another status says nothing of codecs, and a leg that was taken or cancelled is no failure', async t => {
  const [mark] = MARKS as [string]
  const busy = await explainedAll([sipText([asked(mark), answer('503 Maximum Calls')], AT_FREESWITCH)])
  t.match(findingsOf(busy)[0]?.seen, /with 503 Maximum Calls/)
  t.notMatch(findingsOf(busy)[0]?.todo, /codec/)
  for (const status of ['200 OK', '487 Request Terminated']) {
    const explanation = await explainedAll([sipText([asked(mark), answer(status), ACK_LINE], AT_FREESWITCH)])
    t.notOk(findingsOf(explanation).some(({ severity }) => severity === 'failed'), status)
    t.equal(explanation.calls[0]?.end, undefined)
    t.match(findingsOf(explanation)[0]?.seen, /neither what the caller got nor how the call ended/)
  }
})
