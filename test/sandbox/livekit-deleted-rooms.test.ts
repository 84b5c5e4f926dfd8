import { readFileSync } from 'node:fs'
import t from 'tap'
import { RoomServiceClient } from 'livekit-server-sdk'
import { createLiveKitDouble } from '../../src/sandbox/livekit.ts'
import { CONNECT_MS } from '../../src/sandbox/livekit/agents.ts'
import { KEY, SECRET, shape, startSink, type Hook } from '../fixtures/livekit/helper.ts'
import { fixture } from '../fixtures/paths.ts'
import { createTestClock } from '../fixtures/test-clock.ts'

/*
 * Rooms that were deleted after the job of their agent was sent. Each recording holds several tries. The test plays
 * each try against the double at the recorded times, and compares the double's webhooks with the recorded ones.
 */

interface Operation {
  at_ms: number
  op: string
  args: unknown
  answered: { code?: string }
}

interface DeletedRooms {
  tokens: Record<string, string>
  api: Operation[]
  livekit: Array<{ at_ms: number, body: string }>
}

type Event = Hook & { room: { sid: string, name: string } }

/** The events of one room in a recording, in milliseconds since its CreateRoom. */
interface Try {
  name: string
  deletes: Array<{ at: number, code: string | undefined }>
  hooks: Array<{ at: number, event: Event }>
}

function triesOf (name: string): Try[] {
  const recorded = JSON.parse(readFileSync(fixture(`livekit/${name}.json`), 'utf8')) as DeletedRooms
  return Object.values(recorded.tokens).map(token => {
    const room = `jb_${token}`
    const operations = recorded.api.filter(({ args }) => JSON.stringify(args).includes(room))
    const start = operations.find(({ op }) => op === 'CreateRoom')?.at_ms ?? 0
    return {
      name: room,
      deletes: operations
        .filter(({ op }) => op === 'DeleteRoom')
        .map(({ at_ms: at, answered }) => ({ at: at - start, code: answered.code })),
      hooks: recorded.livekit
        .map(({ at_ms: at, body }) => ({ at: at - start, event: JSON.parse(body) as Event }))
        .filter(({ event }) => event.room.name === room)
    }
  })
}

/** The time from CreateRoom until the agent joined, or would have joined without the abort of its connection. */
function joinAfter ({ hooks }: Try): number {
  const [first, second] = hooks.filter(({ event }) => event.event === 'room_started')
  const joined = hooks.find(({ event }) => event.event === 'participant_joined')
  if (second && joined?.event.room.sid !== first?.event.room.sid) return second.at + CONNECT_MS
  return joined?.at ?? 400
}

/** An event in short, with a number for each room of the same name instead of its sid. */
function brief (events: Event[]): string[] {
  const sids = [...new Set(events.map(({ room }) => room.sid))]
  return events.map(({ event, room, participant }) =>
    [event, `#${sids.indexOf(room.sid) + 1}`, participant?.disconnectReason].filter(Boolean).join(' '))
}

/** Counts and participant versions lag, so the value in a webhook depends on chance. */
function comparable (event: Event): unknown {
  return shape(JSON.parse(
    JSON.stringify(event),
    (key, value: unknown) => ['numParticipants', 'numPublishers', 'version'].includes(key) ? undefined : value
  ))
}

async function play (recorded: Try, autoCreate: boolean) {
  const clock = createTestClock()
  const sink = await startSink()
  const agent = { name: 'demo-agent', joinAfterMs: joinAfter(recorded) }
  const double = await createLiveKitDouble({
    apiKey: KEY,
    apiSecret: SECRET,
    webhookUrls: [sink.url],
    agents: [agent],
    clock,
    tokenTime: Date.now,
    autoCreate
  })
  const rooms = new RoomServiceClient(double.apiUrl, KEY, SECRET)
  const codes: Array<string | undefined> = []
  let passed = 0
  const passTo = async (ms: number) => {
    await clock.pass(Math.max(0, ms - passed))
    passed = Math.max(passed, ms)
  }
  const remove = () =>
    rooms.deleteRoom(recorded.name).then(() => codes.push(undefined), ({ code }) => codes.push(code))

  const end = recorded.hooks.at(-1)?.at ?? 0
  await rooms.createRoom({
    name: recorded.name,
    emptyTimeout: 60,
    departureTimeout: 10,
    metadata: 'ours',
    agents: [{ agentName: 'demo-agent', metadata: '' }] as never
  })
  for (const { at } of recorded.deletes) {
    await passTo(at)
    await remove()
  }
  // After four seconds the recorder listed what was left and deleted it.
  const left = await (async () => {
    await passTo(Math.min(end, 3500))
    return double.rooms()
  })()
  if (left.length > 0 && recorded.hooks.filter(({ event }) => event.event === 'room_finished').length > 1) {
    await rooms.deleteRoom(recorded.name)
  }
  await passTo(end + 200)
  await double.webhooksSent()
  await Promise.all([double.close(), sink.close()])
  return { codes, left, hooks: sink.hooks as Event[] }
}

const RECORDINGS = [
  { name: 'delete-0ms-after-create', left: true },
  { name: 'delete-100ms-after-create', left: true },
  { name: 'delete-again-at-room-started', left: false },
  { name: 'delete-twice-2s-apart', left: false },
  { name: 'delete-after-agent-joined', left: false },
  { name: 'auto-create-off-delete-at-once', left: false, autoCreate: false }
]

for (const { name, left, autoCreate = true } of RECORDINGS) {
  await t.test(name, async t => {
    for (const recorded of triesOf(name)) {
      const played = await play(recorded, autoCreate)
      const expected = recorded.hooks.map(({ event }) => event)
      t.same(brief(played.hooks), brief(expected), `webhooks of ${recorded.name}`)
      t.same(played.hooks.map(comparable), expected.map(comparable), 'and what they say')
      t.same(played.codes, recorded.deletes.map(({ code }) => code), 'answers of deleteRoom')
      t.equal(played.left.length, left ? 1 : 0, 'rooms left')
      if (left) {
        t.match(played.left[0], {
          room: { empty_timeout: 300, departure_timeout: 20, metadata: '' },
          participants: [{ kind: 'AGENT' }]
        })
      }
    }
  })
}
