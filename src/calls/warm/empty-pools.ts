import { within, type Clock } from '../../clock.ts'
import { DELETE_PAUSES_MS } from '../fold/room-cleanup.ts'
import type { WarmRoomStore } from '../store/warm-rooms.ts'
import { leaveUnclaimed, type RoomWork } from './room-work.ts'
import type { WarmRoom } from './warm-room.ts'

/** Rooms that are deleted at the same time. */
const MOST_AT_ONCE = 8

/**
 * Deletes the rooms of all pools, because no replica is left that would. A room whose agent is on its way is deleted a
 * second time, since the agent makes it again. Takes at most `ms` milliseconds.
 */
export async function emptyPools (
  { store, clock }: { store: WarmRoomStore, clock: Clock },
  work: RoomWork,
  ms: number
): Promise<void> {
  const until = clock.now() + ms
  const rooms = (await Promise.all((await store.pools()).map(pool => store.list(pool)))).flat()
  const deleteAll = async () => {
    await eachOf(rooms, room => clock.now() < until ? deleteRoom(room) : Promise.resolve())
    if (rooms.every(({ agent }) => agent) || clock.now() + DELETE_PAUSES_MS[0] >= until) return

    await new Promise<void>(resolve => clock.schedule(DELETE_PAUSES_MS[0], resolve))
    await eachOf(rooms.filter(({ agent }) => !agent), deleteRoom)
  }

  async function deleteRoom ({ room }: WarmRoom): Promise<void> {
    const { after } = await work.change(room, leaveUnclaimed('surplus', clock.now()))
    if (after?.state === 'claimed') await work.deleteUnused(after)
    else if (after) await work.delete(after)
  }

  await within(clock, ms, deleteAll(), () => new Error('emptying the pools took too long'))
}

/** Some at a time; one that fails holds up no other. */
async function eachOf (rooms: readonly WarmRoom[], work: (room: WarmRoom) => Promise<void>): Promise<void> {
  const left = [...rooms]
  const workers = Array.from({ length: MOST_AT_ONCE }, async () => {
    for (let room = left.shift(); room; room = left.shift()) await work(room).catch(() => {})
  })
  await Promise.all(workers)
}
