import type { Attempt, Call, Cause, End, EndedBy, WaitingOn } from './call.ts'
import { legsOf } from './legs.ts'

/**
 * What a verdict would still like to know: LiveKit's view now, its participant_left, either leg's final status, or
 * /action.
 */
export type Missing = 'look' | 'livekit' | 'caller' | 'agent-leg' | 'action'

export interface Verdict extends End {
  missing?: Missing
}

/** LiveKit rings once a second; silence for longer than this after a ringing means that nobody rings any more. */
const RINGING_GAP_MS = 1500
/** LiveKit's SIP participant joins within some ten milliseconds of the first ringing; 3 s is beyond any doubt. */
const SIP_JOIN_MS = 3000
/** A 486 that comes later than this is LiveKit's own ringing timeout, not an accident. */
const EARLY_486_MS = 10_000
/** Jambonz counts its time limit from its own answer, we from the status event. */
const TIME_LIMIT_SLACK_MS = 1000
/** Reason phrases of livekit-sip's own 503s (pkg/sip/inbound.go). */
const OVERLOADED = /try again later|service temporarily unavailable/i

const BY: Record<Cause, EndedBy> = {
  'caller-hung-up': 'caller',
  'agent-hung-up': 'agent',
  'operator-hung-up': 'operator',
  'agent-lost': 'caller',
  'media-lost': 'unknown',
  redirected: 'jambonz',
  'time-limit': 'jambonz',
  transferred: 'agent',
  'transfer-failed': 'carrier',
  'caller-gave-up': 'caller',
  'livekit-no-route': 'jambonz',
  'no-agent': 'jambonz',
  'agent-without-audio': 'jambonz',
  'room-closed': 'unknown',
  'livekit-refused-credentials': 'unknown',
  'livekit-overloaded': 'unknown',
  'sip-unreachable': 'jambonz',
  'media-mismatch': 'unknown',
  'dial-timeout': 'jambonz',
  busy: 'carrier',
  declined: 'carrier',
  'livekit-failed': 'unknown',
  'media-server-failed': 'jambonz',
  'reply-refused': 'jambonz',
  capacity: 'bridge',
  draining: 'bridge',
  'bridge-error': 'bridge',
  lost: 'unknown'
}

/** Builds an end of a call or attempt; `by` is what the cause implies unless said otherwise. */
export function endOf (cause: Cause, extra: Partial<Omit<End, 'cause'>> = {}): End {
  return { cause, by: BY[cause], waitingOn: 'none', ...extra }
}

/** What a verdict needs besides the call. */
export interface Circumstances {
  /** Other calls of the same application sent status events. */
  statusesExpected: boolean
  /** timeLimit of the dials, seconds. */
  timeLimitS: number
}

/**
 * Why a call, or its attempt, ended, judged by everything that is known of it. Pure; may be asked again when more is
 * known: `missing` says that waiting a moment could change the answer.
 */
export function causeOf (call: Call, attempt: Attempt | undefined, circumstances: Circumstances): Verdict {
  const caller = call.caller.final
  if (call.hangupAt !== undefined) return endOf('operator-hung-up')
  const transfer = call.transfer
  const cameBack = transfer && attempt?.answered && (transfer.returned || attempt.n !== transfer.attempt)
  if (transfer && !cameBack) {
    if (transfer.result === 'failed') {
      return endOf('transfer-failed', { sipStatus: transfer.finalStatus ?? transfer.referStatus })
    }
    if (transfer.result === 'transferred' || caller || callerGone(attempt)) return endOf('transferred')
    return endOf('lost', { detail: 'no result of the transfer was reported' })
  }
  if (attempt && (attempt.answered || talkedUnheard(call, attempt))) return answeredCause(call, attempt, circumstances)
  if (caller?.by === 'caller' && (caller.callStatus === 'no-answer' || attempt)) {
    return endOf('caller-gave-up', { waitingOn: waitingOn(call, attempt), sipStatus: caller.sipStatus })
  }
  if (!attempt) return withoutAttempt(call)
  const verdict = attempt.strategy === 'phone' ? phoneCause(call, attempt) : roomCause(call, attempt, circumstances)
  return { ...verdict, waitingOn: verdict.waitingOn === 'none' ? waitingOn(call, attempt) : verdict.waitingOn }
}

/**
 * LiveKit answers as soon as the agent's audio is there: where Jambonz says nothing at all of its legs, that has to do.
 */
const talkedUnheard = (call: Call, attempt: Attempt): boolean =>
  legsOf(call, attempt).length === 0 && !attempt.action && !attempt.final && !call.caller.seen && !call.caller.final &&
  attempt.view.sip !== undefined && attempt.view.agent?.audioAt !== undefined &&
  attempt.view.agent.audioAt <= (attempt.view.sip.left?.at ?? Infinity)

