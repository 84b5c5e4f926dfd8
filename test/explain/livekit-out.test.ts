import { readFileSync } from 'node:fs'
import t from 'tap'
import type { ExplainedCall } from '../../src/explain/explanation.ts'
import { explainedAll } from '../fixtures/explained.ts'
import { fixture } from '../fixtures/paths.ts'
import { pcapFile, recordedSip, udpFrames } from '../fixtures/captures.ts'
import { INVITE, LIVEKIT, RINGING, sngrep, TRYING, type OutgoingLeg, type Said } from './outgoing-cases.ts'

async function explained (...texts: string[]): Promise<{ call: ExplainedCall, findings: string }> {
  const { calls, findings } = await explainedAll([texts.join('\n')])
  t.equal(calls.length, 1, 'one call')
  return { call: calls[0]!, findings: JSON.stringify([findings, calls[0]!.findings]) }
}

const TWILIO: OutgoingLeg = { ...LIVEKIT, host: 'acme.pstn.twilio.com' }
const ANSWER: Said[] = [[3000, 'SIP/2.0 200 OK', 'Contact: <sip:a@203.0.113.80>'], [3010, 'ACK']]
const OK = (cseq: string, back: boolean): Said => [9010, 'SIP/2.0 200 OK', '', { cseq, back }]

await t.test("the carrier's final status is the cause, and it is told who asked", async t => {
  const { call, findings } = await explained(sngrep(LIVEKIT, INVITE, TRYING, [300, 'SIP/2.0 486 Busy Here']))
  t.match(call, {
    id: 'outgoing-1',
    from: '+15550100001',
    to: '+15550100002',
    end: { cause: 'busy', by: 'carrier', sipStatus: 486 },
    legs: [{ role: 'livekit-out' }],
    summary: /^The carrier \(carrier\.example\.com\) answered LiveKit's INVITE with 486 Busy Here, 300 ms after it/
  })
  t.match(findings, /livekit-dialled/)
  t.same([...new Set(call.steps.flatMap(({ from, to }) => [from, to]))].sort(), ['carrier', 'livekit'])
})

