import t from 'tap'
import type { ExplainedCall } from '../../src/explain/explanation.ts'
import { CARRIER_FINALS, carrierFinal } from '../../src/explain/knowledge/carrier-finals.ts'
import { twilioError, TWILIO_ERRORS } from '../../src/explain/knowledge/twilio-errors.ts'
import { reportText } from '../../src/explain/report.ts'
import { explainedAll } from '../fixtures/explained.ts'
import {
  FALLBACK,
  FROM_CALLER,
  INVITE,
  JAMBONZ,
  RINGING,
  sngrep,
  TO_LIVEKIT,
  TRYING,
  withFallback,
  type Said
} from './outgoing-cases.ts'

/** What must never be said of a carrier's refusal. */
const OF_LIVEKIT = /livekit-|LiveKit[^.]*(?:refus|trunk|credential)|LIVEKIT_SIP_HOST|no-route/i

async function explained (text: string): Promise<{ call: ExplainedCall, findings: string }> {
  const { calls, findings } = await explainedAll([text])
  t.equal(calls.length, 1, 'one call')
  return { call: calls[0]!, findings: JSON.stringify([findings, calls[0]!.findings]) }
}

const mainOf = ({ findings: [first] }: ExplainedCall) => first!
const final = (status: string, headers = ''): string =>
  sngrep(JAMBONZ, INVITE, TRYING, [300, `SIP/2.0 ${status}`, headers], [305, 'ACK'])

const FINALS: Array<[status: string, cause: string, says: RegExp]> = [
  ['301 Moved Permanently', 'carrier-failed', /redirects/],
  ['400 Bad Request', 'carrier-failed', /cannot use the INVITE/],
  ['402 Payment Required', 'carrier-failed', /pay/],
  ['403 Forbidden', 'declined', /does not allow this call.*IP ACL.*caller id/],
  ['404 Not Found', 'number-unobtainable', /does not know the number/],
  ['407 Proxy Authentication Required', 'carrier-failed', /wants credentials/],
  ['408 Request Timeout', 'carrier-failed', /no answer from where it passed the call on to/],
  ['480 Temporarily Unavailable', 'no-answer', /not available/],
  ['484 Address Incomplete', 'number-unobtainable', /digits/],
  ['486 Busy Here', 'busy', /called party is busy/],
  ['487 Request Terminated', 'no-answer', /ended before anybody answered/],
  ['488 Not Acceptable Here', 'media-mismatch', /no common codec/],
  ['500 Server Internal Error', 'carrier-failed', /failed on its side/],
  ['503 Service Unavailable', 'carrier-failed', /no capacity/],
  ['603 Decline', 'declined', /declined/],
  ['699 Whatever', 'carrier-failed', /declined the call/]
]

