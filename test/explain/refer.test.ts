import t from 'tap'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { ANSWERED_LINES, sipText, type Line, type Sides } from '../fixtures/sip-texts.ts'

type By = Line['by']

const AT_LIVEKIT: Sides = { called: 'c1token2token3token4', host: '1a2b3c4d5e6.sip.livekit.cloud', calledTag: 'SCL_7' }
/** Jambonz dialled LiveKit. */
const JAMBONZ = withHeaders('X-Call-Sid: 44444444-4444-4444-8444-444444444444\n')
/** Twilio called LiveKit without Jambonz. */
const TWILIO = withHeaders('User-Agent: Twilio Gateway\n')

function withHeaders (more: string): Line[] {
  const [invite, ...rest] = ANSWERED_LINES
  return [{ ...invite!, headers: `${invite!.headers}${more}` }, ...rest]
}

const other = (by: By): By => by === 'caller' ? 'called' : 'caller'

function refer (by: By, at: number, answer?: string, headers = ''): Line[] {
  const request: Line = {
    at,
    by,
    start: 'REFER sip:x@example.com SIP/2.0',
    headers: 'Refer-To: <tel:+15550100077>\n',
    cseq: `${at} REFER`
  }
  if (answer === undefined) return [request]
  return [request, { at: at + 80, by: other(by), start: `SIP/2.0 ${answer}`, headers }]
}

const notify = (by: By, at: number, progress: string): Line[] => [
  {
    at,
    by,
    start: 'NOTIFY sip:x@example.com SIP/2.0',
    headers: 'Event: refer\nContent-Type: message/sipfrag\n',
    body: `SIP/2.0 ${progress}\n`,
    cseq: `${at} NOTIFY`
  },
  { at: at + 10, by: other(by), start: 'SIP/2.0 200 OK' }
]

const bye = (by: By, at: number): Line[] => [
  { at, by, start: 'BYE sip:x@example.com SIP/2.0', cseq: `${at} BYE` },
  { at: at + 10, by: other(by), start: 'SIP/2.0 200 OK' }
]

/** What LiveKit's REFER led to, what its leg showed, and what is said of it. */
const CASES: ReadonlyArray<[says: string, lines: Line[], cause: string | undefined, code: string, seen: RegExp]> = [
  [
    'refused, the caller hangs up',
    [...JAMBONZ, ...refer('called', 10_000, '603 Decline'), ...bye('caller', 30_000)],
    'caller-hung-up',
    'refer-refused',
    /Jambonz refused the REFER \(603\).*The call went on, and Jambonz hung up 20 s later/
  ],
  [
    'refused, the agent hangs up',
    [...JAMBONZ, ...refer('called', 10_000, '405 Method Not Allowed'), ...bye('called', 30_000)],
    'agent-hung-up',
    'refer-refused',
    /LiveKit hung up 20 s later/
  ],
  [
    'no referHook',
    [...JAMBONZ, ...refer('called', 10_000, '501 Not Implemented'), ...bye('caller', 30_000)],
    'caller-hung-up',
    'refer-refused',
    /the dial has no referHook, or the REFER has no Referred-By/
  ],
  [
    'Twilio refuses',
    [
      ...TWILIO,
      ...refer('called', 10_000, '603 Decline', 'X-Twilio-Error: 32208 Not enabled\n'),
      ...bye('caller', 20_000)
    ],
    'caller-hung-up',
    'refer-refused',
    /caller's side refused the REFER \(603, X-Twilio-Error "32208 Not enabled"\).*the caller's side hung up 9\.9 s later/
  ],
  [
    'accepted, and the target answers',
    [
      ...JAMBONZ,
      ...refer('called', 10_000, '202 Accepted'),
      ...notify('caller', 10_100, '100 Trying'),
      ...notify('caller', 12_000, '200 OK'),
      ...bye('called', 13_000)
    ],
    'transferred',
    'refer-accepted',
    /target 200/
  ],
  [
    'the target answers, and the file ends',
    [...JAMBONZ, ...refer('called', 10_000, '202 Accepted'), ...notify('caller', 12_000, '200 OK')],
    'transferred',
    'refer-accepted',
    /target 200/
  ],
  [
    'accepted, and the target is busy',
    [
      ...JAMBONZ,
      ...refer('called', 10_000, '202 Accepted'),
      ...notify('caller', 12_000, '486 Busy Here'),
      ...bye('caller', 30_000)
    ],
    'transfer-failed',
    'refer-failed',
    /failed \(486\)/
  ],
  [
    'the target is busy, and the call goes on for long',
    [
      ...JAMBONZ,
      ...refer('called', 10_000, '202 Accepted'),
      ...notify('caller', 12_000, '486 Busy Here'),
      ...bye('caller', 300_000)
    ],
    'caller-hung-up',
    'refer-failed',
    /failed \(486\)/
  ],
  [
    'accepted, and Jambonz hangs up at once',
    [...JAMBONZ, ...refer('called', 10_000, '202 Accepted'), ...bye('caller', 10_400)],
    'transferred',
    'refer-accepted',
    /Jambonz hung up at once/
  ],
  [
    'accepted, and nothing more is heard of it',
    [...JAMBONZ, ...refer('called', 10_000, '202 Accepted'), ...bye('caller', 40_000)],
    'caller-hung-up',
    'refer-accepted',
    /do not show its outcome/
  ],
  [
    'accepted, the target rings, the file ends',
    [...JAMBONZ, ...refer('called', 10_000, '202 Accepted'), ...notify('caller', 12_000, '180 Ringing')],
    undefined,
    'refer-accepted',
    /the last report of the call to its target is 180/
  ],
  [
    'refused, then asked for again and done',
    [
      ...JAMBONZ,
      ...refer('called', 10_000, '603 Decline'),
      ...refer('called', 15_000, '202 Accepted'),
      ...notify('caller', 16_000, '200 OK'),
      ...bye('caller', 17_000)
    ],
    'transferred',
    'refer-refused',
    /603/
  ],
  [
    'the file ends after the REFER',
    [...JAMBONZ, ...refer('called', 10_000)],
    undefined,
    'refer-accepted',
    /The file ends after a REFER, before its answer/
  ]
]

