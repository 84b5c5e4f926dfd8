import fc from 'fast-check'
import t from 'tap'
import { changeLines, doneLine } from '../../src/change-lines.ts'
import { callPage, callTable } from '../../src/cli/calls-print.ts'
import { explain } from '../../src/cli/explain.ts'
import { present } from '../../src/calls/view.ts'
import type { JambonzView } from '../../src/diagnosis/jambonz-view.ts'
import { presentDiagnosis } from '../../src/diagnosis/diagnosis-view.ts'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { reportJson, reportText } from '../../src/explain/report.ts'
import { findingLines } from '../../src/finding-lines.ts'
import { renderLadder } from '../../src/ladder/ladder.ts'
import { BEGAN, ethernet, pcapFile, portions, udp, V4 } from '../fixtures/captures.ts'
import { explainedAll } from '../fixtures/explained.ts'
import { folded } from '../fixtures/folded.ts'
import { readRecordings } from '../fixtures/recordings.ts'

/*
 * Callers, carriers and agents choose much of what a report prints. None of it may move a terminal's cursor, change
 * its colours, reorder its text or begin a line that reads as the bridge's own words.
 */

const LADDER = { width: 100, colour: false, ascii: false, rewrite: false }
// eslint-disable-next-line no-control-regex
const UNPRINTABLE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
const FORGED = 'FORGED'
const marks = [
  '\n', '\r\n', '\r', '\u2028', '\u0085', '\u000b', '\x1b[2J', '\x9b31m', '\u202e', '\x00', '\x1b]0;t\x07', '✓ '
]
/** Text that somebody hostile would choose: each part would begin a line of its own where a printer let it. */
const hostile = fc.array(fc.oneof(fc.constantFrom(...marks), fc.string({ unit: 'binary', maxLength: 3 })), {
  minLength: 1,
  maxLength: 6
}).map(parts => parts.map(part => `${part}${FORGED}`).join(''))

/** A label of the ladder stands alone on its line, but to the right of the column of times. */
const forged = new RegExp(`^ {0,7}(✓ *)?${FORGED}`, 'm')

function isClean (printed: string): boolean {
  return !UNPRINTABLE.test(printed) && !forged.test(printed)
}

const sip = (start: string, headers: string[]): string => [start, ...headers, '', ''].join('\r\n')

await t.test('a capture with hostile headers', async t => {
  // Only a line feed alone survives in a header: SIP ends lines with a carriage return and a line feed.
  const header = hostile.map(text => text.replace(/[\r]/g, '\n').replace(/\n\n+/g, '\n'))
  await fc.assert(
    fc.asyncProperty(fc.array(header, { minLength: 6, maxLength: 6 }), async texts => {
      const [id, from, to, host, reason, xReason] = texts
      const common = [
        'Via: SIP/2.0/UDP 198.51.100.7:5060;branch=z9hG4bKa',
        `From: "${from}" <sip:${from}@carrier.example.com>;tag=a`,
        `To: <sip:${to}@sbc.example.com>`,
        `Call-ID: a${id}`,
        'CSeq: 1 INVITE'
      ]
      const messages: Array<[boolean, string]> = [
        [true, sip(`INVITE sip:a@${host?.replace(/\s/g, '')}.example.com SIP/2.0`, common)],
        [false, sip(`SIP/2.0 480 ${reason}`, [...common, `X-Reason: ${xReason}`])]
      ]
      const frames = messages.map(([forward, raw], i) => ({ at: BEGAN + i, data: ethernet(udp(V4, forward, raw)) }))
      const explanation = await explainedAll([pcapFile(frames)])
      return isClean(reportText(explanation, LADDER)) && isClean(reportJson(explanation))
    }),
    { numRuns: 300 }
  )
  t.pass()
})

await t.test('webhooks and log lines with hostile text in every field', async t => {
  const { requests, webhooks, start } = readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!
  const bodies = [
    ...requests.map(({ at_ms: at, url, body }) => ({ time: start + at, url, body: JSON.parse(body) as unknown })),
    ...webhooks.map(({ at_ms: at, body }) => ({ time: start + at, payload: JSON.parse(String(body)) as unknown })),
    { level: 30, time: start, callSid: 'sid-1', msg: 'Error retrieving or parsing application: x' }
  ]
  await fc.assert(
    fc.asyncProperty(hostile, fc.nat({ max: 40 }), async (text, nth) => {
      let index = 0
      const spoilt = bodies.map(body =>
        JSON.stringify(body, (_name, value: unknown) =>
          typeof value === 'string' && index++ % 41 === nth ? `${value}${text}` : value)
      )
      const explanation = await explainedAll([spoilt.join('\n')])
      return isClean(reportText(explanation, LADDER)) && isClean(reportJson(explanation))
    }),
    { numRuns: 200 }
  )
  t.pass()
})

await t.test('a file with a hostile name', async t => {
  let printed = ''
  const io = {
    stdin: portions('', 1),
    stdout: { write: (text: string) => (printed += text) },
    stderr: { write: (text: string) => (printed += text) },
    env: {}
  }
  await explain(['no-such\n✓ Everything is well\x1b[2J'], io)
  t.notMatch(printed, UNPRINTABLE)
  t.notMatch(printed, /^✓/m)
  t.match(printed, "ls -l 'no-such")
})

/** Adds text to every string of a record but its times, as if callers and agents had written it. */
function spoil (value: unknown, text: string): unknown {
  if (typeof value === 'string') return /^\d{4}-\d\d-/.test(value) ? value : `${value}${text}`
  if (Array.isArray(value)) return value.map(inner => spoil(inner, text))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, spoil(inner, text)]))
}

await t.test('what the operator commands print of a call', async t => {
  const call = folded(readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!)
  const view = present(call)
  const diagnosis = presentDiagnosis(diagnose(call))
  const jambonz = { findings: [{ code: 'jambonz-alert', severity: 'failed', seen: 'alert' }], trace: ['INVITE'] }
  fc.assert(fc.property(hostile, text => {
    const spoilt = spoil({ view, diagnosis, jambonz }, text) as {
      view: typeof view
      diagnosis: typeof diagnosis
      jambonz: JambonzView
    }
    // Marks and colours are chosen by the severity, which no printer takes from outside.
    spoilt.jambonz.findings = spoilt.jambonz.findings.map(finding => ({ ...finding, severity: 'failed' }))
    return isClean(callPage(spoilt.view, spoilt.diagnosis, spoilt.jambonz, LADDER, 100).join('\n')) &&
      isClean(callTable([spoilt.view], 100, 0).join('\n'))
  }))
  t.pass()
})

await t.test('findings, changes and ladders', async t => {
  fc.assert(fc.property(hostile, text => {
    const field = { name: `name${text}`, from: `from${text}`, to: `to${text}` }
    const change = { do: 'update', what: 'trunk', id: `ST_1${text}`, name: text, why: text, fields: [field] } as never
    const lines = [
      ...findingLines({ code: 'no-sip', severity: 'failed', seen: text, todo: text, command: text }),
      ...changeLines(change),
      doneLine(change, text),
      renderLadder([{ at: 0, from: 'caller', to: 'jambonz', via: 'sip', what: text }], LADDER)
    ]
    return isClean(lines.join('\n'))
  }))
  t.pass()
})
