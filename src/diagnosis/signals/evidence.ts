import type { EventLine } from '../../calls/fold/event-list.ts'
import type { AttemptFacts } from '../facts.ts'

/** What a piece of evidence is about. The list is closed, so that tools can rely on it. */
export const SIGNALS = [
  'ordered',
  'create-call',
  'callee-ringing',
  'callee-answered',
  'voicemail',
  'policy-refused',
  'call-hook',
  'create-room',
  'warm-room',
  'registration',
  'agent-leg-dialled',
  'agent-leg-not-dialled',
  'ringing',
  'agent-leg-final',
  'caller-leg-final',
  'action',
  'no-action',
  'sip-joined',
  'no-sip',
  'sip-left',
  'agent-joined',
  'no-agent',
  'agent-audio',
  'no-agent-audio',
  'agent-left',
  'agent-replaced',
  'agent-called-again',
  'agent-given-up',
  'room-gone',
  'answered',
  'late-trying',
  'hang-up',
  'refer',
  'refer-result',
  'refer-refused',
  'redirected',
  'transfer',
  'person',
  'key',
  'redirect-failed',
  'transfer-result',
  'decline',
  'route-declined',
  'announcement',
  'silence',
  'deadline',
  'away'
] as const
export type SignalName = typeof SIGNALS[number]

/** One thing that was seen, or that was expected and had not come by `at`. */
export interface Evidence {
  signal: SignalName
  /** Milliseconds since the epoch. */
  at: number
  /** For what was repeated: when it came last, and how often it came. */
  last?: number
  count?: number
  /** What was seen, in the words of the system that reported it. */
  seen: string
  /** What it shows. */
  shows: string
}

/** Looks for one kind of evidence about an attempt. */
export type Signal = (facts: AttemptFacts) => Evidence | undefined

/** The first line of the attempt that records such an event. */
export const lineOf = ({ lines }: AttemptFacts, what: string): EventLine | undefined =>
  lines.find(line => line.what === what)

/** The latest time by which something that did not come would have come. */
export const until = ({ overAt, call, lines }: AttemptFacts): number =>
  overAt ?? lines.at(-1)?.last ?? call.at.received
