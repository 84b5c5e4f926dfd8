import type { EventOf } from '../fold/events.ts'
import { DELETE_PAUSES_MS } from '../fold/room-cleanup.ts'
import type { LiveKitFailure, Look } from '../ports.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmExit, WarmPool, WarmRoom } from './warm-room.ts'

/*
 * What becomes of a warm room: pure functions from a record to the next one. The same object means that nothing
 * changes, undefined that the record is forgotten. Times are milliseconds since the epoch.
 */

export interface NewRoom {
  pool: WarmPool
  token: string
  room: string
  departureS: number
  lifeMs: number
  at: number
}

/** A room that LiveKit is about to be asked for. */
export function newRoom ({ pool, token, room, departureS, lifeMs, at }: NewRoom): WarmRoom {
  const made: WarmRoom = {
    v: 1,
    pool: pool.id,
    state: 'making',
    room,
    token,
    agentName: pool.agent,
    departureS,
    madeAt: at,
    endsAt: at + lifeMs,
    events: false,
    made: false,
    due: at
  }
  return { ...made, due: nextLook(made, at) }
}

/** LiveKit has made the room. */
export const onCreated = (room: WarmRoom): WarmRoom => room.made ? room : { ...room, made: true }

/**
 * createRoom failed. LiveKit may have made the room all the same when nothing was heard of it: then it stays until its
 * agent has come, or had time to.
 */
export function onCreateFailed (room: WarmRoom, failure: LiveKitFailure, at: number): WarmRoom | undefined {
  if (room.state !== 'making' || room.agent || failure === 'timeout' || failure === 'unreachable') return room

  return failure === 'failed' ? leave(room, 'failed', at) : undefined
}

/** The room leaves its pool and is deleted. */
export const leave = (room: WarmRoom, why: WarmExit, at: number): WarmRoom =>
  room.state === 'leaving'
    ? room
    : { ...withoutClaim(room), state: 'leaving', leaving: { why, deletions: 0 }, due: at }

/** What an event of LiveKit about the room makes of it. */
export function onHeard (before: WarmRoom, event: EventOf<'livekit'>): WarmRoom {
  const room = before.events ? before : { ...before, events: true }
  switch (event.what) {
    case 'participant_joined':
      return isAgent(room, event) ? onJoined(room, event) : room
    case 'track_published':
      return isAgent(room, event) ? onPublished(room, event) : room
    case 'participant_left':
    case 'participant_connection_aborted':
      return isOurAgent(room, event) ? onLeft(room, event) : room
    case 'room_finished':
      return onFinished(room, event.at)
    case 'room_started':
      // A deletion between the start of a room and the joining of its agent would abort the agent.
      return isDeleted(room) ? { ...room, due: event.at + DELETE_PAUSES_MS[0] } : room
    case 'track_unpublished':
    case 'other':
      return room
  }
}

/** LiveKit names agents `agent-<job>`; events about tracks carry no kind. */
const isAgent = (room: WarmRoom, { participant }: EventOf<'livekit'>): boolean =>
  participant?.kind === 'AGENT' ||
  (participant !== undefined && participant.kind === undefined &&
    (participant.identity === room.agent?.identity || participant.identity.startsWith('agent-')))

const isOurAgent = (room: WarmRoom, event: EventOf<'livekit'>): boolean =>
  room.agent ? event.participant?.identity === room.agent.identity : isAgent(room, event)

function onJoined (room: WarmRoom, { at, participant }: EventOf<'livekit'>): WarmRoom {
  if (room.state === 'leaving') return isDeleted(room) ? { ...room, due: at } : room
  if (room.agent && room.agent.leftAt === undefined) {
    // Of an agent that is known already, this is an old event that LiveKit repeats.
    const isOther = room.agent.identity !== participant!.identity
    return isOther && room.state !== 'claimed' ? leave(room, 'more-agents', at) : room
  }

  return agentThere({ ...room, agent: { identity: participant!.identity, joinedAt: at } }, at)
}

function onPublished (room: WarmRoom, { at, participant, track }: EventOf<'livekit'>): WarmRoom {
  if (track !== 'AUDIO' || room.state === 'leaving') return room

  const { identity } = participant!
  if (!room.agent) return agentThere({ ...room, agent: { identity, joinedAt: at, audioAt: at } }, at)
  return room.agent.identity === identity ? { ...room, agent: withAudio(room.agent, at) } : room
}

function onLeft (room: WarmRoom, { at, what, participant }: EventOf<'livekit'>): WarmRoom {
  if (room.state === 'leaving') return room
  // An agent whose joining was aborted tries again.
  if (!room.agent && what === 'participant_connection_aborted') return room
  if (room.state === 'claimed') return withAgentLeft(room, at)

  const isClosed = participant?.reason === 'ROOM_CLOSED' || participant?.reason === 'ROOM_DELETED'
  return leave(room, isClosed ? 'room-gone' : 'agent-left', at)
}

function onFinished (room: WarmRoom, at: number): WarmRoom {
  if (room.state === 'leaving') return room
  if (room.state === 'claimed') return withAgentLeft(room, at)

  // The room is gone already, as if it had been deleted once.
  const left = leave(room, 'room-gone', at)
  return { ...left, leaving: { why: 'room-gone', deletions: 1 }, due: at + DELETE_PAUSES_MS[0] }
}

