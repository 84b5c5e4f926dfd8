import type { CallStatus } from '../../calls/fold/call.ts'
import { isSilent } from '../findings/agent-leg.ts'
import { isRefusedReply } from '../findings/hooks.ts'
import type { Leg } from '../leg.ts'
import type { AnyHookBody, HookSeen } from '../seen.ts'
import type { CallParts, FileFacts } from './call-parts.ts'

/** How much of a call the files hold. */
export interface Span {
  /** They hold the beginning of what was dialled last: what they do not show after it did not happen. */
  begun: boolean
  /** They hold the beginning of the call itself. */
  whole: boolean
  /** They hold the end of the call, or go on for long enough after what was seen of it last. */
  over: boolean
}

/** Nothing more comes of a call of which nothing was seen for this long, milliseconds. */
const QUIET_MS = 8000

const FINAL: ReadonlySet<CallStatus | undefined> = new Set(['completed', 'failed', 'busy', 'no-answer'])

/** How much of a call the files hold. Webhooks tell it, or else SIP. */
export function spanOf (parts: CallParts, files: FileFacts): Span {
  const { seen, hooks, agentLegs } = parts
  const [first] = hooks
  const last = seen.reduce((latest, { at = 0 }) => Math.max(latest, at), 0)
  const hasBegun = first === undefined || begins(first)
  return {
    begun: hasBegun || agentLegs.some(({ invite }) => invite !== undefined),
    whole: hasBegun && (first === undefined || statusIn(first).parent_call_sid === undefined),
    over: isOver(parts, files) || files.endAt - last >= QUIET_MS
  }
}

/** Whether something ended the call. */
function isOver ({ hooks, agentLegs, callerLeg }: CallParts, { endAt }: FileFacts): boolean {
  const callSid = callSidIn(hooks)
  if (legEnded(callerLeg) || hooks.some(hook => endsCall(hook, callSid))) return true
  if (hooks.some(isOfCaller) || callerLeg) return false

  // Nobody collected what became of the caller's leg.
  if (hooks.some(hook => hook.hook === 'action' || isFinal(hook)) || agentLegs.some(legEnded)) return true
  return hooks.length === 0 && agentLegs.some(leg => isSilent(leg, endAt))
}

/** The call that the first webhook is about: a person who is called into it has statuses, too. */
function callSidIn ([first]: readonly HookSeen[]): string | undefined {
  const body: AnyHookBody | undefined = first?.body
  return body?.parent_call_sid ?? body?.call_sid
}

const statusIn = ({ body }: HookSeen): AnyHookBody => body

const isOfCaller = (seen: HookSeen): boolean =>
  seen.hook === 'status' && statusIn(seen).parent_call_sid === undefined

const isFinal = (seen: HookSeen): boolean => seen.hook === 'status' && FINAL.has(statusIn(seen).call_status)

/** The caller's leg ended, or the call hook was answered with something that ends the call. */
function endsCall (seen: HookSeen, callSid: string | undefined): boolean {
  if (isOfCaller(seen)) return statusIn(seen).call_sid === callSid && isFinal(seen)
  return seen.hook === 'call-hook' && (isRefusedReply(seen) || isDecline(seen))
}

function isDecline ({ reply }: HookSeen): boolean {
  const verbs: unknown = reply?.verbs
  const first: unknown = Array.isArray(verbs) ? verbs[0] : undefined
  return typeof first === 'object' && first !== null && 'verb' in first && first.verb === 'sip:decline'
}

/** Whether the first webhook of a call is one that comes at its beginning. */
const begins = (first: HookSeen): boolean =>
  first.hook === 'call-hook' || (first.hook === 'status' && statusIn(first).call_status === 'trying')

const legEnded = (leg: Leg | undefined): boolean => {
  if (leg === undefined) return false
  const { at, final } = leg
  return at.bye !== undefined || (at.answered === undefined && (at.cancel !== undefined || (final?.status ?? 0) >= 300))
}
