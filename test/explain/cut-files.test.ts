import { readFileSync, readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { ExplainedCall, Explanation } from '../../src/explain/explanation.ts'
import { pcapFile, recordedSip, udpFrames } from '../fixtures/captures.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'
import { fixture } from '../fixtures/paths.ts'
import { ACK_LINE, ANSWERED_LINES, INVITE_LINE, OK_LINE, sipText, type Line } from '../fixtures/sip-texts.ts'

/** What is concluded from something that did not come. */
const BY_ABSENCE = new Set([
  'sbc-silent',
  'sip-unreachable',
  'sip-host-silent',
  'refer-unanswered',
  'bye-unanswered',
  'contact-unreachable',
  'livekit-no-route',
  'no-agent',
  'agent-without-audio'
])
/** What the last messages of a call show of its end, whatever came before. A person is moved to the caller's room. */
const HANG_UPS = new Set(['caller-hung-up', 'callee-hung-up', 'agent-hung-up', 'caller-gave-up', 'redirected'])

interface Whole {
  causes: ReadonlySet<string | undefined>
  codes: ReadonlySet<string>
}

const wholeOf = (explanation: Explanation): Whole => ({
  causes: new Set(explanation.calls.map(({ end }) => end?.cause)),
  codes: new Set(codesOf(explanation))
})

const doubtsOf = ({ notToldApart, findings }: ExplainedCall): string =>
  [...notToldApart, ...findings.filter(({ severity }) => severity === 'skipped').map(({ seen }) => seen)].join(' ')

/** Why a part of a file contradicts the whole; undefined when it does not. */
function contradiction (part: Explanation, whole: Whole, isHead: boolean): string | undefined {
  for (const call of part.calls) {
    const cause = call.end?.cause
    const isKnown = cause === undefined || cause === 'lost' || whole.causes.has(cause)
    const follows = cause !== undefined && isHead && HANG_UPS.has(cause)
    const isDoubted = doubtsOf(call).includes('may have followed') ||
      [...whole.causes].some(other => other !== undefined && doubtsOf(call).includes(other))
    if (!isKnown && !follows && !isDoubted) return `${cause}: ${call.summary}`
  }
  const wrong = findingsOf(part).find(({ code, severity }) =>
    severity === 'failed' && BY_ABSENCE.has(code) && !whole.codes.has(code)
  )
  const isDoubted = part.calls.some(call => doubtsOf(call).includes(wrong?.code ?? 'nothing'))
  return wrong && !isDoubted ? `${wrong.code}: ${wrong.seen}` : undefined
}

/** Cuts a recording at every message, at both of its ends. */
async function eachCut<T> (t: Test, name: string, all: readonly T[], file: (part: readonly T[]) => Buffer | string) {
  const whole = wholeOf(await explainedAll([file(all)], { portion: 65_536 }))
  for (let i = 1; i < all.length; i++) {
    const tail = await explainedAll([file(all.slice(0, i))], { portion: 65_536 })
    t.equal(contradiction(tail, whole, false), undefined, `${name}: the first ${i} of ${all.length}`)
    const head = await explainedAll([file(all.slice(i))], { portion: 65_536 })
    t.equal(contradiction(head, whole, true), undefined, `${name}: without the first ${i} of ${all.length}`)
  }
}

await t.test('captures of LiveKit, cut at any message', async t => {
  const files = readdirSync(fixture('livekit/')).filter(file => file.endsWith('.json'))
  const hasSip = (file: string): boolean => readFileSync(fixture(`livekit/${file}`), 'utf8').includes('"sip"')
  for (const name of files.filter(hasSip).map(file => file.slice(0, -'.json'.length))) {
    const wires = recordedSip(name)
    if (wires.length > 1) await eachCut(t, name, wires, part => pcapFile(udpFrames([...part])))
  }
})

interface Recorded {
  jambonz?: Request[]
  requests?: Request[]
  livekit?: Array<{ at_ms: number, body: string }>
}
interface Request {
  at_ms: number
  url: string
  body: string
  replied?: { at_ms?: number, status: number, body?: unknown }
}

const BEGAN = Date.UTC(2026, 0, 31, 10)

function parsed (body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}

/** The webhooks of a recording as lines of a log. */
function hookLines (path: string): string[] {
  const { jambonz, requests, livekit = [] } = JSON.parse(readFileSync(fixture(path), 'utf8')) as Recorded
  const hooks = (jambonz ?? requests ?? []).map(({ at_ms: at, url, body, replied }) => ({
    at,
    record: {
      time: BEGAN + at,
      url,
      body: parsed(body),
      ...(replied && { replied: { ...replied, at_ms: undefined, time: BEGAN + (replied.at_ms ?? at) } })
    }
  }))
  const events = livekit.map(({ at_ms: at, body }) => ({ at, record: { time: BEGAN + at, payload: body } }))
  return [...hooks, ...events].sort((a, b) => a.at - b.at).map(({ record }) => JSON.stringify(record))
}

/** Of folders with many recordings only some are cut. */
const FOLDERS: ReadonlyArray<[folder: string, step: number]> = [
  ['jambonz', 1],
  ['chain', 3],
  ['livekit-out', 4],
  ['outbound', 7],
  ['transfer', 9]
]

await t.test('webhooks of recorded calls, cut at any of them', async t => {
  for (const [folder, step] of FOLDERS) {
    const names = readdirSync(fixture(`${folder}/`)).filter(name => name.endsWith('.json')).sort()
    for (const name of names.filter((_, i) => i % step === 0)) {
      const lines = hookLines(`${folder}/${name}`)
      if (lines.length > 1) await eachCut(t, `${folder}/${name}`, lines, part => part.join('\n'))
    }
  }
})

const BYE: Line = { at: 9000, by: 'caller', start: 'BYE sip:198.51.100.20 SIP/2.0' }

await t.test('a few messages of a call', async t => {
  const CASES: ReadonlyArray<[says: string, lines: readonly Line[], code: string, seen: RegExp]> = [
    ['an INVITE', [INVITE_LINE], 'still-going', /The file ends here, right after the INVITE/],
    ['an ACK', [ACK_LINE], 'begins-late', /do not show whether the call was answered/],
    ['an answer', [OK_LINE], 'begins-late', /with its answer/],
    ['a BYE', [BYE], 'begins-late', /One side hung up/],
    [
      'a BYE and its answer',
      [BYE, { at: 9010, by: 'called', start: 'SIP/2.0 200 OK' }],
      'begins-late',
      /do not show which side had called/
    ],
    ['only one direction', [INVITE_LINE, ACK_LINE], 'still-going', /which is not in these files/],
    ['a call that goes on', ANSWERED_LINES, 'still-going', /had not ended/]
  ]
  for (const [says, lines, code, seen] of CASES) {
    for (const timed of [lines, lines.map(({ at: _, ...line }) => line)]) {
      const explanation = await explainedAll([sipText(timed)])
      const [call] = explanation.calls
      t.equal(call?.findings[0]?.code, code, says)
      t.match(call?.summary, seen, says)
      t.equal(call?.end, undefined, says)
      t.notMatch(JSON.stringify(explanation), /never answered|Nothing came back|Jambonz|LiveKit/, says)
    }
  }
})

await t.test('an INVITE is unanswered where it was sent again, or the file goes on for long enough', async t => {
  const other = sipText([{ ...INVITE_LINE, at: 20_000 }, { ...OK_LINE, at: 21_000 }], { callId: 'another' })
  const again = sipText([INVITE_LINE, { ...INVITE_LINE, at: 500 }])
  for (const text of [`${sipText([INVITE_LINE])}\n${other}`, again]) {
    const { calls: [call] } = await explainedAll([text])
    t.equal(call?.findings[0]?.code, 'sbc-silent')
    t.match(call?.summary, /never answered/)
  }
})

await t.test('an INVITE that ends in prose', async t => {
  const [head] = sipText([INVITE_LINE]).split('\n\n')
  const { calls: [call] } = await explainedAll([`${head}\nm=audio 15472 RTP/AVP 0 8\n\n100 Trying\n180 Ringing\n`])
  t.equal(call?.findings[0]?.code, 'still-going')
  t.notMatch(JSON.stringify(call), /never answered/)
})
