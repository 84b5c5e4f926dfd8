import { cleanText } from '../clean-text.ts'
import type { CallView } from '../calls/view.ts'
import type { Party, Step } from './trace.ts'
import { stepOfTransfer } from './transfer-steps.ts'

/*
 * A call's record as the steps of a ladder: what was heard, from whom, and what the bridge replied.
 */

type Event = CallView['events'][number]
type Attempt = CallView['attempts'][number]
/** What of a call its steps depend on. */
export type Known = Pick<CallView, 'attempts' | 'direction' | 'calledFor'>

/** A step, and the event that it shows: its place in the call's `events`. The bridge's replies are no events. */
export interface StepOfEvent extends Step {
  event?: number
}

/** The steps of a call, in the order in which they were heard. A reply comes behind what it waited for. */
export const stepsOf = (call: Pick<CallView, 'events'> & Known): Step[] =>
  stepsOfEvents(call).map(({ event: _, ...step }) => step)

/** The same steps with the events that they show. */
export function stepsOfEvents (call: Pick<CallView, 'events'> & Known): StepOfEvent[] {
  const { events, attempts } = call
  const steps: StepOfEvent[] = []
  let replies = attempts.flatMap(attempt => replyStep(attempt))
  const push = (isDue: (reply: Reply) => boolean): void => {
    steps.push(...replies.filter(isDue).map(({ step }) => step))
    replies = replies.filter(reply => !isDue(reply))
  }

  for (const [place, event] of events.entries()) {
    const { count, ...step } = stepOf(event, call)
    push(reply => reply.step.at < step.at)
    steps.push(...Array.from({ length: Math.min(count, MOST_REPEATS) }, () => ({ ...step, event: place })))
    push(reply => reply.attempt === event.attempt && reply.behind === event.what && reply.step.at === step.at)
  }
  push(() => true)
  return steps
}

const MOST_REPEATS = 999

/** One event, and how often it came. */
export function stepOf (event: Event, call: Known): Step & { count: number } {
  const { first, count } = event
  const { what, ...way } = stepOfTransfer(event) ?? { ...wayOf(event, call), what: textOf(event, call) }
  return { at: Date.parse(first), ...way, what: cleanText(what), count }
}

function textOf (event: Event, call: Known): string {
  const { from, what, leg, status, sipStatus, reason, by, detail } = event
  const told = [
    leg === undefined ? undefined : legOf(leg, event, call),
    what === 'status' ? undefined : what,
    status,
    sipStatus,
    reason,
    // The lane of an agent says who it was.
    by && from !== 'agent' && `by ${from === 'jambonz' ? whoOf(by, call) : by}`,
    detail && `(${detail.replace('caller leg', legsOf(call).caller)})`
  ].filter(Boolean).join(' ')
  return from === 'jambonz' && what === 'action' ? `/action ${told.replace('action ', '')}` : told
}

/** Which of Jambonz' two legs it is. The second one may be a person's, or lead a person to the caller. */
function legOf (leg: string, { attempt: n }: Event, call: Known): string {
  const attempt = call.attempts.find(({ attempt }) => attempt === n)
  if (leg === 'agent' && attempt?.transfer !== undefined) return 'person leg'
  if (leg === 'agent' && attempt?.strategy === 'join') return 'join leg'
  return legsOf(call)[leg] ?? `${leg} leg`
}

/** A newer bridge may know other directions. */
function legsOf ({ direction, calledFor }: Known): Partial<Record<string, string>> & { caller: string } {
  if (calledFor) return LEGS_OF_PERSON
  return LEGS[direction] ?? LEGS.inbound
}

type LegNames = Record<'caller' | 'agent', string>

/** Jambonz' two legs. The first one is the callee's of an outbound call, and LiveKit's where an agent calls. */
const LEGS: Partial<Record<string, LegNames>> & { inbound: LegNames } = {
  inbound: { caller: 'caller leg', agent: 'agent leg' },
  outbound: { caller: 'callee leg', agent: 'agent leg' },
  agent: { caller: 'LiveKit leg', agent: 'callee leg' }
}
const LEGS_OF_PERSON: LegNames = { caller: 'person leg', agent: 'agent leg' }

/** Who ended a leg. Jambonz calls the party of its first leg the caller. */
function whoOf (by: string, call: Known): string {
  if (by !== 'caller' || call.direction === 'inbound') return by
  return call.direction === 'outbound' ? calleeOf(call) : 'LiveKit'
}

