import t from 'tap'
import { pcapFile, recordedSip, udpFrames, type Wire } from '../fixtures/captures.ts'
import { codesOf, explainedAll } from '../fixtures/explained.ts'
import { LISTS, WHOLE_EXPORTS } from '../fixtures/packet-exports.ts'

/*
 * What people export from Wireshark, tshark, tcpdump, ngrep, sngrep and Homer instead of the capture itself.
 */

/** At LiveKit Cloud: a list of packets has no other sign of whose leg it is than the host. */
function atLiveKit (name: string): Wire[] {
  const user = (raw: string): string => raw.replaceAll('@127.0.0.1 SIP', '@1a2b3c4d5e6.sip.livekit.cloud SIP')
  return recordedSip(name).map(wire => ({ ...wire, raw: user(wire.raw) }))
}

const CALLS: ReadonlyArray<[recording: string, cause: string]> = [
  ['no-trunk-matches', 'livekit-no-route'],
  ['bad-credentials', 'livekit-refused-credentials'],
  ['answered-caller-hangs-up', 'caller-hung-up'],
  ['no-common-codec', 'media-mismatch'],
  ['transfer-accepted', 'transferred']
]

await t.test('whole messages in every form', async t => {
  for (const [recording, cause] of CALLS) {
    const wires = recordedSip(recording)
    const plain = (await explainedAll([pcapFile(udpFrames(wires))])).calls[0]!
    for (const [form, text] of Object.entries(WHOLE_EXPORTS)) {
      const explanation = await explainedAll([text(wires)])
      const [call] = explanation.calls
      const name = `${recording}, ${form}`
      t.equal(explanation.calls.length, 1, `${name}: one call`)
      t.equal(call?.end?.cause, cause, `${name}: ${call?.summary}`)
      t.equal(call?.sources.sip, plain.sources.sip, `${name}: each message once`)
      t.ok(Math.abs((call?.began ?? 0) - plain.began!) < 2, `${name}: the time is the packet's, ${call?.began}`)
      t.match(call?.legs[0]?.ends, /198\.51\.100\.7:5060 to 203\.0\.113\.20:5060/, `${name}: both ends`)
      t.same(explanation.findings, [], `${name}: nothing is missing`)
    }
  }
})

const OF_HEADERS = ['sip-credentials-missing', 'no-call-header', 'offered-media']

await t.test('lists of packets in every form', async t => {
  for (const [recording, cause] of CALLS) {
    const wires = atLiveKit(recording)
    for (const [form, text] of Object.entries(LISTS)) {
      const explanation = await explainedAll([text(wires)])
      const [call] = explanation.calls
      const name = `${recording}, ${form}`
      t.equal(explanation.calls.length, 1, `${name}: one call`)
      t.equal(call?.end?.cause, cause, `${name}: ${call?.summary}`)
      t.equal(call?.sources.sip, wires.length, `${name}: each message`)
      t.ok(codesOf(explanation).includes('start-lines-only'), `${name}: what is missing is said`)
      const unseen = codesOf(explanation).filter(code => OF_HEADERS.includes(code))
      t.same(unseen, [], `${name}: nothing is said of headers that nobody saw`)
    }
  }
})

const row = (at: number, from: number, to: number, info: string): string =>
  `${at + 1} ${at}.000000 192.0.2.${from} → 192.0.2.${to} SIP 400 ${info} | \n`
const LIVEKIT = 'sip:+15550100002@1a2b3c4d5e6.sip.livekit.cloud'

await t.test('a list: who hung up, requests that are answered, calls one after another', async t => {
  const list = [
    row(0, 1, 2, `Request: INVITE ${LIVEKIT}`),
    row(1, 2, 1, 'Status: 407 Proxy Authentication Required'),
    row(1, 1, 2, `Request: ACK ${LIVEKIT}`),
    row(1, 1, 2, `Request: INVITE ${LIVEKIT}`),
    row(2, 2, 1, 'Status: 200 OK (INVITE)'),
    row(2, 1, 2, 'Request: ACK sip:192.0.2.2'),
    row(9, 2, 1, 'Request: BYE sip:192.0.2.1, in-dialog'),
    row(9, 1, 2, 'Status: 200 OK (BYE)'),
    row(20, 1, 2, `Request: INVITE ${LIVEKIT}`),
    row(21, 2, 1, 'Status: 486 flood')
  ].join('')
  const { calls } = await explainedAll([list])
  t.equal(calls.length, 2)
  t.equal(calls[0]?.end?.cause, 'agent-hung-up')
  t.equal(calls[1]?.legs[0]?.callId, '', 'no Call-ID is invented')
  t.match(JSON.stringify(calls[1]), /486 flood/)
})

await t.test('a list with two calls at a time between the same ends: nobody can tell them apart', async t => {
  const list = [
    row(0, 1, 2, `Request: INVITE ${LIVEKIT}`),
    row(1, 1, 2, `Request: INVITE ${LIVEKIT.replace('002', '003')}`),
    row(2, 2, 1, 'Status: 404 No trunk found'),
    row(3, 1, 3, `Request: INVITE ${LIVEKIT}`),
    row(4, 3, 1, 'Status: 404 No trunk found')
  ].join('')
  const { calls, findings } = await explainedAll([list])
  t.equal(calls.length, 1, 'the call between other ends is explained')
  t.equal(calls[0]?.end?.cause, 'livekit-no-route')
  t.match(findings, [{ code: 'start-lines-only', seen: /Several calls/ }])
})

await t.test('a list whose times are the seconds since the packet before', async t => {
  const list = [
    row(0, 1, 2, `Request: INVITE ${LIVEKIT}`),
    row(5, 2, 1, 'Status: 180 Ringing'),
    row(1, 2, 1, 'Status: 404 No trunk found')
  ].join('')
  const [call] = (await explainedAll([list])).calls
  t.equal(call?.end?.cause, 'livekit-no-route')
  t.notMatch(call?.summary, /\d s/, 'no duration is told')
})

await t.test('packets that were exported with their details collapsed have their row', async t => {
  const wires = atLiveKit('no-trunk-matches')
  const text = WHOLE_EXPORTS['Wireshark, plain text with summary and details']!(wires).replace(/^ {4}(?!\d 2026).*\n/gm, '')
  const { calls, findings } = await explainedAll([text])
  t.equal(calls[0]?.sources.sip, wires.length)
  t.match(findings, [{ code: 'start-lines-only' }])
})
