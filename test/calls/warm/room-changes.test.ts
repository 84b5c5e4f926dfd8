import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import type { EventOf } from '../../../src/calls/fold/events.ts'
import { claimedRoom, missedEvent, onNotTaken, onTaken, onUnsettled } from '../../../src/calls/warm/claims.ts'
import {
  dueAt,
  leave,
  newRoom,
  onCreated,
  lookSoon,
  onAsked,
  onCreateFailed,
  onDeleted,
  onHeard,
  onLooked,
  takenInHand
} from '../../../src/calls/warm/room-changes.ts'
import type { WarmRoom } from '../../../src/calls/warm/warm-room.ts'
import { fromWebhook, readWebhook } from '../../../src/livekit/events.ts'
import { fixture } from '../../fixtures/paths.ts'
import { poolWith } from './stage.ts'

const START = Date.UTC(2026, 10, 29, 12)
const at = (s: number) => START + s * 1000

/** LiveKit's events about the first room of a recording. */
function recorded (name: string): Array<EventOf<'livekit'>> {
  const { livekit } = JSON.parse(readFileSync(fixture(`warm/${name}.json`), 'utf8')) as {
    livekit: Array<{ at_ms: number, body: string }>
  }
  const events = livekit.flatMap(({ at_ms: ms, body }) => {
    const event = fromWebhook(readWebhook(body)!)
    return event ? [{ ...event, at: START + ms }] : []
  })
  return events.filter(({ room }) => room === events[0]!.room)
}

const roomOf = (lifeS = 600): WarmRoom =>
  newRoom({ pool: poolWith(1), token: 'c1', room: 'jb_c1', departureS: 10, lifeMs: lifeS * 1000, at: START })

const hear = (events: ReadonlyArray<EventOf<'livekit'>>, room = roomOf()): WarmRoom[] => {
  const rooms: WarmRoom[] = []
  for (const event of events) rooms.push(onHeard(rooms.at(-1) ?? room, event))
  return rooms
}

const ready = (): WarmRoom => hear(recorded('warm-stock').slice(0, 2), onCreated(roomOf())).at(-1)!
const claimed = (): WarmRoom => ({ ...ready(), state: 'claimed', claim: { callSid: 'call', at: at(10) } })
const left = (room: WarmRoom, s: number): EventOf<'livekit'> => ({
  kind: 'livekit',
  room: room.room,
  what: 'participant_left',
  participant: { sid: 'PA', identity: room.agent!.identity, kind: 'AGENT', reason: 'CLIENT_INITIATED' },
  at: at(s)
})

await t.test('a room is ready when its agent joins, and leaves when the agent does', async t => {
  const events = recorded('pool-agent-left').slice(0, 5)
  t.same(events.map(({ what }) => what), [
    'room_started',
    'participant_joined',
    'track_published',
    'track_unpublished',
    'participant_left'
  ])
  const rooms = hear(events)
  t.same(rooms.map(({ state }) => state), ['making', 'ready', 'ready', 'ready', 'leaving'])
  const [, joined, published] = events
  t.match(rooms[2], { agent: { joinedAt: joined!.at, audioAt: published!.at }, events: true, seenAt: joined!.at })
  t.same(rooms[4]!.leaving, { why: 'agent-left', deletions: 0 })
})

await t.test('a room that LiveKit closes is gone: its agent did not leave', async t => {
  const rooms = hear(recorded('pool-room-expires'))
  t.same(rooms.map(({ state }) => state), ['making', 'ready', 'ready', 'ready', 'leaving', 'leaving'])
  t.equal(rooms.at(-1)!.leaving!.why, 'room-gone')
})

await t.test('in whatever order events come, a room whose agent left is never ready in the end', async t => {
  for (const name of ['pool-agent-left', 'pool-room-expires']) {
    const events = recorded(name).slice(0, 6)
    fc.assert(fc.property(fc.shuffledSubarray(events, { minLength: events.length }), shuffled => {
      const { state } = hear(shuffled).at(-1)!
      if (state !== 'leaving') throw new Error(state)
    }))
  }
  t.pass()
})

await t.test('others in the room do not make it ready, and a second agent ends it', async t => {
  const [started, joined] = recorded('warm-stock')
  const as = (kind: 'SIP' | 'AGENT' | 'OTHER', identity: string): EventOf<'livekit'> =>
    ({ ...joined!, participant: { sid: 'PA_x', identity, kind } })
  t.same(hear([started!, as('SIP', 'sip_+15550001111'), as('OTHER', 'agent-avatar')]).map(({ state }) => state), [
    'making',
    'making',
    'making'
  ])
  const second = as('AGENT', 'agent-other')
  const two = hear([started!, joined!, second, { ...second, what: 'participant_left' }])
  t.same(two.at(-1)!.leaving, { why: 'more-agents', deletions: 0 })
  t.equal(hear([started!, joined!, joined!]).at(-1)!.state, 'ready', 'LiveKit repeats events')
  t.equal(onHeard(claimed(), second).state, 'claimed', 'its call decides')
})

