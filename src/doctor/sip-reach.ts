import { runProbe } from '../probe/probe.ts'
import type { Check } from './check.ts'

/** Longest wait for an answer, milliseconds; longer than a connection attempt, whose end tells more. */
const ANSWER_MS = 11_000

/** OPTIONS over the transport that Jambonz is to dial. */
export const sipReachCheck: Check = {
  name: 'sip-reach',
  title: 'Does anything speak SIP at LIVEKIT_SIP_HOST over LIVEKIT_SIP_TRANSPORT?',
  readOnly: true,
  limitMs: 15_000,
  async run ({ settings, clock }, signal) {
    const { findings } = await runProbe({ settings, reachOnly: true, limits: { response: ANSWER_MS }, clock, signal })
    return findings.map(finding =>
      finding.code === 'sip-host-unresolved'
        ? {
            code: 'sip-not-asked',
            severity: 'skipped',
            seen: 'Nobody was asked: the host has no address, which the check sip-host reports',
            todo: 'Fix what the check sip-host found'
          }
        : finding
    )
  }
}
