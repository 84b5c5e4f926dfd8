import t from 'tap'
import { createKeep } from '../../src/explain/keep.ts'
import { readInput } from '../../src/explain/read.ts'
import {
  BEGAN,
  ethernet,
  ip,
  pcapFile,
  portions,
  recordedSip,
  udp,
  udpFrames,
  V4,
  type Captured
} from '../fixtures/captures.ts'
import { ENCAPSULATIONS, HEP_LATE_MS } from '../fixtures/encapsulations.ts'
import { codesOf, explainedAll, findingsOf } from '../fixtures/explained.ts'

/*
 * Calls that were captured in a tunnel, by a mirror or a SIP agent of Homer, or in a form of their own.
 */

const wires = recordedSip('no-trunk-matches')

await t.test('the same call in every wrapper', async t => {
  const plain = (await explainedAll([pcapFile(udpFrames(wires))])).calls[0]!
  for (const [name, capture] of Object.entries(ENCAPSULATIONS)) {
    const explanation = await explainedAll([capture(wires)], { portion: 1000 })
    const [call] = explanation.calls
    t.equal(explanation.calls.length, 1, `${name}: one call`)
    t.equal(call?.end?.cause, 'livekit-no-route', `${name}: ${call?.summary}`)
    t.equal(call?.sources.sip, plain.sources.sip, `${name}: each message once`)
    const late = name === 'HEP1' ? HEP_LATE_MS : 0
    t.ok(Math.abs((call?.began ?? 0) - plain.began! - late) < 1, `${name}: the time is the message's, if it has one`)
    t.same(explanation.findings, [], `${name}: nothing is wrong with the file`)
  }
})

await t.test("the ends and the transport are the message's, and not those of the tunnel", async t => {
  const ends: Array<[name: string, source: string, transport: string]> = [
    ['ERSPAN II', '198.51.100.7', 'udp'],
    ['VXLAN', '198.51.100.7', 'udp'],
    ['6in4', '2001:db8::7', 'udp'],
    ['HEP2', '198.51.100.7', 'udp'],
    ['HEP3', '198.51.100.7', 'udp'],
    ['HEP3, IPv6, compressed', '2001:db8::7', 'udp'],
    ['HEP3 over TCP', '198.51.100.7', 'udp'],
    ['WebSocket', '198.51.100.7', 'ws'],
    ['exported PDUs', '198.51.100.7', 'tcp'],
    ['snoop', '198.51.100.7', 'udp']
  ]
  for (const [name, source, transport] of ends) {
    const keep = createKeep()
    await readInput({ name: 'call.pcap', chunks: portions(ENCAPSULATIONS[name]!(wires)) }, keep)
    const [invite] = keep.seen
    t.match(invite, { kind: 'sip', source: { address: source }, transport }, name)
  }
})

await t.test('tunnels that nobody else can read, and kinds of links, have a name and a way out', async t => {
  const message = Buffer.alloc(120, 9)
  message.writeUInt32LE(4)
  const port = (number: number): Buffer => udp({ ...V4, called: ['192.0.2.9', number] }, true, message)
  const packets: Array<[says: RegExp, packet: Buffer]> = [
    [/IPsec \(ESP\)/, ip(50, '192.0.2.1', '192.0.2.2', message)],
    [/IPsec \(ESP\)/, port(4500)],
    [/WireGuard/, port(51_820)],
    [/L2TP/, port(1701)],
    [/SCTP/, ip(132, '192.0.2.1', '192.0.2.2', message)]
  ]
  for (const [says, packet] of packets) {
    const frame = { at: BEGAN, data: ethernet(packet) }
    const alone = findingsOf(await explainedAll([pcapFile([frame])]))
    t.match(alone, [{ code: 'capture-tunnel', severity: 'failed', seen: says, todo: /inside/ }])
    const beside = await explainedAll([pcapFile([frame, ...udpFrames(wires)])])
    t.match(beside.findings, [{ code: 'capture-tunnel', severity: 'warning', seen: says }])
    t.equal(beside.calls[0]?.end?.cause, 'livekit-no-route', 'the rest is read')
  }
  const radio = await explainedAll([pcapFile(udpFrames(wires), { link: 127 })])
  t.match(radio.findings, [{ code: 'capture-unknown-link', seen: /127: Wi-Fi/ }])
})

await t.test('a port of a tunnel that carries something else', async t => {
  const ends = { ...V4, called: ['203.0.113.20', 4789] as [string, number] }
  const frames = wires.map(({ at, raw, fromCaller }) => ({ at, data: ethernet(udp(ends, fromCaller, raw)) }))
  const [call] = (await explainedAll([pcapFile(frames)])).calls
  t.equal(call?.end?.cause, 'livekit-no-route', 'SIP on the port of VXLAN is SIP')
})

await t.test('tunnels within tunnels end somewhere', async t => {
  let packet = udp(V4, true, wires[0]!.raw)
  for (let depth = 0; depth < 400; depth++) packet = ip(4, '10.0.0.1', '10.0.0.2', packet)
  const labels = Buffer.concat([Buffer.from([0x88, 0x47]), Buffer.alloc(60_000)])
  const frames: Captured[] = [
    { at: BEGAN, data: ethernet(packet) },
    { at: BEGAN, data: Buffer.concat([Buffer.alloc(12), labels]) }
  ]
  t.same(codesOf(await explainedAll([pcapFile(frames)])), ['no-sip'])
})
