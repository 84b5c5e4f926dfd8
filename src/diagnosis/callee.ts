import { currentAttempt, type Call } from '../calls/fold/call.ts'
import type { AttemptFacts } from './facts.ts'
import { duration } from './facts.ts'

/*
 * What is known of somebody who is called. Of an outbound call that is the first leg, and a room may have been made
 * for it before the callee answered.
 */

/** Whether an outbound call was over, or still is, before the callee answered. */
export const isBeforeAnswer = ({ facts, at, caller, attempts }: Call): boolean =>
  facts.direction === 'outbound' && at.answered === undefined && caller.final?.callStatus !== 'completed' &&
  !attempts.some(({ at }) => at.replied !== undefined)

/** Jambonz has not named the call of an order: nothing but the order itself is known. */
export const isUnnamed = ({ callSid, order }: Call): boolean => order?.id === callSid

/** Whether what the final status of an attempt says is about the callee of an agent's call. */
export const isAgentsCall = ({ call }: AttemptFacts): boolean => call.facts.direction === 'agent'

/** What the callee's leg ended with, whichever leg that is. */
export function calleeFinal ({ call, callerFinal, agentFinal, action }: AttemptFacts): number | undefined {
  if (call.facts.direction === 'outbound') return callerFinal?.sipStatus ?? call.end?.sipStatus
  return agentFinal?.sipStatus ?? action?.dialSipStatus ?? call.end?.sipStatus
}

/** For how long the callee's phone was called, in words, and whether the limit for that had come. */
export function calledFor (facts: AttemptFacts): { forHow: string, limit: string | undefined } {
  const { call, callerFinal, attempt, overAt } = facts
  const attemptOfCall = attempt ?? currentAttempt(call)
  const isOurs = call.facts.direction === 'outbound'
  const from = isOurs ? call.order?.sentAt ?? call.at.received : attemptOfCall?.at.replied ?? call.at.received
  const until = (isOurs ? callerFinal?.at : undefined) ?? overAt ?? call.at.ended ?? from
  const limitS = isOurs ? call.order?.ringS : ringOfWay(facts)
  const isOver = limitS !== undefined && until - from >= limitS * 1000 - SLACK_MS
  return { forHow: duration(until - from), limit: isOver ? `${limitS} s` : undefined }
}

/** Jambonz counts from the INVITE. */
const SLACK_MS = 1000

const ringOfWay = ({ attempt }: AttemptFacts): number | undefined =>
  attempt && 'ringS' in attempt.way ? attempt.way.ringS : undefined

/** Until the callee was connected to somebody, in words. */
export const waitedAfterAnswer = ({ call, callerFinal, overAt }: AttemptFacts): string => {
  const until = callerFinal?.at ?? overAt ?? call.at.ended ?? call.at.received
  return duration(until - (call.at.answered ?? until))
}

/**
 * What a final status says of a callee. The carrier's own words (its Reason and X- headers) are not in Jambonz's hooks.
 * @param rang whether the callee's phone rang
 */
export function meaningOfCalleeStatus (sipStatus: number | undefined, rang: boolean): string {
  if (sipStatus === 408) return rang ? 'nobody answered in time' : 'the carrier did not respond'
  return (sipStatus !== undefined && MEANINGS[sipStatus]) || 'the carrier did not place the call'
}

const MEANINGS: Record<number, string> = {
  401: "the carrier did not accept Jambonz's credentials",
  403: 'the carrier, or the callee, refused the call',
  404: 'the number is not known, or the carrier has no way to it',
  407: "the carrier did not accept Jambonz's credentials",
  410: 'nobody has this number any more',
  480: 'the callee was not available',
  484: 'digits are missing, or the number is not in the format of the carrier',
  485: 'the number is ambiguous',
  486: 'the callee was busy',
  487: 'nobody answered in time, or the carrier gave up by itself',
  488: 'the carrier and Jambonz share no codec or encryption',
  503: "the carrier could not take the call, or Jambonz's SBC could not reach it",
  600: 'the callee was busy',
  603: 'the callee declined, or the carrier has no outbound gateway in Jambonz',
  604: 'nobody has this number',
  607: 'the callee does not want such calls',
  608: 'a service of the callee rejected the call'
}