/** What an unanswered attempt was waiting for. */
export function waitingOn (call: Call, attempt: Attempt | undefined): WaitingOn {
  if (!attempt) return 'none'
  const heardOf = legsOf(call, attempt).length > 0 || attempt.action !== undefined
  if (attempt.at.replied === undefined) return 'hook'
  // A caller who gives up while Jambonz waits for our verbs is reported after our reply, with `no-answer` ahead of
  // `trying`.
  if (!heardOf && call.caller.final?.callStatus === 'no-answer' && !call.caller.trying) return 'hook'
  if (attempt.strategy === 'phone') return 'none'
  const { view } = attempt
  if (view.sip) return view.agent ? (view.agent.audioAt === undefined ? 'agent-audio' : 'none') : 'agent'
  if (!rang(attempt)) return 'sip'
  if (known(attempt) && ringingMs(attempt) >= SIP_JOIN_MS) return 'route'
  if (silentMs(attempt) >= RINGING_GAP_MS) return 'route'
  return view.agent ? (view.agent.audioAt === undefined ? 'agent-audio' : 'sip') : 'agent'
}

/** The agent leg was up: who hung up, or what was lost. */
function answeredCause (call: Call, attempt: Attempt, circumstances: Circumstances): Verdict {
  const caller = call.caller.final
  const { sip, agent, goneAt } = attempt.view
  const first = whoFirst(call, attempt)
  const left = sip?.left?.reason
  const removed = left !== undefined && left !== 'CLIENT_INITIATED' && left !== 'UNSEEN'

  if (attempt.agentLostAt !== undefined && !(caller?.by === 'caller' && caller.at < attempt.agentLostAt)) {
    return endOf('agent-lost', { by: 'bridge' })
  }
  if (caller?.by === 'caller' || (caller && !caller.by && caller.callStatus === 'completed' && first === 'caller')) {
    if (first === 'agent-leg' && attempt.action?.callerStatus === 'in-progress') {
      return removed
        ? endOf('agent-hung-up')
        : endOf('redirected')
    }
    if (agentLeftBefore(attempt, caller.at)) return endOf('agent-lost')
    // LiveKit tells of a room in order: once the caller's own leaving is told, an agent that had left before is, too.
    return { ...endOf('caller-hung-up'), missing: attempt.view.events && sip && !sip.left ? 'livekit' : undefined }
  }
  if (caller) {
    if (first === 'caller') return endOf('operator-hung-up')
    if (first === undefined) return { ...endOf('operator-hung-up'), missing: 'action' }
    return agentLegEnded(call, attempt, circumstances, true)
  }
  if (first === 'agent-leg') {
    if (call.caller.seen) {
      // The caller leg should end at once; when it goes on, somebody else has it now. The statuses come one after
      // another: before the agent leg's own, that the caller leg's is not there says nothing.
      const verdict = removed || attempt.action === undefined || !attempt.final
        ? agentLegEnded(call, attempt, circumstances, false)
        : endOf('redirected')
      return { ...verdict, missing: 'caller' }
    }
    return agentLegEnded(call, attempt, circumstances, true)
  }
  if (removed || goneAt !== undefined) return endOf('agent-hung-up', { detail: 'only LiveKit said so' })
  if (sip?.left) {
    return agent?.left
      ? endOf('agent-lost', { by: 'unknown' })
      : left === 'UNSEEN'
        ? endOf('lost')
        : endOf('caller-hung-up', { detail: 'only LiveKit said so' })
  }
  return endOf('lost')
}

/** LiveKit's side ended an answered attempt: how it did so is what participant_left says. */
function agentLegEnded (call: Call, attempt: Attempt, { timeLimitS }: Circumstances, mayWait: boolean): Verdict {
  const { view, at, final, action } = attempt
  const left = view.sip?.left
  const endedAt = final?.at ?? action?.at ?? call.caller.final?.at
  const answeredAt = at.answered ?? view.agent?.audioAt
  if (
    answeredAt !== undefined && endedAt !== undefined && endedAt - answeredAt >= timeLimitS * 1000 - TIME_LIMIT_SLACK_MS
  ) return endOf('time-limit')
  if (attempt.strategy === 'phone') {
    return endOf('agent-hung-up', { by: 'carrier', detail: 'the fallback number hung up' })
  }
  if (left?.reason === 'CLIENT_INITIATED' && left.callStatus === 'hangup') return endOf('media-lost')
  if (!left && view.events && mayWait) return { ...endOf('agent-hung-up'), missing: 'livekit' }
  return endOf('agent-hung-up')
}