await t.test('an agent whose joining is aborted tries again', async t => {
  const [started, joined] = recorded('warm-stock')
  const aborted: EventOf<'livekit'> = { ...joined!, what: 'participant_connection_aborted' }
  t.same(hear([started!, aborted, joined!]).map(({ state }) => state), ['making', 'making', 'ready'])
})

await t.test('what an event tells of a claimed room is kept for its call', async t => {
  const room = claimed()
  const gone = onHeard(room, left(room, 11))
  t.match(gone, { state: 'claimed', agent: { leftAt: at(11) } })
  t.match(missedEvent(room, gone, at(12)), { what: 'participant_left', at: at(11) })
  const finished = onHeard(room, { kind: 'livekit', room: 'jb_c1', what: 'room_finished', at: at(11) })
  t.match(missedEvent(room, finished, at(12)), { what: 'participant_left' })
  t.equal(missedEvent(room, room, at(12)), undefined)
  t.match(missedEvent(room, leave(room, 'unused', at(30)), at(40)), { what: 'participant_left', at: at(40) })
  t.equal(onNotTaken(gone, room, at(12)).leaving!.why, 'agent-left')
})

await t.test('a claim counts for the room that it took, and for no later claim', async t => {
  const room = claimed()
  t.equal(onTaken(room, room), undefined)
  for (const claim of [{ callSid: 'call', at: at(20) }, { callSid: 'other call', at: at(10) }]) {
    const later: WarmRoom = { ...room, claim }
    t.equal(onTaken(later, room), later)
    t.equal(onNotTaken(later, room, at(21)), later)
  }
  t.match(onNotTaken(room, room, at(11)), { state: 'ready', claim: undefined })
  t.equal(onNotTaken(room, room, at(590)).leaving!.why, 'unused', 'its time is over')
  t.equal(onTaken(leave(room, 'unused', at(30)), room), undefined, 'it is not deleted under its call')
  t.match(claimedRoom(room), { token: 'c1', agentName: 'desk' })
  t.equal(claimedRoom({ ...room, agent: { ...room.agent!, leftAt: at(9) } }), undefined)
})

await t.test('a claim is looked at 15 seconds later, by one replica at a time', async t => {
  const room = { ...claimed(), due: at(11) }
  t.equal(dueAt(room), at(25))
  const inHand = takenInHand(room, at(26))
  t.equal(dueAt(inHand), at(41))
  t.equal(onUnsettled(inHand, 'caller', at(27)), inHand)
  t.equal(onUnsettled(inHand, 'call', at(27)), undefined)
  t.equal(onUnsettled(inHand, 'none', at(27))!.leaving!.why, 'unused')
  t.equal(onTaken(inHand, room), undefined, 'it is still the same claim')
  t.equal(dueAt(takenInHand(ready(), at(5))), at(25))
})

await t.test('without events the agent is looked for, at first often', async t => {
  const pauses: number[] = []
  let room = onCreated(roomOf())
  while (room.state === 'making') {
    pauses.push((dueAt(room) - START) / 1000)
    room = onLooked(room, { exists: true }, dueAt(room), dueAt(room))
  }
  t.same(pauses, [1, 2, 4, 8, 16, 20])
  t.same(room.leaving, { why: 'no-agent', deletions: 0 })
})

await t.test('what a look shows', async t => {
  const making = onCreated(roomOf())
  const agent = { identity: 'agent-1', audio: true }
  t.match(onLooked(making, { exists: true, agent }, at(1), at(1)), { state: 'ready', agent: { audioAt: at(1) } })
  t.equal(onLooked(making, { exists: false }, at(1), at(1)).leaving!.why, 'room-gone')
  t.equal(onLooked(roomOf(), { exists: false }, at(1), at(1)).state, 'making', 'LiveKit has not answered createRoom')
  t.equal(onLooked(roomOf(), { exists: false }, at(20), at(20)).leaving!.why, 'failed')
  t.equal(onLooked(roomOf(), undefined, at(20), at(20)).leaving!.why, 'failed')
  t.equal(onLooked(making, undefined, at(20), at(20)).state, 'making', 'the agent may be there')
  const room = ready()
  t.equal(onLooked(room, { exists: true }, at(30), at(30)).leaving!.why, 'agent-left')
  t.equal(onLooked(room, { exists: false }, at(30), at(30)).leaving!.why, 'room-gone')
  t.equal(onLooked(room, { exists: true }, room.agent!.joinedAt - 1, at(30)).state, 'ready', 'it joined meanwhile')
  t.equal(onLooked(room, undefined, at(30), at(30)).state, 'ready', 'silence of LiveKit proves nothing')
  t.match(onLooked(room, { exists: true, agent: { identity: 'agent-2', audio: false } }, at(30), at(30)), {
    state: 'ready',
    agent: { identity: 'agent-2', joinedAt: at(30), audioAt: undefined }
  })
  const two = { exists: true, agent: { identity: 'agent-0', audio: true }, moreAgents: [room.agent!.identity] }
  t.equal(onLooked(room, two, at(30), at(30)).leaving!.why, 'more-agents')
  const doubted = lookSoon(room, at(29))
  t.equal(doubted.doubted, true)
  t.equal(onLooked(doubted, { exists: true, agent }, at(30), at(30)).doubted, undefined)
})

