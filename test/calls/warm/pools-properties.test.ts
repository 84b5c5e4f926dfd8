import fc from 'fast-check'
import t, { type Test } from 'tap'
import type { ClaimedRoom } from '../../../src/calls/fold/warm.ts'
import { freshUntil } from '../../../src/calls/warm/plan.ts'
import { buildStage, poolWith, wish, type Replica } from './stage.ts'
import { createUnsteadyStore, type Behaviour } from './unsteady-store.ts'

const RUNS = Number(process.env['POOL_RUNS'] ?? 25)
const LIFE_MS = 120_000
const POOL = poolWith(3, 8)
/** Between two rooms of the pool: it is never larger than 20, so two are made a second. */
const EVERY_MS = 500

/** What a call does with the room that it has claimed. `vanish`: its process is killed before it says so. */
type Use = 'take' | 'leave' | 'vanish'

type Step =
  | { do: 'pass', ms: number }
  | { do: 'claim', replica: number, calls: number, use: Use, settleMs: number }
  | { do: 'agent-leaves', nth: number }
  | { do: 'kill', replica: number }
  | { do: 'livekit', failure: 'failed' | 'unreachable' | 'timeout' | undefined }
  | { do: 'workers', joinMs: number | undefined }
  | { do: 'events', arrive: 'all' | 'twice' | 'none' }
  | { do: 'store', mode: Behaviour['mode'] }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('pass'), ms: fc.integer({ min: 1, max: 15_000 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('claim'),
      replica: fc.nat(1),
      calls: fc.integer({ min: 1, max: 6 }),
      use: fc.constantFrom<Use>('take', 'take', 'leave', 'vanish'),
      settleMs: fc.constantFrom(0, 5, 300, 20_000)
    })
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('agent-leaves'), nth: fc.nat(10) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill'), replica: fc.nat(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('livekit'),
      failure: fc.constantFrom('failed', 'unreachable', 'timeout', undefined, undefined)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('workers'), joinMs: fc.constantFrom(300, 300, 2500, 8000, undefined) })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('events'), arrive: fc.constantFrom('all', 'all', 'twice', 'none') })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('store'), mode: fc.constantFrom('ok', 'ok', 'gone', 'lossy') })
  }
) as fc.Arbitrary<Step>

/** Plays what happens, and checks after each step what must always hold. */
async function play (t: Test, steps: readonly Step[]): Promise<void> {
  const { store, state } = createUnsteadyStore(() => {})
  const stage = buildStage(t, [POOL], store)
  const { clock, livekit, calls } = stage
  const start = () => stage.replica({ lifeMs: LIFE_MS })
  const replicas: Replica[] = [start(), start()]
  /** Rooms that somebody has claimed and not given back. */
  const claimed = new Set<string>()
  const requests = { checked: 0 }
  let givenBack = 0

  async function claim ({ replica, calls: count, use, settleMs }: Extract<Step, { do: 'claim' }>): Promise<void> {
    const pools = replicas[replica]!
    const before = clock.now()
    const found = await Promise.all(Array.from({ length: count }, () => pools.claim(wish())))
    if (clock.now() !== before) throw new Error('a claim waited')
    for (const room of found) if (typeof room === 'object') await useRoom(pools, room, use, settleMs)
  }

  async function useRoom (pools: Replica, room: ClaimedRoom, use: Use, settleMs: number): Promise<void> {
    const name = room.room
    if (claimed.has(name)) throw new Error(`${name} was claimed twice`)
    if (room.madeAt + LIFE_MS <= clock.now() + 15_000) throw new Error(`${name} ends too soon`)
    claimed.add(name)
    if (use === 'vanish') return
    if (use === 'take') {
      calls.set(name, 'call')
      clock.schedule(100, () => livekit.callerJoins(name))
      clock.schedule(settleMs, () => pools.settle(room, true))
      return
    }
    clock.schedule(Math.min(settleMs, 10_000), () => {
      claimed.delete(name)
      givenBack++
      return pools.settle(room, false)
    })
  }

  async function act (step: Step): Promise<void> {
    switch (step.do) {
      case 'pass':
        return clock.pass(step.ms)
      case 'claim':
        return claim(step)
      case 'agent-leaves':
        return livekit.agentLeaves([...livekit.open.keys()][step.nth] ?? '')
      case 'kill':
        replicas[step.replica]!.kill()
        replicas[step.replica] = start()
        return
      case 'livekit':
        livekit.failure = step.failure
        return
      case 'workers':
        livekit.joinMs = step.joinMs
        return
      case 'events':
        livekit.sendsEvents = step.arrive !== 'none'
        livekit.repeats = step.arrive === 'twice'
        return
      case 'store':
        state.mode = step.mode
    }
  }

  async function check (): Promise<void> {
    for (const line of livekit.log.slice(requests.checked)) {
      const [operation, room] = line.split(' ')
      if (operation === 'delete' && calls.has(room!)) throw new Error(`${room} was deleted under its call`)
    }
    requests.checked = livekit.log.length
    const tooSoon = livekit.made.find(({ at }, i) => i > 0 && at - livekit.made[i - 1]!.at < EVERY_MS)
    if (tooSoon) throw new Error(`${tooSoon.room} was made too soon`)
    if (state.mode !== 'ok') return

    const rooms = await store.list(POOL.id)
    const waiting = rooms.filter(({ state }) => state === 'making' || state === 'ready')
    const fresh = waiting.filter(({ endsAt }) => endsAt > freshUntil(clock.now(), LIFE_MS))
    // Those that were given back come on top.
    const most = POOL.max + givenBack
    if (fresh.length > most) throw new Error(`${fresh.length} rooms, and no more than ${most} are wanted`)
    if (waiting.length > most + POOL.max) throw new Error(`${waiting.length} rooms with those that are renewed`)
  }

  for (const step of steps) {
    await act(step)
    await check()
  }

  // Everything works again: the pool is full.
  state.mode = 'ok'
  Object.assign(livekit, { failure: undefined, joinMs: 300, sendsEvents: true })
  for (let s = 0; s < 90; s++) {
    await clock.pass(1000)
    await check()
  }
  const ready = (await stage.rooms('ready')).length
  if (ready < POOL.min) throw new Error(`${ready} rooms are ready`)

  // Nobody wants it any more: nothing is left but the rooms of calls.
  stage.wanted = []
  await clock.pass(200_000)
  await check()
  const left = [...livekit.open.keys()].filter(name => !calls.has(name))
  if (left.length > 0) throw new Error(`${left.join()} are left`)
  const records = await store.list(POOL.id)
  if (records.length > 0) throw new Error(`records are left: ${JSON.stringify(records)}`)
  for (const replica of replicas) replica.kill()
}

await t.test('whatever happens, no room is claimed twice, lost to its call, made too fast, or left behind', async t => {
  const steps = fc.array(step, { minLength: 5, maxLength: 40 })
  await fc.assert(fc.asyncProperty(steps, steps => play(t, steps)), { numRuns: RUNS })
  t.pass('the rules hold')
})
