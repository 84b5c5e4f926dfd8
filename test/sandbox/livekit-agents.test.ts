import t from 'tap'
import { AgentWorkers, DEAD_AFTER, RECONNECT_MS, type AgentBehaviour } from '../../src/sandbox/livekit/agents.ts'
import { noFaults } from '../../src/sandbox/livekit/faults.ts'
import { RoomManager } from '../../src/sandbox/livekit/room-manager.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/** A room with a caller, and the events of its agents. */
function open (behaviour: Partial<AgentBehaviour>, autoCreate = true) {
  const clock = createTestClock()
  const faults = noFaults()
  const seen: string[] = []
  const rooms = new RoomManager({
    clock,
    emit ({ event, participant }) {
      if (participant?.kind === 'AGENT') seen.push([event, participant.disconnectReason].filter(Boolean).join(' '))
    },
    onDispatch: (room, dispatch) => agents.start(room, dispatch)
  })
  const agents = new AgentWorkers({
    behaviours: [{ name: 'demo', ...behaviour }],
    faults,
    clock,
    trace () {},
    rooms: () => rooms,
    autoCreate,
    transfer () {}
  })
  const room = rooms.open({ name: 'r', agents: [{ agentName: 'demo', metadata: '' }] })
  const caller = rooms.join(room, { identity: 'sip_1', name: '', kind: 'SIP', metadata: '', attributes: {} }, () => {})
  return {
    clock,
    faults,
    rooms,
    room,
    agents,
    caller,
    seen,
    dispatchAgain: () => rooms.dispatch(room, { agentName: 'demo', metadata: '' })
  }
}

await t.test('deleting a dispatch does not stop an agent whose job was sent', async t => {
  const { clock, room, seen } = open({ joinAfterMs: 5000 })
  await clock.pass(4999)
  t.same(seen, [])
  room.dispatches[0]!.deletedMs = clock.now()
  await clock.pass(100)
  t.same(seen, ['participant_joined', 'track_published'])
})

await t.test('a deleted room is re-created for its agent, with default settings', async t => {
  const { clock, rooms, room } = open({ joinAfterMs: 5000 })
  room.metadata = 'ours'
  rooms.close(room, 'ROOM_DELETED')
  await clock.pass(4900)
  t.equal(rooms.get('r'), undefined)
  await clock.pass(200)
  const again = rooms.get('r')
  t.match(again, { emptyTimeout: 300, departureTimeout: 20, metadata: '' })
  t.not(again?.sid, room.sid)
  t.equal(again?.participants.size, 1)
})

await t.test('with room.auto_create off a deleted room is not re-created', async t => {
  const { clock, rooms, room } = open({ joinAfterMs: 5000 }, false)
  rooms.close(room, 'ROOM_DELETED')
  await clock.pass(60_000)
  t.equal(rooms.get('r'), undefined)
})

await t.test('an agent whose connection is aborted twice gives up', async t => {
  const { clock, rooms, room } = open({ joinAfterMs: 1000 })
  await clock.pass(970)
  rooms.close(room, 'ROOM_DELETED')
  await clock.pass(RECONNECT_MS)
  rooms.close(rooms.get('r')!, 'ROOM_DELETED')
  await clock.pass(600_000)
  t.equal(rooms.get('r'), undefined)
})

await t.test('an agent whose connection is aborted connects again after its timeout', async t => {
  const { clock, rooms, room, seen } = open({ joinAfterMs: 1000 })
  await clock.pass(970)
  rooms.close(room, 'ROOM_DELETED')
  t.same(seen, ['participant_connection_aborted ROOM_DELETED'])
  await clock.pass(RECONNECT_MS - 1)
  t.equal(rooms.get('r'), undefined)
  await clock.pass(200)
  t.ok(rooms.get('r'))
  t.same(seen.slice(1), ['participant_joined', 'track_published'])
})

