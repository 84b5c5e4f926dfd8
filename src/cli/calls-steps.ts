import { cleanText } from '../clean-text.ts'
import type { CallView } from '../calls/view.ts'
import type { Party, Step } from '../ladder/trace.ts'

/*
 * A call's record as the steps of a ladder: what was heard, from whom, and what the bridge replied.
 */

type Event = CallView['events'][number]
type Attempt = CallView['attempts'][number]
type Attempts = Pick<CallView, 'attempts'>

/** The steps of a call, in the order in which they were heard. A reply comes behind what it waited for. */
export function stepsOf ({ events, attempts }: Pick<CallView, 'events'> & Attempts): Step[] {
  const steps: Step[] = []
  let replies = attempts.flatMap(attempt => replyStep(attempt))
  const push = (isDue: (reply: Reply) => boolean): void => {
    steps.push(...replies.filter(isDue).map(({ step }) => step))
    replies = replies.filter(reply => !isDue(reply))
  }

  for (const event of events) {
    const { count, ...step } = stepOf(event, attempts)
    push(reply => reply.step.at < step.at)
    steps.push(...Array.from({ length: Math.min(count, MOST_REPEATS) }, () => step))
    push(reply => reply.attempt === event.attempt && reply.behind === event.what && reply.step.at === step.at)
  }
  push(() => true)
  return steps
}

const MOST_REPEATS = 999

/**
 * One event, and how often it came.
 * @param attempts those of the call, so that a response of the far end is drawn as one. Without them everything that
 * Jambonz reported comes from Jambonz
 */
export function stepOf (event: Event, attempts: readonly Attempt[] = []): Step & { count: number } {
  const { from, what, leg, status, sipStatus, reason, by, detail, first, count } = event
  const told = [
    leg === undefined ? undefined : `${leg} leg`,
    what === 'status' ? undefined : what,
    status,
    sipStatus,
    reason,
    by && `by ${by}`,
    detail && `(${detail})`
  ].filter(part => part !== undefined && part !== '').join(' ')
  return {
    at: Date.parse(first),
    ...wayOf(event, attempts.find(({ attempt }) => attempt === event.attempt)),
    what: cleanText(from === 'jambonz' && what === 'action' ? `/action ${told.replace('action ', '')}` : told),
    count
  }
}

type Direction = Pick<Step, 'from' | 'to' | 'via'>

function wayOf (event: Event, attempt: Attempt | undefined): Direction {
  const { from, what, status } = event
  if (from === 'jambonz') return answerOfFarEnd(event, attempt) ?? { from: 'jambonz', to: 'bridge', via: 'http' }
  if (from === 'retell') return { from: 'bridge', to: 'retell', via: 'http' }
  if (
    what === 'createRoom' || what === 'look' || what.startsWith('delete-room') || what.startsWith('remove-agent') ||
    what === 'agent dispatched again'
  ) return { from: 'bridge', to: 'livekit', via: 'room' }
  if (from === 'livekit') {
    return status === 'AGENT'
      ? { from: 'agent', to: 'livekit', via: 'room' }
      : { from: 'livekit', to: 'bridge', via: 'room' }
  }
  if (what.startsWith('hang-up ')) return { from: 'bridge', to: 'jambonz', via: 'http' }
  return { from: 'bridge', to: 'bridge', via: 'http' }
}

/** What Jambonz itself never says of a leg comes from whom it dialled. */
const OF_FAR_END: ReadonlySet<string | undefined> = new Set(['ringing', 'early-media', 'in-progress'])

/**
 * Jambonz reports the responses of the far end. Of a final failure it does not tell whether its own SBC gave it, and
 * `trying` is its own, so those are drawn as the reports that they are.
 */
function answerOfFarEnd ({ what, leg, status }: Event, attempt: Attempt | undefined): Direction | undefined {
  const farEnd = attempt && FAR_ENDS[attempt.strategy]
  if (farEnd === undefined || what !== 'status' || leg !== 'agent' || !OF_FAR_END.has(status)) return undefined
  return { from: farEnd, to: 'jambonz', via: 'sip' }
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
  decline: 'decline'
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