for (const [status, cause, says] of FINALS) {
  await t.test(`a carrier answers ${status}`, async t => {
    const { call, findings } = await explained(final(status))
    t.equal(call.end?.cause, cause)
    t.equal(call.end?.by, 'carrier')
    t.equal(call.end?.sipStatus, Number(status.slice(0, 3)))
    t.equal(mainOf(call).severity, 'failed', 'the exit code is 1')
    t.match(call.summary, /^The carrier \(carrier\.example\.com\) answered Jambonz's INVITE with \d{3}/)
    t.match(call.summary, says)
    t.ok(mainOf(call).todo, 'and says what to do')
    t.equal(call.legs[0]?.role, 'carrier-out')
    t.notMatch(findings, OF_LIVEKIT)
    const steps = call.steps.map(({ from, to }) => `${from} ${to}`)
    t.same([...new Set(steps)], ['jambonz carrier', 'carrier jambonz'], 'the ladder has the two that spoke')
  })
}

await t.test('every final status has words, and no table has two entries for one', t => {
  for (let status = 300; status < 700; status++) t.ok(carrierFinal(status).todo, `${status}`)
  const statuses = CARRIER_FINALS.flatMap(({ statuses }) => statuses)
  t.equal(new Set(statuses).size, statuses.length)
  t.equal(new Set(TWILIO_ERRORS.map(({ code }) => code)).size, TWILIO_ERRORS.length)
  t.match(twilioError('32201 SIP: Source IP address not in ACL')?.todo, /Termination/)
  t.equal(twilioError('x 32201'), undefined)
  t.end()
})

const SAID: Array<[headers: string, says: RegExp]> = [
  ['X-Twilio-Error: 32205 Geo', /"code":"carrier-said","severity":"failed".*geo permissions do not allow.*"todo":"Allow/],
  ['X-Twilio-Error: 99999 New', /X-Twilio-Error \\"99999 New\\"/],
  ['Reason: Q.850;cause=1;text="Unallocated"', /cause 1: the number is not in use/],
  ['Reason: SIP;cause=603;text="No"', /Reason \\"SIP;cause=603/],
  ['Warning: 304 carrier.example.com "Media type not available"', /Warning \\"304/],
  ['Retry-After: 120', /call again in 120 s/],
  ['X-Asterisk-HangupCause: Normal Clearing', /X-Asterisk-HangupCause \\"Normal Clearing/],
  ['X-Asterisk-HangupCauseCode: 16', /X-Asterisk-HangupCauseCode/]
]

await t.test('what else the response says is told', async t => {
  for (const [headers, says] of SAID) t.match((await explained(final('503 Out', headers))).findings, says, headers)
  t.notMatch((await explained(final('503 Out'))).findings, /carrier-said/)
  t.match(
    (await explained(final('403 Caller Origination Number is Invalid D35'))).findings,
    /code D35 of Telnyx.*number in E\.164.*"todo":"Send a number/
  )
  t.notMatch((await explained(final('503 Out', 'X-Reason: ask +15550100077'))).findings, /0100077/, 'no number')
})

await t.test('webhooks of a caller whom Jambonz passes on to a number', async t => {
  const began = Date.UTC(2026, 0, 31, 10)
  const caller = { call_sid: 'a', direction: 'inbound', from: '+15550100009', to: '+15550100002', call_id: 'fs-1' }
  const dialled = { ...caller, call_sid: 'b', parent_call_sid: 'a', direction: 'outbound', to: '+15550100055' }
  const post = (at: number, url: string, body: object): string =>
    `${JSON.stringify({ time: began + at, url, payload: body })}\n`
  const trying = { call_status: 'trying', sip_status: 100 }
  for (const [status, cause] of [[403, 'declined'], [404, 'number-unobtainable'], [503, 'carrier-failed']] as const) {
    const { call, findings } = await explained([
      post(0, '/hook', { ...caller, ...trying, sip: { headers: {} } }),
      post(5, '/status', { ...caller, ...trying }),
      post(50, '/status', { ...dialled, ...trying }),
      post(400, '/status', { ...dialled, call_status: 'failed', sip_status: status, sbc_callid: 'out-1' }),
      post(420, '/status', { ...caller, call_status: 'failed', sip_status: 480 })
    ].join(''))
    t.match(call.end, { cause, by: 'carrier', sipStatus: status })
    t.notMatch(findings, OF_LIVEKIT)
  }
})

await t.test('messages without times, and files that begin late, have no durations', async t => {
  const untimed = final('403 Forbidden').replaceAll(/^2026-\S+ \S+ .*\r\n/gm, '')
  t.match((await explained(untimed)).call.summary, /^The carrier .* answered Jambonz's INVITE with 403 Forbidden: it/)
  const talked = sngrep(JAMBONZ, INVITE, [90, 'SIP/2.0 200 OK'], [91, 'ACK'], [9000, 'BYE', '', { back: true }])
  t.equal(
    (await explained(talked.replaceAll(/^2026-\S+ \S+ .*\r\n/gm, ''))).call.summary,
    'The called side hung up.'
  )
})

await t.test('credentials that were refused, and a 403 in spite of them', async t => {
  const challenge: Said = [50, 'SIP/2.0 401 Unauthorized', 'WWW-Authenticate: Digest realm="c", nonce="1"']
  const again: Said = [60, 'INVITE', 'Authorization: Digest username="u"', { cseq: '2 INVITE' }]
  const answered = (status: string): Promise<{ call: ExplainedCall, findings: string }> =>
    explained(sngrep(JAMBONZ, INVITE, challenge, again, [90, `SIP/2.0 ${status}`, '', { cseq: '2 INVITE' }]))

  t.match((await answered('401 Unauthorized')).call.summary, /did not accept the user name and password/)
  t.match((await answered('403 Forbidden')).call.summary, /had asked for credentials, got them.*caller id/)
  t.match((await explained(sngrep(JAMBONZ, INVITE, challenge))).call.summary, /no INVITE with them follows/)
  t.match((await explained(sngrep(JAMBONZ, INVITE, [50, 'SIP/2.0 401 No']))).call.summary, /no challenge/)
})

await t.test('a call that nobody answers, and one that Jambonz cancels', async t => {
  const repeats: Said[] = [[500, 'INVITE'], [1500, 'INVITE'], [3500, 'INVITE'], [7500, 'INVITE']]
  const silent = await explained(sngrep(JAMBONZ, INVITE, ...repeats))
  t.match(silent.call.summary, /^Nothing came back to Jambonz's INVITE.*sent 5 times, for 7\.5 s/)
  t.equal(silent.call.end?.cause, 'carrier-failed')
  t.match(silent.findings, /whether carrier\.example\.com is a carrier or a LiveKit server/, 'both readings')

  const short = await explained(sngrep(JAMBONZ, INVITE))
  t.equal(short.call.end, undefined, 'a file that ends after the INVITE proves nothing')
  t.match(short.call.summary, /The files end 0 ms after.*nothing had come back by then/)

  const cancelled = await explained(
    sngrep(JAMBONZ, INVITE, TRYING, RINGING, [20_900, 'CANCEL'], [20_950, 'SIP/2.0 487 Request Terminated'])
  )
  t.match(cancelled.call.summary, /Jambonz cancelled the call 21 s after.*had rung for 20 s.*does not say why/)
  t.match(mainOf(cancelled.call), { code: 'no-answer', severity: 'warning' })
})

await t.test('a caller whom Jambonz passes on to a number', async t => {
  const passed = (caller: Said[], ...dial: Said[]): Promise<{ call: ExplainedCall }> =>
    explained(`${sngrep(FROM_CALLER, INVITE, TRYING, ...caller)}\n${sngrep(FALLBACK, INVITE, TRYING, ...dial)}`)

  const refused = await passed([[1500, 'SIP/2.0 480 Not Connected']], [600, 'SIP/2.0 404 Not Found'])
  t.match(refused.call, { from: '+15550100009', to: '+15550100002', end: { cause: 'number-unobtainable' } })
  const gaveUp = await passed([[2000, 'CANCEL']], RINGING, [1210, 'CANCEL'])
  t.equal(gaveUp.call.end?.cause, 'caller-gave-up')
  const talked = await passed(
    [[2000, 'SIP/2.0 200 OK'], [2001, 'ACK'], [9000, 'BYE']],
    [1100, 'SIP/2.0 200 OK'],
    [8300, 'BYE']
  )
  t.match(talked.call, { end: { cause: 'caller-hung-up' }, summary: /The caller hung up after 7\.2 s of talk/ })
})

await t.test("a fallback does not hide why LiveKit did not take the call, whatever the carrier's answer", async t => {
  for (const fallback of ['403 Forbidden', '404 Not Found', '486 Busy Here', '503 Service Unavailable']) {
    const { call, findings } = await explained(withFallback(TRYING, [250, `SIP/2.0 ${fallback}`]))
    t.match(call.end, { cause: 'livekit-no-route', sipStatus: 404 }, fallback)
    t.match(findings, new RegExp(`"fallback-dialled","severity":"failed".*${fallback}`))
    t.notMatch(findings, /took the caller elsewhere|redirected/)
    t.equal(call.id, 'from-caller', "the id is not that of the carrier's leg")
  }

  const good = await explained(
    withFallback(TRYING, RINGING, [3000, 'SIP/2.0 200 OK'], [3010, 'ACK'], [30_000, 'BYE', '', { back: true }])
  )
  t.equal(good.call.end?.cause, 'livekit-no-route')
  t.match(good.findings, /"fallback-dialled","severity":"ok".*It was answered\. The called side hung up after 27 s/)
})

await t.test('several dials to LiveKit: what became of each is told', async t => {
  const again = {
    ...TO_LIVEKIT,
    callId: 'again',
    to: 'c7m3n8b2v5c1x9z4l6k0',
    headers: 'X-Call-Sid: 0b1e6a52-54a5-4d0f-9a0f-6a5f6f7c0077\nX-CID: from-caller',
    at: 1200
  }
  const scl = { tag: 'SCL_q1' }
  const first = sngrep(TO_LIVEKIT, INVITE, [90, 'SIP/2.0 404 No trunk found', '', scl])
  const { call, findings } = await explained([
    sngrep(FROM_CALLER, INVITE, TRYING, [2000, 'SIP/2.0 200 OK'], [2001, 'ACK'], [9000, 'BYE']),
    first,
    sngrep(again, INVITE, [600, 'SIP/2.0 200 OK', '', scl], [601, 'ACK', '', scl], [7810, 'BYE', '', scl])
  ].join('\n'))
  t.match(call, { end: { cause: 'caller-hung-up' }, summary: /^The caller hung up after/ })
  t.match(findings, /"livekit-no-route","severity":"failed","seen":"An earlier dial failed \(404\)/)
  t.notMatch(findings, /elsewhere \(redirected\)/)
})

await t.test('a caller whom Jambonz takes from the agent to a number', async t => {
  const scl = { tag: 'SCL_q1' }
  const { call, findings } = await explained([
    sngrep(FROM_CALLER, INVITE, TRYING, [2000, 'SIP/2.0 200 OK'], [2001, 'ACK'], [59_000, 'BYE']),
    sngrep(TO_LIVEKIT, INVITE, [1090, 'SIP/2.0 200 OK', '', scl], [1091, 'ACK', '', scl], [8000, 'BYE', '', scl]),
    sngrep({ ...FALLBACK, at: 8500 }, INVITE, TRYING, [400, 'SIP/2.0 486 Busy Here'])
  ].join('\n'))
  t.equal(call.end?.cause, 'redirected')
  t.match(findings, /"other-dial","severity":"failed".*486 Busy Here/)
})

await t.test('a call that Jambonz places: the callee hangs up, or LiveKit does not take the call', async t => {
  const callee = { ...JAMBONZ, callId: 'callee' }
  const toAgent = { ...TO_LIVEKIT, headers: 'X-Account-Sid: acct-1\nX-CID: callee\nX-Call-Sid: b-leg', at: 3100 }
  const answer: Said[] = [[3000, 'SIP/2.0 200 OK'], [3010, 'ACK']]
  const scl = { tag: 'SCL_q1' }
  const talked = await explained([
    sngrep(callee, INVITE, TRYING, RINGING, ...answer, [9000, 'BYE', '', { back: true }]),
    sngrep(toAgent, INVITE, [300, 'SIP/2.0 200 OK', '', scl], [301, 'ACK', '', scl], [5950, 'BYE', '', scl])
  ].join('\n'))
  t.match(talked.call, {
    id: '0b1e6a52-54a5-4d0f-9a0f-6a5f6f7c0001',
    end: { cause: 'callee-hung-up', by: 'callee' },
    summary: /^The callee hung up after 5\.6 s/
  })
  const refused = await explained([
    sngrep(callee, INVITE, TRYING, RINGING, ...answer, [4000, 'BYE']),
    sngrep(toAgent, INVITE, [90, 'SIP/2.0 404 No trunk found', '', scl])
  ].join('\n'))
  t.equal(refused.call.end?.cause, 'livekit-no-route')
})

await t.test('the report names the leg, and draws the carrier', async t => {
  const report = reportText(await explainedAll([final('403 Forbidden')]), {
    width: 120,
    ascii: false,
    colour: false,
    rewrite: false
  })
  t.match(report, /leg to a carrier: \+15550100002@carrier\.example\.com/)
  t.match(report, /ms +jambonz +carrier$/m)
})
