import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { explain } from '../../src/cli/explain.ts'
import type { Finding } from '../../src/finding.ts'
import type { EXPLAIN_CODES } from '../../src/finding-codes.ts'
import {
  BEGAN,
  ethernet,
  ip,
  pcapFile,
  portions,
  recordedSip,
  tcp,
  tcpFrames,
  udp,
  udpFragments,
  udpFrames,
  V4,
  type Captured,
  type Wire
} from '../fixtures/captures.ts'
import { OUTGOING_CASES } from './outgoing-cases.ts'
import { carrierLeg, EARLY, explainedAll, findingsOf, INVITE, SDP, TRYING } from '../fixtures/explained.ts'
import { EXPORT_CASES } from '../fixtures/export-cases.ts'
import { FINALS_CASES } from '../fixtures/finals-cases.ts'
import { readRecordings } from '../fixtures/recordings.ts'
import { firstLine } from './log-line-cases.ts'

type File = Buffer | string | AsyncIterable<Buffer>

const recorded = (name: string): Buffer => pcapFile(udpFrames(recordedSip(name)))
const edited = (name: string, edit: (wire: Wire, i: number) => Wire | undefined): Buffer =>
  pcapFile(udpFrames(recordedSip(name).flatMap((wire, i) => edit(wire, i) ?? [])))
const whole = recorded('no-trunk-matches')

async function * failing (code: string): AsyncGenerator<Buffer> {
  yield * []
  throw Object.assign(new Error(`${code}: no`), { code })
}

/** A capture of a REFER by the agent. @param answer Jambonz's response @param notified the target's response */
function transfer (answer: string | undefined, notified?: number): Buffer {
  const wires = recordedSip('transfer-accepted').flatMap(wire => {
    if (!wire.raw.startsWith('SIP/2.0 202')) return [wire]
    if (answer === undefined) return []
    return [{ ...wire, raw: wire.raw.replace('SIP/2.0 202 Accepted', `SIP/2.0 ${answer}`) }]
  })
  const refer = wires.findIndex(({ raw }) => raw.startsWith('REFER'))
  const notify = {
    ...wires[refer]!,
    at: wires[refer]!.at + 2000,
    fromCaller: true,
    raw: `${
      wires[refer]!.raw.split('\r\n\r\n')[0]!.replace(/^REFER/, 'NOTIFY').replace(/cseq: \d+ REFER/i, 'cseq: 9 NOTIFY')
        .replace(/refer-to: [^\r]+\r\n/i, '').replace(/content-length: \d+/i, 'content-length: 24')
    }\r\n\r\nSIP/2.0 ${notified} Not here\r\n`
  }
  return pcapFile(
    udpFrames(notified === undefined ? wires : [...wires.slice(0, refer + 2), notify, ...wires.slice(refer + 2)])
  )
}

const RTP = (wires: readonly Wire[], which: (wire: Wire) => boolean): Captured => {
  const port = Number(/m=audio (\d+)/.exec(wires.find(which)!.raw)?.[1])
  return {
    at: BEGAN + 500,
    data: ethernet(
      udp(
        { caller: ['127.0.0.1', 9], called: ['127.0.0.1', port] },
        true,
        Buffer.concat([Buffer.from([0x80, 0]), Buffer.alloc(170)])
      )
    )
  }
}
const answered = recordedSip('answered-caller-hangs-up')
const toSbc = RTP(answered, ({ raw }) => raw.startsWith('INVITE'))
const toLiveKit = RTP(answered, ({ raw }) => raw.startsWith('SIP/2.0 200'))

/** Lines as the servers write them. */
const zap = (level: string, words: string, fields: object = {}): string =>
  `2026-01-31T10:00:00.003Z\t${level}\tsip\tsip/inbound.go:434\t${words}\t${
    JSON.stringify({
      nodeID: 'NE_1',
      callID: 'SCL_abc',
      fromUser: '+15550001111',
      toUser: 'unknown',
      sipCallID: 'call-1@sbc',
      ...fields
    })
  }\n`
const closing = (reason: string, level = 'INFO'): string =>
  zap(level, level === 'WARN' ? 'Closing inbound call with error' : 'Closing inbound call', { status: 486, reason })
