import t from 'tap'
import { createAgents, DEAD_AFTER, type AgentBehaviour } from '../../src/sandbox/livekit/agents.ts'
import { createRooms } from '../../src/sandbox/livekit/rooms.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/** A room with a caller in it, and what happens there. */
function open (behaviour: Partial<AgentBehaviour>) {
  const clock = createTestClock()
  const seen: string[] = []
  const rooms = createRooms({
    clock,
    emit: ({ event, participant }) => {
      if (participant?.kind === 'AGENT') seen.push([event, participant.disconnectReason].filter(Boolean).join(' '))
    },
    onDispatch: (room, dispatch) => agents.start(room, dispatch)
  })
  const agents = createAgents({
    behaviours: [{ name: 'demo', ...behaviour }],
    clock,
    trace () {},
    rooms: () => rooms,
    transfer () {}
  })
  const room = rooms.open({ name: 'r', agents: [{ agentName: 'demo', metadata: '' }] })
  const caller = rooms.join(room, { identity: 'sip_1', name: '', kind: 'SIP', metadata: '', attributes: {} }, () => {})
  return {
    clock,
    rooms,
    room,
    agents,
    caller,
    seen,
    dispatchAgain: () => rooms.dispatch(room, { agentName: 'demo', metadata: '' })
  }
}

await t.test('an agent comes late; a dispatch that was deleted before brings none', async t => {
  const { clock, room, seen, dispatchAgain } = open({ joinAfterMs: 5000 })
  await clock.pass(4999)
  t.same(seen, [])
  room.dispatches[0]!.deletedMs = clock.now()
  dispatchAgain()
  await clock.pass(4999)
  t.same(seen, [], 'the first job is gone with its dispatch')
  await clock.pass(100)
  t.same(seen, ['participant_joined', 'track_published'])
})

await t.test('an agent that misses its first job comes for the second', async t => {
  const { clock, seen, dispatchAgain } = open({ heedsDispatch: 2 })
  await clock.pass(60_000)
  t.same(seen, [])
  dispatchAgain()
  await clock.pass(300)
  t.same(seen, ['participant_joined', 'track_published'])
})

await t.test('an agent that leaves, and comes back for another job', async t => {
  const { clock, room, agents, caller, seen, dispatchAgain } = open({ onConnected: { leaveAfterMs: 1000 } })
  await clock.pass(300)
  agents.connected(room, caller)
  await clock.pass(1000)
  t.same(seen.splice(0), [
    'participant_joined',
    'track_published',
    'track_unpublished',
    'participant_left CLIENT_INITIATED'
  ])
  dispatchAgain()
  await clock.pass(10_000)
  t.same(seen, ['participant_joined', 'track_published'], 'and then it stays')
})

await t.test('an agent that dies is listed until LiveKit notices', async t => {
  const { clock, room, agents, caller, seen } = open({ onConnected: { dieAfterMs: 1000 } })
  await clock.pass(300)
  agents.connected(room, caller)
  await clock.pass(1000 + DEAD_AFTER - 1)
  t.equal(room.participants.size, 2)
  await clock.pass(1)
  t.same(seen.slice(2), ['track_unpublished', 'participant_left CONNECTION_TIMEOUT'])
})

await t.test('an agent that leaves before it has spoken', async t => {
  const { clock, seen } = open({ publishAfterMs: 3000, onJoined: { leaveAfterMs: 500 } })
  await clock.pass(10_000)
  t.same(seen, ['participant_joined', 'participant_left CLIENT_INITIATED'])
})
