import { isAnnouncement, isDialled } from '../calls/fold/attempt-facts.ts'
import type { Attempt, Call } from '../calls/fold/call.ts'
import { transfersOf } from '../calls/fold/transfers.ts'
import type { Cause } from '../calls/fold/vocabulary.ts'
import type { Strategy } from '../calls/fold/way.ts'
import { isBeforeAnswer } from './callee.ts'
import { duration } from './facts.ts'

/*
 * Words for what each way of a route leads to, and for what became of the attempts of a call.
 */

/** Whether a text may name agents, carriers and routes. The log names none. */
export type Naming = 'with names' | 'without names'

/** What answers a way, at the beginning of a sentence. Without an attempt the call is one that we placed. */
export function farEndOf (attempt: Pick<Attempt, 'strategy'> | undefined): string {
  return attempt === undefined ? 'The callee' : FAR_END[attempt.strategy]
}

const FAR_END: Record<Strategy, string> = {
  room: "The agent's side",
  phone: 'The number that was dialled',
  carrier: 'The far end behind the carrier',
  retell: 'The Retell agent',
  sip: 'The SIP address that was dialled',
  say: 'The announcement',
  play: 'The recording',
  decline: 'The route',
  join: "The caller's room"
}

/** Whether LiveKit is what the way dials, so that LiveKit's rules explain what came back. */
export const leadsToOurRoom = (attempt: Pick<Attempt, 'strategy'> | undefined): boolean =>
  attempt === undefined || attempt.strategy === 'room'

/**
 * The attempts of a call in order, in one sentence; nothing where there was only one.
 * Such as: Agent first-agent did not come (no-agent) after 20 s, then agent night-desk answered.
 */
export function pathOf (call: Call, naming: Naming): string | undefined {
  const attempts = attemptsAtAgents(call)
  const last = attempts.at(-1)
  if (!last || attempts.length < 2) return undefined
  const clauses = [...attempts.slice(0, -1).map(attempt => clauseOf(attempt, naming)), lastClauseOf(last, naming)]
  const text = clauses.join(', then ')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** The attempts in their order, but for those that dial a person, or lead a person to somebody else's caller. */
export const attemptsAtAgents = (call: Call): Attempt[] =>
  call.attempts.filter(({ n, strategy }) =>
    strategy !== 'join' && !transfersOf(call).some(({ dials }) => dials === n))
    .toSorted((one, other) => one.n - other.n)

function clauseOf (attempt: Attempt, naming: Naming): string {
  const who = whoOf(attempt, naming)
  const { end, at } = attempt
  if (!end) return `${who} was dialled`
  if (attempt.answered && LEFT_FOR_PERSON.has(end.cause)) return `${who} had the call until a transfer`
  const after = at.ended === undefined ? '' : ` after ${duration(at.ended - at.opened)}`
  return `${who} ${VERBS[end.cause] ?? 'could not be reached'} (${end.cause})${after}`
}

function lastClauseOf (attempt: Attempt, naming: Naming): string {
  if (isAnnouncement(attempt)) return `${whoOf(attempt, naming)} was sent to the caller`
  if (!isDialled(attempt)) return 'the route declined the call'
  const who = whoOf(attempt, naming)
  if (attempt.answered) return `${who} answered`
  return attempt.at.replied === undefined ? `${who} was to be dialled` : `${who} was dialled`
}

/** How an attempt ends whose caller was handed to a person. */
const LEFT_FOR_PERSON: ReadonlySet<Cause> = new Set(['transferred', 'room-closed'])

const VERBS: Partial<Record<Cause, string>> = {
  'no-agent': 'did not come',
  'agent-without-audio': 'came and published no audio',
  'agent-lost': 'left the call',
  'dial-timeout': 'did not answer',
  busy: 'was busy',
  declined: 'did not take the call',
  'retell-failed': 'could not be dialled',
  'transfer-failed': 'tried a transfer that failed',
  redirected: 'was given up when Jambonz took the caller elsewhere',
  announced: 'was sent to the caller',
  'caller-hung-up': 'had the call until the caller hung up',
  'agent-hung-up': 'hung up',
  'operator-hung-up': 'had the call until it was ended over an API',
  lost: 'was dialled, and what became of it was not heard'
}

function whoOf (attempt: Attempt, naming: Naming): string {
  return naming === 'with names' ? named(attempt) : `${UNNAMED[attempt.strategy]} of attempt ${attempt.n}`
}

const UNNAMED: Record<Strategy, string> = {
  room: 'the agent',
  phone: 'the number',
  carrier: 'the carrier',
  retell: 'the Retell agent',
  sip: 'the SIP address',
  say: 'the announcement',
  play: 'the recording',
  decline: 'the refusal',
  join: "the caller's room"
}

/** Numbers and addresses are left out even where names are not: a summary is passed on. */
function named ({ way, agent }: Attempt): string {
  switch (way.strategy) {
    case 'room':
      return `agent ${agent ?? way.agent}`
    case 'phone':
      return way.carrier === undefined ? 'the number' : `the number over carrier ${way.carrier}`
    case 'carrier':
      return `carrier ${way.carrier}`
    case 'retell':
      return `Retell agent ${way.agent}`
    case 'sip':
    case 'say':
    case 'play':
    case 'decline':
    case 'join':
      return UNNAMED[way.strategy]
  }
}

/**
 * The attempt that the call's end speaks of. An announcement or a refusal behind a failed attempt is not why the call
 * failed.
 */
export function decidingAttempt (call: Call): Attempt | undefined {
  const { attempts, end } = call
  // A room that waits for the callee was not dialled.
  if (isBeforeAnswer(call)) return undefined
  const last = attempts.at(-1)
  if (!last || !end || isDialled(last) || last.end?.cause === end.cause) return last
  return attempts.findLast(attempt => isDialled(attempt) && attempt.end?.cause === end.cause) ?? last
}
