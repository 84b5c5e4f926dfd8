import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Explanation } from '../../src/explain/explanation.ts'
import { reportJson, reportText } from '../../src/explain/report.ts'
import { pcapFile, recordedSip, udpFrames, type Wire } from '../fixtures/captures.ts'
import { codesOf as codes, explainedAll } from '../fixtures/explained.ts'
import { readRecordings } from '../fixtures/recordings.ts'
import { fixture } from '../fixtures/paths.ts'

const explained = (...texts: Array<Buffer | string>): Promise<Explanation> => explainedAll(texts)

const stamp = (at: number): string =>
  new Date(at).toISOString().replace('T', ' ').replace('Z', '000').replace(/-/g, '/')
const lf = (raw: string): string => raw.replaceAll('\r\n', '\n')

/** How the usual tools print a SIP message. */
const STYLES: Record<string, (wire: Wire) => string> = {
  sngrep: ({ at, raw, fromCaller }) =>
    `${stamp(at)} ${
      fromCaller ? '198.51.100.7:5060 -> 203.0.113.20:5060' : '203.0.113.20:5060 -> 198.51.100.7:5060'
    }\n${lf(raw)}\n\n`,
  ngrep: ({ at, raw, fromCaller }) =>
    `#\nU ${stamp(at)} ${
      fromCaller ? '198.51.100.7:5060 -> 203.0.113.20:5060' : '203.0.113.20:5060 -> 198.51.100.7:5060'
    } #7\n${raw.split('\r\n').map(line => `${line}.`).join('\n')}\n\n`,
  sofia: ({ at, raw, fromCaller }) =>
    `${fromCaller ? 'send' : 'recv'} ${raw.length} bytes ${fromCaller ? 'to' : 'from'} tcp/[203.0.113.20]:5060 at ${
      new Date(at).toISOString().slice(11, 23)
    }000:\n   ${'-'.repeat(72)}\n${lf(raw).split('\n').map(line => `   ${line}`).join('\n')}\n   ${'-'.repeat(72)}\n`,
  drachtio: ({ at, raw, fromCaller }) =>
    `${new Date(at).toISOString().replace('T', ' ').replace('Z', '000')} ${
      fromCaller ? 'send' : 'recv'
    } ${raw.length} bytes ${fromCaller ? 'to' : 'from'} tcp/[203.0.113.20]:5060 at ${
      new Date(at).toISOString().slice(11, 23)
    }000:\n${lf(raw)}\n\n`,
  asterisk: ({ at, raw, fromCaller }) =>
    `[${new Date(at).toISOString().replace('T', ' ').slice(0, 23)}] VERBOSE[1] chan.c: <--- ${
      fromCaller ? 'Transmitting SIP request (9 bytes) to' : 'SIP read from'
    } UDP:203.0.113.20:5060 --->\n${lf(raw)}\n<------------->\n`,
  crlf: ({ at, raw }) => `${new Date(at).toISOString()}\r\n${raw}\r\n\r\n`
}

await t.test('SIP logs as the usual tools print them', async t => {
  const wanted: Array<[name: string, cause: string]> = [
    ['no-trunk-matches', 'livekit-no-route'],
    ['bad-credentials', 'livekit-refused-credentials'],
    ['caller-cancels-while-ringing', 'caller-gave-up'],
    ['no-common-codec', 'media-mismatch'],
    ['transfer-accepted', 'transferred']
  ]
  for (const [style, print] of Object.entries(STYLES)) {
    for (const [name, cause] of wanted) {
      const wires = recordedSip(name)
      const explanation = await explained(wires.map(print).join(''))
      t.equal(explanation.calls.length, 1, `${style}: ${name}`)
      t.equal(explanation.calls[0]?.end?.cause, cause, `${style}: ${name}: ${explanation.calls[0]?.summary}`)
      t.equal(explanation.calls[0]?.sources.sip, wires.length, `${style}: every message of ${name}`)
    }
  }
  const utf16 = Buffer.concat([
    Buffer.from([0xff, 0xfe]),
    Buffer.from(recordedSip('bad-credentials').map(STYLES['sngrep']!).join(''), 'utf16le')
  ])
  t.equal((await explained(utf16)).calls[0]?.end?.cause, 'livekit-refused-credentials', 'as PowerShell writes it')
})

await t.test('messages without any time', async t => {
  const explanation = await explained(recordedSip('bad-credentials').map(({ raw }) => lf(raw)).join('\n'))
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-refused-credentials')
})

