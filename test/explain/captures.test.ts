import { gzipSync } from 'node:zlib'
import t from 'tap'
import { explainSeen } from '../../src/explain/explain.ts'
import type { Explanation } from '../../src/explain/explanation.ts'
import { createKeep } from '../../src/explain/keep.ts'
import { readInput } from '../../src/explain/read.ts'
import {
  carrierLeg,
  codesOf as codes,
  EARLY,
  explainedAll,
  INVITE,
  SDP,
  TRYING,
  type ReadOptions
} from '../fixtures/explained.ts'
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
  ACK,
  RST,
  SYN,
  type Captured
} from '../fixtures/captures.ts'

const explained = (bytes: Buffer | string, options: ReadOptions = {}): Promise<Explanation> =>
  explainedAll([bytes], { portion: 1000, ...options })

const RECORDINGS: Array<[name: string, cause: string | undefined, says?: string[]]> = [
  ['answered-caller-hangs-up', 'caller-hung-up'],
  ['answered-room-deleted', 'agent-hung-up'],
  ['bad-credentials', 'livekit-refused-credentials'],
  ['no-credentials', 'livekit-refused-credentials', ['sip-credentials-missing']],
  ['no-trunk-matches', 'livekit-no-route', ['livekit-no-route']],
  ['no-common-codec', 'media-mismatch', ['offered-media']],
  ['caller-cancels-while-ringing', 'caller-gave-up'],
  ['transfer-accepted', 'transferred', ['refer-accepted']],
  ['seed-option-1', undefined, ['scl-is-no-address', 'still-going']],
  ['seed-option-1-no-credentials', 'livekit-refused-credentials', ['scl-is-no-address', 'sip-credentials-missing']]
]

await t.test('recorded calls as captures of every format, over UDP and TCP', async t => {
  for (const [name, cause, says = []] of RECORDINGS) {
    const wires = recordedSip(name)
    const files: Array<[how: string, bytes: Buffer, portion?: number]> = [
      ['pcap, UDP', pcapFile(udpFrames(wires))],
      ['pcap, big-endian, nanoseconds, IPv6', pcapFile(udpFrames(wires, V6), { big: true, nano: true }), 7],
      ['pcapng, TCP in small segments', pcapngFile(tcpFrames(wires, { size: 111 }))],
      ['pcapng, big-endian, IPv6, TCP', pcapngFile(tcpFrames(wires, { ends: V6 }), { big: true })],
      ['gzip', gzipSync(pcapFile(tcpFrames(wires, { handshake: false })))]
    ]
    for (const [how, bytes, portion] of files) {
      const explanation = await explained(bytes, { portion })
      t.equal(explanation.calls.length, 1, `${name}, ${how}: one call`)
      const [call] = explanation.calls
      t.equal(call?.end?.cause, cause, `${name}, ${how}: ${call?.summary}`)
      t.ok(Math.abs((call?.began ?? 0) - wires[0]!.at) < 1, "the time is the frame's")
      const found = codes(explanation)
      for (const code of says) t.ok(found.includes(code), `${name}, ${how}: ${code} in ${found}`)
      t.equal(call?.legs[0]?.role, 'agent')
      t.notOk(
        call?.evidence.some(({ signal, seen }) =>
          ['call-hook', 'action', 'no-action', 'caller-leg-final'].includes(signal) || /hook/.test(seen)
        ),
        'nothing that was inferred counts as evidence'
      )
    }
  }
})

await t.test('durations are those of the capture', async t => {
  t.match(
    (await explained(pcapFile(udpFrames(recordedSip('no-trunk-matches'))))).calls[0]?.summary,
    /gave up after 5\.0 s/
  )
})

await t.test('a missing agent and a silent one look alike on the wire, and the report says so', async t => {
  for (const name of ['no-agent-worker', 'agent-silent', 'agent-name-typo']) {
    const [call] = (await explained(pcapFile(udpFrames(recordedSip(name))))).calls
    t.equal(call?.end?.cause, 'no-agent', name)
    t.match(call?.notToldApart[0], /agent-without-audio/, 'it says so')
    t.match(call?.summary, /no agent joined the room, or the one that did published no audio/)
  }
})

