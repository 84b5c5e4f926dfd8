import t from 'tap'
import { buildSdp, commonCodecs, DEFAULT_CODECS, parseSdp } from '../../src/sip/sdp.ts'

await t.test('a session description that is built can be parsed', async t => {
  t.same(parseSdp(buildSdp({ ip: '127.0.0.1', port: 40000 })), {
    ip: '127.0.0.1',
    port: 40000,
    profile: 'RTP/AVP',
    codecs: DEFAULT_CODECS,
    direction: 'sendrecv'
  })
})

await t.test('static payload types and the address of the audio line are used, other media skipped', async t => {
  const sdp = parseSdp(
    'v=0\r\nc=IN IP4 1.1.1.1\r\nm=video 1 RTP/AVP 96\r\na=rtpmap:96 PCMU/8000\r\nm=audio 5004 RTP/SAVP 8 96\r\nc=IN ' +
      'IP4 2.2.2.2\r\na=sendonly\r\n'
  )
  t.same(sdp, {
    ip: '2.2.2.2',
    port: 5004,
    profile: 'RTP/SAVP',
    codecs: [{ payload: 8, name: 'PCMA', rate: 8000 }],
    direction: 'sendonly'
  })
})

await t.test('text without a usable audio line is undefined', async t => {
  for (
    const text of [
      '',
      'nonsense',
      'v=0\r\nm=audio x RTP/AVP 0\r\n',
      'v=0\r\nm=audio 1 RTP/AVP 0\r\n',
      'v=0\r\nc=IN IP4 1.1.1.1\r\nm=audio 70000 RTP/AVP 0\r\n'
    ]
  ) t.equal(parseSdp(text), undefined)
})

await t.test('the answerer chooses the codec, and telephone-event is kept', async t => {
  const offer = parseSdp(buildSdp({ ip: '127.0.0.1', port: 1 }))
  if (!offer) return t.fail('no offer')
  t.same(commonCodecs(offer, ['G722', 'PCMA', 'PCMU']).map(c => c.name), ['PCMA', 'telephone-event'])
  t.same(commonCodecs(offer, ['opus']), [])
})