await t.test('every recorded call, by its webhooks alone', async t => {
  let right = 0
  const recordings = readRecordings()
  for (const { name, requests, webhooks, start } of recordings) {
    const { causes } = JSON.parse(readFileSync(fixture(`${name}.json`), 'utf8')) as {
      causes: string[]
    }
    const lines = [
      ...requests.map(({ at_ms: at, url, body, replied }) => ({
        at,
        line: JSON.stringify({
          time: start + at,
          url,
          body: JSON.parse(body),
          ...(replied &&
            {
              replied: {
                ...replied,
                ...(replied.at_ms !== undefined && { time: start + replied.at_ms, at_ms: undefined })
              }
            })
        })
      })),
      ...webhooks.map(({ at_ms: at, body }) => ({
        at,
        line: JSON.stringify({ time: new Date(start + at).toISOString(), payload: body })
      }))
    ].sort((a, b) => a.at - b.at).map(({ line }) => line).join('\n')
    const explanation = await explained(lines)
    t.ok(explanation.calls.length >= 1, name)
    const cause = explanation.calls[0]?.end?.cause ?? ''
    const ok = causes.includes('*') || causes.includes(cause)
    if (ok) right++
    t.ok(ok, `${name}: ${cause}, not ${causes}: ${explanation.calls[0]?.summary}`)
    t.ok(explanation.calls[0]?.findings[0]?.seen)
  }
  t.equal(right, recordings.length)
})

await t.test('hooks that were logged without their paths, behind what a process manager puts in front', async t => {
  const { requests, start } = readRecordings().find(({ name }) => name === 'chain/wrong-trunk-password')!
  const lines = requests.map(({ at_ms: at, body }) => `0|bridge | ${new Date(start + at).toISOString()} ${body}`).join(
    '\n'
  )
  const explanation = await explained(lines)
  t.equal(explanation.calls.length, 1)
  t.equal(explanation.calls[0]?.end?.cause, 'livekit-refused-credentials', explanation.calls[0]?.summary ?? '')
  const array = JSON.stringify(requests.map(({ at_ms: at, body }) => ({ time: start + at, body })), null, 2)
  t.equal((await explained(array)).calls[0]?.end?.cause, 'livekit-refused-credentials', 'a JSON document')
})

const FLOOD =
  '2026-01-31T10:00:00.003Z\tINFO\tsip\tsip/inbound.go:178\tprocessing invite\t{"nodeID": "NE_1", ' +
  '"callID": "SCL_abc", "fromIP": "198.51.100.7", "fromUser": "+15550001111", "toUser": "unknown", ' +
  '"sipCallID": "call-1@sbc"}\n' +
  '2026-01-31T10:00:00.011Z\tDEBUG\tsip\tsip/inbound.go:434\tRejecting inbound flood\t{"nodeID": "NE_1", ' +
  '"callID": "SCL_abc", "sipCallID": "call-1@sbc"}\n' +
  '2026-01-31T10:00:00.011Z  INFO  sip/inbound.go:782  Closing inbound call  {"callID": "SCL_abc", ' +
  '"sipCallID": "call-1@sbc", "status": 486, "reason": "flood"}\n'

await t.test('log lines of livekit-sip and feature-server', async t => {
  const pino = (msg: string, extra: object = {}): string =>
    JSON.stringify({
      level: 30,
      time: 1769853600000,
      pid: 1,
      callId: 'fs-1',
      callSid: 'sid-1',
      callingNumber: '+15550001111',
      calledNumber: '+15551230000',
      ...extra,
      msg
    })
  const cases: Array<[text: string, code: string, cause?: string]> = [
    [FLOOD, 'log-flood', 'livekit-no-route'],
    [
      '{"level":"warn","ts":1769853600.12,"logger":"livekit.sip","msg":"No SIP trunk matched for calling=\\"a\\" ' +
      'called=\\"b\\"","sipCallID":"call-2"}',
      'log-no-trunk',
      'livekit-no-route'
    ],
    [
      '{"level":"info","ts":1769853600.12,"logger":"sip","msg":"Closing inbound ' +
      'call","callID":"SCL_1","sipCallID":"c","status":200,"reason":"media-timeout"}',
      'log-media-timeout',
      'media-lost'
    ],
    [
      '2026-01-31T10:00:00.011Z\tWARN\tsip\tsip/inbound.go:1\tClosing inbound call with error\t{"callID": "SCL_1", ' +
      '"reason": "no-common-codec"}',
      'log-media-mismatch',
      'media-mismatch'
    ],
    [
      `205|jambon | ${pino('Error retrieving or parsing application: dial: unknown property foo')}`,
      'log-application-refused',
      'reply-refused'
    ],
    [pino('', { level: 50, err: { type: 'Error', message: 'URL parsing failed' } }), 'log-url-parsing-failed'],
    [pino('web callback returned unexpected status code 301'), 'log-hook-status'],
    [pino('rejecting call to +15551230000: no application or webhook url'), 'no-application']
  ]
  for (const [text, code, cause] of cases) {
    const explanation = await explained(text)
    t.equal(explanation.calls.length, 1, code)
    t.ok(codes(explanation).includes(code), `${code} in ${codes(explanation)}`)
    t.equal(explanation.calls[0]?.end?.cause, cause, code)
  }
})

