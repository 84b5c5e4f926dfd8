import type { Attempt, Call, RoomView } from './call.ts'
import type { WaitingOn } from './vocabulary.ts'
import {
  endTime,
  finalSipStatus,
  notLookedSince,
  rang,
  ringingMs,
  roomKnown,
  silentMs,
  timedOut
} from './attempt-facts.ts'
import { endOf, type Circumstances, type Missing, type Verdict } from './end.ts'
import { beginningUnheard, leftByItself, maybeByUs, mayHaveMissed, MAYBE_BY_US, sipLeft } from './evidence.ts'
import { legsOf } from './legs.ts'

/** LiveKit rings once a second. Silence for longer than this after a ringing means that nobody rings any more. */
const RINGING_GAP_MS = 1500
/** LiveKit's SIP participant joins within some ten milliseconds of the first ringing. 3 s is beyond any doubt. */
const SIP_JOIN_MS = 3000
/** A 486 that comes later than this is LiveKit's own ringing timeout, not an accident. */
const EARLY_486_MS = 10_000
/** A caller who waited this long waited for an agent that should have been there, milliseconds. */
const PATIENT_MS = 5000
/** Reason phrases of livekit-sip's own 503s (pkg/sip/inbound.go). */
const OVERLOADED = /try again later|service temporarily unavailable/i

/** Detail of an end that only LiveKit reported. */
const ONLY_LIVEKIT = 'only LiveKit said so'
/** Detail of a caller who left a room whose first events were not heard. */
const GAVE_UP_OR_HUNG_UP = 'the caller hung up or gave up: whether the call had been answered was not heard'
/** Detail of an end that happened while no bridge listened. */
const UNHEARD = 'how the dial ended was not heard'

/** What an unanswered attempt was waiting for. */
export function waitingOn (call: Call, attempt: Attempt | undefined): WaitingOn {
  if (!attempt) return 'none'
  if (attempt.at.replied === undefined || gaveUpDuringHook(call, attempt)) return 'hook'
  if (attempt.room === undefined) return 'none'
  const { sip } = attempt.view
  const agent = agentOf(attempt)
  if (beginningUnheard(attempt)) return 'none'
  if (sip) return waitingInRoom(attempt)
  // The rest is inferred from silence, which proves nothing here.
  if (mayHaveMissed(call, attempt)) return 'none'
  if (!rang(attempt)) return 'sip'
  if (roomKnown(attempt) && ringingMs(attempt) >= SIP_JOIN_MS) return 'route'
  if (silentMs(attempt) >= RINGING_GAP_MS) return 'route'
  if (!agent) return 'agent'

  return agent.audioAt === undefined ? 'agent-audio' : 'sip'
}

/** The agent of an unanswered caller. One that had waited for the call in the room, and left it, is none. */
const agentOf = ({ warm, view: { agent } }: Attempt): RoomView['agent'] => warm && agent?.left ? undefined : agent

/** As long as the caller was there: an agent that came later was not what it waited with. */
function waitingInRoom (attempt: Attempt): 'agent' | 'agent-audio' | 'none' {
  const until = attempt.view.sip?.left?.at ?? Infinity
  const agent = agentOf(attempt)
  if (!agent || agent.joinedAt > until) return 'agent'
  return agent.audioAt === undefined || agent.audioAt > until ? 'agent-audio' : 'none'
}

/** A caller who gives up while Jambonz waits for our verbs is reported with `no-answer` ahead of `trying`. */
function gaveUpDuringHook (call: Call, attempt: Attempt): boolean {
  const heardOf = legsOf(call, attempt).length > 0 || attempt.action !== undefined
  if (heardOf || mayHaveMissed(call, attempt)) return false

  return call.caller.final?.callStatus === 'no-answer' && !call.caller.trying
}

/** Why somebody else than our own room did not answer: a phone, a carrier, Retell, any SIP address. */
export function farEndCause (call: Call, attempt: Attempt): Verdict {
  const sipStatus = finalSipStatus(attempt)
  if (attempt.at.replied === undefined) return endOf(attempt.made === 'failed' ? 'retell-failed' : 'lost')
  if (sipStatus === 486 || sipStatus === 600) return endOf('busy', { sipStatus })
  // A carrier may lead to LiveKit, whose events then show who was there.
  if (timedOut(attempt) && attempt.view.sip) return endOf(causeInRoom(attempt), { sipStatus })
  if (timedOut(attempt)) return endOf('dial-timeout', { sipStatus })
  if (isUnreachable(attempt)) return endOf('sip-unreachable', { sipStatus })
  if (sipStatus !== undefined) return endOf('declined', { sipStatus })
  if (!call.caller.final || mayHaveMissed(call, attempt)) return endOf('lost')

  return endOf('media-server-failed', { sipStatus: call.caller.final.sipStatus })
}

