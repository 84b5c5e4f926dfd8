import type { End } from '../calls/fold/call.ts'
import { calledFor, isAgentsCall, isBeforeAnswer, isUnnamed, waitedAfterAnswer } from './callee.ts'
import { duration, type AttemptFacts } from './facts.ts'

/*
 * One sentence for each cause of a call in which somebody is called. The texts are logged: they hold no number, name or
 * text that somebody else wrote.
 */

/** What a sentence needs. See Context of diagnose-summary.ts. */
interface CalleeContext {
  end: End
  facts: AttemptFacts
  talk: string
  status: string
  /** What the call was waiting for, in words. */
  waitedFor: string
}

export function calleeHungUp ({ end, facts, talk, waitedFor }: CalleeContext): string {
  if (facts.answeredAt !== undefined || facts.call.facts.direction === 'agent' || end.waitingOn === 'none') {
    return `The callee hung up${talk}.`
  }
  return `The callee hung up ${waitedAfterAnswer(facts)} after the answer, waiting for ${waitedFor}.`
}

export const agentGaveUp = ({ facts, status }: CalleeContext): string =>
  `LiveKit ended the call after ${calledFor(facts).forHow}, before the callee answered${status}.`

export function noAnswer ({ end, facts, status }: CalleeContext): string {
  const { forHow, limit } = calledFor(facts)
  if (end.sipStatus === 480) return `The callee was not available${status}, after ${forHow}.`
  if (limit === undefined) return `Nobody answered within ${forHow}${status}.`
  return `Nobody answered within ${limit}, the longest time that the phone was to ring, and Jambonz cancelled${status}.`
}

export const numberUnobtainable = ({ status }: CalleeContext): string =>
  `The number does not exist, or the carrier has no way to it${status}.`

export const carrierFailed = ({ end, status }: CalleeContext): string =>
  end.sipStatus === 408 ? `The carrier did not respond${status}.` : `The carrier did not place the call${status}.`

export const notAllowed = ({ end, status }: CalleeContext): string =>
  end.sipStatus === 503
    ? `The agent could not make this call: the bridge has no carrier or no number for it${status}.`
    : `The number policy did not allow the agent to make this call${status}.`

export function notPlaced ({ end }: CalleeContext): string {
  if (end.by === 'jambonz') return 'Jambonz refused to place the call, and dialled nobody.'
  return `Jambonz was not asked to place the call${WHY_NOT_SENT[end.detail ?? ''] ?? ''}.`
}

/** Reasons of PlacementRefusedError. */
const WHY_NOT_SENT: Record<string, string> = {
  'queue-full': ': too many requests to its API were waiting',
  'too-late': ': it would have been too late',
  'not-wanted': ': the order was taken back'
}

export function machineAnswered ({ facts }: CalleeContext): string {
  const { voicemail, at } = facts.call
  if (!voicemail || at.answered === undefined) return 'A machine answered, and the bridge hung up, as the order says.'
  const after = duration(voicemail.at - at.answered)
  return `A machine answered, as was found out ${after} later, and the bridge hung up, as the order says.`
}

/** What is special about an ordered call that is lost; undefined: nothing. */
export function lostOrder ({ call }: AttemptFacts): string | undefined {
  if (call.hangupFor === 'given-up') {
    return 'The call was found after it had been given up as lost, and the bridge hung up.'
  }
  if (isUnnamed(call)) {
    return 'Jambonz did not say whether it placed the call, and no hook of it came. Jambonz may have dialled.'
  }
  const isHookless = call.order !== undefined && call.at.answered !== undefined && call.caller.final !== undefined &&
    !call.events.some(({ what }) => what === 'call hook')
  return isHookless ? 'The callee answered, and the call ended before its call hook reached the bridge.' : undefined
}

/** Who was busy, or declined: undefined where it was not the callee. */
export const calleeIn = (facts: AttemptFacts): string | undefined =>
  isAgentsCall(facts) || isBeforeAnswer(facts.call) ? 'The callee' : undefined

/** One sentence about a call under way in which somebody is called; undefined where a call that comes in is alike. */
export function calleeSoFar (facts: AttemptFacts, waitedFor: string): string | undefined {
  const { call } = facts
  const { phase, at } = call
  if (phase === 'requested') {
    return call.order?.sentAt === undefined
      ? 'The call is ordered, and Jambonz was not asked for it yet.'
      : 'Jambonz was asked to place the call, and has not said yet whether it did.'
  }
  if (phase === 'connected' && isAgentsCall(facts)) return 'The agent and the callee are connected.'
  if (phase === 'connected' || phase === 'transferring' || call.facts.direction === 'inbound') return undefined
  if (isAgentsCall(facts)) return at.ringing === undefined ? CALLED : RINGS
  if (at.answered !== undefined) return `The callee has answered, and waits for ${waitedFor}.`
  return at.ringing === undefined ? CALLED : RINGS
}

const CALLED = 'The callee is being called.'
const RINGS = "The callee's phone rings."
