import t, { type Test } from 'tap'
import { agentCheck, agentFinding, createAgentCheck } from '../../src/doctor/agent.ts'
import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import { codes, projectWith, run } from '../fixtures/doctor-check.ts'

const AGENT = { name: 'demo-agent', joinAfterMs: 20, publishAfterMs: 20 }
/** Nobody waits for so long, unless the check is to wait in vain. */
const PATIENT = 30_000
const IN_VAIN = 1500
/** No agent of these tests joins that late, but where a test says so. */
const WATCH_MS = 50

/** What is found with these agents; no room is left. */
async function found (t: Test, agents: AgentBehaviour[], limits: Parameters<typeof createAgentCheck>[0]) {
  const { livekit, context } = await projectWith(t, { agents })
  const findings = await run(createAgentCheck({ watchMs: WATCH_MS, ...limits }), context)
  t.same(livekit.rooms(), [], 'the room is gone')
  return findings
}

await t.test('an agent that comes and publishes audio, with both times', async t => {
  const [finding, ...more] = await found(t, [AGENT], { waitMs: PATIENT, slowMs: PATIENT })
  t.match(finding, {
    code: 'agent-ready',
    severity: 'ok',
    seen: /^Agent demo-agent was in the room after \d+ ms and had audio after \d+ ms$/
  })
  t.same(more, [])
})

await t.test('one that takes its time', async t => {
  const [finding] = await found(t, [AGENT], { waitMs: PATIENT, slowMs: 0 })
  t.match(finding, { code: 'agent-slow', severity: 'warning', todo: /warm/ })
})

await t.test('another agent than that of the settings', async t => {
  const { context } = await projectWith(t, { agents: [AGENT, { ...AGENT, name: 'sales' }] })
  const check = createAgentCheck({ waitMs: PATIENT, watchMs: WATCH_MS })
  t.match(await run(check, { ...context, agent: 'sales' }), [{ code: 'agent-ready', seen: /^Agent sales was/ }])
  const typo = createAgentCheck({ waitMs: 200, watchMs: WATCH_MS })
  t.match(await run(typo, { ...context, agent: 'sale' }), [{ code: 'agent-not-dispatched', todo: /registered as sale,/ }])
})

await t.test('no worker under this name', async t => {
  for (const agents of [[], [{ ...AGENT, name: 'demo-agent-2' }], [{ ...AGENT, name: '' }]]) {
    const [finding] = await found(t, agents, { waitMs: 200 })
    t.match(finding, {
      code: 'agent-not-dispatched',
      severity: 'failed',
      todo: /registered as demo-agent, letter by letter/
    })
  }
})

await t.test('a worker that takes the job and does not join', async t => {
  const [finding] = await found(t, [{ ...AGENT, joins: false }], { waitMs: IN_VAIN })
  t.match(finding, { code: 'agent-job-without-join', severity: 'failed', seen: /JS_RUNNING/ })
})

await t.test('an agent that publishes nothing', async t => {
  const [finding] = await found(t, [{ ...AGENT, publishes: false }], { waitMs: IN_VAIN })
  t.match(finding, { code: 'agent-without-audio', severity: 'warning', command: 'bridge probe' })
})

await t.test('a LiveKit that does not make the room', async t => {
  const { livekit, context } = await projectWith(t, { agents: [AGENT] }, { LIVEKIT_TIMEOUT_MS: '500' })
  for (
    const [fault, code] of [['fail', 'livekit-failed'], ['refuse', 'livekit-unreachable'], [
      'lost',
      'livekit-unreachable'
    ]] as const
  ) {
    livekit.faults.apiMethods['CreateRoom'] = fault
    t.match(await run(agentCheck, context), [{
      code,
      severity: 'failed',
      todo: fault === 'lost' ? /LIVEKIT_TIMEOUT_MS/ : String
    }], fault)
    t.same(livekit.rooms(), [], 'also where it was made after all')
  }
})

await t.test('a LiveKit that refuses the key, and says so with the token in it', async t => {
  const { context } = await projectWith(t, {}, { LIVEKIT_API_SECRET: 'another-secret-another-secret-another' })
  const findings = await run(agentCheck, context)
  t.same(codes(findings), ['livekit-key-refused'])
  t.notMatch(JSON.stringify(findings), /eyJ/)
})

await t.test('a LiveKit that shows nothing of the room', async t => {
  const { livekit, context } = await projectWith(t, { agents: [AGENT] })
  livekit.faults.apiMethods['ListParticipants'] = 'fail'
  t.same(codes(await run(createAgentCheck({ waitMs: 200 }), context)), ['livekit-failed'])
  t.same(livekit.rooms(), [])
})

await t.test('a room that cannot be deleted', async t => {
  const { livekit, context } = await projectWith(t, { agents: [AGENT] })
  livekit.faults.apiMethods['DeleteRoom'] = 'fail'
  const findings = await run(agentCheck, context)
  t.match(findings, [{ code: 'agent-ready' }, {
    code: 'room-not-deleted',
    severity: 'warning',
    command: /^lk room delete jb_c/
  }])
})

await t.test('a room that somebody deletes meanwhile', async t => {
  const { livekit, context } = await projectWith(t, {
    onEvent (event, room) {
      if (event === 'room_started') {
        queueMicrotask(() => {
          context.rooms.delete(room).catch(() => {})
        })
      }
    }
  })
  const findings = await run(createAgentCheck({ waitMs: 500, watchMs: WATCH_MS }), context)
  t.same(codes(findings), ['room-closed', 'agent-not-dispatched'])
  t.same(livekit.rooms(), [])
})

await t.test('interrupted: the room is deleted at once', async t => {
  const stop = new AbortController()
  const { livekit, context } = await projectWith(t, {
    onEvent (event) {
      if (event === 'room_started') stop.abort()
    }
  })
  t.same(await run(createAgentCheck({ waitMs: PATIENT, watchMs: WATCH_MS }), context, stop.signal), [])
  t.same(livekit.rooms(), [])
})

await t.test('jobs that LiveKit does not list', async t => {
  t.match(agentFinding({}, { agent: 'a', jobs: undefined, slowMs: 1, waitedMs: 10_000 }), {
    code: 'agent-not-dispatched',
    seen: /within 10 s; LiveKit did not list its jobs/
  })
})