/** Who is called by an outbound call. */
const calleeOf = ({ calledFor }: Known): 'callee' | 'person' => calledFor ? 'person' : 'callee'

type Way = Pick<Step, 'from' | 'to' | 'via'>

/** What the bridge asks of Jambonz' API. */
const ASKED_OF_JAMBONZ = /^(createCall$|hang-up |find-call)/
/** What it asks of LiveKit's. */
const ASKED_OF_LIVEKIT = /^(createRoom$|look$|delete-room|remove-agent|make-room|tell-agent|agent dispatched again$)/

function wayOf (event: Event, call: Known): Way {
  const { from, what, status, by } = event
  if (from === 'jambonz') return answerOf(event, call) ?? { from: 'jambonz', to: 'bridge', via: 'http' }
  if (from === 'agent' || (from === 'livekit' && by === 'agent')) return { from: 'agent', to: 'bridge', via: 'http' }
  if (from === 'retell') return { from: 'bridge', to: 'retell', via: 'http' }
  if (ASKED_OF_LIVEKIT.test(what)) return { from: 'bridge', to: 'livekit', via: 'room' }
  if (from === 'livekit') {
    return status === 'AGENT'
      ? { from: 'agent', to: 'livekit', via: 'room' }
      : { from: 'livekit', to: 'bridge', via: 'room' }
  }
  if (ASKED_OF_JAMBONZ.test(what)) return { from: 'bridge', to: 'jambonz', via: 'http' }
  return { from: 'bridge', to: 'bridge', via: 'http' }
}

/** What Jambonz itself never says of a leg comes from whom it dialled. */
const OF_FAR_END: ReadonlySet<string | undefined> = new Set(['ringing', 'early-media', 'in-progress'])

/**
 * Jambonz reports the responses of those whom it dials. Of a final failure it does not tell whether its own SBC gave
 * it, and `trying` is its own, so those are drawn as the reports that they are.
 */
function answerOf ({ what, leg, status, attempt: n }: Event, call: Known): Way | undefined {
  if (what !== 'status' || !OF_FAR_END.has(status)) return undefined
  const { attempts, direction } = call
  const dialled = direction === 'outbound' && leg === 'caller' ? calleeOf(call) : farEndOf(attempts, n, leg, direction)
  return dialled && { from: dialled, to: 'jambonz', via: 'sip' }
}

function farEndOf (
  attempts: readonly Attempt[],
  n: number | undefined,
  leg: string | undefined,
  direction: CallView['direction']
): Party | undefined {
  const attempt = attempts.find(({ attempt }) => attempt === n)
  if (leg !== 'agent' || !attempt) return undefined
  if (attempt.transfer !== undefined) return 'person'
  return direction === 'agent' ? 'callee' : FAR_ENDS[attempt.strategy]
}

const FAR_ENDS: Partial<Record<Attempt['strategy'], Party>> = {
  room: 'livekit',
  join: 'livekit',
  carrier: 'carrier',
  phone: 'phone',
  retell: 'retell',
  sip: 'sip'
}

const REPLIES: Record<Attempt['strategy'], string> = {
  room: 'dial the room',
  phone: 'dial the number',
  carrier: 'dial over the carrier',
  retell: 'dial Retell',
  sip: 'dial the SIP address',
  say: 'say',
  play: 'play',
  decline: 'decline',
  join: "dial the caller's room"
}

/** The reply that began an attempt, which is not an event itself, and the event that it waited for. */
interface Reply {
  attempt: number
  behind: string
  step: Step
}

function replyStep ({ attempt, strategy, start, transfer, at: { replied } }: Attempt): Reply[] {
  if (replied === undefined) return []
  const behind = start === 'warm' || start === 'replaced' ? WARM_ROOM : PREPARED_BY[strategy] ?? `attempt ${strategy}`
  const what = `reply: ${transfer === undefined ? REPLIES[strategy] : 'dial the person'}`
  return [{ attempt, behind, step: { at: Date.parse(replied), from: 'bridge', to: 'jambonz', via: 'http', what } }]
}

/** The event of a room in which an agent waited. */
const WARM_ROOM = 'warm room claimed'

const PREPARED_BY: Partial<Record<Attempt['strategy'], string>> = {
  room: 'createRoom',
  retell: 'registration',
  join: 'caller'
}