await t.test('TCP segments in any order, twice, and missing', async t => {
  const wires = recordedSip('no-common-codec')
  const frames = tcpFrames(wires, { size: 200 })
  // Behind the handshake, each two segments change places, and the first of them comes twice.
  const swapped = frames.slice(0, 2)
  for (let i = 2; i < frames.length; i += 2) {
    const [first, second] = frames.slice(i, i + 2)
    swapped.push(...second ? [second, first!, first!] : [first!])
  }
  const [call] = (await explained(pcapFile(swapped))).calls
  t.equal(call?.end?.cause, 'media-mismatch', `${call?.summary}`)

  const lost = await explained(
    pcapFile(tcpFrames(recordedSip('no-agent-worker'), { size: 150 }).filter((_, i) => i !== 12))
  )
  t.equal(lost.calls.length, 1, 'the messages after the gap are read')
  t.ok(codes(lost).includes('capture-gaps'), `the gap is reported: ${codes(lost)}`)
})

await t.test('fragments, VLAN tags, other link types, the same packet on two interfaces', async t => {
  const [invite, ...others] = recordedSip('no-trunk-matches')
  const fragments = udpFragments(V4, true, invite!.raw, 400).reverse().map(data => ({
    at: invite!.at,
    data: ethernet(data, 12)
  }))
  t.equal((await explained(pcapFile([...fragments, ...udpFrames(others)]))).calls[0]?.end?.cause, 'livekit-no-route')

  const plain = recordedSip('no-trunk-matches').map(({ at, raw, fromCaller }) => ({
    at,
    data: udp(V4, fromCaller, raw)
  }))
  const wrapped: Array<[link: number, wrap: (data: Buffer) => Buffer]> = [
    [101, data => data],
    [0, data => Buffer.concat([Buffer.from([2, 0, 0, 0]), data])],
    [113, data => Buffer.concat([Buffer.alloc(14), Buffer.from([8, 0]), data])],
    [276, data => Buffer.concat([Buffer.from([8, 0]), Buffer.alloc(18), data])]
  ]
  for (const [link, wrap] of wrapped) {
    const frames = plain.flatMap(({ at, data }) => [{ at, data: wrap(data) }, { at: at + 0.2, data: wrap(data) }])
    const explanation = await explained(pcapFile(frames, { link }))
    t.equal(explanation.calls[0]?.end?.cause, 'livekit-no-route', `link type ${link}`)
    t.equal(explanation.calls[0]?.sources.sip, plain.length, 'each packet once')
  }
})

await t.test("only the carrier's leg: what it shows, and that there is nothing else", async t => {
  const cases: Array<[says: string, frames: Captured[], code: string, cause?: string, waitingOn?: string]> = [
    [
      '487 after 1.3 s, the hook still pending',
      carrierLeg(INVITE, TRYING, [1300, true, 'CANCEL sip:+15551230000@sbc.example.com SIP/2.0'], [
        1302,
        false,
        'SIP/2.0 487 Request Terminated'
      ]),
      'caller-gave-up',
      'caller-gave-up',
      'hook'
    ],
    [
      'cancelled while the dial runs',
      carrierLeg(INVITE, TRYING, EARLY, [9000, true, 'CANCEL sip:+15551230000@sbc.example.com SIP/2.0'], [
        9002,
        false,
        'SIP/2.0 487 Request Terminated'
      ]),
      'caller-gave-up',
      'caller-gave-up',
      'agent'
    ],
    [
      '480 with X-Reason',
      carrierLeg(INVITE, TRYING, [
        1300,
        false,
        'SIP/2.0 480 Temporarily Unavailable',
        'X-Reason: dial: unknown property foo\r\n'
      ]),
      'reply-refused',
      'reply-refused',
      'hook'
    ],
    [
      'no application',
      carrierLeg(INVITE, TRYING, [
        20,
        false,
        'SIP/2.0 480 Temporarily Unavailable',
        'X-Reason: no configured application\r\n'
      ]),
      'no-application'
    ],
    [
      'media server',
      carrierLeg(INVITE, TRYING, [
        20,
        false,
        'SIP/2.0 480 Temporarily Unavailable',
        'X-Reason: crankback: media server failure\r\n'
      ]),
      'media-server-failed',
      'media-server-failed'
    ],
    [
      'the fail-safe after a dial',
      carrierLeg(INVITE, TRYING, EARLY, [
        12_000,
        false,
        'SIP/2.0 480 Agent Unavailable',
        'X-Reason: SIP Decline Verb\r\n'
      ]),
      'dial-failed'
    ],
    [
      '480 without a reason',
      carrierLeg(INVITE, TRYING, [20, false, 'SIP/2.0 480 Temporarily Unavailable']),
      'no-feature-server'
    ],
    [
      '488 before any dial',
      carrierLeg(INVITE, TRYING, [20, false, 'SIP/2.0 488 Not Acceptable Here']),
      'media-mismatch',
      'media-mismatch'
    ],
    ['nothing comes back', carrierLeg(INVITE, [500, ...INVITE.slice(1)] as typeof INVITE), 'sbc-silent'],
    [
      'answered, the caller hangs up',
      carrierLeg(INVITE, TRYING, EARLY, [400, false, 'SIP/2.0 200 OK', '', SDP], [5000, true, 'BYE sip:sbc SIP/2.0']),
      'caller-hung-up',
      'caller-hung-up'
    ],
    [
      'answered, Jambonz hangs up',
      carrierLeg(INVITE, TRYING, EARLY, [400, false, 'SIP/2.0 200 OK', '', SDP], [
        5000,
        false,
        'BYE sip:caller SIP/2.0'
      ]),
      'agent-hung-up',
      'agent-hung-up'
    ]
  ]
  for (const [says, frames, code, cause, waitingOn] of cases) {
    const explanation = await explained(pcapFile(frames))
    const [call] = explanation.calls
    t.equal(call?.findings[0]?.code, code, `${says}: ${call?.summary}`)
    t.ok(codes(explanation).includes('carrier-leg-only'), 'it says that there is only that leg')
    if (cause) t.equal(call?.end?.cause, cause, says)
    if (waitingOn) t.equal(call?.end?.waitingOn, waitingOn, says)
    t.notMatch(JSON.stringify(explanation), '5ec3e7', 'no credentials')
  }
})