/** What a look at the room makes of it. `look` is undefined when LiveKit did not answer. */
export function onLooked (room: WarmRoom, look: Look | undefined, askedAt: number, at: number): WarmRoom {
  if (room.state !== 'making' && room.state !== 'ready') return room
  const isLate = at >= room.madeAt + WARM_TIMES.agentComes
  if (!look) {
    const isMissing = isLate && !room.made && !room.agent
    return isMissing ? leave(room, 'failed', at) : { ...room, due: at + WARM_TIMES.again }
  }

  if (look.moreAgents) return leave(room, 'more-agents', at)
  if (look.agent) {
    const { identity, audio } = look.agent
    const agent = room.agent?.identity === identity ? room.agent : { identity, joinedAt: at }
    return agentThere({ ...room, agent: audio ? withAudio(agent, at) : agent }, at)
  }
  // The agent joined while LiveKit was asked.
  if (room.agent && room.agent.joinedAt >= askedAt) return room
  if (room.agent) return leave(room, look.exists ? 'agent-left' : 'room-gone', at)
  if (room.made && !look.exists) return leave(room, 'room-gone', at)
  if (isLate) return leave(room, room.made ? 'no-agent' : 'failed', at)

  return { ...room, due: nextLook(room, at) }
}

/**
 * An agent was asked for a sign of life.
 * @param answers undefined: that tells nothing. Nor does silence of an agent that has never answered
 */
export function onAsked (room: WarmRoom, identity: string, answers: boolean | undefined, at: number): WarmRoom {
  const { agent } = room
  const isKnown = agent?.identity === identity && agent.leftAt === undefined
  if (!isKnown || answers === undefined || room.state === 'leaving') return room
  if (answers) return agent.answers ? room : { ...room, agent: { ...agent, answers } }
  if (!agent.answers) return room

  return room.state === 'claimed' ? withAgentLeft(room, at) : leave(room, 'agent-left', at)
}

/** The agent is in the room: a call may claim it, unless one has. */
function agentThere ({ doubted: _doubted, ...room }: WarmRoom, at: number): WarmRoom {
  const seen = { ...room, seenAt: at }
  if (room.state === 'claimed') return seen

  const ready: WarmRoom = { ...seen, state: 'ready' }
  return { ...ready, due: nextLook(ready, at) }
}

/** The room may not be claimed before a look has shown that its agent is still there. */
export const lookAgain = (room: WarmRoom, at: number): WarmRoom =>
  room.state === 'ready' ? { ...room, state: 'making', doubted: true, due: at } : room

/** The room may be claimed, but is looked at soon. */
export const lookSoon = (room: WarmRoom, at: number): WarmRoom =>
  room.state === 'ready' ? { ...room, doubted: true, due: at } : room

/** A deletion was answered. */
export function onDeleted (room: WarmRoom, outcome: 'deleted' | 'absent' | 'failed', at: number): WarmRoom | undefined {
  if (!room.leaving) return room
  if (outcome === 'failed') return isForgotten(room, at) ? undefined : { ...room, due: at + WARM_TIMES.again }

  const { why, deletions } = room.leaving
  const cameBack = deletions > 0 && outcome === 'deleted'
  // Who made the room again is another agent, about which nothing is known.
  const { agent: _agent, ...unknown } = room
  const left: WarmRoom = cameBack ? unknown : room
  const done = cameBack ? 1 : deletions + 1
  const pause = done <= pausesOf(left) ? DELETE_PAUSES_MS[done - 1] : undefined

  return pause === undefined ? undefined : { ...left, leaving: { why, deletions: done }, due: at + pause }
}

/**
 * How often a deletion is repeated. Of an agent that was in the room no job is on its way any more, and where LiveKit's
 * events arrive they tell of one that comes later.
 */
function pausesOf ({ agent, events }: WarmRoom): number {
  if (agent) return 1
  return events ? 2 : DELETE_PAUSES_MS.length
}

const isForgotten = ({ endsAt }: WarmRoom, at: number): boolean => at >= endsAt + WARM_TIMES.forgotten

const isDeleted = ({ leaving }: WarmRoom): boolean => leaving !== undefined && leaving.deletions > 0

/** When somebody looks after the room. A claim is left alone for as long as its call hook may be at work. */
export const dueAt = ({ claim, due }: WarmRoom): number =>
  claim ? (claim.checkedAt ?? claim.at) + WARM_TIMES.settles : due

/** Somebody looks after the room. Nobody else does until they are done, or had time enough. */
export const takenInHand = (room: WarmRoom, at: number): WarmRoom =>
  room.claim ? { ...room, claim: { ...room.claim, checkedAt: at } } : { ...room, due: at + WARM_TIMES.lease }

/** When the room may be claimed for the last time. */
export const lastUse = ({ endsAt }: WarmRoom): number => endsAt - WARM_TIMES.usable

/** When somebody looks at a room again, about which LiveKit tells nothing. */
export function nextLook (room: WarmRoom, at: number): number {
  if (room.state === 'ready') {
    const first = room.agent!.joinedAt + WARM_TIMES.firstLook
    const next = at + (room.events ? WARM_TIMES.look : WARM_TIMES.lookWithoutEvents)
    return Math.min(at < first ? first : next, lastUse(room))
  }
  const deadline = room.madeAt + WARM_TIMES.agentComes
  const pause = room.events ? undefined : WARM_TIMES.looks.find(pause => room.madeAt + pause > at)
  const next = pause === undefined ? deadline : room.madeAt + pause

  return next > at ? next : at + WARM_TIMES.again
}

function withAudio (agent: NonNullable<WarmRoom['agent']>, at: number): NonNullable<WarmRoom['agent']> {
  return agent.audioAt === undefined ? { ...agent, audioAt: at } : agent
}

function withAgentLeft (room: WarmRoom, at: number): WarmRoom {
  return room.agent ? { ...room, agent: { ...room.agent, leftAt: room.agent.leftAt ?? at } } : room
}

export function withoutClaim ({ claim: _claim, ...room }: WarmRoom): WarmRoom {
  return room
}
