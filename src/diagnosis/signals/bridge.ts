import { isAnnouncement } from '../../calls/fold/attempt-facts.ts'
import type { Call } from '../../calls/fold/call.ts'
import { awayWhile, endWasHeard } from '../away.ts'
import { attemptFacts, duration, HARDLY_HEARD_MS, waitedFor, type AttemptFacts } from '../facts.ts'
import { reasonOfRetell } from '../retell.ts'
import { lineOf, type Evidence, type Signal } from './evidence.ts'

/*
 * Evidence from the bridge itself: what it asked for, its own declines and deadlines.
 */

export const createRoom: Signal = facts => {
  const line = lineOf(facts, 'createRoom')
  if (!line) return undefined
  const shows = line.status === 'created'
    ? 'the room was created and its agent dispatched'
    : 'the bridge could create neither the room nor the dispatch of its agent'
  return {
    signal: 'create-room',
    at: line.first,
    seen: `createRoom: ${line.status}${line.detail === undefined ? '' : ` (${line.detail})`}`,
    shows
  }
}

/** The call got a room in which an agent waited. */
export const warmRoom: Signal = facts => {
  const line = lineOf(facts, 'warm room claimed')
  return line && {
    signal: 'warm-room',
    at: line.first,
    seen: `the call took a room with a waiting agent, made ${waitedFor(facts)} before`,
    shows: 'nothing was asked of LiveKit before the reply'
  }
}

/** Retell knows the call by an id, or refused it. */
export const registration: Signal = facts => {
  const line = lineOf(facts, 'registration')
  if (!line) return undefined
  const { status, detail } = line
  return {
    signal: 'registration',
    at: line.first,
    seen: `registration with Retell: ${status}${detail === undefined ? '' : ` (${detail})`}`,
    shows: status === 'created'
      ? 'Retell gave the call an id, which is valid for five minutes and for one call'
      : `nothing could be dialled: ${reasonOfRetell(detail)}`
  }
}

/** The route refuses such calls. */
export const routeDeclined: Signal = ({ attempt }) =>
  attempt?.way.strategy === 'decline'
    ? {
        signal: 'route-declined',
        at: attempt.at.replied ?? attempt.at.opened,
        seen: `the way is decline ${attempt.way.status}`,
        shows: 'the routes file asks for it'
      }
    : undefined

/** The caller was to hear something. */
export const announcement: Signal = ({ attempt, announcedMs }) => {
  if (!attempt || !isAnnouncement(attempt) || attempt.at.replied === undefined) return undefined
  const over = announcedMs === undefined ? '' : `, over after ${duration(announcedMs)}`
  return {
    signal: 'announcement',
    at: attempt.at.replied,
    seen: `the reply has a ${attempt.strategy}${over}`,
    shows: announcedMs !== undefined && announcedMs < HARDLY_HEARD_MS
      ? 'the caller hardly heard it'
      : 'Jambonz answered the caller and played it, or skipped what it could not play'
  }
}

/** What the caller heard after the attempt that this is about had failed. */
export const announcedLater = ({ call, attempt }: AttemptFacts): Evidence[] =>
  call.attempts.filter(later => attempt !== undefined && later.n > attempt.n && isAnnouncement(later)).flatMap(later =>
    announcement(attemptFacts(call, later)) ?? [])

export const dispatchedAgain: Signal = facts => {
  const line = lineOf(facts, 'agent dispatched again')
  return line && {
    signal: 'agent-called-again',
    at: line.first,
    seen: `the bridge dispatched the agent again: ${line.status}`,
    shows: line.status === 'done'
      ? 'LiveKit accepted the request, which does not mean that a worker took it'
      : 'LiveKit did not accept the request'
  }
}

export const agentGivenUp: Signal = ({ attempt }) =>
  attempt?.agentLostAt === undefined
    ? undefined
    : {
        signal: 'agent-given-up',
        at: attempt.agentLostAt,
        seen: 'the bridge stopped waiting for an agent',
        shows: 'none had come back in time'
      }

export const hangUp: Signal = ({ call: { hangupAt, hangupFor, events } }) => {
  if (hangupAt === undefined) return undefined
  if (hangupFor === undefined || hangupFor === 'agent') {
    return {
      signal: 'hang-up',
      at: hangupAt,
      seen: `hang-up requested from the bridge${hangupFor === 'agent' ? '' : nameOfAsker(events)}`,
      shows: hangupFor === 'agent' ? 'the agent ended the call' : 'an operator ended the call'
    }
  }
  return { signal: 'hang-up', at: hangupAt, seen: 'hang-up by the bridge itself', shows: WHY_BY_ITSELF[hangupFor] }
}

/** The name of the key that asked for the end, where it tells more than that it was an operator. */
function nameOfAsker (events: Call['events']): string {
  const by = events.find(({ from, what }) => from === 'operator' && what === 'hang-up')?.by
  return by === undefined || by === 'operator' ? '' : ` by ${by}`
}

const WHY_BY_ITSELF = {
  machine: 'the order says to hang up on a machine',
  'given-up': 'the call was found after it had been given up as lost',
  'caller-gone': 'the caller of the transfer had left',
  cancelled: 'the transfer was cancelled',
  'person-gone': 'the person who had taken the call had left'
} as const

export const decline: Signal = ({ call }) => {
  const { end, at } = call
  return end && at.ended !== undefined
    ? {
        signal: 'decline',
        at: at.ended,
        seen: `call hook answered with a decline: ${end.sipStatus ?? 480}${
        end.detail === undefined ? '' : ` (${end.detail})`
      }`,
        shows: 'Jambonz declined the call as instructed'
      }
    : undefined
}

export const deadline: Signal = facts => {
  const line = facts.lines.findLast(({ what }) => what === 'deadline' || what === 'settled without word from jambonz')
  return line &&
    {
      signal: 'deadline',
      at: line.first,
      seen: line.what === 'deadline'
        ? `the bridge's own deadline while ${line.status}`
        : "the bridge's own time limit for a report of Jambonz",
      shows: 'Jambonz reported nothing in time'
    }
}

/** Times when no bridge was running, and so nobody heard what Jambonz and LiveKit reported. */
export function notListening (facts: AttemptFacts): Evidence[] {
  return awayWhile(facts).map(({ from, to }) => ({
    signal: 'away',
    at: from,
    last: to,
    seen: `the bridge was not running for ${duration(to - from)}`,
    shows: endWasHeard(facts)
      ? 'events of that time may have come late'
      : 'events of that time came late or not at all'
  }))
}
