import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Finding } from '../finding.ts'
import type { DeleteOptions } from '../livekit/delete-for-good.ts'
import { livekitFinding } from '../livekit/finding.ts'
import type { RoomRequest } from '../livekit/rooms.ts'
import { mayExist, removeRoom } from '../probe/room.ts'
import type { DoctorContext } from './check.ts'

/** No worker has this name. A room without any agent's name would get the unnamed agents. */
export const NOBODY = { name: 'bridge-doctor-nobody', metadata: '' }

/**
 * Makes a room, looks at what becomes of it, and deletes it however that ends.
 * @param deletion what is known of the room when it is deleted: unless its agent has been in it, the agent's job may be
 * under way and re-create the room
 */
export async function inRoom (
  { rooms, settings }: Pick<DoctorContext, 'rooms' | 'settings'>,
  room: RoomRequest,
  look: () => Promise<Finding[]>,
  deletion: () => DeleteOptions = () => ({ settled: room.agent === NOBODY })
): Promise<Finding[]> {
  const failed = (error: unknown) => livekitFinding(error, settings.LIVEKIT_URL)
  const remove = () => removeRoom(rooms, room.name, deletion())
  try {
    await rooms.create(room)
  } catch (error) {
    const removed = mayExist(error) ? await remove() : undefined
    return [failed(error), ...(removed && removed.severity !== 'ok' ? [removed] : [])]
  }
  const found = await look().catch(error => [failed(error)])
  const removed = await remove()
  if (removed) return removed.severity === 'ok' ? found : [...found, removed]
  // Whoever looked has seen that, and says it better.
  const isTold = found.some(({ code }) => code === 'room-closed')
  if (isTold || found.every(({ severity }) => severity === 'ok')) return found
  return [{
    code: 'room-closed',
    severity: 'failed',
    seen: `Room ${room.name} was gone before its time: somebody deleted it during the check`,
    todo: 'Find who deletes rooms: another service with the same LiveKit key, a clean-up job, or the agent itself'
  }, ...found]
}

const EVERY_MS = 100

/** Asks every 100 ms until it is so, the time is over, or the signal is aborted. The process stays alive meanwhile. */
export async function waitUntil (
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  isSo: () => boolean | Promise<boolean>
): Promise<void> {
  const until = clock.now() + ms
  while (!signal.aborted && !await isSo() && clock.now() < until) {
    await sleep(EVERY_MS, undefined, { signal }).catch(() => {})
  }
}
