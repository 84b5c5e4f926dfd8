import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { pcapFile, recordedSip, udpFrames, type Wire } from '../fixtures/captures.ts'
import { ENCAPSULATIONS } from '../fixtures/encapsulations.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { WHOLE_EXPORTS } from '../fixtures/packet-exports.ts'
import { readRecordings, type Recording } from '../fixtures/recordings.ts'
import { PREFIXES, WRAPPERS, type Logged } from '../fixtures/wrappers.ts'

/*
 * The recordings of the real chain have the same verdict in whatever form their files are. Each form gets some of the
 * recordings, by a seed that stays; with PROOF=all it gets all of them.
 */

const EACH = process.env['PROOF'] === 'all' ? Infinity : 2

const SIP_RECORDINGS = [
  'agent-name-typo',
  'agent-silent',
  'answered-caller-hangs-up',
  'answered-room-deleted',
  'bad-credentials',
  'caller-cancels-while-ringing',
  'no-agent-worker',
  'no-common-codec',
  'no-credentials',
  'no-trunk-matches',
  'seed-option-1',
  'seed-option-1-no-credentials',
  'transfer-accepted'
]

/** The same ones for each seed. */
function some<T> (all: readonly T[], seed: string): T[] {
  const start = [...seed].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) >>> 0, 7)
  const count = Math.min(EACH, all.length)
  // Its step has no divisor in common with most lengths.
  return Array.from({ length: count }, (_, i) => all[(start + i * 7) % all.length]!)
}

/** What a text cannot show: how many bytes a datagram had. */
const OF_CAPTURES = ['large-udp-invite']
/** Says that a wrapper's own times are used. */
const OF_TEXTS = ['times-aligned']

const verdict = (explanation: Explanation): object => ({
  calls: explanation.calls.map(({ end, summary, sources }) => ({ end, summary, sources })),
  codes: codesOf(explanation).filter(code => ![...OF_CAPTURES, ...OF_TEXTS].includes(code)).sort()
})

await t.test('SIP as captures, and as exports of captures', async t => {
  for (const [form, make] of Object.entries({ ...ENCAPSULATIONS, ...WHOLE_EXPORTS })) {
    for (const name of some(SIP_RECORDINGS, form)) {
      const wires = recordedSip(name)
      const plain = verdict(await explainedAll([pcapFile(udpFrames(wires))]))
      t.same(verdict(await explainedAll([make(wires)])), plain, `${name}, ${form}`)
    }
  }
})

/** As sngrep saves messages. */
const sipLines = (wires: readonly Wire[]): Logged[] =>
  wires.flatMap(wire =>
    WHOLE_EXPORTS['sngrep']!([wire]).split('\n').map(line => ({ at: wire.at, line: line.replace(/\r$/, '') })))

const hookLines = ({ requests, webhooks, start }: Recording): Logged[] =>
  [
    ...requests.map(({ at_ms: at, url, body, replied }) => ({
      at: start + at,
      record: { url, body: JSON.parse(body) as unknown, reply: { ...replied, at: start + (replied?.at_ms ?? at) } }
    })),
    ...webhooks.map(({ at_ms: at, body }) => ({ at: start + at, record: { payload: body } }))
  ].sort((a, b) => a.at - b.at).map(({ at, record }) => ({ at, line: JSON.stringify({ time: at, ...record }) }))

const plainText = (lines: readonly Logged[]): string => lines.map(({ line }) => `${line}\n`).join('')

await t.test('SIP as text, in each wrapper', async t => {
  for (const [form, wrap] of Object.entries({ ...PREFIXES, ...WRAPPERS })) {
    // The refused offer shows whether its body was read.
    for (const name of new Set(['no-common-codec', ...some(SIP_RECORDINGS, form)])) {
      const lines = sipLines(recordedSip(name))
      const plain = verdict(await explainedAll([plainText(lines)]))
      t.same(verdict(await explainedAll([wrap(lines)])), plain, `${name}, ${form}`)
    }
  }
})

await t.test('webhooks of Jambonz and LiveKit as log lines, in each wrapper', async t => {
  const recordings = readRecordings().filter(({ name }) => /^(?:chain|jambonz)\//.test(name))
  for (const [form, wrap] of Object.entries({ ...PREFIXES, ...WRAPPERS })) {
    for (const recording of some(recordings, form)) {
      const lines = hookLines(recording)
      const plain = verdict(await explainedAll([plainText(lines)]))
      t.same(verdict(await explainedAll([wrap(lines)])), plain, `${recording.name}, ${form}`)
    }
  }
})
