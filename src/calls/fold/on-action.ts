import { mayBeReplaced } from './asked-again.ts'
import { awaitsAcceptance, isAnnouncement } from './attempt-facts.ts'
import { currentAttempt, isFinal, unavailableOf, type Attempt, type Call, type Reply } from './call.ts'
import { answer, beginClosing, closeAttempt, findHook, goOn } from './attempts.ts'
import { addLeg, findLeg, isLatestLeg } from './legs.ts'
import { note } from './duties.ts'
import type { EventOf } from './events.ts'
import { adoptAttempt, takeFacts } from './new-call.ts'
import { preparedAttempt } from './on-order.ts'
import { backFromJoin, followMerge } from './on-merge.ts'
import { backFromPerson, followTransfer } from './on-redirect.ts'
import { callerEnded, settleSoon } from './on-status.ts'
import { personBridged } from './person-progress.ts'
import { park } from './return-to-agent.ts'
import { openRequest, transfersOf } from './transfers.ts'
import type { Way } from './way.ts'
import type { Rules } from './rules.ts'

/**
 * A dial of ours is over. The reply decides how the caller goes on: the next way of the plan, a decline, a hang-up,
 * or nothing where the call had its talk or the caller is gone.
 */
export function onAction (draft: Call, event: EventOf<'action'>, rules: Rules): void {
  const { at, hash, dialCallStatus } = event
  if (findHook(draft, 'action', hash)) return
  takeFacts(draft, event.facts)
  adopt(draft, event, rules)
  note(draft, at, {
    from: 'jambonz',
    what: 'action',
    attempt: event.attempt,
    status: dialCallStatus,
    sipStatus: event.dialSipStatus,
    detail: `caller leg ${event.callerStatus}`
  })
  const attempt = currentAttempt(draft)
  // Whoever made the room ahead did not hear of the reply that dialled it.
  if (attempt && attempt === preparedAttempt(draft)) attempt.at.replied = at
  ownLeg(draft, event)
  if (draft.phase === 'transferring') {
    if (isFinal(event.callerStatus)) {
      callerEnded(draft, at, {
        callStatus: event.callerStatus,
        sipStatus: event.callerSipStatus,
        by: event.callerEndedBy
      })
    }
    answer(draft, 'action', hash, { kind: 'nothing' })
    return
  }
  if (draft.phase === 'ended' || !attempt || attempt.end || isStale(draft, attempt, event)) {
    answer(draft, 'action', hash, draft.phase === 'ended' ? replyWithoutPlan(draft, event) : { kind: 'nothing' })
    if (attempt && !isStale(draft, attempt, event)) attempt.action ??= factsOf(event)
    return
  }
  if (redirectIsDue(draft, event, rules)) return
  attempt.action = factsOf(event)
  if (isReplaced(attempt, event)) {
    settleSoon(draft, at)
    answer(draft, 'action', hash, replyWithoutPlan(draft, event))
    return
  }
  // Without a status hook only this says that an announcement answered the caller.
  if (isAnnouncement(attempt)) draft.caller.answered ||= event.callerStatus === 'in-progress'
  if (hasTalked(attempt, event)) {
    attempt.answered = true
    personBridged(draft, attempt, at)
  }
  if (isFinal(event.callerStatus)) {
    callerEnded(draft, at, {
      callStatus: event.callerStatus,
      sipStatus: event.callerSipStatus,
      by: event.callerEndedBy
    })
  }

  const talked = attempt.answered && !(attempt.agentLostAt !== undefined && rules.agentLost === 'next')
  const goesOn = !draft.closing && !talked && draft.hangupAt === undefined && !isFinal(event.callerStatus)
  if (goesOn && backFromPerson(draft, attempt, at, rules, 'action', hash)) return
  if (goesOn && backFromJoin(draft, attempt, at, rules, hash)) return
  if (mayGoToAgent(draft, attempt, event)) {
    closeAttempt(attempt, at)
    draft.plan = [wayToAgent(draft)!]
    goOn(draft, at, rules, 'action', hash)
    return
  }
  if (goesOn && draft.plan.length > 0) {
    closeAttempt(attempt, at)
    goOn(draft, at, rules, 'action', hash)
    return
  }
  attempt.at.ended ??= at
  beginClosing(draft, at)
  answer(draft, 'action', hash, replyWithoutPlan(draft, event))
}

/** The dial that is over is none that is known: nobody heard of the reply that began it. */
function adopt (draft: Call, { at, attempt: n }: EventOf<'action'>, rules: Rules): void {
  if (draft.phase === 'ended') return
  const latest = currentAttempt(draft)
  // Of a person's call only the room was found in which they were consulted.
  const hasJoined = draft.order?.transfer !== undefined && latest?.found === true && !latest.end && (n ?? 0) > latest.n
  if (latest && !hasJoined) return
  if (latest) park(latest, at)
  adoptAttempt(draft, at, { n }, rules)
}

/**
 * A dial that Jambonz was asked to replace is over. Where it had ended by itself just before, this reply counts and not
 * that of the redirect hook: both say the same.
 */
function redirectIsDue (draft: Call, { at, hash, callerStatus }: EventOf<'action'>, rules: Rules): boolean {
  if (isFinal(callerStatus) || draft.closing || draft.hangupAt !== undefined) return false
  if (draft.merge) {
    followMerge(draft, at, rules, 'action', hash)
    return true
  }
  const transfer = openRequest(draft)
  if (!transfer?.redirect) return false
  followTransfer(draft, transfer, at, rules, 'action', hash)
  return true
}

