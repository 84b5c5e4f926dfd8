import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { recordedSip } from '../fixtures/captures.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { readRecordings } from '../fixtures/recordings.ts'
import { PREFIXES, WRAPPERS, type Logged } from '../fixtures/wrappers.ts'

/*
 * The same content, whatever is around it: the verdict is that of the plain text.
 */

/** What an explanation says, without places and times. */
const verdict = (explanation: Explanation): object => ({
  calls: explanation.calls.map(({ end, sources }) => ({ cause: end?.cause, by: end?.by, sources })),
  codes: codesOf(explanation).filter(code => code !== 'times-aligned').sort()
})

const START = Date.parse('2026-03-04T09:00:00.000Z')

const sip: Logged[] = recordedSip('no-trunk-matches').flatMap(({ raw, fromCaller }, i) => {
  const at = START + i * 40
  const stamp = new Date(at).toISOString()
  const way = fromCaller ? 'send 800 bytes to' : 'recv 400 bytes from'
  const day = stamp.replace('T', ' ').replace('Z', '000')
  const head = `${day} ${way} tcp/[203.0.113.20]:5060 at ${stamp.slice(11, 23)}000:`
  return [head, ...raw.split('\r\n'), ''].map(line => ({ at, line }))
})

const FIELDS = '"nodeID": "NE_q7", "callID": "SCL_k9Jw2", "fromIP": "198.51.100.7", "fromUser": "+15550101111", ' +
  '"toUser": "15550102222", "sipCallID": "call-7@sbc"'
const zap: Logged[] = [
  `INFO\tsip\tsip/inbound.go:178\tprocessing invite\t{${FIELDS}}`,
  `INFO\tsip\tsip/inbound.go:782\tClosing inbound call\t{${FIELDS}, "status": 486, "reason": "flood"}`
].map((line, i) => ({ at: START + i * 9, line: `${new Date(START + i * 9).toISOString()}\t${line}` }))

const pino: Logged[] = [
  { level: 30, msg: 'web callback returned unexpected status code 502' },
  { level: 50, err: { type: 'Error', message: '', statusCode: 502 }, msg: 'Error retrieving or parsing application' }
].map((record, i) => {
  const at = START + i * 7
  const ids = { time: at, pid: 17, hostname: 'fs-1', callId: 'fs-7', callSid: '0f7a2c5e-0000-4000-8000-000000000077' }
  return { at, line: JSON.stringify({ ...record, ...ids }) }
})

const { requests, start } = readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!
const hooks: Logged[] = requests.map(({ at_ms: at, url, body }) => ({
  at: start + at,
  line: JSON.stringify({ time: start + at, url, body: JSON.parse(body) as unknown })
}))
const bodies: Logged[] = requests.map(({ at_ms: at, body }) => ({ at: start + at, line: body }))

const CONTENTS = { sip, zap, pino, hooks, bodies }

for (const [content, lines] of Object.entries(CONTENTS)) {
  await t.test(`${content}, in each wrapper`, async t => {
    const plain = await explainedAll([lines.map(({ line }) => `${line}\n`).join('')])
    t.equal(plain.calls.length, 1)
    for (const [name, wrap] of Object.entries({ ...PREFIXES, ...WRAPPERS })) {
      t.same(verdict(await explainedAll([wrap(lines)])), verdict(plain), name)
    }
  })
}
