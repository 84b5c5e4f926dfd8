import type { End } from '../../calls/fold/call.ts'
import type { Cause } from '../../calls/fold/vocabulary.ts'
import { endOf } from '../../calls/fold/end.ts'

/** Causes that say less than the servers' own logs, where these name another one. */
const VAGUE: ReadonlySet<Cause> = new Set([
  'lost',
  'dial-timeout',
  'livekit-failed',
  'no-agent',
  'agent-hung-up',
  'livekit-no-route',
  'sip-unreachable',
  'livekit-overloaded'
])

export const isVague = (cause: Cause): boolean => VAGUE.has(cause)

/** Prefers the cause that a log or a reply names to a vague one. */
export const refined = (end: End, known: Cause | undefined): End =>
  known && known !== end.cause && isVague(end.cause) ? withCause(end, known) : end

/**
 * Causes that are concluded from what did not come after a beginning. They say nothing where the files hold no
 * beginning.
 */
const BY_ABSENCE: ReadonlySet<Cause> = new Set([
  'livekit-no-route',
  'sip-unreachable',
  'no-agent',
  'agent-without-audio',
  'dial-timeout',
  'livekit-failed',
  'livekit-overloaded',
  'media-server-failed',
  'media-mismatch',
  'room-closed',
  'redirected',
  'operator-hung-up',
  'caller-gave-up'
])
/** Statuses of LiveKit that say the same whatever came before them. */
const CLEAR: readonly number[] = [401, 404]

/** Whether a cause stands although the files begin in the middle of the call. */
export const standsAlone = ({ cause, sipStatus }: End): boolean =>
  !BY_ABSENCE.has(cause) || CLEAR.includes(sipStatus ?? 0)

/** Another cause for what was seen: the status and what the call was waiting for stay. */
export const withCause = ({ sipStatus, waitingOn }: End, cause: Cause): End => ({
  ...endOf(cause),
  ...(sipStatus !== undefined && { sipStatus }),
  waitingOn
})