const server = (words: string, fields: object): string =>
  `2026-01-31T10:00:00.003Z\tDEBUG\tlivekit\tservice/io_sip.go:105\t${words}\t${JSON.stringify(fields)}\n`
const pino = (msg: string, extra: object = {}): string =>
  `${
    JSON.stringify({
      level: 30,
      time: BEGAN,
      pid: 1,
      hostname: 'jb',
      callId: 'fs-1',
      callSid: 'sid-1',
      callingNumber: '+15550001111',
      calledNumber: '+15551230000',
      ...extra,
      msg
    })
  }\n`

const hook = {
  call_sid: 'sid-1',
  direction: 'inbound',
  from: '+15550001111',
  to: '+15551230000',
  call_id: 'fs-1',
  call_status: 'trying',
  sip_status: 100,
  sip: { headers: {} }
}
const line = (record: object): string => `${JSON.stringify(record)}\n`
const roomLine = ((): string => {
  const { webhooks, start } = readRecordings().find(({ name }) => name === 'chain/no-agent-worker')!
  return webhooks.map(({ at_ms: at, body }) => line({ time: start + at, payload: body })).join('')
})()

/** One way to get each code, and words that its finding has. The compiler makes sure that no code is missing. */
const CASES: Record<typeof EXPLAIN_CODES[number], [says: RegExp, ...files: File[]] | undefined> = {
  ...FINALS_CASES,
  'file-not-found': [/There is no file/, failing('ENOENT')],
  'file-unreadable': [/may not be read/, failing('EACCES')],
  'empty-file': [/empty/, ''],
  'not-a-capture': [/a ZIP archive/, Buffer.from([0x50, 0x4b, 3, 4, 0, 0])],
  'capture-unknown-link': [/link type 147/, pcapFile(udpFrames(recordedSip('no-trunk-matches')), { link: 147 })],
  'no-sip': [/RTP: the audio of a call/, pcapFile([toSbc])],
  'nothing-known': [/2 lines/, 'Dear all,\nthe call did not work.\n'],
  'capture-truncated': [/ends in the middle/, whole.subarray(0, -10)],
  'capture-damaged': [
    /damaged after frame 1/,
    Buffer.concat([pcapFile(udpFrames(recordedSip('no-trunk-matches').slice(0, 1))), Buffer.alloc(16, 0x7f)])
  ],
  'capture-cut-frames': [/cut off/, pcapFile(udpFrames(recordedSip('no-trunk-matches')), { snap: 300 })],
  'capture-tunnel': [
    /1 packets of IPsec \(ESP\), which only the ends/,
    pcapFile([{ at: BEGAN, data: ethernet(ip(50, '192.0.2.1', '192.0.2.2', Buffer.alloc(80, 7))) }])
  ],
  'start-lines-only': [
    /start lines only/,
    '1 0.000000 192.0.2.50 → 198.51.100.7 SIP/SDP 474 Request: INVITE sip:a@abcdefghijk.sip.livekit.cloud | \n'
  ],
  'capture-gaps': [
    /2 places|1 places/,
    pcapFile(tcpFrames(recordedSip('no-agent-worker'), { size: 150 }).filter((_, i) => i !== 12))
  ],
  'lines-cut': [
    /1 lines/,
    `x${'y'.repeat(300_000)}\n${recordedSip('bad-credentials').map(({ raw }) => raw).join('\n')}`
  ],
  'left-out': undefined,
  'sip-encrypted': [
    /1 TLS connections/,
    pcapFile([{ at: BEGAN, data: ethernet(tcp(V4, true, 1, Buffer.from([22, 3, 1, 0, 5, 1, 2, 3, 4, 5]))) }])
  ],
  'clocks-not-comparable': [
    /a guess/,
    whole,
    closing('flood').replace(/^\S+/, '10:00:00.000'),
    'x 00:00:01.000 198.51.100.7:5060 -> 203.0.113.20:5060\n' + recordedSip('bad-credentials')[0]!.raw
  ],
  'no-call': [
    /none of them belongs to a call/,
    pcapFile(
      udpFrames([{
        at: BEGAN,
        fromCaller: true,
        raw: 'OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n'
      }])
    )
  ],
  'no-such-call': undefined,
  'carrier-leg-only': [/Only the caller's leg/, pcapFile(carrierLeg(INVITE, TRYING))],
  'agent-leg-only': [/Only the leg to LiveKit/, whole],
  'room-only': [/Only LiveKit's events/, roomLine.split('\n')[0]!],
  'still-going': [
    /had not ended/,
    edited('answered-caller-hangs-up', (wire, i) => i < 9 && !wire.raw.startsWith('BYE') ? wire : undefined)
  ],
  'not-told-apart': [/agent-without-audio/, recorded('no-agent-worker')],
  'no-call-header': [
    /has no X-LK-Call/,
    pcapFile(udpFrames([
      ...recordedSip('answered-caller-hangs-up'),
      ...recordedSip('no-trunk-matches').map(wire => ({
        ...wire,
        raw: wire.raw.replace(/x-lk-call: [^\r]+\r\n/i, '')
      }))
    ]))
  ],
  'offered-media': [/The INVITE offered/, recorded('no-common-codec')],
  'private-media-address': [
    /10\.0\.0\.7/,
    edited(
      'answered-caller-hangs-up',
      wire => ({
        ...wire,
        raw: wire.raw.replace(
          /c=IN IP4 [\d.]+/,
          wire.raw.startsWith('INVITE') ? 'c=IN IP4 10.0.0.7' : 'c=IN IP4 203.0.113.20'
        )
      })
    )
  ],
  'audio-both-ways': [/both ways/, pcapFile([...udpFrames(answered), toLiveKit, toSbc])],
  'audio-one-way': [/1 RTP packets to LiveKit, 0/, pcapFile([...udpFrames(answered), toLiveKit])],
  'refer-accepted': [/accepted \(202/, transfer('202 Accepted')],
  'refer-refused': [/no referHook/, transfer('501 Not Implemented')],
  'refer-failed': [/failed \(404\)/, transfer('202 Accepted', 404)],
  'refer-unanswered': [/never answered/, transfer(undefined)],
  'call-hook-refused': [
    /answered 201/,
    line({ time: BEGAN, url: '/livekit-api', body: hook, replied: { status: 201, body: [] } })
  ],
  'hook-refused': [
    /status was answered 302/,
    line({ time: BEGAN, url: '/status', body: { ...hook, sip: undefined }, replied: { status: 302 } })
  ],
  'slow-call-hook': [
    /took 1\.8 s/,
    line({ time: BEGAN, url: '/livekit-api', body: hook, replied: { status: 200, time: BEGAN + 1800, body: [] } })
  ],
  'hooks-missing': [/the reply to the call hook, statuses/, line(hook)],
  'dial-failed': [
    /The dial to LiveKit failed/,
    pcapFile(
      carrierLeg(INVITE, TRYING, EARLY, [
        12_000,
        false,
        'SIP/2.0 480 Agent Unavailable',
        'X-Reason: SIP Decline Verb\r\n'
      ])
    )
  ],
  'no-feature-server': [
    /no X-Reason/,
    pcapFile(carrierLeg(INVITE, TRYING, [20, false, 'SIP/2.0 480 Temporarily Unavailable']))
  ],
  'sbc-silent': [/never answered/, pcapFile(carrierLeg(INVITE, [500, ...INVITE.slice(1)] as typeof INVITE))],
  'sbc-wants-credentials': [
    /no credentials/,
    pcapFile(
      carrierLeg([0, true, INVITE[2], '', SDP], [
        20,
        false,
        'SIP/2.0 401 Unauthorized',
        'WWW-Authenticate: Digest realm="sbc", nonce="1"\r\n'
      ])
    )
  ],
  'no-application': [
    /no application/,
    pcapFile(
      carrierLeg(INVITE, TRYING, [
        20,
        false,
        'SIP/2.0 480 Temporarily Unavailable',
        'X-Reason: no configured application\r\n'
      ])
    )
  ],
  'livekit-dialled': [/createSIPParticipant/, edited('outbound-answered', wire => wire)],
  ...OUTGOING_CASES,
  ...EXPORT_CASES,

  'log-flood': [
    /no inbound trunk matched it/,
    zap('DEBUG', 'Rejecting inbound flood', { jitterBuf: false }) + closing('flood')
  ],
  'log-no-trunk': [/no inbound trunk/, zap('WARN', "Rejecting inbound, doesn't match any Trunks")],
  'log-no-rule': [
    /No dispatch rule/,
    zap('INFO', "Rejecting inbound call, doesn't match any Dispatch Rules") + closing('no-dispatch')
  ],
  'log-wrong-pin': [/asks for a PIN/, closing('wrong-pin')],
  'log-trunk-conflict': [
    /Two trunks/,
    zap('WARN', 'Rejecting inbound, auth check failed', {
      error: 'twirp error failed_precondition: Multiple default SIP Trunks matched for "unknown"'
    })
  ],
  'log-cannot-subscribe': [/nobody in the room had published audio/, closing('cannot-subscribe')],
  'log-no-worker': [
    /no agent worker/,
    server('not dispatching agent job since no worker is available', {
      agentName: 'demo-agent',
      jobType: 'JT_ROOM',
      room: 'jb_c1',
      roomID: 'RM_1'
    })
  ],
  'log-media-timeout': [/no RTP/, closing('media-timeout', 'WARN')],
  'log-media-mismatch': [
    /codec or on encryption/,
    zap('WARN', 'Cannot start media', { error: 'common audio codec not found', sdp: 'v=0' })
  ],
  'log-media-failed': [
    /its side of the audio/,
    zap('ERROR', 'Cannot start media', { error: 'no ports available in range' })
  ],
  'log-no-ack': [
    /never acknowledged/,
    zap('WARN', 'Call accepted, but no ACK received', { error: 'no ACK received for 200 OK' })
  ],
  'log-overloaded': [
    /answered 503/,
    zap('WARN', 'Rejecting inbound, auth check failed', { error: 'no response from servers' })
  ],
  'log-join-failed': [
    /could not join the room/,
    zap('ERROR', 'Cannot create LiveKit participant', { error: 'could not connect' }) +
    closing('participant-failed', 'WARN')
  ],
  'log-bad-credentials': [
    /refused the trunk's credentials/,
    zap('WARN', 'Authentication failed - response mismatch', {
      error: 'response mismatch',
      expectedResponse: '5ec3e7',
      headerValue: 'Digest username="jambonz", response="5ec3e7"'
    })
  ],
  'log-url-parsing-failed': [
    /could not use the URL/,
    pino('', { level: 50, err: { type: 'Error', message: 'URL parsing failed.' } })
  ],
  'log-application-refused': [
    /reply to its call hook/,
    pino('Error retrieving or parsing application: dial: unknown property foo')
  ],
  'log-hook-status': [
    /answered with 404, which Jambonz does not take/,
    pino('web callback returned unexpected status code 404', { baseUrl: 'https://bridge.example.com', url: '/status' })
  ],
  'log-hook-failed': [
    /could not be delivered/,
    pino('web callback returned unexpected error', {
      level: 50,
      err: { type: 'ConnectTimeoutError', code: 'UND_ERR_CONNECT_TIMEOUT', message: 'Connect Timeout Error' }
    })
  ],
  'log-media-server': [
    /media server/,
    pino('InboundCallSession:_onTasksDone generating 480 due to media server failure')
  ],
  'log-no-sbc': [/no SBC/, pino('', { level: 50, err: { type: 'Error', message: 'no SBC found for outbound call' } })],

  'log-outdial-failed': firstLine('log-outdial-failed'),
  'log-no-answer': firstLine('log-no-answer'),
  'log-not-answered': firstLine('log-not-answered'),
  'log-caller-gave-up': firstLine('log-caller-gave-up'),
  'log-caller-unknown': firstLine('log-caller-unknown'),
  'log-time-limit': firstLine('log-time-limit'),
  'log-refer-failed': firstLine('log-refer-failed'),
  'log-refer-no-hook': firstLine('log-refer-no-hook'),
  'log-speech-failed': firstLine('log-speech-failed'),
  'log-account-refused': firstLine('log-account-refused'),
  'log-backend-down': firstLine('log-backend-down'),
  'log-rtpengine': firstLine('log-rtpengine'),
  'log-limit-exceeded': firstLine('log-limit-exceeded'),
  'log-loop': firstLine('log-loop'),
  'log-feature-server-refused': firstLine('log-feature-server-refused'),
  'log-number-unknown': firstLine('log-number-unknown'),
  'log-carrier-ambiguous': firstLine('log-carrier-ambiguous'),
  'log-caller-refused': firstLine('log-caller-refused'),
  'log-register-refused': firstLine('log-register-refused'),
  'log-carrier-registration': firstLine('log-carrier-registration'),
  'log-sbc-failed': firstLine('log-sbc-failed'),
  'log-no-carrier': firstLine('log-no-carrier'),
  'log-carrier-refused': firstLine('log-carrier-refused'),
  'log-crankback': firstLine('log-crankback'),
  'log-not-registered': firstLine('log-not-registered'),
  'log-sbc-refused': firstLine('log-sbc-refused'),
  'log-api-call-failed': firstLine('log-api-call-failed'),
  'log-no-offer': firstLine('log-no-offer'),
  'log-dispatch-error': firstLine('log-dispatch-error'),
  'log-transfer-failed': firstLine('log-transfer-failed'),
  'log-late-bye': firstLine('log-late-bye'),
  'log-retransmits': firstLine('log-retransmits'),
  'log-invalid-invite': firstLine('log-invalid-invite'),
  'log-waiting': firstLine('log-waiting'),
  'log-room-lost': firstLine('log-room-lost'),
  'log-not-started': firstLine('log-not-started'),
  'log-outbound-failed': firstLine('log-outbound-failed'),
  'log-call-closed': firstLine('log-call-closed'),
  'log-worker-full': firstLine('log-worker-full'),
  'log-job-refused': firstLine('log-job-refused'),
  'log-job-failed': firstLine('log-job-failed'),
  'log-worker-gone': firstLine('log-worker-gone'),
  'log-webhook-failed': firstLine('log-webhook-failed'),
  'log-metadata-no-json': firstLine('log-metadata-no-json'),
  'log-agent-crashed': firstLine('log-agent-crashed'),
  'log-out-of-memory': firstLine('log-out-of-memory'),
  'log-worker-slow': firstLine('log-worker-slow'),
  'log-worker-disconnected': firstLine('log-worker-disconnected'),
  'log-agent-not-connected': firstLine('log-agent-not-connected'),
  'log-outbound-auth': firstLine('log-outbound-auth'),
  'log-outbound-silent': firstLine('log-outbound-silent'),
  'log-outbound-address': firstLine('log-outbound-address'),
  'log-outbound-no-answer': firstLine('log-outbound-no-answer'),
  'api-not-found': firstLine('api-not-found'),
  'api-no-sip-server': firstLine('api-no-sip-server'),
  'api-quota': firstLine('api-quota'),
  'api-timeout': firstLine('api-timeout'),
  'api-invalid': firstLine('api-invalid'),
  'api-refused': firstLine('api-refused'),
  'log-pbx-refused': firstLine('log-pbx-refused'),
  'log-pbx-dial-failed': firstLine('log-pbx-dial-failed'),
  'no-failure-named': firstLine('no-failure-named'),
  'unknown-error': firstLine('unknown-error'),
}

const secrets = /5ec3e7|trunk-password|Digest /

function check (t: Test, code: string, says: RegExp, found: readonly Finding[]): void {
  const finding = found.find(finding => finding.code === code)
  t.match(finding?.seen, says, `${code} in ${found.map(({ code }) => code).join(', ')}`)
  t.ok(
    found.every(({ severity, todo }) => severity !== 'failed' || todo !== undefined),
    `${code}: a next step for every failure`
  )
  t.notMatch(JSON.stringify(found), secrets, 'no credentials')
}

await t.test('each code of explain, by a capture, log or webhook that has it', async t => {
  for (const [code, made] of Object.entries(CASES)) {
    if (!made) continue
    const [says, ...files] = made
    check(t, code, says, findingsOf(await explainedAll(files)))
  }
  check(
    t,
    'left-out',
    /4 messages/,
    findingsOf(
      await explainedAll([whole], { limits: { most: recordedSip('no-trunk-matches').length - 4, characters: 1e6 } })
    )
  )
})

await t.test('the codes that only the command itself reports', async t => {
  const file = join(t.testdir(), 'call.pcap')
  writeFileSync(file, whole)
  mkdirSync(`${file}.d`)
  const run = async (...args: string[]): Promise<Finding[]> => {
    let out = ''
    await explain([...args, '--json'], {
      stdin: portions(''),
      stdout: {
        write (text) {
          out += text
        }
      },
      stderr: { write () {} },
      env: {}
    })
    return (JSON.parse(out) as { findings: Finding[] }).findings
  }
  check(t, 'no-such-call', /None of the 1 calls/, await run(file, '--call', 'nobody'))
  check(t, 'file-unreadable', /is a directory/, await run(`${file}.d`))
  check(t, 'file-not-found', /There is no file/, await run(`${file}.e`))
})

await t.test('what the probe also finds has the same code here', async t => {
  const retell = edited(
    'no-trunk-matches',
    wire => ({ ...wire, raw: wire.raw.replaceAll('@127.0.0.1', '@5t4n6j0wnrl.sip.livekit.cloud') })
  )
  const eight = edited(
    'no-trunk-matches',
    wire => ({ ...wire, raw: wire.raw.replaceAll('@127.0.0.1', '@1a2b3c4d.sip.livekit.cloud') })
  )
  const large = edited(
    'no-trunk-matches',
    wire => ({ ...wire, raw: wire.raw.replace(/^(INVITE [^\r]+\r\n)/, `$1X-Long: ${'x'.repeat(1400)}\r\n`) })
  )
  const unanswered = edited(
    'no-trunk-matches',
    (wire, i) =>
      i === 0 ? { ...wire, raw: wire.raw.replaceAll('@127.0.0.1', '@vjnxecm0tjk.sip.livekit.cloud') } : undefined
  )
  check(t, 'retell-host-retired', /A request goes to 5t4n6j0wnrl\.sip\.livekit\.cloud/, findingsOf(await explainedAll([retell])))
  check(t, 'sip-host-form', /11 letters/, findingsOf(await explainedAll([eight])))
  check(t, 'large-udp-invite', /bytes over UDP/, findingsOf(await explainedAll([large])))
  check(t, 'sip-unreachable', /Nothing came back to the INVITE/, findingsOf(await explainedAll([unanswered])))
  check(t, 'livekit-no-route', /rang once/, findingsOf(await explainedAll([whole])))
})

await t.test('the first fragment alone, as a capture by port has it', async t => {
  const [invite, ...others] = recordedSip('no-trunk-matches')
  const [first] = udpFragments(V4, true, invite!.raw, 400)
  const explanation = findingsOf(
    await explainedAll([pcapFile([{ at: invite!.at, data: ethernet(first!) }, ...udpFrames(others)])])
  )
  check(t, 'capture-gaps', /1 SIP messages.*fragments/, explanation)
  check(t, 'livekit-no-route', /rang once/, explanation)
})

await t.test('log lines that do not report a failed call', async t => {
  const harmless = [
    server('not dispatching agent job since no worker is available', { jobType: 'JT_PUBLISHER', room: 'jb_c1' }),
    closing('hangup'),
    pino('CallSession:exec all tasks complete')
  ]
  t.same(findingsOf(await explainedAll(harmless)).filter(({ code }) => code.startsWith('log-')), [])
  t.same(
    findingsOf(
      await explainedAll([zap('INFO', 'SIP invite authentication successful', { headers: 'flooded' })])
    ).map(({ code }) => code),
    ['no-failure-named']
  )
  t.match(findingsOf(await explainedAll(['Closing inbound call {"status": 486, "reason": "flood"}\n']))[0], {
    code: 'log-flood'
  }, 'a line without its time')
  // A process that collects the log may cut a line off within its fields.
  t.notMatch(
    JSON.stringify(
      await explainedAll([
        zap('WARN', 'Authentication failed - response mismatch', { headerValue: 'Digest response="5ec3e7"' }).slice(
          0,
          -20
        )
      ])
    ),
    secrets
  )
})
