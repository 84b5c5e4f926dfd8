import { endOf } from '../calls/fold/end.ts'
import type { End } from '../calls/fold/call.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import { failedAtEnd } from './moved-call.ts'
import { KNOWN_REFUSALS, type KnownRefusal } from './knowledge/finals.ts'
import { MEDIA_STATUSES } from './knowledge/media-statuses.ts'
import type { Final, Leg } from './leg.ts'
import type { Naming } from './parties.ts'
import { isTransferred, transferOf } from './transfer.ts'
import { quote } from './quote.ts'

/** Findings that say more than the cause alone. */
export type CallerLegCode =
  | 'reply-refused'
  | 'no-application'
  | 'no-feature-server'
  | 'sbc-wants-credentials'
  | 'sbc-silent'
  | 'dial-failed'
  | 'call-refused'
  | 'begins-late'

export interface CallerLegVerdict {
  end: End
  code?: CallerLegCode
  /** Causes that look the same from here. */
  alike: Cause[]
  over: boolean
  /** Whether the leg is known to be one of Jambonz. */
  naming: Naming
  /** What Jambonz's own words say of the refusal. */
  refusal?: KnownRefusal
}

type Verdict = Omit<CallerLegVerdict, 'naming'>

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
/** A file that goes on for this long after an INVITE would hold a response to it, milliseconds. */
const SILENT_MS = 4000

const verdict = (end: End, more: Partial<Omit<Verdict, 'end'>> = {}): Verdict => ({
  end,
  alike: [],
  over: true,
  ...more
})

const UNDECIDED: Verdict = verdict(endOf('lost'), { over: false })

/**
 * What the caller's leg alone tells of a call (feature-server lib/middleware.js, lib/session/inbound-call-session.js,
 * lib/tasks/sip_decline.js). Of a leg that nothing names Jambonz's, only what SIP says.
 * @param endAt when the files end
 * @param naming whether something of the call names Jambonz
 */
export const judgeCallerLeg = (leg: Leg, endAt: number, naming: Naming): CallerLegVerdict => ({
  ...judge(leg, endAt, naming),
  naming
})

function judge (leg: Leg, endAt: number, naming: Naming): Verdict {
  const { at, final } = leg
  if (at.answered !== undefined || at.bye !== undefined || leg.isUp) return judgeAnswered(leg, naming)
  if (at.cancel !== undefined) return judgeCancelled(leg, naming)
  if (final?.status === 487 && !leg.invite) return { ...UNDECIDED, code: 'begins-late' }
  if (final) return naming === 'unnamed' ? judgeStranger(final) : judgeFinal(leg, final, naming)
  if (!leg.invite) return { ...UNDECIDED, code: 'begins-late' }

  return isUnanswered(leg, endAt) ? verdict(endOf('lost'), { code: 'sbc-silent' }) : UNDECIDED
}

/** Whether an INVITE without any response means something: it was sent again, or the file goes on for long enough. */
function isUnanswered ({ at, repeats, timed, acked }: Leg, endAt: number): boolean {
  if (acked || at.trying !== undefined || at.ringing !== undefined) return false
  return repeats > 0 || (timed && endAt - (at.invite ?? endAt) >= SILENT_MS)
}

/** With answerOnBridge the caller hears early media as soon as the dial runs. */
const wasDialled = ({ at }: Leg): boolean => at.early !== undefined || at.answered !== undefined

function judgeAnswered (leg: Leg, naming: Naming): Verdict {
  const { at, byes } = leg
  const transfer = transferOf(leg)
  if (isTransferred(transfer)) return verdict(endOf('transferred'))
  if (at.bye === undefined) return { ...UNDECIDED, ...(!leg.invite && { code: 'begins-late' }) }

  if (transfer && failedAtEnd(leg, transfer)) {
    return verdict(endOf('transfer-failed', { sipStatus: transfer.refer.notified ?? 0 }))
  }
  switch (byes[0]?.from) {
    case 'caller':
      return hasCrossed(leg)
        ? verdict(endOf('caller-gave-up'))
        : verdict(endOf('caller-hung-up'), { alike: naming === 'unnamed' ? [] : ['agent-lost'] })
    case 'called':
      return naming === 'unnamed'
        ? verdict(endOf('callee-hung-up'))
        : verdict(endOf('agent-hung-up'), { alike: ['media-lost', 'operator-hung-up', 'agent-lost', 'time-limit'] })
    case undefined:
      return { ...UNDECIDED, code: 'begins-late' }
  }
}

