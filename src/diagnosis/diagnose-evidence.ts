import type { Cause } from '../calls/fold/call.ts'
import type { AttemptFacts } from './facts.ts'
import * as bridge from './signals/bridge.ts'
import type { Evidence, Signal } from './signals/evidence.ts'
import * as jambonz from './signals/jambonz.ts'
import * as livekit from './signals/livekit.ts'

const s = { ...jambonz, ...livekit, ...bridge }

/** What shows that the call was answered, and a transfer during the talk. */
const TALK: Signal[] = [s.answered, s.referRefused, s.refer, s.referResult]

/** What decides each cause. Signals that were not seen in a call are left out. */
const DECIDING: Record<Cause, Signal[]> = {
  'caller-hung-up': [...TALK, s.announcement, s.callerLegFinal, s.action, s.sipLeft],
  'agent-hung-up': [...TALK, s.sipLeft, s.roomGone, s.agentLegFinal, s.action, s.callerLegFinal],
  'operator-hung-up': [...TALK, s.hangUp, s.callerLegFinal, s.action, s.agentLegFinal, s.roomGone],
  'agent-lost': [...TALK, s.agentLeft, s.dispatchedAgain, s.agentGivenUp, s.callerLegFinal, s.action],
  'media-lost': [...TALK, s.sipLeft, s.agentLegFinal, s.action, s.callerLegFinal],
  redirected: [...TALK, s.redirected, s.agentLegFinal, s.action, s.sipLeft, s.callerLegFinal],
  'time-limit': [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  transferred: [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  'transfer-failed': [...TALK, s.agentLegFinal, s.callerLegFinal],
  'caller-gave-up': [
    s.callHook,
    s.registration,
    s.lateTrying,
    s.notDialled,
    s.dialled,
    s.ringing,
    s.sipJoined,
    s.noSip,
    s.agentJoined,
    s.noAgent,
    s.agentAudio,
    s.noAgentAudio,
    s.callerLegFinal,
    s.agentLegFinal,
    s.action
  ],
  'livekit-no-route': [s.dialled, s.ringing, s.noSip, s.agentLegFinal, s.action],
  'no-agent': [
    s.createRoom,
    s.ringing,
    s.sipJoined,
    s.noAgent,
    s.dispatchedAgain,
    s.sipLeft,
    s.agentLegFinal,
    s.action
  ],
  'agent-without-audio': [s.ringing, s.sipJoined, s.agentJoined, s.noAgentAudio, s.sipLeft, s.agentLegFinal, s.action],
  'room-closed': [s.ringing, s.sipJoined, s.sipLeft, s.roomGone, s.agentLegFinal, s.action],
  'livekit-refused-credentials': [s.dialled, s.agentLegFinal, s.action],
  'livekit-overloaded': [s.dialled, s.ringing, s.agentLegFinal, s.action],
  'sip-unreachable': [s.dialled, s.agentLegFinal, s.noSip, s.action, s.deadline],
  'media-mismatch': [s.notDialled, s.ringing, s.agentLegFinal, s.callerLegFinal, s.action],
  'dial-timeout': [
    s.registration,
    s.dialled,
    s.ringing,
    s.sipJoined,
    s.agentJoined,
    s.agentAudio,
    s.agentLegFinal,
    s.action
  ],
  busy: [s.registration, s.ringing, s.agentLegFinal, s.callerLegFinal, s.action],
  declined: [s.routeDeclined, s.registration, s.agentLegFinal, s.callerLegFinal, s.action],
  'livekit-failed': [s.createRoom, s.ringing, s.sipJoined, s.agentJoined, s.agentLegFinal, s.action, s.sipLeft],
  'media-server-failed': [s.notDialled, s.noAction, s.callerLegFinal],
  'reply-refused': [s.callHook, s.silence, s.notDialled, s.noSip, s.deadline],
  'retell-failed': [s.registration],
  'callee-hung-up': [s.callerLegFinal, s.action],
  'agent-gave-up': [s.callerLegFinal, s.action],
  'no-answer': [s.callerLegFinal, s.action],
  'number-unobtainable': [s.callerLegFinal, s.action],
  'carrier-failed': [s.callerLegFinal, s.action],
  'not-allowed': [s.callerLegFinal, s.action],
  'not-placed': [s.callerLegFinal, s.action],
  'machine-answered': [s.callerLegFinal, s.action],
  announced: [s.announcement, s.callerLegFinal, s.action],
  capacity: [s.decline, s.callerLegFinal],
  draining: [s.decline, s.callerLegFinal],
  'bridge-error': [s.decline, s.callerLegFinal],
  lost: [s.answered, s.silence, s.callerLegFinal, s.sipLeft, s.agentLeft, s.roomGone, s.deadline]
}

/** The evidence for a cause, in the order of time. */
export function evidenceFor (cause: Cause, facts: AttemptFacts): Evidence[] {
  const found = DECIDING[cause].map(signal => signal(facts)).filter(evidence => evidence !== undefined)
  found.push(...s.agentReplaced(facts), ...s.notListening(facts))
  if (found.length === 0) found.push(...[s.callHook(facts)].filter(evidence => evidence !== undefined))
  return found.sort((one, other) => one.at - other.at)
}

/** The evidence for the end of a call, with what the caller heard after the attempt that decided. */
export const evidenceOfCall = (cause: Cause, facts: AttemptFacts): Evidence[] =>
  [...evidenceFor(cause, facts), ...s.announcedLater(facts)].sort((one, other) => one.at - other.at)

/** What an open call shows so far. */
export const evidenceSoFar = (facts: AttemptFacts): Evidence[] =>
  [
    s.callHook,
    s.createRoom,
    s.registration,
    s.announcement,
    s.dialled,
    s.ringing,
    s.sipJoined,
    s.agentJoined,
    s.agentAudio,
    s.answered,
    s.agentLeft,
    s.sipLeft,
    s.refer
  ]
    .map(signal => signal(facts)).filter(evidence => evidence !== undefined).sort((one, other) => one.at - other.at)