function phoneCause (call: Call, attempt: Attempt): Verdict {
  const sipStatus = finalSipStatus(attempt)
  if (sipStatus === 486 || sipStatus === 600) return endOf('busy', { sipStatus })
  if (timedOut(attempt)) return endOf('dial-timeout', { sipStatus })
  if (sipStatus !== undefined) return endOf('declined', { sipStatus })
  return call.caller.final ? endOf('media-server-failed', { sipStatus: call.caller.final.sipStatus }) : endOf('lost')
}

function roomCause (call: Call, attempt: Attempt, circumstances: Circumstances): Verdict {
  const sipStatus = finalSipStatus(attempt)
  const reason = attempt.final?.sipReason
  if (attempt.final === undefined && attempt.action?.dialCallStatus === undefined) {
    return withoutAgentLegFinal(call, attempt, circumstances)
  }
  if (timedOut(attempt)) return ringingOver(attempt)
  switch (sipStatus) {
    case 401:
    case 407:
      return endOf('livekit-refused-credentials', { sipStatus })
    case 404:
      return endOf('livekit-no-route', { sipStatus })
    case 408:
      return endOf('sip-unreachable', { sipStatus })
    case 488:
      return endOf('media-mismatch', { sipStatus })
    case 400:
      return endOf(rang(attempt) ? 'media-mismatch' : 'livekit-failed', { sipStatus })
    case 486:
    case 600:
      return rejected(attempt)
    case 503: {
      // Only the status has the reason phrase, and /action may overtake it.
      const missing = attempt.final ? undefined : 'agent-leg' as const
      const overloaded = reason === undefined ? rang(attempt) : OVERLOADED.test(reason)
      return { ...endOf(overloaded ? 'livekit-overloaded' : 'sip-unreachable', { sipStatus, detail: reason }), missing }
    }
    default:
      return endOf('livekit-failed', { sipStatus, detail: reason })
  }
}

/** The dial's time was over while it rang, or before. */
function ringingOver (attempt: Attempt): Verdict {
  const { view } = attempt
  const sipStatus = finalSipStatus(attempt)
  const end = (cause: Cause): Verdict => endOf(cause, { sipStatus })
  const missing: Missing | undefined = !view.events && notLookedSince(attempt) ? 'look' : undefined
  if (view.sip) {
    return {
      ...end(!view.agent ? 'no-agent' : view.agent.audioAt === undefined ? 'agent-without-audio' : 'dial-timeout'),
      missing
    }
  }
  if (!rang(attempt)) return end('sip-unreachable')
  if (attempt.at.ringing === undefined) {
    // Without a status hook /action alone says that it rang.
    const waited = endTime(attempt) - (attempt.at.replied ?? endTime(attempt))
    return { ...end(known(attempt) && waited >= SIP_JOIN_MS ? 'livekit-no-route' : 'dial-timeout'), missing }
  }
  if ((attempt.at.lastRinging ?? 0) - attempt.at.ringing >= RINGING_GAP_MS) return { ...end('no-agent'), missing }
  const rungFor = ringingMs(attempt)
  if (known(attempt) && (view.events || rungFor >= SIP_JOIN_MS)) return { ...end('livekit-no-route'), missing }
  return { ...end(silentMs(attempt) >= RINGING_GAP_MS ? 'livekit-no-route' : 'dial-timeout'), missing }
}

/** 486 while ringing: LiveKit's "Rejected", which covers a closed room, its own ringing timeout and other failures. */
function rejected (attempt: Attempt): Verdict {
  const { view } = attempt
  const sipStatus = finalSipStatus(attempt)
  const left = view.sip?.left
  if (left && left.reason !== 'CLIENT_INITIATED' && left.reason !== 'UNSEEN') return endOf('room-closed', { sipStatus })
  if (view.goneAt !== undefined) return endOf('room-closed', { sipStatus })
  const missing: Missing | undefined = view.events && view.sip && !left
    ? 'livekit'
    : notLookedSince(attempt)
      ? 'look'
      : undefined
  const patient = left?.callStatus === 'ringing' || ringingMs(attempt) >= EARLY_486_MS
  if (patient && view.sip && view.agent?.audioAt === undefined) {
    return { ...endOf(view.agent ? 'agent-without-audio' : 'no-agent', { sipStatus }), missing }
  }
  return { ...endOf('livekit-failed', { sipStatus }), missing }
}

