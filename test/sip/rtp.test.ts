import { createSocket } from 'node:dgram'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import type { RtpCodec } from '../../src/sip/rtp.ts'
import { buildRtp, createLoudnessJudge, openRtp, parseRtp } from '../../src/sip/rtp.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

const PAYLOADS = { PCMU: 0, PCMA: 8, G722: 9 } as const
const head = { payloadType: 0, sequence: 65_537, timestamp: 2 ** 32 + 160, source: 7 }
/** A socket has no event for the last packet, so this polls. */
const until = async (fn: () => boolean) => {
  while (!fn()) await setImmediate()
}

await t.test('RTP packets are built and parsed', async t => {
  const packet = buildRtp({ ...head, marker: true, payload: Buffer.from([1, 2, 3]) })
  t.equal(packet.toString('hex'), '80800001' + '000000a0' + '00000007' + '010203')
  t.same(parseRtp(packet), { payloadType: 0, payload: Buffer.from([1, 2, 3]) })
  const rich = Buffer.concat([
    Buffer.from('b2090001000000a000000007', 'hex'),
    Buffer.alloc(8),
    Buffer.from('bede0001aaaaaaaa', 'hex'),
    Buffer.from([5, 6, 0, 2])
  ])
  t.same(parseRtp(rich), { payloadType: 9, payload: Buffer.from([5, 6]) }, 'with CSRCs, extension and padding')
})

await t.test('other data is not parsed as RTP', async t => {
  const rtcp = Buffer.from(buildRtp({ ...head, payload: Buffer.alloc(20) }))
  rtcp[1] = 200
  for (
    const data of [
      Buffer.alloc(0),
      Buffer.alloc(11, 0x80),
      Buffer.from('OPTIONS sip:x SIP/2.0'),
      rtcp,
      Buffer.from('9f0000010000000000000000', 'hex'),
      Buffer.from('a000000100000000000000ff', 'hex')
    ]
  ) t.equal(parseRtp(data), undefined, data.toString('hex'))
})

await t.test('the loudness judge tells silence from sound', async t => {
  const judged = (codec: RtpCodec, ...packets: Uint8Array[]) => {
    const judge = createLoudnessJudge(codec)
    return packets.map(judge)
  }
  const fill = (octet: number) => Buffer.alloc(160, octet)
  // mu-law: digital silence of both signs, then 16-bit samples of 16 and of 924.
  t.same(judged('PCMU', fill(0xff), fill(0x7f), fill(0xfd), fill(0xbf)), [false, false, false, true])
  t.same(judged('PCMA', fill(0xd5), fill(0x55), fill(0xd4), fill(0xa5)), [false, false, false, true])
  // G.722: +0, -0, and the alternating codes of an encoder whose input is zero. Then the codes of the largest steps.
  t.same(judged('G722', fill(0xfd), fill(0xff), Buffer.from('fdfe'.repeat(80), 'hex')), [false, false, false])
  t.same(
    judged('G722', fill(0xfd), fill(0xd0), fill(0xfd), fill(0xfd), fill(0xfd), fill(0xfd), fill(0xfd), fill(0xfd))
      .slice(0, 2),
    [false, true]
  )
  t.equal(
    judged('G722', fill(0xd0), ...Array.from({ length: 50 }, () => fill(0xfd))).at(-1),
    false,
    'silence after sound is silence again'
  )
})

