import type { Finding } from '../../finding.ts'
import { endpointText } from '../capture/endpoint.ts'
import type { RefusedSeen } from '../seen.ts'

/** Somebody reset a connection to a SIP port. */
export const refusedFinding = ({ destination, place }: RefusedSeen): Finding => ({
  code: 'sip-refused',
  severity: 'failed',
  seen: `${endpointText(destination)} reset a TCP connection (${place.file}:${place.at}).`,
  todo: 'Check that something listens there: SIP over TCP is 5060, over TLS 5061'
})

export const clocksFinding = (): Finding => ({
  code: 'clocks-not-comparable',
  severity: 'warning',
  seen: 'Some of the files have dates, and others only count from their own start: how they relate in time is a guess.',
  todo: 'Give files whose lines have a date'
})

export const leftOutFinding = (count: number): Finding => ({
  code: 'left-out',
  severity: 'warning',
  seen: `${count} messages were left out: the files hold more than fits into memory.`,
  todo: 'Cut the capture to the time of the call first',
  command: 'editcap -A "2026-01-31 10:00:00" -B "2026-01-31 10:05:00" all.pcap call.pcap'
})

/** @param messages how many messages there are that belong to no call */
export const noCallFinding = (messages: number): Finding => ({
  code: 'no-call',
  severity: 'skipped',
  seen: `${messages} SIP ${messages === 1 ? 'message was' : 'messages were'} read, all of OPTIONS, REGISTER and the ` +
    'like: none of them belongs to a call.',
  todo: 'Capture while you make a call'
})
