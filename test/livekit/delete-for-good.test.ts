import t from 'tap'
import { deleteForGood } from '../../src/livekit/delete-for-good.ts'
import { LiveKitError } from '../../src/livekit/rooms.ts'
import { removeRoom } from '../../src/probe/room.ts'
import { codes, projectWith, run } from '../fixtures/doctor-check.ts'
import { createAgentCheck } from '../../src/doctor/agent.ts'

type Rooms = Parameters<typeof deleteForGood>[0]

/** Rooms that say what was asked of them; `there` is whether the room exists. */
function roomsWith (room: { there: boolean }, overrides: Partial<Rooms> = {}): { rooms: Rooms, asked: string[] } {
  const asked: string[] = []
  const rooms: Rooms = {
    async delete () {
      asked.push('delete')
      const found = room.there
      room.there = false
      return found
    },
    async list () {
      asked.push('list')
      return room.there ? [{ name: 'r', metadata: '' }] : []
    },
    async look () {
      return { exists: room.there }
    },
    async remove (_room, identity) {
      asked.push(`remove ${identity}`)
      return true
    },
    ...overrides
  }
  return { rooms, asked }
}

await t.test('a room whose agent was there is gone with the first deletion', async t => {
  const { rooms, asked } = roomsWith({ there: true })
  t.same(await deleteForGood(rooms, 'r', { settled: true }), { outcome: 'deleted' })
  t.same(asked, ['delete'])
  t.same(await deleteForGood(rooms, 'r', { settled: true }), { outcome: 'absent' })
})

await t.test('a room that the agent in flight re-creates is deleted again, however late in the watch', async t => {
  for (const lateness of [0, 30, 60]) {
    const room = { there: true }
    const { rooms } = roomsWith(room)
    setTimeout(() => {
      room.there = true
    }, lateness)
    t.same(await deleteForGood(rooms, 'r', { watchMs: 120 }), { outcome: 'came back' }, `${lateness} ms`)
    t.notOk(room.there)
  }
})

await t.test('a look that fails hides nothing: the last deletion is made blindly', async t => {
  const room = { there: true }
  const { rooms, asked } = roomsWith(room, {
    async list () {
      room.there = true
      throw new LiveKitError('listRooms', 'timeout')
    }
  })
  t.same(await deleteForGood(rooms, 'r', { watchMs: 30 }), { outcome: 'came back' })
  t.same(asked, ['delete', 'delete'])
  t.notOk(room.there)
})

await t.test('a room that LiveKit cannot delete: its agents are removed one by one', async t => {
  const { rooms, asked } = roomsWith({ there: true }, {
    async delete () {
      throw new LiveKitError('deleteRoom', 'failed', '500')
    },
    async look () {
      return { exists: true, agent: { identity: 'agent-1', audio: true }, moreAgents: ['agent-2'] }
    }
  })
  t.same(await deleteForGood(rooms, 'r'), { outcome: 'left', failure: 'failed', removed: 2 })
  t.same(asked, ['remove agent-1', 'remove agent-2'])
  t.match(await removeRoom(rooms, 'r'), {
    code: 'room-not-deleted',
    severity: 'warning',
    seen: /2 agents were removed/,
    command: 'lk room delete r'
  })
})

await t.test('"was deleted" is said of a room that stayed gone', async t => {
  const { livekit, context } = await projectWith(t, { agents: [{ name: 'demo-agent', joinAfterMs: 600 }] })
  const findings = await run(createAgentCheck({ waitMs: 100 }), context)
  t.ok(codes(findings).includes('agent-job-without-join') || codes(findings).includes('agent-not-dispatched'))
  await new Promise(resolve => setTimeout(resolve, 600))
  t.same(livekit.rooms(), [], 'also when its agent came after the deletion')
})
