import { WARM_TIMES } from './times.ts'
import { dueAt, lastUse } from './room-changes.ts'
import type { WarmExit, WarmRoom } from './warm-room.ts'

export interface PoolState {
  /** All rooms of the pool. */
  rooms: readonly WarmRoom[]
  /** How many are wanted. */
  size: number
  /** How long a room lives, milliseconds. */
  lifeMs: number
  /** When an agent last joined a room of the pool, milliseconds since the epoch, also one that a call has now. */
  joinedAt: number
  /** The last rooms failed: no more than one is tried at a time. */
  failing: boolean
  /** The last agents left soon: the next one must stay as long as this before another room is made, milliseconds. */
  trialMs?: number | undefined
  now: number
}

/** What is to be done about a pool now. */
export interface PoolPlan {
  /** Rooms that are not wanted any more. */
  leave: Array<{ room: string, why: WarmExit }>
  /** Rooms that somebody must look after, most urgent first. */
  due: WarmRoom[]
  /** Rooms that may be made, one after another, before the pool is looked at again. */
  make: number
  /** When a further room is due, milliseconds since the epoch. */
  wakeAt: number
}

/** Rooms that end before are about to be replaced, milliseconds since the epoch. */
export const freshUntil = (now: number, lifeMs: number): number =>
  now + Math.min(WARM_TIMES.renew, Math.max(lifeMs / 3, WARM_TIMES.usable + WARM_TIMES.agentSlow))

/** Decides what a pool needs. */
export function planOf (state: PoolState): PoolPlan {
  const { rooms, now } = state
  const leave = unwanted(state)
  const leaving = new Set(leave.map(({ room }) => room))
  const others = rooms.filter(({ room }) => !leaving.has(room))

  return {
    leave,
    due: others.filter(room => dueAt(room) <= now).sort((a, b) => dueAt(a) - dueAt(b)),
    make: roomsToMake(state),
    wakeAt: Math.min(...others.map(dueAt).filter(at => at > now))
  }
}

/**
 * The rooms that leave: those that no call may get any more, the old ones that a younger one has replaced, and one of
 * those that are too many, because agents should not be stopped in a burst either.
 */
function unwanted ({ rooms, size, lifeMs, now }: PoolState): PoolPlan['leave'] {
  const usable = rooms.filter(isUnclaimed).filter(room => lastUse(room) > now)
  const ready = usable.filter(({ state }) => state === 'ready').sort((a, b) => a.endsAt - b.endsAt)
  const excess = ready.slice(0, Math.max(0, ready.length - size))
  const isOld = ({ endsAt }: WarmRoom) => endsAt <= freshUntil(now, lifeMs)
  const surplus = excess.find(room => !isOld(room) && now - room.madeAt >= WARM_TIMES.surplus)

  return [
    ...rooms.filter(isUnclaimed).filter(room => lastUse(room) <= now).map(leaveAs('renewed')),
    ...excess.filter(isOld).map(leaveAs('renewed')),
    ...(surplus ? [leaveAs('surplus')(surplus)] : [])
  ]
}

const isUnclaimed = ({ state }: WarmRoom): boolean => state === 'making' || state === 'ready'

const leaveAs = (why: WarmExit) => ({ room }: WarmRoom) => ({ room, why })

/** Most rooms that are made before the pool is looked at again. */
const MOST_AT_A_TIME = 16

/** How many further rooms are to be made. Who makes them asks the store, which counts for all replicas. */
function roomsToMake ({ rooms, size, lifeMs, joinedAt, failing, trialMs, now }: PoolState): number {
  const unclaimed = rooms.filter(isUnclaimed)
  const fresh = unclaimed.filter(({ endsAt }) => endsAt > freshUntil(now, lifeMs))
  const missing = Math.min(MOST_AT_A_TIME, Math.max(0, size - fresh.length))
  if (trialMs !== undefined && unclaimed.some(({ agent }) => agent && now - agent.joinedAt < trialMs)) return 0

  const waiting = rooms.filter(({ state, made, agent }) => state === 'making' && made && !agent)
  if (failing || trialMs !== undefined) return waiting.length === 0 ? Math.min(1, missing) : 0
  const lastJoined = Math.max(joinedAt, ...rooms.map(({ agent }) => agent?.joinedAt ?? -Infinity))
  const come = waiting.every(({ madeAt }) => now - madeAt <= WARM_TIMES.agentSlow || lastJoined >= madeAt)
  return come ? missing : 0
}