await t.test('an agent that has given a sign of life is dead when it gives none; others are not', async t => {
  const room = ready()
  const { identity } = room.agent!
  t.equal(onAsked(room, identity, false, at(5)), room)
  t.equal(onAsked(room, identity, undefined, at(5)), room)
  t.equal(onAsked(room, 'agent-other', true, at(5)), room)
  const alive = onAsked(room, identity, true, at(5))
  t.match(alive, { state: 'ready', agent: { answers: true } })
  t.equal(onAsked(alive, identity, undefined, at(20)), alive)
  t.equal(onAsked(alive, 'agent-other', false, at(20)), alive)
  t.same(onAsked(alive, identity, false, at(20)).leaving, { why: 'agent-left', deletions: 0 })
  const taken: WarmRoom = { ...alive, state: 'claimed', claim: { callSid: 'call', at: at(19) } }
  t.equal(claimedRoom(taken)!.agent.answers, true, 'its call may rely on that')
  const dead = onAsked(taken, identity, false, at(20))
  t.match(missedEvent(taken, dead, at(21)), { what: 'participant_left', at: at(20) })
})

await t.test('a ready room is looked at 2 s after its agent joined, then every 15 s', async t => {
  const room = ready()
  const { joinedAt } = room.agent!
  t.equal(dueAt(room), joinedAt + 2000)
  const agent = { identity: room.agent!.identity, audio: true }
  const looked = onLooked(room, { exists: true, agent }, joinedAt + 2000, joinedAt + 2000)
  t.equal(dueAt(looked), joinedAt + 17_000)
  const unheard = onLooked({ ...looked, events: false }, { exists: true, agent }, joinedAt + 17_000, joinedAt + 17_000)
  t.equal(dueAt(unheard), joinedAt + 27_000)
})

await t.test('a room that LiveKit refused to make is forgotten; one that it may have made is not', async t => {
  t.equal(onCreateFailed(roomOf(), 'refused', at(0)), undefined)
  t.equal(onCreateFailed(roomOf(), 'failed', at(0))!.state, 'leaving')
  t.equal(onCreateFailed(roomOf(), 'timeout', at(0))!.state, 'making')
  t.equal(onCreateFailed(roomOf(), 'unreachable', at(0))!.state, 'making')
  t.equal(onCreateFailed(ready(), 'failed', at(0))!.state, 'ready', 'its agent is there')
})

/** When a room is deleted, seconds after it left, while LiveKit has nothing to delete but the first time. */
function deletions (room: WarmRoom): number[] {
  const times: number[] = []
  let left: WarmRoom | undefined = leave(room, 'surplus', at(100))
  while (left) {
    times.push((dueAt(left) - at(100)) / 1000)
    left = onDeleted(left, times.length === 1 ? 'deleted' : 'absent', dueAt(left))
  }
  return times
}

await t.test('a deletion is repeated until no agent can be on its way any more', async t => {
  t.same(deletions(ready()), [0, 2])
  t.same(deletions({ ...roomOf(), events: true }), [0, 2, 20])
  t.same(deletions(roomOf()), [0, 2, 20, 60])
})

await t.test('a room that came back is deleted from the beginning', async t => {
  let room = onDeleted(leave({ ...roomOf(), events: true }, 'surplus', at(100)), 'deleted', at(100))
  room = onDeleted(room!, 'deleted', at(102))
  t.equal(dueAt(room!), at(104))
  const [started, joined] = recorded('warm-stock')
  t.equal(dueAt(onHeard(room!, { ...started!, at: at(103) })), at(105), 'its agent is about to join')
  t.equal(dueAt(onHeard(room!, { ...joined!, at: at(103) })), at(103))
  t.equal(onDeleted(room!, 'failed', at(104))!.due, at(109), 'LiveKit is asked again')
  t.equal(onDeleted(room!, 'failed', at(660)), undefined, 'it has closed the room by itself')
})