await t.test('silence after the INVITE, and a port that nobody listens on', async t => {
  const [invite] = recordedSip('no-trunk-matches')
  const host = (raw: string): string => raw.replaceAll('@127.0.0.1', '@1zpgfict.sip.livekit.cloud')
  const trying = recordedSip('no-trunk-matches')[1]!
  const silent = await explained(
    pcapFile(
      udpFrames([{ ...invite!, raw: host(invite!.raw) }, { ...trying, raw: host(trying.raw) }, {
        ...recordedSip('no-trunk-matches')[3]!,
        raw: host(recordedSip('no-trunk-matches')[3]!.raw)
      }])
    )
  )
  t.equal(silent.calls[0]?.end?.cause, 'sip-unreachable')
  t.ok(codes(silent).includes('sip-host-silent'))
  t.match(silent.calls[0]?.findings.find(({ code }) => code === 'sip-host-silent')?.todo, /end of the websocket's name/)
  const refused = await explained(
    pcapFile([{ at: BEGAN, data: ethernet(tcp(V4, true, 1, '', SYN)) }, {
      at: BEGAN + 1,
      data: ethernet(tcp(V4, false, 0, '', RST | ACK))
    }])
  )
  t.ok(codes(refused).includes('sip-refused'))
})

await t.test('unusable files: a finding for each, and never an error', async t => {
  const whole = pcapFile(udpFrames(recordedSip('no-trunk-matches')))
  const damaged = Buffer.from(whole)
  damaged.writeUInt32LE(0x7fffffff, 24 + 8)
  const tls = [{ at: BEGAN, data: ethernet(tcp(V4, true, 1, Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5]))) }]
  const options = udpFrames([{
    at: BEGAN,
    fromCaller: true,
    raw: 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n'
  }])
  const cases: Array<[code: string, bytes: Buffer | string]> = [
    ['empty-file', ''],
    ['not-a-capture', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 1])],
    ['not-a-capture', Buffer.from([0x50, 0x4b, 3, 4, 0, 0])],
    ['nothing-known', 'Dear all,\nthe call did not work.\n'],
    ['capture-truncated', whole.subarray(0, whole.length - 10)],
    ['capture-truncated', whole.subarray(0, 10)],
    ['capture-truncated', pcapngFile(udpFrames(recordedSip('no-trunk-matches'))).subarray(0, 900)],
    ['capture-truncated', gzipSync(whole).subarray(0, 300)],
    ['capture-damaged', damaged],
    ['capture-cut-frames', pcapFile(udpFrames(recordedSip('no-trunk-matches')), { snap: 300 })],
    ['capture-unknown-link', pcapFile(udpFrames(recordedSip('no-trunk-matches')), { link: 147 })],
    ['no-sip', pcapFile([])],
    ['sip-encrypted', pcapFile(tls)],
    ['no-call', pcapFile(options)]
  ]
  for (const [code, bytes] of cases) {
    const explanation = await explained(bytes)
    t.ok(codes(explanation).includes(code), `${code} in ${codes(explanation)}`)
    const pointless = explanation.findings.filter(({ severity, todo }) => severity !== 'ok' && todo === undefined)
    t.same(pointless, [], `${code}: a next step`)
  }
  const cut = await explained(pcapFile(udpFrames(recordedSip('no-trunk-matches')), { snap: 700 }))
  t.equal(cut.calls.length, 1, 'the part that a short snap length left is read')

  const answers: Array<[number, boolean, string]> = [
    [0, false, 'SIP/2.0 100 Processing'],
    [20, false, 'SIP/2.0 404 No trunk found'],
    [21, true, 'ACK sip:7@abcdefghijk.sip.livekit.cloud SIP/2.0']
  ]
  const lines = await explained(pcapFile(carrierLeg(...answers), { snap: 96 }))
  t.equal(lines.calls[0]?.end?.cause, 'livekit-no-route', 'the status stands in the first line of a message')
  t.equal(lines.calls[0]?.end?.sipStatus, 404)
  t.same(lines.calls[0]?.steps.map(({ from }) => from === 'livekit'), [true, true, false], 'who sent them')
  t.notOk(codes(lines).includes('start-lines-only'), 'a capture is no list of packets')
})

