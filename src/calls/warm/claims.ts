import type { EventOf } from '../fold/events.ts'
import type { ClaimedRoom } from '../fold/warm.ts'
import { lastUse, leave, nextLook, withoutClaim } from './room-changes.ts'
import type { WarmRoom } from './warm-room.ts'

/*
 * What becomes of a room that a call hook has claimed. `claimed` is the room as it was then.
 */

/** The room as a call takes it over; undefined when there is no agent in it. */
export function claimedRoom (room: WarmRoom): ClaimedRoom | undefined {
  if (!room.agent || room.agent.leftAt !== undefined) return undefined
  const { room: name, token, agentName, departureS, madeAt, events, agent } = room
  const { leftAt: _leftAt, ...waiting } = agent

  return {
    room: name,
    token,
    agentName,
    departureS,
    madeAt,
    events,
    agent: waiting
  }
}

/** The call has the room, and owes its deletion from now on. */
export function onTaken (room: WarmRoom, claimed: WarmRoom): WarmRoom | undefined {
  return isClaim(room, claimed) || room.leaving?.why === 'unused' ? undefined : room
}

/** The call did not take the room: it goes back to its pool. */
export function onNotTaken (room: WarmRoom, claimed: WarmRoom, at: number): WarmRoom {
  if (!isClaim(room, claimed)) return room
  if (!room.agent || room.agent.leftAt !== undefined) return leave(room, 'agent-left', at)
  if (lastUse(room) <= at) return leave(room, 'unused', at)

  const ready: WarmRoom = { ...withoutClaim(room), state: 'ready' }
  return { ...ready, due: nextLook(ready, at) }
}

/**
 * Nobody has settled the claim of a room in time.
 * @param use whether a call is known to have the room, or somebody is seen in it who may be a caller
 */
export function onUnsettled (room: WarmRoom, use: 'call' | 'caller' | 'none', at: number): WarmRoom | undefined {
  if (room.state !== 'claimed' || use === 'caller') return room

  return use === 'call' ? undefined : leave(room, 'unused', at)
}

/** What LiveKit told of the agent between the claim of a room and its end, while no call was known to have the room. */
export function missedEvent (claimed: WarmRoom, room: WarmRoom, at: number): EventOf<'livekit'> | undefined {
  const { agent } = room
  if (!agent) return undefined

  const participant = { sid: '', identity: agent.identity, kind: 'AGENT' as const }
  const event = { kind: 'livekit' as const, room: room.room, participant }
  const leftAt = agent.leftAt ?? (room.leaving ? at : undefined)
  if (leftAt !== undefined) return { ...event, what: 'participant_left', at: leftAt }

  const isHeardNow = agent.audioAt !== undefined && claimed.agent?.audioAt === undefined
  return isHeardNow ? { ...event, what: 'track_published', track: 'AUDIO', at: agent.audioAt! } : undefined
}

/** Whether a room still has the claim with which it was taken, and nobody else's. */
const isClaim = ({ state, claim }: WarmRoom, claimed: WarmRoom): boolean =>
  state === 'claimed' && claim?.callSid === claimed.claim?.callSid && claim?.at === claimed.claim?.at
