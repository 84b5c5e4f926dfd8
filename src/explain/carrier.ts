import { endOf } from '../calls/fold/causes.ts'
import type { Cause, End } from '../calls/fold/call.ts'
import type { Leg } from './legs.ts'

export interface CarrierVerdict {
  end: End
  /** More exact than the cause, where that alone would say too little. */
  code?:
    | 'reply-refused'
    | 'no-application'
    | 'no-feature-server'
    | 'sbc-wants-credentials'
    | 'sbc-silent'
    | 'dial-failed'
  /** What looks the same from here. */
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
/** A leg to LiveKit that fails sooner was refused; later nobody answered. */
const QUICK_MS = 4000

/**
 * What the caller's leg alone tells of a call (feature-server lib/middleware.js, lib/session/inbound-call-session.js,
 * lib/tasks/sip_decline.js).
 */
export function judgeCallerLeg ({ at, final, byeFrom, refer, challenged, authorized, invite }: Leg): CarrierVerdict {
  // With answerOnBridge the caller hears early media from the moment that the dial runs.
  const dialled = at.early !== undefined || at.answered !== undefined
  const judged = (end: End, extra: Partial<CarrierVerdict> = {}): CarrierVerdict => ({
    end,
    alike: [],
    over: true,
    ...extra
  })
  if (at.answered !== undefined) {
    if (refer && refer.from === 'called') {
      const failed = (refer.status ?? 0) >= 300 || (refer.notified ?? 0) >= 300
      if (failed && at.bye === undefined) return judged(endOf('lost'), { over: false })
      if (!failed && at.bye !== undefined) return judged(endOf('transferred'))
    }
    if (byeFrom === 'caller') return judged(endOf('caller-hung-up'), { alike: ['agent-lost'] })
    if (byeFrom === 'called') {
      return judged(endOf('agent-hung-up'), { alike: ['media-lost', 'operator-hung-up', 'agent-lost', 'time-limit'] })
    }
    return judged(endOf('lost'), { over: false })
  }
  if (at.cancel !== undefined) {
    if (!invite && !dialled) return judged(endOf('caller-gave-up', { sipStatus: 487 }))
    return judged(endOf('caller-gave-up', { waitingOn: dialled ? 'agent' : 'hook', sipStatus: 487 }), {
      alike: dialled ? SLOW : []
    })
  }
  if (!final) {
    const silent = at.trying === undefined && at.ringing === undefined
    return judged(endOf('lost'), silent ? { code: 'sbc-silent', over: true } : { over: false })
  }
  const { status, xReason } = final
  const sipStatus = { sipStatus: status }
  if ((status === 401 || status === 407) && challenged) {
    return judged(endOf('lost', { ...sipStatus, detail: authorized ? 'wrong credentials' : 'no credentials' }), {
      code: 'sbc-wants-credentials'
    })
  }
  if (xReason !== undefined && /media server|crankback/i.test(xReason)) {
    return judged(endOf('media-server-failed', sipStatus))
  }
  if (xReason !== undefined && /no configured application/i.test(xReason)) {
    return judged(endOf('lost', { ...sipStatus, detail: xReason }), { code: 'no-application' })
  }
  if (status === 488 && !dialled) return judged(endOf('media-mismatch', { ...sipStatus, by: 'caller' }))
  if ((xReason !== undefined && /sip decline/i.test(xReason)) || dialled || status === 603) {
    if (!dialled) {
      return judged(endOf('lost', { ...sipStatus, detail: 'the application declined' }), {
        code: 'dial-failed',
        alike: ['capacity', 'draining', 'bridge-error', 'livekit-failed', 'media-server-failed']
      })
    }
    const waited = (at.final ?? 0) - (at.early ?? at.final ?? 0)
    return judged(endOf('lost', { ...sipStatus, detail: 'the dial failed' }), {
      code: 'dial-failed',
      alike: waited < QUICK_MS ? QUICK : SLOW
    })
  }
  if (xReason !== undefined) {
    return judged(endOf('reply-refused', { ...sipStatus, waitingOn: 'hook', detail: xReason }), {
      code: 'reply-refused'
    })
  }
  if (status === 480 || status === 503) {
    return judged(endOf('lost', sipStatus), {
      code: 'no-feature-server',
      alike: ['reply-refused', 'media-server-failed']
    })
  }
  return judged(endOf('lost', sipStatus), { alike: ['reply-refused', 'declined'] })
}