await t.test("the cause follows what became of LiveKit's REFER, and who hung up", async t => {
  for (const [says, lines, cause, code, seen] of CASES) {
    const explanation = await explainedAll([sipText(lines, AT_LIVEKIT)])
    const [call] = explanation.calls
    t.equal(call?.end?.cause, cause, `${says}: ${call?.summary}`)
    t.match(findingsOf(explanation).find(finding => finding.code === code)?.seen, seen, says)
    if (code === 'refer-refused' && cause !== 'transferred') {
      t.notMatch(JSON.stringify(call), /"cause":"transfer/, says)
    }
  }
})

await t.test('Jambonz passes on the status of its referHook: no trunk takes part in that', async t => {
  for (const status of ['405 Method Not Allowed', '603 Decline', '404 Not Found', '500 Internal Server Error']) {
    const lines = [...JAMBONZ, ...refer('called', 10_000, status), ...bye('caller', 30_000)]
    const refused = findingsOf(await explainedAll([sipText(lines, AT_LIVEKIT)]))
      .find(({ code }) => code === 'refer-refused')
    t.match(refused?.seen, `its referHook was answered ${status.slice(0, 3)}`)
    t.match(refused?.todo, /referHook/)
    t.notMatch(refused?.todo, /trunk/)
  }
})

await t.test('who hangs up right after a refused REFER lost the caller, and did not finish', async t => {
  for (const [after, severity] of [[1700, 'warning'], [45_000, 'ok']] as const) {
    const lines = [...JAMBONZ, ...refer('called', 10_000, '403 Forbidden'), ...bye('called', 10_000 + after)]
    const explanation = await explainedAll([sipText(lines, AT_LIVEKIT)])
    t.match(findingsOf(explanation)[0], { code: 'agent-hung-up', severity }, `${after} ms later`)
  }
})

await t.test('nobody is called Jambonz where Twilio called LiveKit', async t => {
  const [, lines] = CASES.find(([says]) => says === 'Twilio refuses')!
  const explanation = await explainedAll([sipText(lines, AT_LIVEKIT)])
  const said = findingsOf(explanation).filter(({ code }) => code !== 'no-call-header').map(({ seen }) => seen).join(' ')
  t.notMatch(said, /Jambonz|agent's side hung up/)
  t.match(findingsOf(explanation).find(({ code }) => code === 'refer-refused')?.todo, /Call Transfer \(SIP REFER\).*PSTN/)
})

await t.test('a transfer of which nothing was heard is a doubt, and one that was reported is none', async t => {
  const doubts = async (says: string): Promise<string> => {
    const [, lines] = CASES.find(([name]) => name === says)!
    return (await explainedAll([sipText(lines, AT_LIVEKIT)])).calls[0]?.notToldApart.join() ?? ''
  }
  t.match(await doubts('accepted, and nothing more is heard of it'), /nothing reports what became of it/)
  t.notMatch(await doubts('accepted, and the target answers'), /without reporting/)
})

await t.test('a REFER between strangers, by the side that was called and by the one that called', async t => {
  for (const by of ['caller', 'called'] as const) {
    const lines = [...refer(by, 10_000, '202 Accepted'), ...notify(other(by), 12_000, '404 Not Found')]
    const { calls: [call] } = await explainedAll([sipText([...ANSWERED_LINES, ...lines, ...bye(by, 14_000)])])
    t.equal(call?.end?.cause, 'transfer-failed')
    t.match(call?.summary, /failed at its target \(404\)/)
    t.notMatch(JSON.stringify(call), /Jambonz|LiveKit/)
  }
})

await t.test('a NOTIFY that names its REFER, and a REFER that was challenged first', async t => {
  const named = notify('caller', 16_000, '486 Busy Here').map(line => ({
    ...line,
    ...(line.headers && { headers: line.headers.replace('refer', 'refer;id=10000') })
  }))
  const two = [
    ...JAMBONZ,
    ...refer('called', 10_000, '202 Accepted'),
    ...refer('called', 11_000, '202 Accepted'),
    ...named,
    ...bye('caller', 100_000)
  ]
  const codes = findingsOf(await explainedAll([sipText(two, AT_LIVEKIT)])).map(({ code }) => code)
  t.ok(codes.includes('refer-failed') && codes.includes('refer-accepted'), codes.join())

  const challenged = [
    ...JAMBONZ,
    ...refer('called', 10_000, '407 Proxy Authentication Required'),
    ...refer('called', 10_500, '202 Accepted'),
    ...bye('caller', 11_000)
  ]
  const found = findingsOf(await explainedAll([sipText(challenged, AT_LIVEKIT)])).map(({ code }) => code)
  t.notOk(found.includes('refer-refused'), found.join())
})

await t.test('a hang-up after a transfer of unknown outcome is not told as a good end', async t => {
  const { calls: [call] } = await explainedAll([
    sipText([...JAMBONZ, ...refer('called', 10_000, '202 Accepted'), ...bye('caller', 30_000)], AT_LIVEKIT)
  ])
  t.match(call?.findings[0], { code: 'caller-hung-up', severity: 'skipped' })
})
