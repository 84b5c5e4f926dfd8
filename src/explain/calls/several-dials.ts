import type { Call, End } from '../../calls/fold/call.ts'
import { causeOfStatus } from '../../calls/fold/callee-cause.ts'
import { CATALOGUE } from '../../diagnosis/causes-catalogue.ts'
import type { Finding } from '../../finding.ts'
import { causeFinding } from '../findings/cause.ts'
import type { FollowedCall } from '../follow/follow-call.ts'
import type { Naming } from '../parties.ts'
import type { CallParts } from './call-parts.ts'
import { withCause } from './vague-causes.ts'

/*
 * What several dials of one call mean for how it ended.
 */

/** What a carrier's final status means of a number that a caller was passed on to. */
export function ofNumber (end: End, { attempts }: Call): End {
  const last = attempts.at(-1)
  if (last?.strategy !== 'phone' || !['declined', 'dial-timeout'].includes(end.cause)) return end
  const cause = causeOfStatus(end.sipStatus, last.at.ringing !== undefined)
  return { ...withCause(end, cause), by: end.by }
}

/** Dials that failed before another one was answered. */
export function earlierFailures ({ call }: FollowedCall, end: End, naming: Naming): Finding[] {
  return call.attempts.slice(0, -1).flatMap(({ end: own }) => {
    const failed = own !== undefined && own.cause !== end.cause && CATALOGUE[own.cause].severity === 'failed'
    if (!failed) return []
    const status = own.sipStatus === undefined ? '' : ` (${own.sipStatus})`
    return [causeFinding(own, `An earlier dial failed${status}. ${CATALOGUE[own.cause].meaning}`, naming)]
  })
}

/** How soon Jambonz ends the caller's leg after the one to LiveKit, when they end together, milliseconds. */
const TOGETHER_MS = 2000

/** Jambonz ended the leg to LiveKit and went on with the caller. */
export function takenAway (end: End, { agentLegs, callerLeg }: CallParts): End {
  const last = agentLegs.at(-1)
  if (end.cause !== 'lost' || last?.byeFrom !== 'caller' || callerLeg?.at.answered === undefined) return end
  const left = (last.at.bye ?? Infinity) + TOGETHER_MS
  return Math.min(callerLeg.at.bye ?? Infinity, callerLeg.at.last ?? 0) > left ? withCause(end, 'redirected') : end
}