/** The answer and the caller's CANCEL passed each other. */
export const hasCrossed = ({ at }: Leg): boolean =>
  at.cancel !== undefined && at.answered !== undefined && at.answered >= at.cancel

function judgeCancelled (leg: Leg, naming: Naming): Verdict {
  const sipStatus = leg.final?.status ?? 487
  if (naming === 'unnamed') return verdict(endOf('caller-gave-up', { sipStatus }))
  if (wasDialled(leg)) return verdict(endOf('caller-gave-up', { waitingOn: 'agent', sipStatus }), { alike: SLOW })
  // Without the INVITE nothing says how long the caller had waited, or for what. Another status than 487 came from
  // somebody who had waited himself.
  const isWaiting = leg.invite !== undefined && sipStatus === 487
  return verdict(endOf('caller-gave-up', { ...(isWaiting && { waitingOn: 'hook' }), sipStatus }))
}

/** Somebody refused a call, and nothing tells more of them. */
function judgeStranger ({ status: sipStatus }: Final): Verdict {
  const code = 'call-refused'
  if (sipStatus === 486 || sipStatus === 600) return verdict(endOf('busy', { sipStatus, by: 'unknown' }), { code })
  if (MEDIA_STATUSES.has(sipStatus)) return verdict(endOf('media-mismatch', { sipStatus, by: 'unknown' }), { code })
  return verdict(endOf('declined', { sipStatus, by: 'unknown' }), { code })
}

function judgeFinal (leg: Leg, final: Final, naming: Naming): Verdict {
  const { status: sipStatus, xReason = '' } = final
  const dialled = wasDialled(leg)
  if ((sipStatus === 401 || sipStatus === 407) && leg.challenged) {
    const detail = leg.authorized ? 'wrong credentials' : 'no credentials'
    return verdict(endOf('lost', { sipStatus, detail }), { code: 'sbc-wants-credentials' })
  }
  const isMediaServers = /media server|crankback/i.test(xReason) ||
    (/endpoint allocation/i.test(xReason) && !MEDIA_STATUSES.has(sipStatus))
  if (isMediaServers) return verdict(endOf('media-server-failed', { sipStatus }))
  if (/no configured application/i.test(xReason)) {
    return verdict(endOf('lost', { sipStatus, detail: quote(xReason) }), { code: 'no-application' })
  }
  const refusal = refusalOf(final)
  if (refusal) return { ...judgeStranger(final), refusal }
  if (sipStatus === 488 && !dialled) return verdict(endOf('media-mismatch', { sipStatus, by: 'caller' }))
  if (dialled) return naming === 'named' ? judgeFailedDial(leg, sipStatus) : judgeStranger(final)
  if (/sip decline/i.test(xReason) || (sipStatus === 603 && naming === 'named' && leg.at.trying !== undefined)) {
    return verdict(endOf('lost', { sipStatus, detail: 'the application declined' }), {
      code: 'dial-failed',
      alike: ['capacity', 'draining', 'bridge-error', 'livekit-failed', 'media-server-failed']
    })
  }
  if (xReason !== '') {
    const end = endOf('reply-refused', { sipStatus, waitingOn: 'hook', detail: quote(xReason) })
    return verdict(end, { code: 'reply-refused' })
  }
  if (sipStatus === 480) {
    return verdict(endOf('lost', { sipStatus }), {
      code: 'no-feature-server',
      alike: ['reply-refused', 'media-server-failed']
    })
  }
  return judgeStranger(final)
}

/** The refusal of Jambonz that has these words. */
const refusalOf = ({ status, reason, xReason }: Final): KnownRefusal | undefined =>
  KNOWN_REFUSALS.find(known =>
    (known.status === undefined || known.status === status) &&
    (known.phrase === undefined || known.phrase.test(reason)) &&
    (known.xReason === undefined || (xReason !== undefined && known.xReason.test(xReason)))
  )

function judgeFailedDial ({ at }: Leg, sipStatus: number): Verdict {
  const waitedMs = (at.final ?? 0) - (at.early ?? at.final ?? 0)
  return verdict(endOf('lost', { sipStatus, detail: 'the dial failed' }), {
    code: 'dial-failed',
    alike: waitedMs < QUICK_MS ? QUICK : SLOW
  })
}
