import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import { reportJson, reportText } from '../../src/explain/report.ts'
import {
  BEGAN,
  ethernet,
  pcapFile,
  pcapngFile,
  recordedSip,
  tcp,
  tcpFrames,
  udp,
  udpFragments,
  udpFrames,
  V4,
  V6,
  type Captured
} from '../fixtures/captures.ts'
import { ENCAPSULATIONS } from '../fixtures/encapsulations.ts'
import { explainedAll, findingsOf } from '../fixtures/explained.ts'
import { LISTS, WHOLE_EXPORTS } from '../fixtures/packet-exports.ts'
import { fixture } from '../fixtures/paths.ts'
import { readRecordings } from '../fixtures/recordings.ts'
import { PREFIXES, WRAPPERS } from '../fixtures/wrappers.ts'

/*
 * Every file gets an explanation in bounded time, whatever it holds, with a next step for every failure.
 */

/** FUZZ=10 tries ten times as much. */
const MORE = Number(process.env['FUZZ'] ?? 1)
const LADDER = { width: 100, colour: false, ascii: true, rewrite: false }

async function survives (...files: Array<Buffer | string>): Promise<void> {
  const explanation = await explainedAll(files)
  reportText(explanation, LADDER)
  reportJson(explanation)
  for (const { severity, todo, seen } of findingsOf(explanation)) {
    if (severity === 'failed' && todo === undefined) throw new Error(`no next step: ${seen}`)
  }
}

const wires = recordedSip('no-trunk-matches')
const fragmented: Captured[] = recordedSip('bad-credentials').flatMap(({ at, raw, fromCaller }, i) =>
  udpFragments(V4, fromCaller, raw, 296, i + 1).map(data => ({ at, data: ethernet(data, 5) }))
)
const cooked = (head: Buffer): Captured[] =>
  wires.map(({ at, raw, fromCaller }) => ({ at, data: Buffer.concat([head, udp(V4, fromCaller, raw)]) }))
const CAPTURES = [
  pcapFile(udpFrames(wires)),
  pcapFile(udpFrames(wires, V6), { big: true, nano: true }),
  pcapFile(fragmented),
  pcapFile(cooked(Buffer.concat([Buffer.alloc(14), Buffer.from([8, 0])])), { link: 113 }),
  pcapFile(cooked(Buffer.concat([Buffer.from([8, 0]), Buffer.alloc(18)])), { link: 276 }),
  pcapFile(cooked(Buffer.from([0, 0, 0, 2])), { link: 0 }),
  pcapngFile(tcpFrames(recordedSip('bad-credentials'), { size: 97 })),
  pcapngFile(tcpFrames(recordedSip('transfer-accepted'), { ends: V6 }), { big: true }),
  gzipSync(pcapFile(tcpFrames(recordedSip('answered-caller-hangs-up')))),
  ...Object.values(ENCAPSULATIONS).map(make => make(wires))
]

const edits = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 7 })), { maxLength: 30 })
const cut = fc.oneof({ arbitrary: fc.constant(1), weight: 2 }, {
  arbitrary: fc.double({ min: 0, max: 1, noNaN: true }),
  weight: 1
})

await t.test('captures with bits flipped, cut off anywhere', async t => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...CAPTURES), edits, cut, async (whole, flips, share) => {
      const bytes = Buffer.from(whole)
      for (const [where, bit] of flips) bytes[Math.floor(where * (bytes.length - 1))]! ^= 1 << bit
      await survives(bytes.subarray(0, Math.ceil(share * bytes.length)))
    }),
    { numRuns: 400 * MORE }
  )
  t.pass()
})

const stamped = ({ at, raw }: { at: number, raw: string }): string =>
  `${new Date(at).toISOString()} 198.51.100.7:5060 -> 203.0.113.20:5060\n${raw}\n`
const { requests, webhooks, start } = readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!
const LINES = [
  ...wires.map(stamped).join('').split('\n'),
  ...requests.map(({ at_ms: at, url, body }) =>
    JSON.stringify({ time: start + at, url, body: JSON.parse(body) as unknown })
  ),
  ...webhooks.map(({ at_ms: at, body }) => JSON.stringify({ time: start + at, payload: body })),
  '2026-01-31T10:00:00.011Z\tINFO\tsip\tsip/inbound.go:782\tClosing inbound call\t{"callID": "SCL_abc", "status": ' +
  '486, "reason": "flood"}',
  '{"level":30,"time":1769853600000,"callSid":"sid-1","msg":"Error retrieving or parsing application: x"}',
  'INVITE sip:a@b SIP/2.0',
  'SIP/2.0 200 OK',
  '',
  ' folded',
  'v=0'
]

