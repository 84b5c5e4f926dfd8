import { setTimeout as sleep } from 'node:timers/promises'
import { LiveKitError, type Rooms } from './rooms.ts'

export interface DeleteOptions {
  /**
   * No job of an agent can be under way any more: the agent was in the room, or none was called into it. The room is
   * then gone with the first deletion.
   */
  settled?: boolean
  /** How long a deleted room is watched for an agent that re-creates it, milliseconds. */
  watchMs?: number
}

/**
 * What became of a room. `absent`: there was none, and none came. `came back`: an agent whose job was under way
 * re-created it, and it was deleted again. `left`: LiveKit did not delete it; `removed` counts who was removed from it.
 */
export type Deletion =
  | { outcome: 'deleted' | 'absent' | 'came back' }
  | { outcome: 'left', failure: string, removed: number }

/** An agent that was called within the last 700 ms joins up to 1.8 s after the deletion. */
const WATCH_MS = 2000
const LOOK_EVERY_MS = 250
const TRIES = 3
const AGAIN_MS = 1000

type DeletingRooms = Pick<Rooms, 'delete' | 'list' | 'look' | 'remove'>

/**
 * Deletes a room so that it stays deleted. LiveKit re-creates a room when an agent joins it whose job was already under
 * way, without metadata and with the agent alone in it for five minutes; so the room is watched after its deletion and
 * deleted again, once more blindly at the end. Where LiveKit refuses to delete the room, the agents in it are removed.
 * Never throws. Takes about `watchMs`, unless it is settled; a LiveKit that does not answer makes it longer.
 */
export async function deleteForGood (
  rooms: DeletingRooms,
  name: string,
  { settled = false, watchMs = WATCH_MS }: DeleteOptions = {}
): Promise<Deletion> {
  let first: boolean
  try {
    first = await deleteRoom(rooms, name)
    if (settled) return { outcome: first ? 'deleted' : 'absent' }
    const cameBack = await deleteAgain(rooms, name, watchMs)
    if (cameBack) return { outcome: first ? 'came back' : 'deleted' }
    return { outcome: first ? 'deleted' : 'absent' }
  } catch (error) {
    const failure = error instanceof LiveKitError ? error.failure : 'failed'
    return { outcome: 'left', failure, removed: await removeAgents(rooms, name) }
  }
}

/** @returns whether the room came back while it was watched. @throws LiveKitError */
async function deleteAgain (rooms: DeletingRooms, name: string, watchMs: number): Promise<boolean> {
  let cameBack = false
  const until = Date.now() + watchMs
  while (Date.now() < until) {
    await sleep(Math.min(LOOK_EVERY_MS, watchMs))
    if (await isThere(rooms, name)) cameBack = await deleteRoom(rooms, name) || cameBack
  }
  return await deleteRoom(rooms, name) || cameBack
}

/** A look that fails is made up for by the deletion at the end. */
const isThere = async (rooms: DeletingRooms, name: string): Promise<boolean> =>
  await rooms.list([name]).then(found => found.length > 0, () => false)

/** @returns false when there was no such room. @throws LiveKitError after three tries */
async function deleteRoom (rooms: DeletingRooms, name: string): Promise<boolean> {
  for (let tries = 1; ; tries++) {
    try {
      return await rooms.delete(name)
    } catch (error) {
      if (tries >= TRIES) throw error
      // A timer that keeps the process alive: nothing else may do so by now.
      await sleep(AGAIN_MS)
    }
  }
}

/** @returns how many agents were removed */
async function removeAgents (rooms: DeletingRooms, name: string): Promise<number> {
  const seen = await rooms.look(name, { callSid: '' }).catch(() => undefined)
  const identities = [...(seen?.agent ? [seen.agent.identity] : []), ...(seen?.moreAgents ?? [])]
  const removed = await Promise.all(identities.map(identity => rooms.remove(name, identity).catch(() => false)))
  return removed.filter(Boolean).length
}
