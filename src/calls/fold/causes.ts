import { answeredCause } from './answered-cause.ts'
import { calleeCause, isUnansweredCallee, turned } from './callee-cause.ts'
import type { Attempt, Call } from './call.ts'
import { transfersOf, type Transfer } from './transfers.ts'
import type { Cause } from './vocabulary.ts'
import { endOf, type Circumstances, type Verdict } from './end.ts'
import { isDialled } from './attempt-facts.ts'
import { mayHaveMissedEnd } from './evidence.ts'
import { hungUpCause } from './hung-up-cause.ts'
import { farEndCause, roomCause, waitingOn } from './unanswered-cause.ts'
import { causeBehind } from './undialled-cause.ts'

/**
 * Why a call, or its attempt, ended, judged by everything that is known of it. Pure. It may be asked again when more is
 * known: `missing` says that waiting a moment could change the answer.
 */
export function causeOf (call: Call, attempt: Attempt | undefined, circumstances: Circumstances): Verdict {
  return turned(call, judge(call, attempt, circumstances))
}

/** The cause in Jambonz' words: who had the first leg is the caller. */
function judge (call: Call, attempt: Attempt | undefined, circumstances: Circumstances): Verdict {
  const caller = call.caller.final
  // Who asked to end a call that has no name yet did not end it.
  if (call.phase === 'requested') return calleeCause(call)
  if (call.hangupAt !== undefined) {
    return endedUnheard(call, attempt) ? endOf('lost', { detail: ENDED_UNHEARD }) : hungUpCause(call)
  }
  const { transfer } = call
  if (transfer && isReferred(transfer) && !cameBack(transfer, attempt)) return transferCause(call, transfer, attempt)
  if (isUnansweredCallee(call)) return calleeCause(call)
  if (attempt && !isDialled(attempt)) return causeBehind(call, attempt)
  if (attempt?.answered) return answeredCause(call, attempt, circumstances)
  // Whoever hangs up while somebody else is dialled for them had talked before.
  if (caller?.by === 'caller' && caller.callStatus === 'completed' && wasDialledThrough(call, attempt)) {
    return endOf('caller-hung-up')
  }
  if (caller?.by === 'caller' && (caller.callStatus === 'no-answer' || attempt)) {
    return endOf('caller-gave-up', { waitingOn: waitingOn(call, attempt), sipStatus: caller.sipStatus })
  }
  if (!attempt) return withoutAttempt(call)
  const verdict = attempt.strategy === 'room' ? roomCause(call, attempt, circumstances) : farEndCause(call, attempt)

  return { ...verdict, waitingOn: verdict.waitingOn === 'none' ? waitingOn(call, attempt) : verdict.waitingOn }
}

/** Detail of the end of a call that the bridge hung up on, and that was over by then. */
const ENDED_UNHEARD = 'it may have ended before the bridge hung up, while no bridge listened'

/** No bridge listened for a while, and the hang-up that came after that shows no effect. */
const endedUnheard = (call: Call, attempt: Attempt | undefined): boolean =>
  attempt !== undefined && call.caller.final === undefined && attempt.final === undefined && !attempt.action &&
  mayHaveMissedEnd(call, attempt)

/** The carrier was asked to move the call. */
const isReferred = ({ request, refers }: Transfer): boolean => request === undefined || refers !== undefined

/** The call went on with the agent, or in another attempt: how the transfer went decides nothing. */
function cameBack (transfer: Transfer, attempt: Attempt | undefined): boolean {
  if (!attempt) return false
  return attempt.n === transfer.attempt ? transfer.returned && attempt.answered : true
}

/** The attempt dials a person for a caller who had talked with an agent, or brings that caller back. */
const wasDialledThrough = (call: Call, attempt: Attempt | undefined): boolean =>
  attempt !== undefined && transfersOf(call).some(({ dials }) => dials !== undefined && attempt.n >= dials)

function transferCause (call: Call, transfer: Transfer, attempt: Attempt | undefined): Verdict {
  if (transfer.result === 'failed') {
    return endOf('transfer-failed', { sipStatus: transfer.finalStatus ?? transfer.referStatus })
  }
  const callerIsGone = call.caller.final !== undefined || attempt?.action?.callerStatus === 'completed'
  if (transfer.result === 'transferred') return endOf('transferred')
  // Hooks that come at the same moment may be recorded in either order. The failure of a REFER may still follow.
  const missing = transfer.referStatus === undefined ? 'refer-result' : undefined
  if (callerIsGone) return { ...endOf('transferred'), missing }

  return endOf('lost', { detail: 'no result of the transfer was reported' })
}

/** A call that never had an attempt: known from its statuses alone. */
function withoutAttempt (call: Call): Verdict {
  const caller = call.caller.final
  if (!caller) return endOf('lost')
  const { at, callStatus, sipStatus, by } = caller
  // Jambonz also ends a call when its agent leg ends. Nothing was heard of who ended that leg.
  if (by === 'jambonz' && callStatus === 'completed' && call.at.received === at) {
    return endOf('lost', { detail: 'only the end of the call was heard: Jambonz ended it' })
  }

  return callStatus === 'completed' ? endOf(whoHungUp(by)) : endOf('lost', { sipStatus })
}

function whoHungUp (by: 'caller' | 'jambonz' | undefined): Cause {
  if (by === undefined) return 'lost'
  return by === 'caller' ? 'caller-hung-up' : 'operator-hung-up'
}
