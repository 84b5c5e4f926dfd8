import { inspect } from 'node:util'
import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { recordedSip, type Wire } from '../fixtures/captures.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'

/*
 * SIP messages as logs, terminals and pages show them: what is told of the call is what the messages alone tell.
 */

const START = Date.parse('2026-03-04T09:00:00.000Z')
const wires = recordedSip('bad-credentials').map((wire, i) => ({ ...wire, at: START + i * 40 }))

const iso = ({ at }: Wire): string => new Date(at).toISOString()
const lf = ({ raw }: Wire): string => raw.replaceAll('\r\n', '\n')
const lines = ({ raw }: Wire): string[] => raw.split('\r\n')
const escaped = ({ raw }: Wire, end: string): string => raw.replaceAll('"', '\\"').replaceAll('\r\n', end)
const html = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
const each = (print: (wire: Wire, i: number) => string): string => wires.map(print).join('')

const FORMS: Record<string, string | Buffer> = {
  'arrows, and headers below them': each(wire => `${wire.fromCaller ? '→' : '←'} ${lines(wire).join('\n  ')}\n\n`),
  'an arrow on each line': each(wire =>
    lines(wire).map(line => `${wire.fromCaller ? '>>>' : '<<<'} ${line}\n`).join('')),
  'a prefix on each line, trimmed': each(wire =>
    lines(wire).map(line => `${iso(wire)} phone[68:16] [Message] \t${line}`.trimEnd()).join('\n') + '\n\n'),
  'numbers of lines': each(wire => `${lf(wire)}\n`).split('\n').map((line, i) => `${i + 1}: ${line}`).join('\n'),
  'grep, with the name of the file': each(wire =>
    lines(wire).map(line => `/var/log/drachtio.log:${line}\n`).join('')),
  'a box of bars': each(wire => `${lines(wire).map(line => `| ${line}`).join('\n')}\n`),
  'bytes of the IP header in front': each(wire =>
    `${iso(wire).slice(11, 23)}000 IP 198.51.100.7.5060 > 203.0.113.20.5060: SIP: ${lines(wire)[0]}\n` +
    `E..D..@.@.......2.\n......${lf(wire)}\n`),
  '^M': each(wire => `${wire.raw.replaceAll('\r\n', '^M\n')}\n`),
  'line ends twice': each(wire => `${wire.raw.replaceAll('\r\n', '\r\r\n')}\n`),
  'a blank line behind each line': each(wire => `${lines(wire).join('\n\n')}\n\n`),
  'carriage returns alone': each(wire => `${wire.raw.replaceAll('\r\n', '\r')}\r`),
  'escapes of C': each(wire => `${iso(wire)} DEBUG raw="${escaped(wire, '\\r\\n')}"\n`),
  'escapes of C, between other fields': each(wire => `${iso(wire)} DEBUG raw="${escaped(wire, '\\n')}" took=1\n`),
  'escapes, escaped': each(wire => `${iso(wire)} DEBUG raw="${escaped(wire, '\\\\r\\\\n')}"\n`),
  'escapes of JSON by number': each(wire => `${iso(wire)} raw="${escaped(wire, '\\u000d\\u000a')}"\n`),
  'escapes without quotes': each(wire => `${iso(wire)} got ${wire.raw.replaceAll('\r\n', '\\r\\n')}\n`),
  'escapes of rsyslog': each(wire =>
    `Mar  4 09:00:00 vps-1 proxy[7]: got ${wire.raw.replaceAll('\r\n', '#015#012')}\n`),
  'escapes of cat -v': each(wire => `${iso(wire)} ${wire.raw.replaceAll('\r\n', '^M^J')}\n`),
  dots: each(wire => `${iso(wire)} ${wire.raw.replaceAll('\r\n', '..')}\n`),
  spaces: each(wire => `${iso(wire)} ${wire.raw.replaceAll('\r\n', ' ')}\n`),
  'bytes in Python': each(wire => `${iso(wire)} DEBUG sent b'${wire.raw.replaceAll('\r\n', '\\r\\n')}'\n`),
  'the message of a log': each(wire => `${JSON.stringify({ time: wire.at, level: 20, msg: `got\n${wire.raw}` })}\n`),
  'a field of a log': each(wire => `${JSON.stringify({ ts: iso(wire), level: 'debug', msg: 'sip', raw: wire.raw })}\n`),
  'a field of a field': each(wire => `${JSON.stringify({ ts: iso(wire), packet: { payload: wire.raw } })}\n`),
  'a field of zap': each(wire =>
    `${iso(wire)}\tDEBUG\tsip\tsip/server.go:1\tmessage\t${JSON.stringify({ message: wire.raw })}\n`),
  'JSON in JSON': each(wire => `${JSON.stringify({ time: wire.at, msg: `got ${JSON.stringify(wire.raw)}` })}\n`),
  'a list of lines': each(wire => `${JSON.stringify(lines(wire), null, 2)}\n`),
  'a document': JSON.stringify({ messages: wires.map(wire => ({ time: iso(wire), raw: wire.raw })) }, null, 2),
  'console.log': each(wire => `packet ${inspect({ at: wire.at, raw: wire.raw })}\n`),
  CSV: `time,message\n${each(wire => `${iso(wire)},"${wire.raw.replaceAll('"', '""')}"\n`)}`,
  'a page, preformatted': `<pre><code>${html(each(wire => `${lf(wire)}\n`))}</code></pre>`,
  'a page, with line breaks': each(wire => `<p>${html(lf(wire).trim()).replaceAll('\n', '<br>\n')}</p>\n`),
  'a page on one line': each(wire => `<p>${html(wire.raw.trim()).replaceAll('\r\n', '<br/>')}</p>\n`),
  'Latin-1': Buffer.from(each(wire => `${lf(wire).replace('From: <', 'From: "Jürgen" <')}\n`), 'latin1')
}

