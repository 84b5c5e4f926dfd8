import type { Attempt, Call } from './call.ts'
import { whoFirst } from './attempt-facts.ts'
import { endOf, type Circumstances, type Verdict } from './end.ts'
import { transfersOf, wasWithPerson } from './transfers.ts'
import {
  agentLeftBefore,
  endedAt,
  leftByItself,
  maybeByUs,
  mayHaveMissedEnd,
  MAYBE_BY_US,
  sipLeft,
  wasRemoved
} from './evidence.ts'

/** Jambonz counts its time limit from its own answer, we from the status event. */
const TIME_LIMIT_SLACK_MS = 1000

/** Jambonz ends a caller leg that has nothing left to do within this time, milliseconds. */
const FOLLOWS_WITHIN_MS = 1500

/** Detail of an end that only LiveKit reported. */
const ONLY_LIVEKIT = 'only LiveKit said so'

/** The agent leg was up: who hung up, or what was lost. */
export function answeredCause (call: Call, attempt: Attempt, circumstances: Circumstances): Verdict {
  const caller = call.caller.final
  if (attempt.agentLostAt !== undefined && !(caller?.by === 'caller' && caller.at < attempt.agentLostAt)) {
    return endOf('agent-lost', { by: 'bridge' })
  }
  if (endedByCaller(call, attempt)) return callerEnded(call, attempt)
  if (reachedLimit(call, attempt, circumstances)) return endOf('time-limit')
  if (caller) return callerLegEndedByJambonz(call, attempt)
  if (attempt.action?.callerStatus === 'in-progress') return agentLegEndedFirst(call, attempt)

  return callerLegUnheard(call, attempt)
}

function endedByCaller (call: Call, attempt: Attempt): boolean {
  const caller = call.caller.final
  if (caller?.by === 'caller') return true

  return caller !== undefined && !caller.by && caller.callStatus === 'completed' && whoFirst(call, attempt) === 'caller'
}

/** The caller leg's final is there, and says that the caller hung up. */
function callerEnded (call: Call, attempt: Attempt): Verdict {
  if (attempt.action?.callerStatus === 'in-progress') {
    if (wasRemoved(attempt)) return endOf('agent-hung-up')
    // Without a room nobody else says who hung up. A caller who follows at once was faster than Jambonz.
    const followed = call.caller.final!.at - attempt.action.at < FOLLOWS_WITHIN_MS
    // Else the agent leg had ended long before: the caller had gone on without us.
    if (attempt.room === undefined && followed) return farEndHungUp(call, attempt)
    // LiveKit has not told yet how the leg left its room. That the room ended is likelier than that somebody took the
    // caller away who then hung up at once.
    if (followed && !leftBy(attempt, attempt.action.at)) {
      return { ...endOf('agent-hung-up'), missing: attempt.view.events ? 'livekit' : undefined }
    }
    return endOf('redirected')
  }
  if (isAgentLost(call, attempt, call.caller.final!.at)) return endOf('agent-lost')
  const { events, sip } = attempt.view
  // LiveKit reports a room's events in order. Once the caller's leaving is known, so is an agent's earlier one.
  return { ...endOf('caller-hung-up'), missing: events && sip && !sip.left ? 'livekit' : undefined }
}

/** LiveKit told how the leg left that ended then. What it tells late may be about an earlier leg of the attempt. */
const leftBy = (attempt: Attempt, endedAt: number): boolean =>
  endedAt - (sipLeft(attempt)?.at ?? -Infinity) < FOLLOWS_WITHIN_MS

/** The agent left before that time, and nobody took its place. */
const isAgentLost = (call: Call, attempt: Attempt, at: number): boolean =>
  agentLeftBefore(attempt, at) && !wasWithPerson(call, at)

function reachedLimit (call: Call, attempt: Attempt, { timeLimitS }: Circumstances): boolean {
  if (calleesTimeIsOver(call, timeLimitS)) return true
  const ended = endedAt(call, attempt, -1)
  const answered = attempt.at.answered ?? attempt.view.agent?.audioAt
  const heardEnd = attempt.final ?? attempt.action ?? call.caller.final ?? sipLeft(attempt)
  if (answered === undefined || !heardEnd || whoFirst(call, attempt) === 'caller') return false

  return Math.max(ended, heardEnd.at) - answered >= timeLimitS * 1000 - TIME_LIMIT_SLACK_MS
}