/** Nothing is known of how the agent leg ended. */
function withoutAgentLegFinal (call: Call, attempt: Attempt, { statusesExpected }: Circumstances): Verdict {
  const caller = call.caller.final
  const { view } = attempt
  if (attempt.at.replied === undefined) return endOf(attempt.made === 'failed' ? 'livekit-failed' : 'lost')
  const anyLeg = legsOf(call, attempt).length > 0
  if (caller && !anyLeg) {
    if (caller.sipStatus === 488) return endOf('media-mismatch', { sipStatus: 488, by: 'caller' })
    return {
      ...endOf('media-server-failed', { sipStatus: caller.sipStatus }),
      missing: attempt.action ? undefined : 'action'
    }
  }
  if (view.sip?.left && view.sip.left.reason !== 'CLIENT_INITIATED' && view.sip.left.reason !== 'UNSEEN') {
    return endOf('room-closed')
  }
  if (caller && !attempt.action) return { ...ringingOver(attempt), missing: 'action' }
  if (caller || (rang(attempt) && known(attempt))) return ringingOver(attempt)
  if (rang(attempt)) return endOf('lost')
  if (anyLeg) return endOf('sip-unreachable')
  if (call.caller.trying) return endOf('media-server-failed')
  if (view.sip?.left && view.sip.left.reason === 'CLIENT_INITIATED') {
    return endOf(view.agent ? 'agent-without-audio' : 'no-agent', {
      by: 'unknown',
      detail: 'only LiveKit said so: the caller may have given up'
    })
  }
  if (view.sip) return endOf('lost')
  return endOf(statusesExpected && !call.caller.seen ? 'reply-refused' : 'lost')
}

/** A call that never had an attempt: known from its statuses alone. */
function withoutAttempt (call: Call): Verdict {
  const caller = call.caller.final
  if (!caller) return endOf('lost')
  const { callStatus, sipStatus, by } = caller
  if (callStatus === 'completed') {
    return endOf(by === 'caller' ? 'caller-hung-up' : by === 'jambonz' ? 'operator-hung-up' : 'lost')
  }
  if (call.facts.direction === 'outbound') {
    return endOf(callStatus === 'busy' ? 'busy' : callStatus === 'no-answer' ? 'dial-timeout' : 'declined', {
      sipStatus
    })
  }
  return endOf('lost', { sipStatus })
}

/** Which leg ended first. /action says it most reliably: it carries the caller leg's state at that moment. */
function whoFirst (call: Call, attempt: Attempt): 'caller' | 'agent-leg' | undefined {
  const caller = call.caller.final
  if (attempt.action?.callerStatus === 'in-progress') return 'agent-leg'
  if (attempt.action?.callerStatus === 'completed') return 'caller'
  if (!attempt.final) return undefined
  // Replicas may write down what they heard in another order.
  if (caller && caller.at !== attempt.final.at) return caller.at < attempt.final.at ? 'caller' : 'agent-leg'
  return caller?.beforeAgentLeg ? 'caller' : 'agent-leg'
}

const agentLeftBefore = ({ view: { agent } }: Attempt, at: number): boolean =>
  agent?.left !== undefined && agent.left.at <= at && !/^ROOM_/.test(agent.left.reason)

const callerGone = (attempt: Attempt | undefined): boolean => attempt?.action?.callerStatus === 'completed'

/**
 * Ended by the dial's own time (Jambonz cancels: 487), or killed before it; a stale `ringing/180` in /action means the
 * same.
 */
function timedOut (attempt: Attempt): boolean {
  const status = attempt.final?.callStatus ?? attempt.action?.dialCallStatus
  if (status === 'trying' || status === 'ringing' || status === 'early-media') return true
  return finalSipStatus(attempt) === 487
}

const finalSipStatus = (attempt: Attempt): number | undefined =>
  attempt.final?.sipStatus ?? attempt.action?.dialSipStatus

const endTime = (attempt: Attempt): number => attempt.final?.at ?? attempt.action?.at ?? attempt.at.ended ?? 0

const rang = (attempt: Attempt): boolean => attempt.at.ringing !== undefined || attempt.action?.rang === true

/** Nobody looked, or tried to, since the attempt was over. */
const notLookedSince = (attempt: Attempt): boolean =>
  Math.max(attempt.view.lookedAt ?? 0, attempt.view.lookFailedAt ?? 0) < endTime(attempt)

const known = ({ view }: Attempt): boolean => view.events || view.lookedAt !== undefined

const ringingMs = (attempt: Attempt): number =>
  attempt.at.ringing === undefined ? 0 : Math.max(0, endTime(attempt) - attempt.at.ringing)

const silentMs = (attempt: Attempt): number =>
  attempt.at.lastRinging === undefined ? 0 : Math.max(0, endTime(attempt) - attempt.at.lastRinging)