await t.test('a capture larger than the limits: the rest is left out, and the report says so', async t => {
  const wires = recordedSip('no-trunk-matches')
  async function * huge (): AsyncGenerator<Buffer> {
    const rtp = {
      at: BEGAN,
      data: ethernet(
        udp(
          { caller: ['198.51.100.7', 40_000], called: ['203.0.113.20', 30_000] },
          true,
          Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(170)])
        )
      )
    }
    yield pcapFile(udpFrames(wires))
    const chunk = pcapFile(Array<Captured>(5000).fill(rtp)).subarray(24)
    for (let i = 0; i < 4; i++) yield chunk
    yield pcapFile(
      Array.from({ length: 300 }, (_, i) =>
        udpFrames([{
          ...wires[0]!,
          at: BEGAN + i * 1000,
          raw: wires[0]!.raw.replace(/call-id: [^\r]+/, `call-id: flood-${i}`).replace(/x-[\w-]+: [^\r]+\r\n/g, '')
            .replaceAll(/c[0-9a-f]{26}/g, `c${String(i).padStart(26, '0')}`)
        }])[0]!)
    ).subarray(24)
  }
  const keep = createKeep({ most: 100, characters: 1e6 })
  const findings = await readInput({ name: 'huge.pcap', chunks: huge() }, keep)
  t.same(findings, [])
  const explanation = explainSeen(keep)
  t.ok(explanation.findings.some(({ code, seen }) => code === 'left-out' && /^204 messages/.test(seen)), 'how many were left out')
  t.ok(explanation.calls.some(({ end }) => end?.cause === 'livekit-no-route'), 'the first call is whole')
})

await t.test('RTP beside the call', async t => {
  const wires = recordedSip('answered-caller-hangs-up')
  const port = (raw: string): number => Number(/m=audio (\d+)/.exec(raw)?.[1])
  const offer = port(wires.find(({ raw }) => raw.startsWith('INVITE'))!.raw)
  const answer = port(wires.find(({ raw }) => raw.startsWith('SIP/2.0 200'))!.raw)
  const rtp = (to: number): Captured => ({
    at: BEGAN + 500,
    data: ethernet(
      udp(
        { caller: ['127.0.0.1', 9], called: ['127.0.0.1', to] },
        true,
        Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(170)])
      )
    )
  })
  t.ok(codes(await explained(pcapFile([...udpFrames(wires), rtp(answer), rtp(offer)]))).includes('audio-both-ways'))
  t.ok(codes(await explained(pcapFile([...udpFrames(wires), rtp(answer)]))).includes('audio-one-way'))
})
