import t from 'tap'
import { FINALS, KNOWN_REFUSALS } from '../../src/explain/knowledge/finals.ts'
import { reportText } from '../../src/explain/report.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { ACK_LINE, INVITE_LINE, sipText, TRYING_LINE, type Line } from '../fixtures/sip-texts.ts'

const TWILIO: Line = { ...INVITE_LINE, headers: `${INVITE_LINE.headers}User-Agent: Twilio Gateway\n` }
const NAMED: Line = { ...INVITE_LINE, headers: `${INVITE_LINE.headers}X-CID: leg-1\nX-Account-Sid: account-1\n` }

const final = (status: string, headers = '', at = 300): Line => ({
  at,
  by: 'called',
  start: `SIP/2.0 ${status}`,
  headers
})

const told = async (lines: readonly Line[]): Promise<string> =>
  reportText(await explainedAll([sipText(lines)]), { colour: false, ascii: false, width: 120, rewrite: false })

const STATUSES = [
  ...[400, 403, 404, 408, 410, 415, 420, 421, 480, 481, 482, 483, 484, 486, 487, 488],
  ...[500, 502, 503, 504, 513],
  ...[600, 603, 604, 606]
]

await t.test('a call that a stranger refused, in the words of SIP', async t => {
  for (const status of STATUSES) {
    const explanation = await explainedAll([sipText([INVITE_LINE, TRYING_LINE, final(`${status} No`), ACK_LINE])])
    const [call] = explanation.calls
    t.equal(call?.findings[0]?.code, 'call-refused', String(status))
    t.match(call?.summary, new RegExp(`^198\\.51\\.100\\.20:5060 refused the call with ${status} No 300 ms`))
    t.match(call?.summary, FINALS[status]!.means)
    t.equal(call?.end?.sipStatus, status)
    t.not(call?.end?.cause, 'lost', `${status}: what happened is known`)
    t.ok(call?.nextSteps[0]?.todo, 'what to do')
    t.notMatch(JSON.stringify(call), /Jambonz|LiveKit|call hook/i, `${status}: nothing names them`)
  }
})

await t.test('a call of a carrier, refused by what may be an SBC of Jambonz', async t => {
  for (const status of STATUSES) {
    const report = await told([TWILIO, TRYING_LINE, final(`${status} No`), ACK_LINE])
    const { jambonz } = FINALS[status]!
    t.match(report, String(status))
    if (jambonz && status !== 480 && status !== 488) {
      t.match(report, `If 198.51.100.20:5060 is Jambonz's SBC: it sends ${status} when ${jambonz.when}`)
    }
    t.notMatch(report, /nobody can say|nothing shows how/)
  }
})

await t.test('what Jambonz cannot have meant is said', async t => {
  t.match(await told([TWILIO, TRYING_LINE, final('481 Gone')]), /This INVITE has none/, 'no tag in To')
  t.match(await told([TWILIO, TRYING_LINE, final('400 Bad Request')]), /This INVITE has both/, 'Contact and tag')
  t.match(await told([TWILIO, TRYING_LINE, final('408 Request Timeout')]), /300 ms, which is too soon/)
  t.notMatch(await told([TWILIO, TRYING_LINE, final('408 Request Timeout', '', 32_100)]), /too soon/)
})

await t.test('refusals that name the server of Jambonz', async t => {
  const WORDS: ReadonlyArray<[status: string, headers: string, says: RegExp]> = [
    ['404 Number Not Provisioned', '', /SBC \(sbc-inbound\).*not provisioned/],
    ['482 Loop Detected on x-application-sid', '', /came back to the application/],
    ['503 Maximum Calls In Progress', '', /limit of simultaneous calls/],
    ['503 Max Account Calls In Progress', '', /limit of simultaneous calls/],
    ['503 No Active Subscription', '', /no active subscription/],
    ['503 Service Unavailable', 'X-Reason: Account exists but is inactive\n', /account is inactive/],
    ['503 Service Unavailable', 'X-Reason: No Account exists for sid 1\n', /feature-server.*could not read the account/],
    ['503 Service Unavailable', 'X-Reason: Multiple accounts are attempting to x\n', /Several carriers or accounts/],
    ['403 Forbidden', 'X-Reason: Invalid credentials\n', /user name or password is wrong/],
    ['403 Forbidden', 'X-Reason: Unknown or invalid realm\n', /No account has the SIP realm/],
    ['403 Forbidden', 'X-Reason: detected potential spammer from 192.0.2.1:5060\n', /list of spammers/]
  ]
  for (const [status, headers, says] of WORDS) {
    const { calls: [call] } = await explainedAll([sipText([INVITE_LINE, TRYING_LINE, final(status, headers)])])
    t.match(call?.summary, says, status)
    t.equal(call?.findings[0]?.code, 'call-refused')
  }
  t.ok(KNOWN_REFUSALS.every(({ source }) => source.startsWith('jambonz/')))
  t.match(await told([NAMED, TRYING_LINE, final('500 Internal')]), /Jambonz sends 500 when sbc-inbound/)
})

