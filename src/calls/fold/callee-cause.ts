import { isBeforeHook, type Attempt, type Call } from './call.ts'
import type { Cause } from './vocabulary.ts'
import { endOf, type Verdict } from './end.ts'
import { hungUpCause } from './hung-up-cause.ts'

/*
 * Causes of the calls in which somebody is called: ordered ones, and those that an agent makes. What the carrier says
 * besides its status (Reason, X- headers) is not in Jambonz' hooks.
 */

/** Whether somebody was called whom nobody was dialled for yet. */
export const isUnansweredCallee = (call: Call): boolean =>
  call.facts.direction === 'outbound' && !call.attempts.some(({ answered }) => answered) &&
  (!call.caller.answered || (call.order !== undefined && isBeforeHook(call) && !call.attempts.some(isUnderWay)))

const isUnderWay = ({ at }: Attempt): boolean => at.replied !== undefined

/** Why an outbound call ended before the callee could be connected. */
export function calleeCause (call: Call): Verdict {
  const { final } = call.caller
  if (call.phase === 'requested') return withoutName(call)
  if (!final) return endOf('lost', { detail: 'how the call to the callee ended was not heard' })
  const { sipStatus, callStatus, by } = final
  if (callStatus === 'completed') {
    return by === 'caller' ? endOf('callee-hung-up') : endOf('lost', { by: by ?? 'unknown', detail: NO_HOOK })
  }

  return endOf(causeOfStatus(sipStatus ?? STATUS_OF[callStatus], call.at.ringing !== undefined), { sipStatus })
}

/** Detail of an answered call whose call hook did not arrive. */
const NO_HOOK = 'the callee answered, but no call hook arrived before the call ended'

const STATUS_OF: Partial<Record<string, number>> = { busy: 486, 'no-answer': 487 }

/** Jambonz gave the call no name. */
function withoutName (call: Call): Verdict {
  const { order, hangupAt } = call
  if (order?.sentAt !== undefined) return endOf('lost', { detail: 'Jambonz did not say whether it placed the call' })
  if (hangupAt !== undefined) return hungUpCause(call)
  return endOf('not-placed', { detail: 'the bridge stopped before it asked Jambonz' })
}

/**
 * What a carrier's final status means of whom it called (RFC 3261 section 21, RFC 8197, RFC 8688).
 * @param rang whether the callee's phone rang
 */
export function causeOfStatus (sipStatus: number | undefined, rang: boolean): Cause {
  switch (sipStatus) {
    case 486:
    case 600:
      return 'busy'
    case 403:
    case 603:
    case 607:
    case 608:
      return 'declined'
    case 404:
    case 410:
    case 484:
    case 485:
    case 604:
      return 'number-unobtainable'
    case 480:
    case 487:
      return 'no-answer'
    case 408:
      // A carrier that does not answer at all gets the same status, from Jambonz.
      return rang ? 'no-answer' : 'carrier-failed'
    default:
      return 'carrier-failed'
  }
}

/**
 * A verdict in the words of the call's direction. Jambonz calls the leg that it has first the caller's: of an outbound
 * call that is the callee's, and of an agent's call that is LiveKit's.
 */
export function turned (call: Call, verdict: Verdict): Verdict {
  switch (call.facts.direction) {
    case 'inbound':
      return verdict
    case 'outbound':
      // It is the caller of another call who has left.
      if (verdict.cause === 'caller-gone') return verdict
      return {
        ...verdict,
        cause: causeOfOutbound(call, verdict),
        by: verdict.by === 'caller' ? 'callee' : verdict.by
      }
    case 'agent':
      return turnedForAgent(call, verdict)
  }
}

function causeOfOutbound ({ caller }: Call, { cause }: Verdict): Cause {
  switch (cause) {
    case 'caller-hung-up':
    case 'caller-gave-up':
      return 'callee-hung-up'
    case 'media-server-failed':
      // The callee had answered. Jambonz hangs up on the callee when it cannot run our verbs.
      return caller.final?.callStatus === 'completed' ? 'reply-refused' : cause
    default:
      return cause
  }
}

/** A CANCEL does not say why LiveKit sent it. */
const CANCELLED_BY_LIVEKIT =
  "LiveKit stopped ringing: its ringing timeout was over, or the callee's participant or room was removed"

function turnedForAgent (call: Call, verdict: Verdict): Verdict {
  const { cause, sipStatus } = verdict
  const rang = call.at.ringing !== undefined
  switch (cause) {
    case 'caller-hung-up':
      return { ...verdict, cause: 'agent-hung-up', by: 'agent' }
    case 'caller-gave-up':
      return { ...verdict, cause: 'agent-gave-up', by: 'agent', detail: CANCELLED_BY_LIVEKIT }
    case 'agent-hung-up':
      return { ...verdict, cause: 'callee-hung-up', by: 'callee', detail: undefined }
    case 'dial-timeout':
      return { ...verdict, cause: 'no-answer', by: 'carrier' }
    case 'busy':
    case 'declined':
      return { ...verdict, cause: causeOfStatus(sipStatus, rang) }
    default:
      return verdict
  }
}
