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

/** Another cause for what was seen: the status and what the call was waiting for stay. */
export const withCause = ({ sipStatus, waitingOn }: End, cause: Cause): End => ({
  ...endOf(cause),
  ...(sipStatus !== undefined && { sipStatus }),
  waitingOn
})
