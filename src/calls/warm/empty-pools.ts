import type { Clock } from '../../clock.ts'
import { DELETE_PAUSES_MS } from '../fold/room-cleanup.ts'
import type { WarmRoomStore } from '../store/warm-rooms.ts'
import { leaveUnclaimed, type RoomWork } from './room-work.ts'
import { WARM_TIMES } from './times.ts'
import type { WarmRoom } from './warm-room.ts'

/** Rooms that are deleted at the same time. */
const MOST_AT_ONCE = 8

/**
 * Deletes the rooms of all pools, because no replica is left that would. A room whose agent is on its way is deleted a
 * second time, since the agent makes it again.
 * @param until nothing is begun after that, milliseconds since the epoch
 */
export async function emptyPools (
  { store, clock }: { store: WarmRoomStore, clock: Clock },
  work: RoomWork,
  until: number
): Promise<void> {
  const rooms = (await Promise.all((await store.pools()).map(pool => store.list(pool)))).flat()
  await eachOf(rooms, deleteRoom)
  if (rooms.every(({ agent }) => agent) || clock.now() + DELETE_PAUSES_MS[0] >= until) return

  await new Promise<void>(resolve => clock.schedule(DELETE_PAUSES_MS[0], resolve))
  await eachOf(rooms.filter(({ agent }) => !agent), deleteRoom)

  async function deleteRoom ({ room }: WarmRoom): Promise<void> {
    if (clock.now() >= until) return

    const { after } = await work.change(room, leaveUnclaimed('surplus', clock.now()))
    if (!after?.claim) {
      if (after) await work.delete(after)
      return
    }
    // The call of a young claim may not be written down yet. LiveKit closes the room by itself if there is none.
    if (clock.now() >= after.claim.at + WARM_TIMES.settles) await work.deleteUnused(after)
  }
}

/** Some at a time; one that fails holds up no other. */
async function eachOf (rooms: readonly WarmRoom[], work: (room: WarmRoom) => Promise<void>): Promise<void> {
  const left = [...rooms]
  const workers = Array.from({ length: MOST_AT_ONCE }, async () => {
    for (let room = left.shift(); room; room = left.shift()) await work(room).catch(() => {})
  })
  await Promise.all(workers)
}
