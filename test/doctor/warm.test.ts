import t from 'tap'
import type { WarmPoolView } from '../../src/calls/warm/pools.ts'
import { poolFindings, warmCheck } from '../../src/doctor/warm.ts'
import { roomFormatOf } from '../../src/room-format.ts'
import { poolsOf } from '../../src/warm-pools.ts'
import { codes, projectWith, run } from '../fixtures/doctor-check.ts'

const POOL: WarmPoolView = {
  id: 'pool-1',
  agent: 'demo-agent',
  metadata: '',
  min: 2,
  max: 5,
  size: 3,
  ready: 3,
  making: 0
}

await t.test('a pool that is full, is being filled, or has something in its way', async t => {
  t.same(poolFindings([POOL]), [{
    code: 'warm-pool-full',
    severity: 'ok',
    seen: 'Agent demo-agent: 3 of 3 rooms have a waiting agent (min 2, max 5)'
  }])
  t.match(poolFindings([{ ...POOL, ready: 1, making: 2 }]), [{
    code: 'warm-pool-filling',
    severity: 'ok',
    seen: 'Agent demo-agent: 1 of 3 rooms have a waiting agent, 2 more are being made (min 2, max 5). The pool is ' +
      'being filled'
  }])
  for (
    const [trouble, why] of [
      ['livekit', /LiveKit does not make rooms$/],
      ['no-agent', /no agent comes$/],
      ['agent-leaves', /leave them soon, though they should wait for a call$/],
      ['store', /store of the rooms cannot be used$/]
    ] as const
  ) {
    const [finding] = poolFindings([{ ...POOL, ready: 0, trouble }])
    t.match(finding, { code: 'warm-pool-short', severity: 'warning', seen: why, todo: /livekit-api, agent and redis/ })
  }
})

await t.test('two pools of one agent are told apart, and not by their metadata', async t => {
  const findings = poolFindings([POOL, { ...POOL, id: 'pool-2', metadata: 'secret' }, { ...POOL, agent: 'sales' }])
  t.match(findings.map(({ seen }) => seen), [
    /^Agent demo-agent \(pool pool-1\): /,
    /^Agent demo-agent \(pool pool-2\): /,
    /^Agent sales: /
  ])
  t.notMatch(JSON.stringify(findings), /secret/)
})

await t.test('a running service says what it knows of its pools', async t => {
  const { context } = await projectWith(t, {}, { WARM_AGENTS: '2' })
  const pools = async () => [{ ...POOL, ready: 2 }]
  t.match(await run(warmCheck, { ...context, pools }), [{ code: 'warm-pool-filling' }])
})

await t.test('the command line counts the rooms that LiveKit has', async t => {
  const { livekit, context } = await projectWith(t, { agents: [] }, { WARM_AGENTS: '2' })
  const short = { code: 'warm-pool-short', severity: 'warning' }
  t.match(await run(warmCheck, context), [{ ...short, seen: 'LiveKit has 0 of at least 2 rooms that wait for calls' }])

  const now = Date.now()
  const [pool] = poolsOf(context.settings, context.routes.table)
  const requestFor = (token: string) =>
    roomFormatOf(context.settings).warmRequest(
      { room: `jb_${token}`, token, departureS: 60, madeAt: now, endsAt: now + 60_000 },
      pool!
    )
  await context.rooms.create(requestFor('cone'))
  // A room of a call, and one that somebody else calls warm.
  await context.rooms.create({ ...requestFor('ctwo'), metadata: '{"v":2,"callSid":"c-1"}' })
  await context.rooms.create({ ...requestFor('cthree'), metadata: '{"v":2,"warm":true,"seal":"x"}' })
  t.match(await run(warmCheck, context), [{ ...short, seen: 'LiveKit has 1 of at least 2 rooms that wait for calls' }])

  await context.rooms.create(requestFor('cfour'))
  const full = { code: 'warm-pool-full', severity: 'ok' }
  t.match(await run(warmCheck, context), [{ ...full, seen: /^LiveKit has 2 of at least 2/ }])

  livekit.faults.apiMethods['ListRooms'] = 'fail'
  t.same(codes(await run(warmCheck, context)), ['livekit-failed'])
})

await t.test('without a pool there is nothing to say', async t => {
  const { context } = await projectWith(t)
  t.match(await run(warmCheck, context), [{ code: 'warm-none', severity: 'skipped' }])
})
