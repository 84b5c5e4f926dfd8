import type { Attempt, Call, CallStatus } from './call.ts'
import type { Way } from './way.ts'

/*
 * Small questions about an attempt, which the causes ask.
 */

/** How long the way of an attempt may ring, seconds. */
export const ringSOf = ({ way }: Pick<Attempt, 'way'>, dialTimeoutS: number): number =>
  'ringS' in way && way.ringS !== undefined ? way.ringS : dialTimeoutS

/** The way answers the caller and lets it hear something. Nobody is dialled. */
export const isAnnouncement = ({ strategy }: Pick<Way, 'strategy'>): boolean =>
  strategy === 'say' || strategy === 'play'

/** The way dials somebody. */
export const isDialled = (attempt: Pick<Attempt, 'strategy'>): boolean =>
  !isAnnouncement(attempt) && attempt.strategy !== 'decline'

/**
 * Whoever answers may ask for a transfer: an agent may, a phone or somebody else's PBX may not. Only the dials of these
 * have a referHook.
 */
export const mayRefer = ({ strategy }: Attempt): boolean =>
  strategy === 'room' || strategy === 'carrier' || strategy === 'retell'

/**
 * What must be done before a way can be dialled: its room made, its call registered with Retell, or the presence of the
 * caller made sure of whom a person joins.
 */
export function preparationOf (
  { strategy }: Pick<Way, 'strategy'>
): 'room' | 'registration' | 'presence' | undefined {
  switch (strategy) {
    case 'room':
      return 'room'
    case 'retell':
      return 'registration'
    case 'join':
      return 'presence'
    default:
      return undefined
  }
}

/** The person who answers this dial hears who calls, and has not taken the call yet. */
export const awaitsAcceptance = ({ way, accepted }: Pick<Attempt, 'way' | 'accepted'>): boolean =>
  'screen' in way && way.screen !== undefined && accepted !== true

/** The person is in the caller's dial, and it is not known yet that the two talk. */
export const isBeingScreened = (attempt: Pick<Attempt, 'way' | 'accepted' | 'bridgesAt'>): boolean =>
  awaitsAcceptance(attempt) || attempt.bridgesAt !== undefined

/**
 * The final SIP status of the agent leg, from its status event or from /action. A provisional one in /action is stale:
 * it says nothing of the end.
 */
export function finalSipStatus ({ final, action }: Attempt): number | undefined {
  if (final?.sipStatus !== undefined) return final.sipStatus
  return action?.dialSipStatus !== undefined && action.dialSipStatus >= 200 ? action.dialSipStatus : undefined
}

/** When the agent leg ended, milliseconds since the epoch; 0: not known. */
export const endTime = (attempt: Attempt): number => attempt.final?.at ?? attempt.action?.at ?? attempt.at.ended ?? 0

const BEFORE_ANSWER: ReadonlySet<CallStatus> = new Set(['trying', 'ringing', 'early-media'])

/**
 * Ended by the dial's own time (Jambonz cancels: 487), or before it. A stale `ringing/180` in /action means the same.
 */
export function timedOut (attempt: Attempt): boolean {
  const status = attempt.final?.callStatus ?? attempt.action?.dialCallStatus
  if (status !== undefined && BEFORE_ANSWER.has(status)) return true

  return finalSipStatus(attempt) === 487
}

/** The agent leg rang, by Jambonz's word. */
export const rang = (attempt: Attempt): boolean => attempt.at.ringing !== undefined || attempt.action?.rang === true

/** LiveKit was heard or asked about the room. */
export const roomKnown = ({ view }: Attempt): boolean => view.events || view.lookedAt !== undefined

/** Nobody looked, or tried to, since the attempt was over. */
export const notLookedSince = (attempt: Attempt): boolean =>
  Math.max(attempt.view.lookedAt ?? 0, attempt.view.lookFailedAt ?? 0) < endTime(attempt)

/** From the first ringing to the end, milliseconds. */
export const ringingMs = (attempt: Attempt): number =>
  attempt.at.ringing === undefined ? 0 : Math.max(0, endTime(attempt) - attempt.at.ringing)

/** From the last ringing to the end, milliseconds. */
export const silentMs = (attempt: Attempt): number =>
  attempt.at.lastRinging === undefined ? 0 : Math.max(0, endTime(attempt) - attempt.at.lastRinging)

/** Which leg ended first. /action says it most reliably: it carries the caller leg's state at that moment. */
export function whoFirst (call: Call, attempt: Attempt): 'caller' | 'agent-leg' | undefined {
  const caller = call.caller.final
  if (attempt.action?.callerStatus === 'in-progress') return 'agent-leg'
  if (attempt.action?.callerStatus === 'completed') return 'caller'
  if (!attempt.final) return undefined
  // Jambonz sends the statuses of both legs one after another: a missing one of the caller leg may be lost.
  if (!caller) return undefined
  // Replicas may write down what they heard in another order.
  if (caller.at !== attempt.final.at) return caller.at < attempt.final.at ? 'caller' : 'agent-leg'

  return caller.beforeAgentLeg ? 'caller' : 'agent-leg'
}