await t.test('a capture and the log of the other side make one call', async t => {
  const wires = recordedSip('no-agent-worker')
  const scl = /tag=(SCL_\w+)/.exec(wires[1]!.raw)![1]!
  const log =
    `${
      new Date(wires.at(-1)!.at).toISOString()
    }\tWARN\tsip\tsip/inbound.go:782\tClosing inbound call\t{"callID": "${scl}", "status": 486, "reason": ` +
    '"cannot-subscribe"}\n'
  const explanation = await explained(pcapFile(udpFrames(wires)), log)
  t.equal(explanation.calls.length, 1)
  t.same([explanation.calls[0]?.sources.sip, explanation.calls[0]?.sources.logs], [wires.length, 1])
  t.ok(codes(explanation).includes('log-cannot-subscribe'))
})

await t.test('both legs of a call, joined by X-CID', async t => {
  const agent = recordedSip('caller-cancels-while-ringing')
  const at = agent[0]!.at
  const caller = (offset: number, start: string, method: string): string =>
    `${
      stamp(at + offset)
    } 192.0.2.1:5060 -> 198.51.100.7:5060\n${start}\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9\nFrom: ` +
    `<sip:+15550001111@carrier>;tag=c\nTo: <sip:+15551230000@sbc>\nCall-ID: carrier-callid-abc\nCSeq: 1 ${method}\n\n\n`
  const explanation = await explained(
    [
      caller(-50, 'INVITE sip:+15551230000@sbc SIP/2.0', 'INVITE'),
      ...agent.map(STYLES['sngrep']!),
      caller(1301, 'CANCEL sip:+15551230000@sbc SIP/2.0', 'CANCEL')
    ].join('')
  )
  t.equal(explanation.calls.length, 1)
  t.same(explanation.calls[0]?.legs.map(({ role }) => role), ['caller', 'agent'])
  t.match(explanation.calls[0]?.end, { cause: 'caller-gave-up', by: 'caller' })
  t.notOk(codes(explanation).includes('agent-leg-only'))
})

await t.test('the report: a ladder, no credentials, no control characters', async t => {
  const options = { width: 120, colour: false, ascii: false, rewrite: false }
  const evil = recordedSip('bad-credentials').map(wire => ({
    ...wire,
    raw: wire.raw.replace('Unauthorized', 'Un\x1b]0;evil\x07authorized').replace(
      /INVITE sip:([^@]+)@/,
      'INVITE sip:$1:hunter2@'
    )
  }))
  const explanation = await explained(pcapFile(udpFrames(evil)))
  const text = reportText(explanation, options)
  t.match(text, /leg to LiveKit: /)
  t.match(text, /INVITE sip:c[0-9a-f]{26}@127\.0\.0\.1/)
  t.match(text, /401/)
  t.match(text, /^✗ .* {2}\(livekit-refused-credentials\)\n {4}→ /m)
  for (const out of [text, reportJson(explanation)]) {
    t.notMatch(out, /response=|Digest|nonce|hunter2/i)
    // eslint-disable-next-line no-control-regex
    t.notMatch(out, /[\x00-\x09\x0b-\x1f\x7f]/)
  }
  t.equal(JSON.parse(reportJson(explanation)).calls[0].end.cause, 'livekit-refused-credentials')
  t.match(reportText(explanation, { ...options, ascii: true }), /^FAILED .* {2}\(livekit-refused-credentials\)\n {4}-> /m)
})