await t.test("what Jambonz's media server refuses is no fault of the call hook", async t => {
  const causeWith = async (status: string): Promise<string | undefined> => {
    const refused = final(status, 'X-Reason: endpoint allocation failure: no\n')
    return (await explainedAll([sipText([INVITE_LINE, TRYING_LINE, refused])])).calls[0]?.end?.cause
  }
  t.equal(await causeWith('503 Service Unavailable'), 'media-server-failed')
  t.equal(await causeWith('488 Not Acceptable Here'), 'media-mismatch')
})

await t.test('what else the response says, and who sent it as far as it names itself', async t => {
  const report = await told([
    INVITE_LINE,
    final('503 Full', 'Server: kamailio (5.7)\nRetry-After: 30\nReason: Q.850;cause=34\nWarning: 399 x "busy trunk"\n')
  ])
  t.match(report, /198\.51\.100\.20:5060 \(kamailio \(5\.7\)\) refused/)
  t.match(report, /cause 34: no channel was free/)
  t.match(report, /busy trunk/)
  t.match(report, /in 30 s/)
})

await t.test('a refusal after ringing or early media, and without times', async t => {
  t.match(
    await told([INVITE_LINE, { at: 1000, by: 'called', start: 'SIP/2.0 180 Ringing' }, final('486 Busy', '', 9000)]),
    /9\.0 s after the INVITE, after 8\.0 s of ringing/
  )
  const untimed = [INVITE_LINE, TRYING_LINE, final('404 Not Found')].map(({ at: _, ...line }) => line)
  const report = await told(untimed)
  t.match(report, /404 Not Found, before it rang/)
  t.notMatch(report, /0 ms after/)
})

await t.test('callers who gave up', async t => {
  const cancel: Line = { at: 34_000, by: 'caller', start: 'CANCEL sip:+15550100002@198.51.100.20 SIP/2.0' }
  const after = (status: string): Line => ({ at: 34_100, by: 'called', start: `SIP/2.0 ${status}`, cseq: '1 INVITE' })
  const CASES: ReadonlyArray<[lines: Line[], says: RegExp, sipStatus?: number]> = [
    [[INVITE_LINE, TRYING_LINE, cancel, after('487 Request Terminated')], /34 s after the INVITE \(CANCEL, 487\)/, 487],
    [[INVITE_LINE, TRYING_LINE, cancel, after('408 Request Timeout')], /\(CANCEL\).*final response was 408/, 408],
    [[INVITE_LINE, TRYING_LINE, cancel], /gave up 34 s after the INVITE \(CANCEL\)/],
    [
      [INVITE_LINE, TRYING_LINE, cancel, after('200 OK'), { ...ACK_LINE, at: 34_200 }, {
        at: 34_210,
        by: 'caller',
        start: 'BYE sip:198.51.100.20 SIP/2.0'
      }],
      /at the moment at which the call was answered/
    ]
  ]
  for (const [lines, says, sipStatus] of CASES) {
    const { calls: [call] } = await explainedAll([sipText(lines)])
    t.equal(call?.end?.cause, 'caller-gave-up')
    t.match(call?.summary, says)
    if (sipStatus) t.equal(call?.end?.sipStatus, sipStatus)
    t.notMatch(JSON.stringify(call), /Jambonz|LiveKit|call hook/i)
  }
  const likely = await told([TWILIO, TRYING_LINE, { ...cancel, at: 1300 }, after('487 Request Terminated')])
  t.match(likely, /If 198\.51\.100\.20:5060 is Jambonz's SBC, Jambonz was still waiting for the reply to its call hook/)
})

await t.test('hang-ups that did not go as they should', async t => {
  const up = [INVITE_LINE, TRYING_LINE, { at: 1000, by: 'called', start: 'SIP/2.0 200 OK' } as const, ACK_LINE]
  const bye: Line = { at: 9000, by: 'caller', start: 'BYE sip:198.51.100.20 SIP/2.0', cseq: '2 BYE' }
  const refused = await explainedAll([sipText([...up, bye, final('481 Gone', '', 9010)])])
  t.match(refused.calls[0]?.findings[0], { code: 'caller-hung-up', severity: 'warning' })
  t.match(refused.calls[0]?.findings[0]?.seen, /no longer knew the call by then \(481\)/)
  t.ok(codesOf(refused).includes('bye-refused'))

  const again = [500, 1500, 3500].map(later => ({ ...bye, at: bye.at! + later }))
  const unanswered = await explainedAll([sipText([...up, bye, ...again])])
  t.match(findingsOf(unanswered).find(({ code }) => code === 'bye-unanswered')?.seen, /sent 4 times, was not answered/)

  const other: Line = { at: 9005, by: 'called', start: 'BYE sip:192.0.2.10 SIP/2.0', cseq: '7 BYE' }
  t.match(findingsOf(await explainedAll([sipText([...up, bye, other])])).map(({ seen }) => seen).join(), /Both sides sent/)
})