/**
 * Jambonz found nobody at the address: it answers itself with 503 (no DNS, connection refused) or 408 (silence). Of a
 * phone these may be the carrier's own.
 */
function isUnreachable (attempt: Attempt): boolean {
  if (attempt.strategy !== 'sip' && attempt.strategy !== 'retell') return false
  const sipStatus = finalSipStatus(attempt)

  return !rang(attempt) && (sipStatus === 503 || sipStatus === 408)
}

/** Why LiveKit did not answer. */
export function roomCause (call: Call, attempt: Attempt, circumstances: Circumstances): Verdict {
  const sipStatus = finalSipStatus(attempt)
  if (attempt.final === undefined && attempt.action?.dialCallStatus === undefined) {
    return withoutAgentLegFinal(call, attempt, circumstances)
  }
  if (timedOut(attempt)) return cancelled(call, attempt)
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
    case 503:
      return unavailable(attempt)
    default:
      return endOf('livekit-failed', { sipStatus, detail: attempt.final?.sipReason })
  }
}

function unavailable (attempt: Attempt): Verdict {
  const detail = attempt.final?.sipReason
  const overloaded = detail === undefined ? rang(attempt) : OVERLOADED.test(detail)
  const cause = overloaded ? 'livekit-overloaded' : 'sip-unreachable'
  // Only the status has the reason phrase, and /action may overtake it.
  const missing = attempt.final ? undefined : 'agent-leg'

  return { ...endOf(cause, { sipStatus: 503, detail }), missing }
}

/** Jambonz cancelled the dial: its time was over, or the caller gave up and that was not heard. */
function cancelled (call: Call, attempt: Attempt): Verdict {
  const heardWhy = call.caller.final !== undefined || attempt.action !== undefined
  if (heardWhy || !mayHaveMissed(call, attempt)) return ringingOver(attempt)

  return endOf('lost', { sipStatus: finalSipStatus(attempt), detail: 'the caller gave up, or the dial timed out' })
}

/** The dial's time was over while it rang, or before. */
function ringingOver (attempt: Attempt): Verdict {
  const missing: Missing | undefined = !attempt.view.events && notLookedSince(attempt) ? 'look' : undefined
  const sipStatus = finalSipStatus(attempt)
  const cause = attempt.view.sip ? causeInRoom(attempt) : causeWithoutSip(attempt)

  return { ...endOf(cause, { sipStatus }), missing: cause === 'sip-unreachable' ? undefined : missing }
}

/** The SIP participant was in the room. */
function causeInRoom (attempt: Attempt): 'no-agent' | 'agent-without-audio' | 'dial-timeout' {
  const agent = agentOf(attempt)
  if (!agent) return 'no-agent'
  return agent.audioAt === undefined ? 'agent-without-audio' : 'dial-timeout'
}

/** No SIP participant was seen. */
function causeWithoutSip (attempt: Attempt): 'sip-unreachable' | 'livekit-no-route' | 'dial-timeout' | 'no-agent' {
  const { view, at } = attempt
  if (!rang(attempt)) return 'sip-unreachable'
  if (at.ringing === undefined) {
    // Without a status hook, /action alone says that it rang.
    const waitedMs = endTime(attempt) - (at.replied ?? endTime(attempt))
    return roomKnown(attempt) && waitedMs >= SIP_JOIN_MS ? 'livekit-no-route' : 'dial-timeout'
  }
  if ((at.lastRinging ?? 0) - at.ringing >= RINGING_GAP_MS) return 'no-agent'
  if (roomKnown(attempt) && (view.events || ringingMs(attempt) >= SIP_JOIN_MS)) return 'livekit-no-route'

  return silentMs(attempt) >= RINGING_GAP_MS ? 'livekit-no-route' : 'dial-timeout'
}

