import { endOf } from '../calls/fold/end.ts'
import type { End } from '../calls/fold/call.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Leg } from './legs.ts'

/** Findings that say more than the cause alone. */
export type CarrierCode =
  | 'reply-refused'
  | 'no-application'
  | 'no-feature-server'
  | 'sbc-wants-credentials'
  | 'sbc-silent'
  | 'dial-failed'

export interface CarrierVerdict {
  end: End
  code?: CarrierCode
  /** Causes that look the same from here. */
  alike: Cause[]
  over: boolean
}

const QUICK: Cause[] = [
  'livekit-refused-credentials',
  'livekit-no-route',
  'sip-unreachable',
  'media-mismatch',
  'livekit-overloaded',
  'livekit-failed'
]
const SLOW: Cause[] = ['no-agent', 'agent-without-audio', 'livekit-no-route', 'sip-unreachable', 'room-closed']
/** A leg to LiveKit that failed within this time was refused; after it, nobody answered. Milliseconds. */
const QUICK_MS = 4000

const verdict = (end: End, more: Partial<Omit<CarrierVerdict, 'end'>> = {}): CarrierVerdict => ({
  end,
  alike: [],
  over: true,
  ...more
})

const UNDECIDED: CarrierVerdict = verdict(endOf('lost'), { over: false })

/**
 * What the caller's leg alone tells of a call (feature-server lib/middleware.js, lib/session/inbound-call-session.js,
 * lib/tasks/sip_decline.js).
 */
export function judgeCallerLeg (leg: Leg): CarrierVerdict {
  const { at, final } = leg
  if (at.answered !== undefined) return judgeAnswered(leg)
  if (at.cancel !== undefined) return judgeCancelled(leg)
  if (final) return judgeFinal(leg, final)

  const isSilent = at.trying === undefined && at.ringing === undefined
  return isSilent ? verdict(endOf('lost'), { code: 'sbc-silent' }) : UNDECIDED
}

/** With answerOnBridge the caller hears early media as soon as the dial runs. */
const wasDialled = ({ at }: Leg): boolean => at.early !== undefined || at.answered !== undefined

function judgeAnswered ({ at, byeFrom, refer }: Leg): CarrierVerdict {
  if (refer?.from === 'called') {
    const failed = (refer.status ?? 0) >= 300 || (refer.notified ?? 0) >= 300
    if (failed && at.bye === undefined) return UNDECIDED
    if (!failed && at.bye !== undefined) return verdict(endOf('transferred'))
  }
  switch (byeFrom) {
    case 'caller':
      return verdict(endOf('caller-hung-up'), { alike: ['agent-lost'] })
    case 'called':
      return verdict(endOf('agent-hung-up'), { alike: ['media-lost', 'operator-hung-up', 'agent-lost', 'time-limit'] })
    case undefined:
      return UNDECIDED
  }
}

function judgeCancelled (leg: Leg): CarrierVerdict {
  const sipStatus = 487
  if (wasDialled(leg)) return verdict(endOf('caller-gave-up', { waitingOn: 'agent', sipStatus }), { alike: SLOW })
  // Without the INVITE nothing says how long the caller had waited, or for what.
  return verdict(endOf('caller-gave-up', { ...(leg.invite && { waitingOn: 'hook' }), sipStatus }))
}

function judgeFinal (leg: Leg, { status: sipStatus, xReason = '' }: NonNullable<Leg['final']>): CarrierVerdict {
  const dialled = wasDialled(leg)
  if ((sipStatus === 401 || sipStatus === 407) && leg.challenged) {
    const detail = leg.authorized ? 'wrong credentials' : 'no credentials'
    return verdict(endOf('lost', { sipStatus, detail }), { code: 'sbc-wants-credentials' })
  }
  if (/media server|crankback/i.test(xReason)) return verdict(endOf('media-server-failed', { sipStatus }))
  if (/no configured application/i.test(xReason)) {
    return verdict(endOf('lost', { sipStatus, detail: xReason }), { code: 'no-application' })
  }
  if (sipStatus === 488 && !dialled) return verdict(endOf('media-mismatch', { sipStatus, by: 'caller' }))
  if (dialled) return judgeFailedDial(leg, sipStatus)
  if (/sip decline/i.test(xReason) || sipStatus === 603) {
    return verdict(endOf('lost', { sipStatus, detail: 'the application declined' }), {
      code: 'dial-failed',
      alike: ['capacity', 'draining', 'bridge-error', 'livekit-failed', 'media-server-failed']
    })
  }
  if (leg.final?.xReason !== undefined) {
    return verdict(endOf('reply-refused', { sipStatus, waitingOn: 'hook', detail: xReason }), { code: 'reply-refused' })
  }
  if (sipStatus === 480 || sipStatus === 503) {
    return verdict(endOf('lost', { sipStatus }), {
      code: 'no-feature-server',
      alike: ['reply-refused', 'media-server-failed']
    })
  }
  return verdict(endOf('lost', { sipStatus }), { alike: ['reply-refused', 'declined'] })
}

function judgeFailedDial ({ at }: Leg, sipStatus: number): CarrierVerdict {
  const waitedMs = (at.final ?? 0) - (at.early ?? at.final ?? 0)
  return verdict(endOf('lost', { sipStatus, detail: 'the dial failed' }), {
    code: 'dial-failed',
    alike: waitedMs < QUICK_MS ? QUICK : SLOW
  })
}