const verdict = (explanation: Explanation): object => ({
  calls: explanation.calls.map(({ end, sources }) => ({ cause: end?.cause, by: end?.by, sources })),
  codes: codesOf(explanation).sort()
})

await t.test('messages in each form', async t => {
  const plain = await explainedAll([each(wire => `${lf(wire)}\n`)])
  t.equal(plain.calls[0]?.end?.cause, 'livekit-refused-credentials')
  for (const [form, text] of Object.entries(FORMS)) {
    t.same(verdict(await explainedAll([text])), verdict(plain), form)
  }
})

await t.test('lines of several writers that stand between each other', async t => {
  const other = recordedSip('no-trunk-matches').map((wire, i) => ({ ...wire, at: START + 20 + i * 40 }))
  const logged = (name: string, all: readonly Wire[]): string[] =>
    // Without the headers of Jambonz, which are those of one call in each recording.
    all.flatMap(wire => lines(wire).filter(line => !/^x-/i.test(line)).map(line => `${name}-1  | ${line}`))
  const one = logged('drachtio', wires)
  const two = logged('proxy', other)
  const mixed = one.flatMap((line, i) => i < two.length ? [line, two[i]!] : [line]).join('\n')
  const apart = await explainedAll([[...one, ...two].join('\n')])
  const together = await explainedAll([mixed])
  t.equal(together.calls.length, 2)
  t.same(
    together.calls.map(({ end, sources }) => [end?.cause, sources.sip]).sort(),
    apart.calls.map(({ end, sources }) => [end?.cause, sources.sip]).sort()
  )
})

await t.test("a message's own time counts, and else that of its collector", async t => {
  const [first] = wires as [Wire, ...Wire[]]
  const day = iso(first).replace('T', ' ').replace('Z', '000')
  const own = `${day} recv 9 bytes from udp/[203.0.113.20]:5060 at 09:00:00:`
  const docker = (line: string): string => `2026-03-04T11:11:11.123456789Z ${line}\n`
  const timed = await explainedAll([[own, ...lines(first)].map(docker).join('')])
  t.equal(timed.calls[0]?.began, first.at)
  const untimed = await explainedAll([lines(first).map(docker).join('')])
  t.equal(untimed.calls[0]?.began, Date.parse('2026-03-04T11:11:11.123Z') + 0.456789)
})

await t.test('places are lines of the file', async t => {
  const hook = {
    call_sid: '0f7a2c5e-0000-4000-8000-000000000077',
    direction: 'inbound',
    from: '+15550101111',
    to: '+15550102222',
    call_status: 'trying',
    sip_status: 100
  }
  const log = { level: 50, callSid: hook.call_sid, msg: 'Error retrieving or parsing application: x' }
  const text = `\n${JSON.stringify([{ n: 1 }, { n: { o: 2 } }, hook, { body: log, ...log }], null, 2)}\n`
  const line = text.split('\n').findIndex(each => each.includes('"body"'))
  const [call] = (await explainedAll([text])).calls
  const finding = call?.findings.find(({ code }) => code === 'log-application-refused')
  t.match(finding?.seen, `file-1:${line})`)
})
