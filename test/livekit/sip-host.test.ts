import t from 'tap'
import { checkSipHost } from '../../src/livekit/sip-host.ts'

const CLOUD = 'wss://myproject-1a2b3c4d.livekit.cloud'
const OWN = 'ws://livekit.example.com:7880'

const CASES: Array<[string, string, string, 'ok' | 'warning' | 'failed']> = [
  [CLOUD, 'vjnxecm0tjk.sip.livekit.cloud', 'sip-host-ok', 'ok'],
  [CLOUD, 'VJNXECM0TJK.sip.livekit.cloud:5061', 'sip-host-ok', 'ok'],
  [CLOUD, 'vjnxecm0tjk.aus.sip.livekit.cloud', 'sip-host-ok', 'ok'],
  [CLOUD, 'myproject-1a2b3c4d.sip.livekit.cloud', 'sip-host-websocket-label', 'failed'],
  [CLOUD, '1a2b3c4d.sip.livekit.cloud', 'sip-host-websocket-suffix', 'failed'],
  [CLOUD, 'myproject-1a2b3c4d.livekit.cloud', 'sip-host-websocket', 'failed'],
  [CLOUD, 'p_vjnxecm0tjk.sip.livekit.cloud', 'sip-host-form', 'failed'],
  [CLOUD, 'p_vjnxecm0tjk.aus.sip.livekit.cloud', 'sip-host-form', 'failed'],
  [CLOUD, 'vjnxecm0tjk.sip.livekit.cloud.', 'sip-host-ok', 'ok'],
  ['wss://myproject-1a2b3c4d.eu.production.livekit.cloud', 'vjnxecm0tjk.eu.sip.livekit.cloud', 'sip-host-ok', 'ok'],
  [
    'wss://myproject-1a2b3c4d.eu.production.livekit.cloud',
    '1a2b3c4d.sip.livekit.cloud',
    'sip-host-websocket-suffix',
    'failed'
  ],
  [CLOUD, 'p-vjnxecm0tjk.sip.livekit.cloud', 'sip-host-form', 'warning'],
  [CLOUD, '5t4n6j0wnrl.sip.livekit.cloud', 'sip-host-retell', 'failed'],
  [CLOUD, 'sip.retellai.com', 'sip-host-retell', 'failed'],
  [CLOUD, 'sip.example.com', 'sip-host-foreign', 'warning'],
  [OWN, 'sip.example.com:5060', 'sip-host-ok', 'ok'],
  [OWN, '[2001:db8::1]:5060', 'sip-host-ok', 'ok'],
  [OWN, 'vjnxecm0tjk.sip.livekit.cloud', 'sip-host-cloud', 'failed']
]

for (const [LIVEKIT_URL, LIVEKIT_SIP_HOST, code, severity] of CASES) {
  await t.test(`${LIVEKIT_SIP_HOST} with ${new URL(LIVEKIT_URL).host}`, async t => {
    const finding = checkSipHost({ LIVEKIT_URL, LIVEKIT_SIP_HOST })
    t.match(finding, { code, severity })
    t.equal(finding.todo !== undefined, severity !== 'ok', 'what is not well comes with something to do')
  })
}
