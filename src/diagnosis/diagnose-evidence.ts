import type { Cause } from '../calls/fold/call.ts'
import type { Facts } from './facts.ts'
import * as s from './signals.ts'

/** What a talk is known by that then ended, and a transfer that came to nothing during it. */
const TALK: s.Signal[] = [s.answered, s.refer, s.referResult]

/** What decides each cause, in the order in which it is told; signals that are not there are left out. */
const DECIDING: Record<Cause, s.Signal[]> = {
  'caller-hung-up': [...TALK, s.callerLegFinal, s.action, s.sipLeft],
  'agent-hung-up': [...TALK, s.sipLeft, s.roomGone, s.agentLegFinal, s.action, s.callerLegFinal],
  'operator-hung-up': [...TALK, s.hangUp, s.callerLegFinal, s.action, s.agentLegFinal, s.roomGone],
  'agent-lost': [...TALK, s.agentLeft, s.calledAgain, s.agentGivenUp, s.callerLegFinal, s.action],
  'media-lost': [...TALK, s.sipLeft, s.agentLegFinal, s.action, s.callerLegFinal],
  redirected: [...TALK, s.redirected, s.agentLegFinal, s.action, s.sipLeft, s.callerLegFinal],
  'time-limit': [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  transferred: [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  'transfer-failed': [...TALK, s.agentLegFinal, s.callerLegFinal],
  'caller-gave-up': [
    s.callHook,
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
  'no-agent': [s.createRoom, s.ringing, s.sipJoined, s.noAgent, s.calledAgain, s.sipLeft, s.agentLegFinal, s.action],
  'agent-without-audio': [s.ringing, s.sipJoined, s.agentJoined, s.noAgentAudio, s.sipLeft, s.agentLegFinal, s.action],
  'room-closed': [s.ringing, s.sipJoined, s.sipLeft, s.roomGone, s.agentLegFinal, s.action],
  'livekit-refused-credentials': [s.dialled, s.agentLegFinal, s.action],
  'livekit-overloaded': [s.dialled, s.ringing, s.agentLegFinal, s.action],
  'sip-unreachable': [s.dialled, s.agentLegFinal, s.noSip, s.action, s.deadline],
  'media-mismatch': [s.notDialled, s.ringing, s.agentLegFinal, s.callerLegFinal, s.action],
  'dial-timeout': [s.ringing, s.sipJoined, s.agentJoined, s.agentAudio, s.agentLegFinal, s.action],
  busy: [s.agentLegFinal, s.callerLegFinal, s.action],
  declined: [s.agentLegFinal, s.callerLegFinal, s.action],
  'livekit-failed': [s.createRoom, s.ringing, s.sipJoined, s.agentJoined, s.agentLegFinal, s.action, s.sipLeft],
  'media-server-failed': [s.notDialled, s.noAction, s.callerLegFinal],
  'reply-refused': [s.callHook, s.silence, s.notDialled, s.noSip, s.deadline],
  capacity: [s.decline, s.callerLegFinal],
  draining: [s.decline, s.callerLegFinal],
  'bridge-error': [s.decline, s.callerLegFinal],
  lost: [s.answered, s.silence, s.callerLegFinal, s.sipLeft, s.agentLeft, s.roomGone, s.deadline]
}

/** What decides for a cause, in the order of time. */
export function evidenceFor (cause: Cause, facts: Facts): s.Evidence[] {
  const found = DECIDING[cause].map(signal => signal(facts)).filter(evidence => evidence !== undefined)
  // /action alone has the final status where the application has no status hook.
  if (found.length === 0) found.push(...[s.callHook(facts)].filter(evidence => evidence !== undefined))
  return found.sort((one, other) => one.at - other.at)
}

/** What an open call shows so far. */
export const evidenceSoFar = (facts: Facts): s.Evidence[] =>
  [
    s.callHook,
    s.createRoom,
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
