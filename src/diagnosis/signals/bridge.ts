import { awayWhile, endWasHeard } from '../away.ts'
import { duration, type AttemptFacts } from '../facts.ts'
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

export const hangUp: Signal = ({ call: { hangupAt } }) =>
  hangupAt === undefined
    ? undefined
    : {
        signal: 'hang-up',
        at: hangupAt,
        seen: 'hang-up requested from the bridge',
        shows: 'an operator ended the call'
      }

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