/**
 * The dial may go on with another leg: Jambonz has asked again what to do with the caller, and then ended the dial.
 * Should the far end have hung up just then, the reply ends the caller's leg.
 */
function isReplaced (attempt: Attempt, event: EventOf<'action'>): boolean {
  const { at, callerStatus, dialCallStatus, dialSipStatus } = event
  const isEndedByJambonz = dialSipStatus === undefined || dialSipStatus === 487 || dialSipStatus < 300
  return mayBeReplaced(attempt, at) && !isFinal(callerStatus) && dialCallStatus !== undefined && isEndedByJambonz
}

/**
 * Whether the two talked. A person who was asked to take the call has when the key says so; without word of the key,
 * Jambonz tells a talk from a refusal by its status (recorded on feature-server 0.9.8).
 */
function hasTalked (attempt: Attempt, { dialCallStatus, dialSipStatus }: EventOf<'action'>): boolean {
  if (awaitsAcceptance(attempt)) return dialCallStatus === 'completed' && dialSipStatus === 200
  return dialCallStatus === 'completed' || (dialCallStatus === 'in-progress' && attempt.answered)
}

/** The person to whom the caller was handed has hung up, and the caller is to talk with an agent again. */
function mayGoToAgent (draft: Call, attempt: Attempt, { callerStatus }: EventOf<'action'>): boolean {
  const transfer = transfersOf(draft).find(({ dials }) => dials === attempt.n)
  return transfer?.request?.afterPerson === 'agent' && attempt.answered && !isFinal(callerStatus) && !draft.closing &&
    draft.hangupAt === undefined && wayToAgent(draft) !== undefined
}

const wayToAgent = (draft: Call): Way | undefined =>
  draft.attempts.findLast(({ strategy }) => strategy === 'room')?.way

/** The leg belongs to the attempt that was dialled: its statuses may come after this, when another attempt is open. */
function ownLeg (draft: Call, { attempt: n, dialCallSid }: EventOf<'action'>): void {
  if (dialCallSid === undefined || findLeg(draft, dialCallSid)) return
  const attempt = n === undefined ? currentAttempt(draft) : draft.attempts.find(attempt => attempt.n === n)
  if (attempt) addLeg(draft, dialCallSid, 'agent', attempt.n)
}

/** What ends the caller leg properly when no way is left. */
function replyWithoutPlan (draft: Call, event: EventOf<'action'>): Reply {
  const { facts } = draft
  if (isFinal(event.callerStatus)) return { kind: 'nothing' }
  // The verbs behind an outbound dial begin with a pause, for a dial that fails at once.
  if (facts.direction === 'outbound') return { kind: 'hangup', ...(hadTalk(event) ? {} : { afterS: 1 }) }
  if (hadTalk(event)) return { kind: 'nothing' }
  if (event.callerStatus === 'in-progress') return { kind: 'hangup' }
  return { kind: 'decline', ...declineFor(draft, event.dialSipStatus) }
}

const hadTalk = (event: EventOf<'action'>): boolean => event.dialCallStatus === 'completed'

const REASONS: Record<number, string> = {
  404: 'Not Found',
  408: 'Request Timeout',
  486: 'Busy Here',
  488: 'Not Acceptable Here',
  500: 'Server Internal Error',
  503: 'Service Unavailable',
  600: 'Busy Everywhere',
  603: 'Decline'
}

/** Not what the far end said about our credentials. */
const NOT_PASSED_ON = [401, 407]
/** To a caller also not that nobody answered, nor what it said of our own CANCEL. */
const NOT_FOR_CALLERS = [...NOT_PASSED_ON, 480, 487]

/** The far end's status where it can be passed on. */
function declineFor (call: Call, sipStatus: number | undefined): { status: number, reason: string } {
  const toLiveKit = call.facts.direction === 'agent'
  if (toLiveKit && sipStatus === 487) return { status: 480, reason: 'No Answer' }
  const isFailure = sipStatus !== undefined && sipStatus >= 400 && sipStatus <= 699
  if (!isFailure || (toLiveKit ? NOT_PASSED_ON : NOT_FOR_CALLERS).includes(sipStatus)) return unavailableOf(call)

  const phrase = toLiveKit ? phraseOf(call) : undefined
  return { status: sipStatus, reason: phrase ?? REASONS[sipStatus] ?? unavailableOf(call).reason }
}

/** What the far end wrote behind its status. LiveKit's API shows it to the agent. */
function phraseOf (call: Call): string | undefined {
  const phrase = currentAttempt(call)?.final?.sipReason
  return phrase !== undefined && /^[\x20-\x7e]{1,64}$/.test(phrase) ? phrase : undefined
}

/** It speaks of an earlier attempt, or of an earlier leg of this one. */
function isStale (call: Call, attempt: Attempt, event: EventOf<'action'>): boolean {
  if (event.attempt !== undefined && event.attempt !== attempt.n) return true
  const { dialCallSid } = event
  return dialCallSid !== undefined && findLeg(call, dialCallSid)?.attempt === attempt.n &&
    !isLatestLeg(call, attempt, dialCallSid)
}

const factsOf = (event: EventOf<'action'>): NonNullable<Attempt['action']> => ({
  at: event.at,
  dialCallStatus: event.dialCallStatus,
  dialSipStatus: event.dialSipStatus,
  callerStatus: event.callerStatus,
  rang: event.rang
})
