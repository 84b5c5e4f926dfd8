import t, { type Test } from 'tap'
import { createWarmAgentsCheck, waitingFinding } from '../../src/doctor/warm-agents.ts'
import { runChecks } from '../../src/doctor/run.ts'
import { createAgentCheck } from '../../src/doctor/agent.ts'
import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import { codes, projectWith, run } from '../fixtures/doctor-check.ts'

const AGENT = { name: 'demo-agent', joinAfterMs: 20, publishAfterMs: 20 }
const POOL = { WARM_AGENTS: '3' }
/** Nobody waits for so long, unless the check is to wait in vain. */
const PATIENT = 30_000
/** No agent of these tests does anything later. */
const WATCH = { joinMs: PATIENT, watchMs: 450, deletedMs: 50 }

/** What is found with these agents; no room is left. */
async function found (
  t: Test,
  agents: AgentBehaviour[],
  limits: Parameters<typeof createWarmAgentsCheck>[0] = WATCH,
  env: Record<string, string> = POOL
) {
  const { livekit, context } = await projectWith(t, { agents }, env)
  const findings = await run(createWarmAgentsCheck(limits), context)
  t.same(livekit.rooms(), [], 'the room is gone')
  return findings
}

await t.test('an agent that waits, with a track and without speech', async t => {
  const states = [{ state: 'initializing', afterMs: 10 }, { state: 'listening', afterMs: 30 }]
  t.match(await found(t, [{ ...AGENT, states }]), [{
    code: 'warm-agent-waits',
    severity: 'ok',
    seen: /^Agent demo-agent was in the room after \d+ ms, had a track after \d+ ms, and waited for \d s without a sign/
  }])
})

await t.test('one that publishes when a caller is there costs some milliseconds', async t => {
  t.match(await found(t, [{ ...AGENT, publishes: 'with-caller' }]), [{
    code: 'warm-agent-without-track',
    severity: 'ok',
    seen: /waited for \d s, without a track.* \(99 ms after the INVITE instead of 67 ms, measured\)$/
  }])
})

await t.test('one that greets the empty room, or prepares to', async t => {
  const speaks = { ...AGENT, states: [{ state: 'thinking', afterMs: 30 }, { state: 'speaking', afterMs: 150 }] }
  t.match(await found(t, [speaks], { ...WATCH, watchMs: PATIENT }), [{
    code: 'warm-agent-speaks',
    severity: 'warning',
    seen: /greets an empty room: its session was `speaking` 0\.\d s after it had joined/
  }])
  t.match(await found(t, [{ ...AGENT, states: [{ state: 'thinking', afterMs: 30 }] }]), [{
    code: 'warm-agent-speaks',
    severity: 'warning',
    seen: /prepares its greeting in an empty room: its session was `thinking`/
  }])
})

await t.test('one that leaves because nobody is there', async t => {
  t.match(await found(t, [{ ...AGENT, onJoined: { leaveAfterMs: 150 } }], { ...WATCH, watchMs: PATIENT }), [{
    code: 'warm-agent-leaves',
    severity: 'failed',
    seen: /^Agent demo-agent left its room 0\.\d s after it had joined, and nobody had called$/
  }])
})

await t.test('one whose room is deleted, by itself or by somebody else', async t => {
  const { livekit, context } = await projectWith(t, {
    agents: [AGENT],
    onEvent (event, room) {
      if (event === 'track_published') {
        setTimeout(() => {
          context.rooms.delete(room).catch(() => {})
        }, 150)
      }
    }
  }, POOL)
  const findings = await run(createWarmAgentsCheck({ ...WATCH, watchMs: PATIENT }), context)
  t.match(findings, [{ code: 'room-closed', severity: 'failed', seen: /^The room of agent demo-agent was gone 0\.\d s/ }])
  t.equal(findings.length, 1)
  t.same(livekit.rooms(), [])
})

