import { cleanText } from '../clean-text.ts'
import type { CallView } from '../calls/view.ts'
import type { Party, Step } from '../ladder/trace.ts'

/*
 * A call's record as the steps of a ladder: what was heard, from whom, and what the bridge replied.
 */

type Event = CallView['events'][number]
type Attempt = CallView['attempts'][number]
/** What of a call its steps depend on. */
type Known = Pick<CallView, 'attempts' | 'direction'>

/** The steps of a call, in the order in which they were heard. A reply comes behind what it waited for. */
export function stepsOf (call: Pick<CallView, 'events'> & Known): Step[] {
  const { events, attempts } = call
  const steps: Step[] = []
  let replies = attempts.flatMap(attempt => replyStep(attempt))
  const push = (isDue: (reply: Reply) => boolean): void => {
    steps.push(...replies.filter(isDue).map(({ step }) => step))
    replies = replies.filter(reply => !isDue(reply))
  }

  for (const event of events) {
    const { count, ...step } = stepOf(event, call)
    push(reply => reply.step.at < step.at)
    steps.push(...Array.from({ length: Math.min(count, MOST_REPEATS) }, () => step))
    push(reply => reply.attempt === event.attempt && reply.behind === event.what && reply.step.at === step.at)
  }
  push(() => true)
  return steps
}

const MOST_REPEATS = 999

/** One event, and how often it came. */
export function stepOf (event: Event, call: Known): Step & { count: number } {
  const { from, what, leg, status, sipStatus, reason, by, detail, first, count } = event
  const told = [
    leg === undefined ? undefined : legsOf(call)[leg] ?? `${leg} leg`,
    what === 'status' ? undefined : what,
    status,
    sipStatus,
    reason,
    by && `by ${whoOf(by, call)}`,
    detail && `(${detail.replace('caller leg', legsOf(call).caller)})`
  ].filter(part => part !== undefined && part !== '').join(' ')
  return {
    at: Date.parse(first),
    ...wayOf(event, call),
    what: cleanText(from === 'jambonz' && what === 'action' ? `/action ${told.replace('action ', '')}` : told),
    count
  }
}

/** A newer bridge may know other directions. */
const legsOf = ({ direction }: Known): Partial<Record<string, string>> & { caller: string } =>
  LEGS[direction] ?? LEGS.inbound

type LegNames = Record<'caller' | 'agent', string>

/** Jambonz' two legs. The first one is the callee's of an outbound call, and LiveKit's where an agent calls. */
const LEGS: Partial<Record<string, LegNames>> & { inbound: LegNames } = {
  inbound: { caller: 'caller leg', agent: 'agent leg' },
  outbound: { caller: 'callee leg', agent: 'agent leg' },
  agent: { caller: 'LiveKit leg', agent: 'callee leg' }
}

/** Who ended a call. Jambonz calls the party of its first leg the caller. */
function whoOf (by: string, { direction }: Known): string {
  if (by !== 'caller' || direction === 'inbound') return by
  return direction === 'outbound' ? 'callee' : 'LiveKit'
}

type Way = Pick<Step, 'from' | 'to' | 'via'>

/** What the bridge asks of Jambonz' API. */
const ASKED_OF_JAMBONZ = /^(createCall$|hang-up |find-call)/
/** What it asks of LiveKit's. */
const ASKED_OF_LIVEKIT = /^(createRoom$|look$|delete-room|remove-agent|make-room|tell-agent|agent dispatched again$)/

function wayOf (event: Event, call: Known): Way {
  const { from, what, status, by } = event
  if (from === 'jambonz') return answerOf(event, call) ?? { from: 'jambonz', to: 'bridge', via: 'http' }
  if (from === 'livekit' && by === 'agent') return { from: 'agent', to: 'bridge', via: 'http' }
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
function answerOf ({ what, leg, status, attempt: n }: Event, { attempts, direction }: Known): Way | undefined {
  if (what !== 'status' || !OF_FAR_END.has(status)) return undefined
  const dialled = direction === 'outbound' && leg === 'caller' ? 'callee' : farEndOf(attempts, n, leg, direction)
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
  return direction === 'agent' ? 'callee' : FAR_ENDS[attempt.strategy]
}

const FAR_ENDS: Partial<Record<Attempt['strategy'], Party>> = {
  room: 'livekit',
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

function replyStep ({ attempt, strategy, at: { replied } }: Attempt): Reply[] {
  if (replied === undefined) return []
  const behind = PREPARED_BY[strategy] ?? `attempt ${strategy}`
  const what = `reply: ${REPLIES[strategy]}`
  return [{ attempt, behind, step: { at: Date.parse(replied), from: 'bridge', to: 'jambonz', via: 'http', what } }]
}

const PREPARED_BY: Partial<Record<Attempt['strategy'], string>> = { room: 'createRoom', retell: 'registration' }
