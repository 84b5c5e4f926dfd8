import t from 'tap'
import { explainedAll } from '../fixtures/explained.ts'

const INVITE = [
  'INVITE sip:+15550100002@sbc.example.com SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1',
  'From: <sip:+15550100001@192.0.2.10>;tag=a',
  'To: <sip:+15550100002@sbc.example.com>',
  'Call-ID: addresses-1',
  'CSeq: 1 INVITE',
  '',
  ''
].join('\n')

/** What stands above a message, and the ends that it names. */
const FORMS: ReadonlyArray<[above: string, ends: string]> = [
  // sngrep and ngrep
  ['192.168.1.2:5060 -> 203.0.113.20:5060', '192.168.1.2:5060 to 203.0.113.20:5060 over UDP'],
  ['2026/01/31 10:00:00.000000 203.0.113.5:5062 -> 192.168.1.2:5080', '203.0.113.5:5062 to 192.168.1.2:5080 over UDP'],
  ['00:00:01.000 100.64.0.1:5060 -> 100.127.255.254:5060', '100.64.0.1:5060 to 100.127.255.254:5060 over UDP'],
  ['U 2026/01/31 10:00:00.000000 172.16.0.1:5060 -> 10.0.0.2:5060 #7', '172.16.0.1:5060 to 10.0.0.2:5060 over UDP'],
  ['T 2001:db8::7:5060 -> 2001:db8:0:1::20:5061 [AP]', '[2001:db8::7]:5060 to [2001:db8:0:1::20]:5061 over TCP'],
  ['[2001:db8::7]:5060 -> [2001:db8:0:1::20]:5060', '[2001:db8::7]:5060 to [2001:db8:0:1::20]:5060 over UDP'],
  ['sbc.example.com:5060 -> agents.example.org:5061', 'sbc.example.com:5060 to agents.example.org:5061 over UDP'],
  ['udp:192.168.1.2:5060 -> udp:192.168.1.3:5060', '192.168.1.2:5060 to 192.168.1.3:5060 over UDP'],

  // tcpdump
  ['10:00:00.123456 IP 192.168.1.2.5060 > 203.0.113.20.5060: SIP', '192.168.1.2:5060 to 203.0.113.20:5060 over UDP'],
  ['10:00:00.123456 IP6 2001:db8::7.5060 > ::1.5070: SIP', '[2001:db8::7]:5060 to [::1]:5070 over UDP'],
  ['10:00:00.1 IP a.example.com.sip > b.example.com.sips: SIP', 'a.example.com:5060 to b.example.com:5061 over UDP'],

  // No addresses
  ['10:00:00.123456 2026 -> 2027', 'over UDP']
]

await t.test('addresses above a SIP message, in the forms of the usual tools', async t => {
  for (const [above, ends] of FORMS) {
    const { calls } = await explainedAll([`${above}\n${INVITE}`])
    t.equal(calls[0]?.legs[0]?.ends, ends, above)
  }
})