await t.test('workers above the load threshold get no job for a dispatch, not even later', async t => {
  const { clock, faults, seen, dispatchAgain } = open({})
  faults.workers = 'loaded'
  const second = dispatchAgain()
  faults.workers = 'ok'
  await clock.pass(60_000)
  t.same(second.jobs, [])
  t.equal(seen.filter(event => event === 'participant_joined').length, 1, 'only the agent of the first dispatch')
})

await t.test('a room whose server died stays unchanged and sends no events', async t => {
  const { clock, rooms, room, caller, seen } = open({})
  await clock.pass(1000)
  seen.length = 0
  rooms.lose(room)
  rooms.leave(room, caller, 'CLIENT_INITIATED')
  await clock.pass(600_000)
  t.equal(rooms.get('r'), room)
  t.equal(room.participants.size, 2)
  t.same(seen, [])
  t.not(rooms.open({ name: 'r' }), room, 'a new room replaces it')
})

await t.test('an agent that misses its first job accepts the second', async t => {
  const { clock, seen, dispatchAgain } = open({ firstDispatch: 2 })
  await clock.pass(60_000)
  t.same(seen, [])
  dispatchAgain()
  await clock.pass(300)
  t.same(seen, ['participant_joined', 'track_published'])
})

await t.test('an agent leaves and comes back for another job', async t => {
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

await t.test('a dead agent stays listed until LiveKit notices', async t => {
  const { clock, room, agents, caller, seen } = open({ onConnected: { dieAfterMs: 1000 } })
  await clock.pass(300)
  agents.connected(room, caller)
  await clock.pass(1000 + DEAD_AFTER - 1)
  t.equal(room.participants.size, 2)
  await clock.pass(1)
  t.same(seen.slice(2), ['track_unpublished', 'participant_left CONNECTION_TIMEOUT'])
})

await t.test('a dead agent does nothing more, but its audio is still there', async t => {
  const ran: string[] = []
  const { clock, room, agents, caller, seen } = open({
    onJoined: { dieAfterMs: 100 },
    onData: () => ran.push('data'),
    onRoomMetadata: () => ran.push('metadata'),
    onConnected: { run: () => ran.push('call'), hangUpAfterMs: 10 }
  })
  await clock.pass(400)
  agents.connected(room, caller)
  agents.receive(room, { topic: '', data: Buffer.from('x') }, [])
  agents.metadataChanged(room)
  await clock.pass(DEAD_AFTER - 200)
  t.same(ran, [])
  t.same(seen, ['participant_joined', 'track_published'])
  await clock.pass(200)
  t.equal(seen.at(-1), 'participant_left CONNECTION_TIMEOUT')
})

await t.test('a stock agent publishes audio when its caller is there, at once or later', async t => {
  const { clock, rooms, seen } = open({ publishes: 'with-caller' })
  await clock.pass(300)
  t.same(seen.splice(0), ['participant_joined', 'track_published'], 'the caller was there first')

  const waiting = rooms.open({ name: 'waits', agents: [{ agentName: 'demo', metadata: '' }] })
  await clock.pass(10_000)
  t.same(seen.splice(0), ['participant_joined'])
  rooms.join(waiting, { identity: 'sip_2', name: '', kind: 'SIP', metadata: '', attributes: {} }, () => {})
  await clock.pass(30)
  t.same(seen, ['track_published'])
})

await t.test('a stock agent that has left its room publishes nothing for a caller', async t => {
  const { clock, rooms, seen } = open({ publishes: 'with-caller', onJoined: { leaveAfterMs: 1000 } })
  const waiting = rooms.open({ name: 'waits', agents: [{ agentName: 'demo', metadata: '' }] })
  await clock.pass(2000)
  seen.length = 0
  rooms.join(waiting, { identity: 'sip_2', name: '', kind: 'SIP', metadata: '', attributes: {} }, () => {})
  await clock.pass(1000)
  t.same(seen, [])
})

await t.test('an agent leaves before it has published audio', async t => {
  const { clock, seen } = open({ publishAfterMs: 3000, onJoined: { leaveAfterMs: 500 } })
  await clock.pass(10_000)
  t.same(seen, ['participant_joined', 'participant_left CLIENT_INITIATED'])
})