await t.test('the job is that of a waiting agent, and the room is in no pool', async t => {
  const jobs: string[] = []
  const { livekit, context } = await projectWith(t, {
    agents: [{ ...AGENT, onJob: ({ metadata }) => jobs.push(metadata) }],
    onEvent (event, name) {
      if (event !== 'room_started') return
      const { room } = livekit.room(name)!
      t.match(room, { metadata: '{"probe":true}', empty_timeout: 60, departure_timeout: 60 })
    }
  }, { ...POOL, AGENT_METADATA: '{"tenant":"acme"}' })
  await run(createWarmAgentsCheck(WATCH), context)
  t.equal(jobs.length, 1)
  t.match(JSON.parse(jobs[0]!), { v: 1, mode: 'warm', app: '{"tenant":"acme"}', control: { token: String } })
})

await t.test('without a pool nothing is made', async t => {
  const { livekit, context } = await projectWith(t, { agents: [AGENT] })
  livekit.faults.apiMethods['CreateRoom'] = 'fail'
  t.match(await run(createWarmAgentsCheck(WATCH), context), [{ code: 'warm-none', severity: 'skipped' }])
  const { context: other } = await projectWith(t, { agents: [AGENT] }, POOL)
  t.match(await run(createWarmAgentsCheck(WATCH), { ...other, agent: 'sales' }), [{ code: 'warm-none' }])
})

await t.test('a run watches the agents of five pools, and names the others', async t => {
  const { context } = await projectWith(t, { agents: [] })
  const warm = Array.from({ length: 7 }, (_, i) => ({ agent: `agent-${i}`, min: 1, max: 1 }))
  const routes = { ...context.routes, table: { ...context.routes.table, warm } }
  const findings = await run(createWarmAgentsCheck({ ...WATCH, joinMs: 100 }), { ...context, routes })
  t.equal(findings.filter(({ code }) => code === 'agent-not-dispatched').length, 5)
  t.match(findings.at(-1), {
    code: 'agents-unchecked',
    seen: /: agent-5, agent-6$/,
    command: 'bridge doctor --agent agent-5 --only warm-agents'
  })
})

await t.test('an agent that does not come at all is told by the check of agents', async t => {
  const { context } = await projectWith(t, { agents: [] }, POOL)
  const patience = { waitMs: 200, watchMs: 50 }
  const checks = [createAgentCheck(patience), createWarmAgentsCheck({ ...WATCH, joinMs: 200 })]
  const [agent, warm] = await runChecks(checks, context)
  t.match(agent, { status: 'failed', findings: [{ code: 'agent-not-dispatched' }] })
  t.match(warm, { status: 'skipped', findings: [{ code: 'waits-for-check', seen: /the check agent/ }] })
})

await t.test('one that takes no job of a waiting agent', async t => {
  t.match(await found(t, [{ ...AGENT, joins: false }], { ...WATCH, joinMs: 400 }), [{
    code: 'agent-job-without-join',
    severity: 'failed'
  }])
})

await t.test('a LiveKit that makes no room, and one that shows nothing of it', async t => {
  for (const method of ['CreateRoom', 'ListParticipants']) {
    const { livekit, context } = await projectWith(t, { agents: [AGENT] }, POOL)
    livekit.faults.apiMethods[method] = 'fail'
    t.same(codes(await run(createWarmAgentsCheck({ ...WATCH, joinMs: 200 }), context)), ['livekit-failed'], method)
    t.same(livekit.rooms(), [])
  }
})

await t.test('interrupted: the room is deleted at once', async t => {
  const stop = new AbortController()
  const { livekit, context } = await projectWith(t, {
    agents: [AGENT],
    onEvent (event) {
      if (event === 'participant_joined') stop.abort()
    }
  }, POOL)
  t.same(await run(createWarmAgentsCheck({ ...WATCH, watchMs: PATIENT }), context, stop.signal), [])
  t.same(livekit.rooms(), [])
})

await t.test('a session that speaks has spoken, even if it has stopped by then', async t => {
  const seen = { joinedMs: 100, trackMs: 200, thinkingMs: 300, speakingMs: 1300, seenMs: 20_100 }
  t.match(waitingFinding(seen, 'a'), { code: 'warm-agent-speaks', seen: /`speaking` 1\.2 s after it had joined/ })
  t.match(waitingFinding({ ...seen, leftMs: 5100 }, 'a'), { code: 'warm-agent-leaves', seen: /5\.0 s after/ })
  t.match(waitingFinding({ ...seen, leftMs: 5100, roomGone: true }, 'a'), { code: 'room-closed' })
})