await t.test('texts whose lines are in any order, doubled, cut and garbled', async t => {
  const line = fc.tuple(
    fc.constantFrom(...LINES),
    fc.nat({ max: 400 }),
    fc.string({ maxLength: 3, unit: 'binary' }),
    fc.boolean()
  )
    .map(([text, at, noise, whole]) => whole ? text : text.slice(0, at) + noise + text.slice(at + 1))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 60 }), async lines => {
      await survives(lines.join('\n'))
    }),
    { numRuns: 300 * MORE }
  )
  t.pass()
})

const logged = LINES.map((line, i) => ({ at: BEGAN + i, line }))
const EXPORTS: Buffer[] = [
  ...Object.values({ ...WHOLE_EXPORTS, ...LISTS }).map(make => make(wires)),
  ...Object.values({ ...PREFIXES, ...WRAPPERS }).map(wrap => wrap(logged)),
  ...readdirSync(fixture('explain/')).map(name => readFileSync(fixture(`explain/${name}`)))
].map(text => Buffer.from(text))

await t.test('exports, wrappers and files as people have them, with parts moved, doubled and left out', async t => {
  const place = fc.double({ min: 0, max: 1, noNaN: true })
  const move = fc.tuple(place, place, fc.nat({ max: 400 }), fc.constantFrom('move', 'leave out', 'double'))
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...EXPORTS),
      fc.array(move, { maxLength: 6 }),
      edits,
      cut,
      async (whole, moves, flips, share) => {
        let bytes = Buffer.from(whole)
        for (const [from, to, length, how] of moves) {
          const start = Math.floor(from * bytes.length)
          const part = bytes.subarray(start, start + length)
          const others = Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + length)])
          const rest = how === 'double' ? bytes : others
          const at = Math.floor(to * rest.length)
          bytes = how === 'leave out' ? rest : Buffer.concat([rest.subarray(0, at), part, rest.subarray(at)])
        }
        for (const [where, bit] of flips) bytes[Math.floor(where * (bytes.length - 1))]! ^= 1 << bit
        await survives(bytes.subarray(0, Math.ceil(share * bytes.length)))
      }
    ),
    { numRuns: 300 * MORE }
  )
  t.pass()
})

await t.test('hooks and events with fields of every kind, or none', async t => {
  const bodies = [
    ...requests.map(({ body }) => JSON.parse(body) as Record<string, unknown>),
    ...webhooks.map(({ body }) => (typeof body === 'string' ? JSON.parse(body) : body) as Record<string, unknown>)
  ]
  const names = [...new Set(bodies.flatMap(body => Object.keys(body)))]
  const change = fc.tuple(fc.constantFrom(...names), fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined }))
  const record = fc.tuple(
    fc.constantFrom(...bodies),
    fc.array(change, { maxLength: 4 }),
    fc.option(fc.jsonValue({ maxDepth: 2 }), { nil: undefined })
  )
    .map(([body, changes, reply]) => ({ time: start, body: { ...body, ...Object.fromEntries(changes) }, reply }))
  await fc.assert(
    fc.asyncProperty(fc.array(record, { maxLength: 12 }), async records => {
      await survives(records.map(each => JSON.stringify(each)).join('\n'))
    }),
    { numRuns: 300 * MORE }
  )
  t.pass()
})

await t.test('files that are made to take long', async t => {
  const segments = (data: Buffer): Captured[] =>
    Array.from(
      { length: Math.ceil(data.length / 60_000) },
      (_, i) => ({
        at: BEGAN + i,
        data: ethernet(tcp(V4, true, 1000 + i * 60_000, data.subarray(i * 60_000, (i + 1) * 60_000)))
      })
    )
  const starts = Buffer.from('INVITE sip:a SIP/2.0\r\n\r\n'.repeat(60_000))
  const words = Buffer.from('SIP/2.0'.repeat(200_000))
  const endless = Buffer.from(`INVITE sip:a@b SIP/2.0\r\n${'X: y\r\n'.repeat(200_000)}`)
  for (const data of [starts, words, endless]) await t.resolves(survives(pcapFile(segments(data))))
  const crumbs = udpFragments(V4, true, 'x'.repeat(64_000), 8).map(data => ({ at: BEGAN, data: ethernet(data) }))
  await t.resolves(survives(pcapFile(crumbs.slice(0, -1))))
  await t.resolves(survives(`${'{'.repeat(300_000)}\n${'INVITE sip:a@b SIP/2.0\n'.repeat(50_000)}`))
  await t.resolves(survives(`${' '.repeat(250_000)}x INVITE sip:a@b SIP/2.0\n`))
  await t.resolves(survives(`{event: ${'string(1) "'.repeat(80_000)}\n}\n`))
  const part = JSON.stringify({ log: 'x'.repeat(16 * 1024), stream: 'stdout' })
  await t.resolves(survives(`${part}\n`.repeat(300)))
})
