import type { CallStatus } from '../../calls/fold/call.ts'
import { isSilent } from '../findings/agent-leg.ts'
import { isRefusedReply } from '../findings/hooks.ts'
import type { Leg } from '../legs.ts'
import type { AnyHookBody, HookSeen } from '../seen.ts'
import type { CallParts, FileFacts } from './call-parts.ts'

/** How much of a call the files hold. */
export interface Span {
  /** They hold the beginning of what was dialled last: what they do not show after it did not happen. */
  begun: boolean
  /** They hold the end of the call, or go on for long enough after what was seen of it last. */
  over: boolean
}

/** Nothing more comes of a call of which nothing was seen for this long, milliseconds. */
const QUIET_MS = 8000

const FINAL: ReadonlySet<CallStatus | undefined> = new Set(['completed', 'failed', 'busy', 'no-answer'])

/** How much of a call the files hold. Webhooks tell it, or else SIP. */
export function spanOf (parts: CallParts, { endAt }: FileFacts): Span {
  const { seen, hooks, agentLegs, callerLeg } = parts
  const last = seen.reduce((latest, { at = 0 }) => Math.max(latest, at), 0)
  const isOver = hooks.length > 0
    ? hooks.some(endsCall) || (!reportsCaller(hooks) && hooks.some(({ hook }) => hook === 'action'))
    : callerLeg === undefined && agentLegs.some(leg => isSilent(leg, endAt))
  return {
    begun: agentLegs.some(({ invite }) => invite !== undefined) || hooks.some(begins),
    over: isOver || legEnded(callerLeg) || (!reportsCaller(hooks) && callerLeg === undefined && agentLegs.some(legEnded)) ||
      endAt - last >= QUIET_MS
  }
}

const statusIn = ({ body }: HookSeen): AnyHookBody => body

const isOfCaller = (seen: HookSeen): boolean =>
  seen.hook === 'status' && statusIn(seen).parent_call_sid === undefined

/** Somebody collected the statuses of the caller's leg. */
const reportsCaller = (hooks: readonly HookSeen[]): boolean => hooks.some(isOfCaller)

/** The caller's leg ended, or the call hook was answered with something that ends the call. */
function endsCall (seen: HookSeen): boolean {
  if (isOfCaller(seen)) return FINAL.has(statusIn(seen).call_status)
  return seen.hook === 'call-hook' && (isRefusedReply(seen) || isDecline(seen))
}

function isDecline ({ reply }: HookSeen): boolean {
  const verbs: unknown = reply?.verbs
  const first: unknown = Array.isArray(verbs) ? verbs[0] : undefined
  return typeof first === 'object' && first !== null && 'verb' in first && first.verb === 'sip:decline'
}

const begins = (seen: HookSeen): boolean =>
  seen.hook === 'call-hook' || (seen.hook === 'status' && statusIn(seen).call_status === 'trying')

const legEnded = (leg: Leg | undefined): boolean => {
  if (leg === undefined) return false
  const { at, final } = leg
  return at.bye !== undefined || (at.answered === undefined && (at.cancel !== undefined || (final?.status ?? 0) >= 300))
}