await t.test('credentials: none, wrong ones, and a 403 in spite of them', async t => {
  const challenge: Said = [50, 'SIP/2.0 407 Proxy Authentication Required', 'Proxy-Authenticate: Digest realm="c"']
  const again: Said = [60, 'INVITE', 'Proxy-Authorization: Digest username="u"', { cseq: '2 INVITE' }]
  const none = await explained(sngrep(LIVEKIT, INVITE, challenge))
  t.match(none.call.summary, /no INVITE with them follows.*no credentials in LiveKit's outbound trunk/)
  const wrong = await explained(sngrep(LIVEKIT, INVITE, challenge, again, [
    90,
    'SIP/2.0 407 Proxy Authentication Required',
    '',
    { cseq: '2 INVITE' }
  ]))
  t.match(wrong.call, { end: { cause: 'carrier-failed', sipStatus: 407 }, summary: /did not accept the user name/ })
  const forbidden = await explained(
    sngrep(LIVEKIT, INVITE, challenge, again, [90, 'SIP/2.0 403 Forbidden', '', { cseq: '2 INVITE' }])
  )
  t.match(forbidden.call, { end: { cause: 'declined', sipStatus: 403 }, summary: /From user or caller id/ })
})

await t.test('the form of numbers', async t => {
  const dialled = (leg: OutgoingLeg): Promise<{ findings: string }> =>
    explained(sngrep({ ...TWILIO, ...leg }, INVITE, [90, 'SIP/2.0 404 Not Found']))
  t.match((await dialled({ to: '15550100002' })).findings, /"number-form","severity":"failed".*dialled has no \+/)
  t.match((await dialled({ from: '15550100001' })).findings, /The number in From has no \+/)
  t.match((await dialled({ to: '+1%20555%20010-0002' })).findings, /spaces or punctuation/)
  t.match((await dialled({ from: 'agent-7' })).findings, /The number in From is none \(agent-7\)/)
  t.notMatch((await dialled({})).findings, /number-form/, 'E.164')
  t.notMatch((await dialled({ to: '101' })).findings, /number-form/, 'an extension')
  t.notMatch((await dialled({ to: '15550100002', host: 'pbx.example.com' })).findings, /number-form/, 'a PBX')
})

await t.test('an INVITE that nothing answers counts only when the file goes on', async t => {
  const repeats: Said[] = [[500, 'INVITE'], [1500, 'INVITE']]
  const short = await explained(sngrep(LIVEKIT, INVITE, ...repeats))
  t.equal(short.call.end, undefined)
  t.match(short.call.summary, /The files end 1\.5 s after LiveKit's INVITE.*sent 3 times/)
  const long = await explained(sngrep(LIVEKIT, INVITE, ...repeats, [3500, 'INVITE'], [31_500, 'INVITE']))
  t.match(long.call, { end: { cause: 'carrier-failed' }, summary: /^Nothing came back to LiveKit's INVITE/ })
  t.equal(long.call.findings[0]?.severity, 'failed')
})

await t.test('LiveKit stops ringing', async t => {
  const { call } = await explained(
    sngrep(LIVEKIT, INVITE, RINGING, [30_900, 'CANCEL'], [30_950, 'SIP/2.0 487 Request Terminated'])
  )
  t.match(call, { end: { cause: 'agent-gave-up', by: 'agent' }, summary: /LiveKit cancelled.*had rung for 30 s/ })
  const busy = await explained(sngrep(LIVEKIT, INVITE, RINGING, [30_900, 'CANCEL'], [30_910, 'SIP/2.0 486 Busy Here']))
  t.equal(busy.call.end?.cause, 'busy', 'the final status was faster than CANCEL')
})

await t.test('answered calls: who hung up', async t => {
  const byCallee = await explained(
    sngrep(LIVEKIT, INVITE, ...ANSWER, [9000, 'BYE', '', { back: true }], OK('2 BYE', false))
  )
  t.match(byCallee.call, { end: { cause: 'callee-hung-up' }, summary: 'The called side hung up after 6.0 s of talk.' })
  t.equal(byCallee.call.findings[0]?.severity, 'ok')
  t.notMatch(byCallee.findings, /carrier-said/, 'the Contact of an answer is no reason')
  const byLiveKit = await explained(sngrep(LIVEKIT, INVITE, ...ANSWER, [9000, 'BYE'], OK('2 BYE', true)))
  t.match(byLiveKit.call, { end: { cause: 'agent-hung-up' }, summary: /^LiveKit hung up after 6\.0 s/ })
  const open = await explained(sngrep(LIVEKIT, INVITE, ...ANSWER))
  t.match(open.call.findings[0], { code: 'still-going' })

  const recorded = await explainedAll([pcapFile(udpFrames(recordedSip('outbound-answered')))])
  t.match(recorded.calls[0], { end: { cause: 'agent-hung-up' }, legs: [{ role: 'livekit-out' }] })
})

await t.test('a Contact that LiveKit does not reach', async t => {
  const private200: Said = [3000, 'SIP/2.0 200 OK', 'Contact: <sip:sbc@10.1.2.3:5060>']
  const unreached = async (...more: Said[]): Promise<string> =>
    (await explained(sngrep(LIVEKIT, INVITE, private200, [3010, 'ACK'], ...more))).findings
  const byes: Said[] = [[9000, 'BYE'], [9500, 'BYE'], [10_500, 'BYE']]
  t.match(await unreached(...byes), /"contact-unreachable","severity":"failed".*BYE was never answered.*10\.1\.2\.3/)
  t.match(
    await unreached([3500, private200[1], private200[2]], [4500, private200[1], private200[2]]),
    /The answer was sent 3 times.*a private address/
  )
  t.notMatch(await unreached(...byes, OK('2 BYE', true)), /contact-unreachable/, 'BYE was answered')
  t.match(await unreached([9000, 'BYE']), /"contact-unreachable","severity":"warning"/, 'the file ends with the BYE')
})

await t.test('REFER: the cause follows its outcome', async t => {
  const refer: Said = [8000, 'REFER', 'Refer-To: <sip:+15550100077@carrier.example.com>']
  const after = (status: string, ...more: Said[]): Promise<{ call: ExplainedCall, findings: string }> =>
    explained(
      sngrep(LIVEKIT, INVITE, ...ANSWER, refer, [8100, `SIP/2.0 ${status}`, '', { cseq: '2 REFER' }], ...more)
    )
  const refused = await after('603 Decline', [9000, 'BYE', '', { back: true }], OK('2 BYE', false))
  t.equal(refused.call.end?.cause, 'callee-hung-up')
  t.match(refused.findings, /"refer-refused","severity":"failed"/)
  const accepted = await after('202 Accepted', [9000, 'BYE', '', { back: true }], OK('2 BYE', false))
  t.equal(accepted.call.end?.cause, 'transferred', 'whoever accepted it hung up at once')
})

await t.test('LiveKit calls through Jambonz: the leg that failed is named', async t => {
  const toJambonz: OutgoingLeg = {
    ...LIVEKIT,
    callId: 'lk',
    source: '203.0.113.90:5060',
    destination: '198.51.100.7:5060',
    host: 'acme.sip.example.com'
  }
  const toCarrier: OutgoingLeg = { headers: 'X-CID: lk\nX-Account-Sid: a\nX-Call-Sid: b', at: 200 }
  const { call, findings } = await explained(
    sngrep(toJambonz, INVITE, TRYING, [1500, 'SIP/2.0 480 Not Connected']),
    sngrep(toCarrier, INVITE, RINGING, [1200, 'SIP/2.0 486 Busy Here'])
  )
  t.match(call, {
    id: 'lk',
    end: { cause: 'busy', sipStatus: 486 },
    legs: [{ role: 'livekit-out' }, { role: 'carrier-out' }],
    summary: /^The carrier .*answered Jambonz's INVITE with 486/
  })
  t.match(findings, /After that, LiveKit got 480 Not Connected from Jambonz/)
  t.same([...new Set(call.steps.flatMap(({ from, to }) => [from, to]))].sort(), ['carrier', 'jambonz', 'livekit'])

  const alone = await explained(sngrep(toJambonz, INVITE, [40, 'SIP/2.0 403 Forbidden', 'X-Reason: number policy']))
  t.same([...new Set(alone.call.steps.flatMap(({ from, to }) => [from, to]))].sort(), ['jambonz', 'livekit'])
  t.match(alone.call.summary, /^Jambonz \(acme\.sip\.example\.com\) answered LiveKit's INVITE with 403.*auth trunk/)
})

/** What really happened, judged from what the callee's phone and LiveKit's API show in each recording. */
const RECORDED: Record<string, string> = {
  'livekit-out/answered-no-wait-callee-hangs-up': 'callee-hung-up',
  'livekit-out/answered-wait-udp': 'callee-hung-up',
  'livekit-out/callee-404': 'number-unobtainable',
  'livekit-out/callee-404-passed-on': 'number-unobtainable',
  'livekit-out/callee-480': 'no-answer',
  'livekit-out/callee-486': 'busy',
  'livekit-out/callee-486-no-wait': 'busy',
  'livekit-out/callee-503-passed-on': 'carrier-failed',
  'livekit-out/callee-603': 'declined',
  'livekit-out/no-answer-jambonz-timeout': 'no-answer',
  'livekit-out/no-answer-livekit-timeout': 'agent-gave-up',
  'livekit-out/room-deleted-while-connected': 'agent-hung-up',
  'livekit-out/transfer': 'callee-hung-up',
  'auth-trunk/answered': 'callee-hung-up',
  'auth-trunk/busy-passed-on': 'busy'
}

await t.test("webhooks of calls that agents make through Jambonz, alone and with LiveKit's", async t => {
  const start = Date.UTC(2026, 0, 31, 10)
  for (const [name, cause] of Object.entries(RECORDED)) {
    const { jambonz, livekit } = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as Record<
      'jambonz' | 'livekit',
      Array<{ at_ms: number, url?: string, body: string }>
    >
    const lines = [jambonz, livekit].map(all =>
      all.map(({ at_ms: at, url, body }) => `${JSON.stringify({ time: start + at, url, payload: JSON.parse(body) })}\n`)
        .join('')
    )
    for (const files of [lines.slice(0, 1), lines]) {
      const { calls } = await explainedAll(files)
      const call = calls.find(({ sources }) => sources.hooks > 0)
      t.equal(call?.end?.cause, cause, `${name}: ${call?.summary}`)
      // Behind sbc-inbound the call hook has another tag than LiveKit's.
      if (files.length > 1 && name.startsWith('livekit-out')) t.ok(call!.sources.rooms > 0, `${name}: one call`)
      t.notMatch(JSON.stringify(call?.findings), /"livekit-(?!dialled)|LIVEKIT_SIP_HOST/, name)
    }
  }
})

await t.test("an outbound trunk whose address is LiveKit's own", async t => {
  const { call, findings } = await explained(
    sngrep({ ...LIVEKIT, host: 'abcdefghijk.sip.livekit.cloud' }, INVITE, [
      90,
      'SIP/2.0 404 No trunk found',
      '',
      { tag: 'SCL_z' }
    ])
  )
  t.equal(call.end?.cause, 'livekit-no-route')
  t.match(findings, /"outbound-livekit".*LiveKit dialled itself/)
  t.notMatch(call.summary, /carrier/)
})