/** createCall has a time limit too, which counts from the callee's answer and so is over before that of the dial. */
function calleesTimeIsOver ({ order, at, caller }: Call, timeLimitS: number): boolean {
  const { final } = caller
  if (!order || at.answered === undefined || final?.by !== 'jambonz' || final.callStatus !== 'completed') return false
  return final.at - at.answered >= timeLimitS * 1000 - TIME_LIMIT_SLACK_MS
}

/** Jambonz ended the caller leg: because the agent leg had ended, or because somebody asked it to. */
function callerLegEndedByJambonz (call: Call, attempt: Attempt): Verdict {
  const first = whoFirst(call, attempt)
  if (first === 'caller') return endOf('operator-hung-up')
  if (first === 'agent-leg') return agentLegEnded(call, attempt, true)
  if (wasRemoved(attempt)) return endOf('agent-hung-up')
  const missing = attempt.view.events && !sipLeft(attempt) ? 'livekit' as const : 'action' as const
  if (!mayHaveMissedEnd(call, attempt)) return { ...endOf('operator-hung-up'), missing }

  return {
    ...endOf('lost', { detail: 'Jambonz ended the call; whether the agent leg had ended first was not heard' }),
    missing
  }
}

/** /action came while the caller leg went on. That leg should end at once; when it does not, somebody else has it. */
function agentLegEndedFirst (call: Call, attempt: Attempt): Verdict {
  if (!call.caller.seen) return agentLegEnded(call, attempt, true)
  const goesOn = attempt.final !== undefined && !wasRemoved(attempt) && !mayHaveMissedEnd(call, attempt)

  return { ...(goesOn ? endOf('redirected') : agentLegEnded(call, attempt, false)), missing: 'caller' }
}

/** LiveKit's side ended an answered attempt: how it did so is what participant_left says. */
function agentLegEnded (call: Call, attempt: Attempt, mayWait: boolean): Verdict {
  const { view } = attempt
  if (attempt.room === undefined) return farEndHungUp(call, attempt)
  if (leftByItself(attempt) && sipLeft(attempt)?.callStatus === 'hangup') return endOf('media-lost')

  return { ...endOf('agent-hung-up'), missing: view.events && !sipLeft(attempt) && mayWait ? 'livekit' : undefined }
}

/** Detail of the end of a person's call that the bridge did not bring about: their leg ended in the caller's room. */
const OUT_OF_ROOM = "the caller's room was deleted, or the person was removed from it"

/** Without a room nobody shows how the far end hung up, only that it did. */
function farEndHungUp (call: Call, { strategy, n }: Attempt): Verdict {
  if (strategy === 'join') return endOf('caller-gone', { by: 'unknown', detail: OUT_OF_ROOM })
  if (transfersOf(call).some(({ dials }) => dials === n)) return endOf('person-hung-up')
  if (strategy === 'retell') return endOf('agent-hung-up')
  return endOf('agent-hung-up', { by: 'carrier', detail: `the far end of the ${strategy} way hung up` })
}

/**
 * Neither the caller leg's final nor /action was heard. A `completed` of the agent leg alone does not tell which leg
 * ended first, so LiveKit must.
 */
function callerLegUnheard (call: Call, attempt: Attempt): Verdict {
  const left = sipLeft(attempt)
  let missing: Verdict['missing']
  if (attempt.final && call.caller.seen && !mayHaveMissedEnd(call, attempt)) missing = 'caller'
  if (attempt.room === undefined) {
    return attempt.final ? { ...agentLegEnded(call, attempt, false), missing } : endOf('lost')
  }
  if (!left) {
    const detail = attempt.final
      ? 'the agent leg completed; who ended it was not heard'
      : 'the end was not heard'
    return { ...endOf('lost', { detail }), missing: missing ?? 'livekit' }
  }
  if (wasRemoved(attempt)) return { ...endOf('agent-hung-up', { detail: ONLY_LIVEKIT }), missing }
  if (maybeByUs(attempt)) return endOf('lost', { detail: MAYBE_BY_US })
  if (!leftByItself(attempt)) return { ...endOf('livekit-failed', { detail: left.reason }), missing }
  if (isAgentLost(call, attempt, left.at)) return { ...endOf('agent-lost', { by: 'unknown' }), missing }
  // LiveKit repeats in order what nobody heard: the caller may have been dialled elsewhere, and have come back.
  if (attempt.found) missing ??= 'livekit'

  return {
    ...endOf('caller-hung-up', { detail: `${ONLY_LIVEKIT}: the caller hung up, or Jambonz ended the agent leg` }),
    missing
  }
}
