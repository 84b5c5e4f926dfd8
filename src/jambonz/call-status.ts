import type { CallStatus } from '../calls/fold/call.ts'

/** What a hook says of a leg's status; `call_status` is absent when it is none that we know. */
interface LegReport {
  call_status?: CallStatus
  sip_status?: number
  /** Jambonz adds it when an answered leg ends. */
  duration?: number
  call_termination_by?: 'caller' | 'jambonz'
}

/**
 * The status of a leg. Where `call_status` is missing or one that we do not know, the SIP status tells it, in the way
 * that feature-server derives one from the other (lib/utils/place-outdial.js, lib/session/inbound-call-session.js).
 * @returns undefined when neither is known
 */
export function callStatusOf (leg: LegReport): CallStatus | undefined {
  if (leg.call_status !== undefined) return leg.call_status
  const hasEnded = leg.duration !== undefined || leg.call_termination_by !== undefined
  return statusOfSip(leg.sip_status, hasEnded) ?? (leg.duration === undefined ? undefined : 'completed')
}

/** @param hasEnded the leg is known to be over: 200 is then the answer to the INVITE that began it */
export function statusOfSip (sipStatus: number | undefined, hasEnded: boolean): CallStatus | undefined {
  if (sipStatus === undefined) return undefined
  if (sipStatus === 100) return 'trying'
  if (sipStatus === 183) return 'early-media'
  if (sipStatus < 200) return 'ringing'
  if (sipStatus < 300) return hasEnded ? 'completed' : 'in-progress'
  if (sipStatus === 487) return 'no-answer'
  return sipStatus === 486 || sipStatus === 600 ? 'busy' : 'failed'
}