await t.test('the judge knows 40 ms of zeros and 40 ms of a voice-like sound from a G.722 encoder', async t => {
  for (
    const [hex, expected] of [
      [
        'fafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafafaf7f7f7f7' +
          'f7f7f7f8f7faf7f8f8fafaf7f7f8f7faf8f7faf8f7faf7f8f8fadbf0f8f8f8f8fadbf1f8f8fafaf8def3faf8f8fafade' +
          'f0fafaf8f8fadbf1fafaf8f8fadcf2faf8f8fafadef0fafaf8f8fad8f3faf8f8fadef3faf8f8fadef3faf8f8fadef2fa' +
          'f8f8fadef2faf8f8fadef2faf8f8fadef2faf8f8fadef4f8f8f7def0dcf8f8f8f5dcf3dcf5fadeefdff4dff6f8dff4f8' +
          'f6dff4f8dff6f8f4dff6f8fbfbf8f6dcf8f8f8f8f8f5fadef5f8fafaf5f5dcdef5f5f8f8f5fad7f2fbf8f8f8f6d6f1f9' +
          'f9f9f9f6d7f0f9fbdff5f7dbf3fbf9dff9f7dbf3f7fbdbf8fbdaf4f6f6def8dfdff7fbf3fbdefad8f8f9f6f6fbdfdddd' +
          'fbf7f7f7fbfbdbf7ddf7f7faf7d9f6def6f8faf8dff7dff7fbfbf9fbfbfbfbfb',
        false
      ],
      [
        'fade34b72997a0a0a0ead7cacc53fceeebeeb6dbd5d55ab8f0eef1b9dbd7d75db9f3f2b5fdd9d5d59bfb76b6fadbd5d2' +
          '94d8dff8f8ffd8d2d2d55abcf7b8badcd7d8d9fbf4ee70b2f9bdfff8b1ec6bb0f1f8bdfefcf3f1aff477dc98d7defdf8' +
          'b7ff5bd58fd4529cdbfddbd7d450d2da9ebcfadfded758d6bdf7b4efb8f57dfffab4ececec7075fabfb8f3f2f0ee7afc' +
          '9fdc9c7cf4b478fed5d3d593dcd97ed9d795cf98d1ddddfe5cd897d9955dbc75f8f6ffdffdbff7f1ececf073bdf5b6f5' +
          'eeb26ff9f5fcfdbafaf3b973dcdddad899dcffdfdfd796d1d3de977d9adcd494d5d95cdcfb9ffa98d9fe5eb4f4f0f3fd' +
          'f4f7fef3f1ed72b6b6fbbdf472f6b2f7ffff9b7adcb871fdfed6d9d2dbdffdbd5f9ccfdad1d89ef6fc7cdc91d6d99ef5' +
          'b3f7fbdeded7fffab1eceffbfa9edfffb670aaf9f2dbbfd3f67ff4adf7dddcd5',
        true
      ]
    ] as const
  ) {
    const judge = createLoudnessJudge('G722')
    const [one, two] = [hex.slice(0, 320), hex.slice(320)].map(part => judge(Buffer.from(part, 'hex')))
    t.equal(one || two, expected)
  }
})

for (const name of ['PCMU', 'PCMA', 'G722'] as const) {
  await t.test(`${name}: both ends send, and each counts what it hears`, async t => {
    const codec = { name, payload: PAYLOADS[name] }
    const clock = createTestClock()
    const [a, b] = [await openRtp({ host: '127.0.0.1', clock }), await openRtp({ host: '127.0.0.1', clock })]
    t.teardown(() => Promise.all([a.close(), b.close()]))
    a.start({ host: '127.0.0.1', port: b.port }, codec)
    b.start({ host: '127.0.0.1', port: a.port }, codec, 'tone')
    await clock.pass(80)
    await until(() => a.stats.received === 5 && b.stats.received === 5)
    t.equal(b.stats.audible, 0, 'silence')
    t.equal(a.stats.audible, a.stats.received, 'a tone')
    t.equal(a.stats.from, `127.0.0.1:${b.port}`)
    t.ok((a.stats.firstAudibleAt ?? 0) >= (a.stats.firstAt ?? Infinity))
    await Promise.all([a.close(), b.close()])
    const { sent } = a.stats
    await clock.pass(1000)
    t.equal(a.stats.sent, sent, 'nothing is sent after closing')
    await a.close()
  })
}

await t.test('packets are sent every 20 ms, and other payload types are not counted', async t => {
  const clock = createTestClock()
  const rtp = await openRtp({ host: '127.0.0.1', clock })
  const peer = createSocket('udp4')
  t.teardown(() => rtp.close())
  t.teardown(() => new Promise<void>(resolve => peer.close(() => resolve())))
  await new Promise<void>(resolve => peer.bind(0, '127.0.0.1', resolve))
  const packets: Buffer[] = []
  peer.on('message', packet => packets.push(packet))
  rtp.start({ host: '127.0.0.1', port: peer.address().port }, { name: 'PCMU', payload: 0 })
  t.equal(rtp.stats.sent, 1)
  await clock.pass(19)
  t.equal(rtp.stats.sent, 1)
  await clock.pass(1)
  t.equal(rtp.stats.sent, 2)
  await clock.pass(160)
  t.equal(rtp.stats.sent, 10)
  await until(() => packets.length === 10)
  t.same(packets.slice(0, 3).map(p => [p.readUInt16BE(2), p.readUInt32BE(4), p.length]), [[0, 0, 172], [1, 160, 172], [
    2,
    320,
    172
  ]])
  t.equal(new Set(packets.map(p => p.readUInt32BE(8))).size, 1)
  for (
    const packet of [
      Buffer.from('nonsense'),
      buildRtp({ ...head, payloadType: 101, payload: Buffer.alloc(4) }),
      buildRtp({ ...head, payload: Buffer.alloc(160, 0xff) })
    ]
  ) peer.send(packet, rtp.port, '127.0.0.1')
  await until(() => rtp.stats.received > 0)
  t.match(rtp.stats, { received: 1, audible: 0 })
})

await t.test('an address that is not local is an error', async t => {
  await t.rejects(openRtp({ host: '192.0.2.1' }), { code: 'EADDRNOTAVAIL' })
})
