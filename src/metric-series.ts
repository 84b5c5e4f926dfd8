import {
  CAUSES,
  DIRECTIONS,
  WAITING_ON,
  type Cause,
  type Direction,
  type WaitingOn
} from './calls/fold/vocabulary.ts'
import { STRATEGIES, type Strategy } from './calls/fold/way.ts'

/*
 * The series of the counters that alerts read. They exist from the start: Prometheus does not count the first value of
 * a counter as an increase, so a counter that appeared with the first burst of failures would hide it.
 */

interface SeriesOfCalls {
  direction: Direction
  cause: Cause
  waitingOn: WaitingOn
}

interface SeriesOfAttempts {
  strategy: Strategy
  cause: Cause
}

/** Causes of calls that nobody answered. What these calls were waiting for may be known. */
const UNANSWERED: ReadonlySet<Cause> = new Set([
  'caller-gave-up',
  'callee-hung-up',
  'agent-gave-up',
  'livekit-no-route',
  'no-agent',
  'agent-without-audio',
  'room-closed',
  'livekit-refused-credentials',
  'livekit-overloaded',
  'sip-unreachable',
  'media-mismatch',
  'dial-timeout',
  'livekit-failed',
  'media-server-failed',
  'reply-refused',
  'lost'
])

/** Causes of calls that the bridge itself did not connect: they end with the reply to the call hook. */
const DECLINED: ReadonlySet<Cause> = new Set(['retell-failed', 'capacity', 'draining', 'bridge-error'])

/** What a call that ended so may have been waiting for. Calls of agents are not led into rooms of the bridge. */
function waitsOf (direction: Direction, cause: Cause): readonly WaitingOn[] {
  if (DECLINED.has(cause)) return ['hook', 'none']
  if (!UNANSWERED.has(cause)) return ['none']

  return direction === 'agent' ? ['hook', 'none'] : WAITING_ON
}

/** The series of ended calls that exist from the start. */
export const seriesOfCalls = (): SeriesOfCalls[] =>
  DIRECTIONS.flatMap(direction =>
    CAUSES.flatMap(cause => waitsOf(direction, cause).map(waitingOn => ({ direction, cause, waitingOn })))
  )

/** Causes in which LiveKit, or the agent in its room, has a part. */
const OF_ROOMS: ReadonlySet<Cause> = new Set([
  'agent-lost',
  'media-lost',
  'livekit-no-route',
  'no-agent',
  'agent-without-audio',
  'room-closed',
  'livekit-refused-credentials',
  'livekit-overloaded',
  'livekit-failed'
])

/** Causes in which the far end of a dial has a part. */
const OF_DIALS: ReadonlySet<Cause> = new Set([
  'time-limit',
  'transferred',
  'transfer-failed',
  'sip-unreachable',
  'media-mismatch',
  'dial-timeout',
  'busy',
  'no-answer',
  'number-unobtainable',
  'carrier-failed',
  'reply-refused'
])

function mayEndAs (strategy: Strategy, cause: Cause): boolean {
  // Of such a call there is no attempt.
  if (cause === 'not-placed') return false
  if (cause === 'retell-failed') return strategy === 'retell'
  // A carrier may lead to LiveKit.
  if (OF_ROOMS.has(cause)) return strategy === 'room' || strategy === 'carrier' || strategy === 'join'
  const dials = strategy !== 'say' && strategy !== 'play' && strategy !== 'decline'
  if (cause === 'announced') return !dials

  return dials || !OF_DIALS.has(cause)
}

/** The series of ended attempts that exist from the start. */
export const seriesOfAttempts = (): SeriesOfAttempts[] =>
  STRATEGIES.flatMap(strategy =>
    CAUSES.filter(cause => mayEndAs(strategy, cause)).map(cause => ({ strategy, cause }))
  )