/** 486 while ringing: LiveKit's "Rejected", which covers a closed room, its own ringing timeout and other failures. */
function rejected (attempt: Attempt): Verdict {
  const { view } = attempt
  const sipStatus = finalSipStatus(attempt)
  const left = sipLeft(attempt)
  if ((left && !leftByItself(attempt)) || view.goneAt !== undefined) return endOf('room-closed', { sipStatus })
  const missing = missingOfRejected(attempt)
  const timedOutThere = left?.callStatus === 'ringing' || ringingMs(attempt) >= EARLY_486_MS
  const agent = agentOf(attempt)
  if (timedOutThere && view.sip && agent?.audioAt === undefined) {
    return { ...endOf(agent ? 'agent-without-audio' : 'no-agent', { sipStatus }), missing }
  }

  return { ...endOf('livekit-failed', { sipStatus }), missing }
}

function missingOfRejected (attempt: Attempt): Missing | undefined {
  const { events, sip } = attempt.view
  if (events && sip && !sip.left) return 'livekit'
  return notLookedSince(attempt) ? 'look' : undefined
}

/** Jambonz did not say how the agent leg ended. */
function withoutAgentLegFinal (call: Call, attempt: Attempt, circumstances: Circumstances): Verdict {
  const caller = call.caller.final
  if (attempt.at.replied === undefined) return endOf(attempt.made === 'failed' ? 'livekit-failed' : 'lost')
  if (caller?.sipStatus === 488 && legsOf(call, attempt).length === 0) {
    return endOf('media-mismatch', { sipStatus: 488, by: 'caller' })
  }
  const left = sipLeft(attempt)
  if (maybeByUs(attempt)) return endOf('lost', { detail: MAYBE_BY_US })
  if (left && !leftByItself(attempt)) return endOf('room-closed')
  if (mayHaveMissed(call, attempt)) return unheard(attempt)
  if (caller) return callerLegFailed(call, attempt)
  if (rang(attempt)) return roomKnown(attempt) ? ringingOver(attempt) : endOf('lost')
  if (left) return leftWhileWaiting(attempt)
  if (attempt.view.sip) return endOf('lost')

  return nothingRang(call, attempt, circumstances)
}

/** The caller leg ended unanswered, and neither the agent leg nor /action says why. */
function callerLegFailed (call: Call, attempt: Attempt): Verdict {
  const missing = attempt.action ? undefined : 'action'
  if (legsOf(call, attempt).length > 0) return { ...ringingOver(attempt), ...(missing && { missing }) }
  // Jambonz has the media of a callee who has answered. It ends the leg when it cannot run our verbs (servers.md A).
  if (call.facts.direction === 'outbound') return { ...endOf('reply-refused'), missing }

  return { ...endOf('media-server-failed', { sipStatus: call.caller.final!.sipStatus }), missing }
}

/** Neither a ringing nor a SIP participant was seen, though somebody listened all the time. */
function nothingRang (call: Call, attempt: Attempt, { statusesExpected }: Circumstances): Verdict {
  if (legsOf(call, attempt).length > 0) return endOf('sip-unreachable')
  if (call.caller.trying) return endOf('media-server-failed')

  return endOf(statusesExpected && !call.caller.seen ? 'reply-refused' : 'lost')
}

/** The end came while no bridge listened. Only LiveKit can tell of it now. */
function unheard (attempt: Attempt): Verdict {
  if (sipLeft(attempt) && beginningUnheard(attempt)) return endOf('lost', { by: 'caller', detail: GAVE_UP_OR_HUNG_UP })
  if (sipLeft(attempt)) return leftWhileWaiting(attempt)

  return { ...endOf('lost', { detail: UNHEARD }), missing: 'livekit' }
}

/** The SIP leg was cancelled while it rang, as only LiveKit said: by the caller, or when the dial's time was over. */
function leftWhileWaiting (attempt: Attempt): Verdict {
  const detail = `${ONLY_LIVEKIT}: the caller gave up, or Jambonz ended the dial`
  const waitedMs = sipLeft(attempt)!.at - attempt.view.sip!.joinedAt
  const waitedFor = waitingInRoom(attempt)
  // The agent had just begun to speak: LiveKit answers about then.
  if (waitedFor === 'none') return endOf('lost', { by: 'caller', detail: GAVE_UP_OR_HUNG_UP })
  if (waitedMs < PATIENT_MS) return endOf('caller-gave-up', { waitingOn: waitedFor, detail })

  return endOf(waitedFor === 'agent' ? 'no-agent' : 'agent-without-audio', { by: 'unknown', detail })
}
