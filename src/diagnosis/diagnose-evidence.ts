import type { Cause } from '../calls/fold/vocabulary.ts'
import type { AttemptFacts } from './facts.ts'
import * as bridge from './signals/bridge.ts'
import * as callee from './signals/callee.ts'
import type { Evidence, Signal } from './signals/evidence.ts'
import * as jambonz from './signals/jambonz.ts'
import * as livekit from './signals/livekit.ts'
import { transfers } from './signals/transfer.ts'

const s = { ...jambonz, ...livekit, ...bridge, ...callee }

/** What shows that the call was answered, and a transfer during the talk. */
const TALK: Signal[] = [s.answered, s.referRefused, s.refer, s.referResult]

/** What a call waits for until somebody is connected. */
const WAITING: Signal[] = [
  s.callHook,
  s.warmRoom,
  s.dialled,
  s.ringing,
  s.sipJoined,
  s.noSip,
  s.agentJoined,
  s.noAgent,
  s.agentAudio,
  s.noAgentAudio
]

/** Whoever talked was not waiting any more. */
const whileWaiting = (signal: Signal): Signal => facts =>
  facts.attempt?.answered || facts.call.facts.direction === 'agent' ? undefined : signal(facts)

/** How the carrier answered, whichever of Jambonz' legs is the callee's. */
const CALLEE_LEG: Signal[] = [s.dialled, s.ringing, s.agentLegFinal, s.action, s.callerLegFinal]

/** What every outbound call shows of its callee. */
const OF_CALLEE: Signal[] = [s.ordered, s.createCall, s.calleeRinging, s.calleeAnswered, s.voicemail]

/** What decides each cause. Signals that were not seen in a call are left out. */
const DECIDING: Record<Cause, Signal[]> = {
  'caller-hung-up': [...TALK, s.announcement, s.callerLegFinal, s.action, s.sipLeft],
  'agent-hung-up': [...TALK, s.hangUp, s.sipLeft, s.roomGone, s.agentLegFinal, s.action, s.callerLegFinal],
  'operator-hung-up': [...TALK, s.hangUp, s.callerLegFinal, s.action, s.agentLegFinal, s.roomGone],
  'agent-lost': [...TALK, s.agentLeft, s.dispatchedAgain, s.agentGivenUp, s.callerLegFinal, s.action],
  'media-lost': [...TALK, s.sipLeft, s.agentLegFinal, s.action, s.callerLegFinal],
  redirected: [...TALK, s.redirected, s.agentLegFinal, s.action, s.sipLeft, s.callerLegFinal],
  'time-limit': [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  transferred: [...TALK, s.agentLegFinal, s.action, s.callerLegFinal],
  'transfer-failed': [...TALK, s.agentLegFinal, s.callerLegFinal],
  'caller-gave-up': [
    s.callHook,
    s.warmRoom,
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
    s.warmRoom,
    s.agentWaited,
    s.waitingAgentLeft,
    s.ringing,
    s.sipJoined,
    s.noAgent,
    s.dispatchedAgain,
    s.sipLeft,
    s.agentLegFinal,
    s.action
  ],
  'agent-without-audio': [
    s.warmRoom,
    s.ringing,
    s.sipJoined,
    s.agentJoined,
    s.noAgentAudio,
    s.sipLeft,
    s.agentLegFinal,
    s.action
  ],
  'room-closed': [s.warmRoom, s.ringing, s.sipJoined, s.sipLeft, s.roomGone, s.agentLegFinal, s.action],
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
  'reply-refused': [s.callHook, s.silence, s.notDialled, s.noSip, s.callerLegFinal, s.deadline],
  'retell-failed': [s.registration],
  'callee-hung-up': [
    ...TALK,
    ...WAITING.map(whileWaiting),
    s.callerLegFinal,
    s.agentLegFinal,
    s.action,
    s.sipLeft
  ],
  'agent-gave-up': [s.dialled, s.ringing, s.callerLegFinal, s.agentLegFinal, s.action],
  'no-answer': CALLEE_LEG,
  'number-unobtainable': CALLEE_LEG,
  'carrier-failed': CALLEE_LEG,
  'not-allowed': [s.policyRefused, s.callerLegFinal],
  'not-placed': [s.deadline],
  'transfer-cancelled': [s.answered, s.hangUp, s.callerLegFinal, s.agentLegFinal],
  'person-hung-up': [s.answered, s.hangUp, s.callerLegFinal, s.agentLegFinal, s.action],
  'caller-gone': [s.answered, s.hangUp, s.callerLegFinal, s.agentLegFinal, s.action],
  'machine-answered': [s.answered, s.hangUp, s.callerLegFinal, s.agentLegFinal],
  announced: [s.announcement, s.callerLegFinal, s.action],
  capacity: [s.decline, s.callerLegFinal],
  draining: [s.decline, s.callerLegFinal],
  'bridge-error': [s.decline, s.callerLegFinal],
  lost: [s.answered, s.silence, s.callerLegFinal, s.sipLeft, s.agentLeft, s.roomGone, s.deadline]
}

/** The evidence for a cause, in the order of time. */
export function evidenceFor (cause: Cause, facts: AttemptFacts): Evidence[] {
  const signals = [...OF_CALLEE, ...DECIDING[cause]]
  const found = signals.map(signal => signal(facts)).filter(evidence => evidence !== undefined)
  found.push(...s.agentReplaced(facts), ...s.notListening(facts))
  if (found.length === 0) found.push(...[s.callHook(facts)].filter(evidence => evidence !== undefined))
  return found.sort((one, other) => one.at - other.at)
}

/** The evidence for the end of a call, with its transfers and what the caller heard after the attempt that decided. */
export const evidenceOfCall = (cause: Cause, facts: AttemptFacts): Evidence[] =>
  [...evidenceFor(cause, facts), ...transfers(facts), ...s.announcedLater(facts)]
    .sort((one, other) => one.at - other.at)

/** What an open call shows so far. */
export const evidenceSoFar = (facts: AttemptFacts): Evidence[] =>
  [
    ...OF_CALLEE,
    s.callHook,
    s.createRoom,
    s.warmRoom,
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
    .map(signal => signal(facts)).filter(evidence => evidence !== undefined).concat(transfers(facts))
    .sort((one, other) => one.at - other.at)
