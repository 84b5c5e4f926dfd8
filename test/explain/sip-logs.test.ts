import t from 'tap'
import type { SipSeen } from '../../src/explain/seen.ts'
import { createKeep } from '../../src/explain/keep.ts'
import { readInput } from '../../src/explain/read.ts'
import { direction, portions, recordedSip, V4, type Wire } from '../fixtures/captures.ts'
import { explainedAll } from '../fixtures/explained.ts'

/*
 * SIP messages as SIP servers and phones log them.
 */

const RULE = '-'.repeat(72)

interface Form {
  /** What stands in front of a message that the logging side, which is the caller, sent or received. */
  head: (message: { sent: boolean, other: string, date: string, clock: string, bytes: number, wire: Wire }) => string
  indent?: string
  tail?: string
  /** It names no ends. */
  endless?: boolean
  timeless?: boolean
}

const FORMS: Readonly<Record<string, Form>> = {
  'FreeSWITCH, sofia global siptrace': {
    head: ({ sent, other, clock, bytes }) =>
      `${sent ? 'send' : 'recv'} ${bytes} bytes ${sent ? 'to' : 'from'} udp/[${other}]:5060 at ${clock}:\n${RULE}\n`,
    indent: '   ',
    tail: RULE
  },
  drachtio: {
    head: ({ sent, other, date, clock, bytes }) =>
      `${date} ${sent ? 'send' : 'recv'} ${bytes} bytes ${sent ? 'to' : 'from'} udp/[${other}]:5060 at ${clock}:\n`
  },
  'Asterisk, PJSIP': {
    head: ({ sent, other, date, bytes, wire }) => {
      const kind = wire.raw.startsWith('SIP/2.0') ? 'response' : 'request'
      const words = sent ? `Transmitting SIP ${kind}` : `Received SIP ${kind}`
      return `[${date.slice(0, 23)}] <--- ${words} (${bytes} bytes) ${sent ? 'to' : 'from'} UDP:${other}:5060 --->\n`
    }
  },
  'Asterisk, chan_sip': {
    head: ({ sent, other, date }) => sent
      ? `[${date.slice(0, 23)}] Reliably Transmitting (NAT) to ${other}:5060:\n`
      : `[${date.slice(0, 23)}] \n<--- SIP read from UDP:${other}:5060 --->\n`,
    tail: '\n---'
  },
  'pjsua, MicroSIP': {
    head: ({ sent, other, clock, bytes }) => {
      const words = sent
        ? `.TX ${bytes} bytes Request msg INVITE/cseq=1 (tdta0x7f) to`
        : `.RX ${bytes} bytes Response msg 100/INVITE/cseq=1 (rdata0x7f) from`
      return `${clock.slice(0, 12)}   pjsua_core.c  ${words} UDP ${other}:5060:\n`
    },
    tail: '\n--end msg--'
  },
  baresip: {
    head: ({ wire }) => {
      const [from, to] = direction(V4, wire.fromCaller)
      return `\x1b[36;1m#\nUDP ${from.join(':')} -> ${to.join(':')}\n`
    },
    tail: '\x1b[;m',
    timeless: true
  },
  Linphone: {
    head: ({ sent, other, date, bytes }) => `${date.slice(0, 23)} belle-sip-message-Channel [0x55]: ` + (sent
      ? `message sent to [UDP://${other}:5060], size: [${bytes}] bytes\n`
      : `received [${bytes}] new bytes from [UDP://${other}:5060]:\n`)
  },
  'SIPp -trace_msg': {
    head: ({ sent, date, bytes }) =>
      `${'-'.repeat(47)} ${date.replace(' ', '\t')}\t1769853600.001000\n` +
      (sent ? `UDP message sent (${bytes} bytes):\n\n` : `UDP message received [${bytes}] bytes :\n\n`),
    endless: true
  },
  'Kamailio, sipdump': {
    head: ({ date, wire }) => {
      const [from, to] = direction(V4, wire.fromCaller)
      return `${'='.repeat(20)}\ntag: snd\npid: 77\nprocess: 7\ntime: ${wire.at / 1000}\n` +
        `date: ${date}\nproto: udp ipv4\nsrcip: ${from[0]}\nsrcport: ${from[1]}\ndstip: ${to[0]}\ndstport: ${to[1]}\n` +
        `${'~'.repeat(20)}\n`
    },
    tail: '|'.repeat(20)
  },
  'Cisco CUCM, SDL': {
    head: ({ sent, other, clock, bytes }) =>
      `00012345.001 |${clock.slice(0, 12)} |AppInfo  |SIPUdp - ` + (sent
        ? `wait_SdlSPISignal: Outgoing SIP UDP message to ${other} on port 5060 index 12 \n[12345,NET]\n`
        : `wait_SdlDataInd: Incoming SIP UDP message from ${other} on port 5060 with ${bytes} bytes:\n[12,NET]\n`)
  },
  'Cisco IOS, debug ccsip messages': {
    head: ({ sent, date }) =>
      `Jan 31 ${date.slice(11, 23)}: //-1/xxxxxxxxxxxx/SIP/Msg/ccsipDisplayMsg:\n${sent ? 'Sent: ' : 'Received: '}\n`,
    endless: true
  },
  'AudioCodes, syslog': {
    head: ({ sent, other, clock }) =>
      `${clock.slice(0, 12)}  192.0.2.1  local0.notice  [S=12] [SID=ab:1:2]  (N 12)  ---- ${
        sent ? 'Outgoing SIP Message to' : 'Incoming SIP Message from'
      } ${other}:5060 ${sent ? 'from' : 'to'} SIPInterface #0 (SIP) UDP TO(#10) SocketID(1) ----\n`
  },
  'Oracle SBC, sipmsg.log': {
    head: ({ sent, other, date }) =>
      `${'-'.repeat(40)}\nJan 31 ${date.slice(11, 23)} On [0:0]198.51.100.7:5060 ${
        sent ? 'sent to' : 'received from'
      } ${other}:5060\n`
  },
  'Genesys SIP Server': {
    head: ({ sent, other, clock, bytes }) => sent
      ? `${clock.slice(0, 12)}: Sending  [0,UDP] ${bytes} bytes to ${other}:5060 >>>>>\n`
      : `${clock.slice(0, 12)}: SIPTR: Received [0,UDP] ${bytes} bytes from ${other}:5060 <<<<<\n`
  },
  JsSIP: {
    head: ({ sent }) => sent
      ? 'JsSIP:Transport sending message:\n\n'
      : 'JsSIP:Transport received text message:\n\n',
    endless: true,
    timeless: true
  }
}

