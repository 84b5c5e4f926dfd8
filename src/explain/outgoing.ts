import { causeOfStatus } from '../calls/fold/callee-cause.ts'
import { endOf } from '../calls/fold/end.ts'
import type { End } from '../calls/fold/call.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import { isSilent } from './findings/agent-leg.ts'
import { CARRIER_MEDIA_STATUSES } from './knowledge/media-statuses.ts'
import type { Leg } from './leg.ts'
import { failedAtEnd } from './moved-call.ts'
import { isLiveKitHost } from './roles.ts'
import { isTransferred, transferOf } from './transfer.ts'

/** How a leg to a carrier ended. */
export type Outcome =
  /** By a final status of the far end. */
  | 'refused'
  /** The dialling side gave up. */
  | 'cancelled'
  /** Nothing came back for long enough to mean something. */
  | 'unanswered'
  /** It was answered, and it ended. */
  | 'ended'
  /** The files end before it does. */
  | 'going'

export interface OutgoingVerdict {
  outcome: Outcome
  /** Absent while the leg goes on. */
  end?: End
}

/** The caller of a call that Jambonz passed on ended it: before the answer, or after it. */
function endedByCaller ({ at }: Leg, callerLeg: Leg): OutgoingVerdict | undefined {
  const { cancel, bye } = callerLeg.at
  if (cancel !== undefined && at.answered === undefined && (at.final ?? Infinity) >= cancel) {
    return { outcome: 'cancelled', end: endOf('caller-gave-up', { sipStatus: 487 }) }
  }
  if (at.answered === undefined || bye === undefined || callerLeg.byeFrom !== 'caller') return undefined
  return (at.bye ?? Infinity) < bye ? undefined : { outcome: 'ended', end: endOf('caller-hung-up') }
}

/**
 * How a leg that LiveKit or Jambonz dialled to a carrier, phone or PBX ended.
 * @param endAt when the last of the files ends
 * @param callerLeg the leg of a caller for whom Jambonz dialled
 */
export function judgeOutgoing (leg: Leg, endAt: number, callerLeg?: Leg): OutgoingVerdict {
  const { at, final } = leg
  if (leg.role === 'carrier-out' && callerLeg?.role === 'caller') {
    const verdict = endedByCaller(leg, callerLeg)
    if (verdict) return verdict
  }
  if (at.answered !== undefined) return judgeAnswered(leg)
  if (at.cancel !== undefined && (!final || final.status === 487)) {
    return { outcome: 'cancelled', end: cancelledEnd(leg) }
  }
  if (final) return { outcome: 'refused', end: refusedEnd(leg, final.status) }
  if (at.bye !== undefined) return judgeAnswered(leg)

  const isUnheard = leg.invite !== undefined && at.trying === undefined && at.ringing === undefined
  if (isUnheard && !leg.challenged && isSilent(leg, endAt)) {
    return { outcome: 'unanswered', end: endOf('carrier-failed', { detail: 'nothing came back to the INVITE' }) }
  }
  return { outcome: 'going' }
}

function refusedEnd (leg: Leg, sipStatus: number): End {
  if (leg.role === 'livekit-out' && isLiveKitHost(leg.host)) return endOf(causeAtLiveKit(sipStatus), { sipStatus })
  if (CARRIER_MEDIA_STATUSES.has(sipStatus)) return endOf('media-mismatch', { by: 'carrier', sipStatus })
  return endOf(causeOfStatus(sipStatus, leg.at.ringing !== undefined), { sipStatus })
}

/** What LiveKit's own inbound side means with a final status (livekit/sip pkg/sip/inbound.go). */
function causeAtLiveKit (sipStatus: number): Cause {
  if (sipStatus === 404) return 'livekit-no-route'
  if (sipStatus === 401 || sipStatus === 407) return 'livekit-refused-credentials'
  return sipStatus === 503 ? 'livekit-overloaded' : 'livekit-failed'
}

/** LiveKit cancels for its ringing timeout or the agent; Jambonz for its dial timeout or its caller. */
function cancelledEnd ({ role }: Leg): End {
  return role === 'livekit-out'
    ? endOf('agent-gave-up', { sipStatus: 487 })
    : endOf('no-answer', { by: 'jambonz', sipStatus: 487 })
}

function judgeAnswered (leg: Leg): OutgoingVerdict {
  const { byeFrom, at } = leg
  const transfer = transferOf(leg)
  if (isTransferred(transfer)) return { outcome: 'ended', end: endOf('transferred') }
  if (transfer && failedAtEnd(leg, transfer)) {
    return { outcome: 'ended', end: endOf('transfer-failed', { sipStatus: transfer.refer.notified ?? 0 }) }
  }
  if (at.bye === undefined) return { outcome: 'going' }
  if (byeFrom === undefined) return { outcome: 'ended', end: endOf('lost', { detail: 'hung up by one of the sides' }) }
  if (byeFrom === 'called') return { outcome: 'ended', end: endOf('callee-hung-up') }
  return { outcome: 'ended', end: endOf('agent-hung-up', leg.role === 'livekit-out' ? {} : { by: 'jambonz' }) }
}