function written (wires: readonly Wire[], { head, indent = '', tail = '' }: Form): string {
  return wires.map(wire => {
    const date = `${new Date(wire.at).toISOString().slice(0, 23).replace('T', ' ')}000`
    const bytes = wire.raw.length
    const message = { sent: wire.fromCaller, other: V4.called[0], date, clock: date.slice(11), bytes, wire }
    const lines = wire.raw.replace(/\r\n$/, '').split('\r\n').map(line => `${indent}${line}\n`)
    return `${head(message)}${lines.join('')}${tail}\n`
  }).join('\n')
}

await t.test('every form: one call, each message once, the ends and the time', async t => {
  const wires = recordedSip('bad-credentials')
  for (const [name, form] of Object.entries(FORMS)) {
    const text = written(wires, form)
    const [call, ...others] = (await explainedAll([text])).calls
    t.same(others, [], `${name}: one call`)
    t.equal(call?.end?.cause, 'livekit-refused-credentials', `${name}: ${call?.summary}`)
    t.equal(call?.sources.sip, wires.length, `${name}: each message`)

    const keep = createKeep()
    await readInput({ name, chunks: portions(text) }, keep)
    const [invite, trying] = keep.seen as SipSeen[]
    if (!form.endless) {
      t.equal(invite?.destination?.address, V4.called[0], `${name}: where it was sent`)
      t.equal(trying?.source?.address, V4.called[0], `${name}: who answered`)
    }
    const apart = form.timeless ? 0 : wires[1]!.at - wires[0]!.at
    t.equal((trying?.at ?? 0) - (invite?.at ?? 0), apart, `${name}: the times`)
    t.match(invite?.message.body, /m=audio/, `${name}: the body`)
  }
})
