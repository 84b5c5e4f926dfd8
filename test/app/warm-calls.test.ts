import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import type { Test } from 'tap'
import type { AgentBehaviour } from '../../src/sandbox/livekit.ts'
import { AGENT as TALKER, CALLER, PERSON, setPeopleStage } from '../fixtures/people-stage.ts'
import { setRoutesStage, type RoutesStage } from '../fixtures/routes-stage.ts'

/*
 * Calls whose agent waits for them: the service between doubles of Jambonz and LiveKit, over real sockets. The room of
 * a call that its agent had waited for is one that was there when the call came.
 */

const ROUTE = '      - { agent: receptionist, warm: 1 }\n'
const AGENT: AgentBehaviour = { name: 'receptionist', joinAfterMs: 200, publishAfterMs: 50 }

async function setStage (t: Test, agent: Partial<AgentBehaviour> = {}): Promise<RoutesStage> {
  const stage = await setRoutesStage(t, { routes: ROUTE, agents: [{ ...AGENT, ...agent }] })
  await stage.pass(5000)
  return stage
}

const namesOf = ({ livekit }: RoutesStage): string[] => livekit.rooms().map(({ room }) => room['name'] as string)

/** The rooms that are there when nobody is in a call any more: the one that waits. */
async function allOver (t: Test, stage: RoutesStage) {
  const call = await stage.over()
  await stage.pass(60_000)
  t.equal(stage.livekit.rooms().length, 1, 'only the room that waits for the next call')
  return call
}

await t.test('a warm call, from INVITE to hang-up: its agent knows who calls, and may control it', async t => {
  const jobs: string[] = []
  const metadata: string[] = []
  let attributes: Readonly<Record<string, string>> = {}
  const stage = await setStage(t, {
    onJob: job => jobs.push(job.metadata),
    onRoomMetadata: text => metadata.push(text),
    onConnected: { run: (_job, seen) => { attributes = seen.attributes } }
  })
  const [waiting] = namesOf(stage)
  stage.livekit.faults.apiMethods['CreateRoom'] = 'refuse'
  const call = stage.call()
  t.equal((await call.final).status, 200, 'answered, though no room can be made')
  const talking = await stage.passUntil(({ phase }) => phase === 'connected')
  t.match(talking.attempts, [{ start: 'warm', room: waiting }])
  t.match(attributes, {
    'sip.callStatus': 'active',
    'sip.h.x-lk-call': talking.callSid,
    'sip.h.x-lk-from': '+15550001111'
  })

  const job = JSON.parse(jobs[0]!) as { mode: string, control: { base: string, token: string } }
  t.match(job, { mode: 'warm', call: undefined })
  t.match(JSON.parse(metadata.at(-1)!), { call: { callSid: talking.callSid, from: '+15550001111' } })
  const { control } = JSON.parse(metadata.at(-1)!) as { control: { url: string } }
  t.equal(control.url, `${job.control.base}/${talking.callSid}`)

  delete stage.livekit.faults.apiMethods['CreateRoom']
  await call.bye()
  t.match((await allOver(t, stage)).end, { cause: 'caller-hung-up' })
})

await t.test('a room whose agent has left is nobody\'s: the caller gets another agent', async t => {
  const stage = await setStage(t, { onJoined: { leaveAfterMs: 10_000 } })
  const [left] = namesOf(stage)
  await stage.pass(6000)
  const call = stage.call()
  const talking = await stage.passUntil(({ phase }) => phase === 'connected')
  t.not(talking.attempts[0]?.room, left)
  await call.bye()
  await stage.over()
})

await t.test('an agent that dies in its room before it is heard is replaced', async t => {
  const stage = await setStage(t, { publishes: 'with-caller', onJoined: { dieAfterMs: 100 } })
  const call = stage.call()
  const talking = await stage.passUntil(({ phase }) => phase === 'connected')
  t.match(talking.attempts, [{ start: 'replaced' }], 'in the same room')
  await call.bye()
  t.match((await stage.over()).end, { cause: 'caller-hung-up' })
})

await t.test('a room that LiveKit closed unheard is made again under its name, with the agent of the call', async t => {
  const stage = await setStage(t)
  const [closed] = namesOf(stage)
  stage.livekit.faults.webhooks = 'off'
  stage.livekit.closeRoom(closed!)
  stage.livekit.faults.webhooks = 'ok'
  const call = stage.call()
  const talking = await stage.passUntil(({ phase }) => phase === 'connected')
  t.match(talking.attempts, [{ start: 'replaced', room: closed }])
  t.match(stage.livekit.room(closed!)?.dispatches.map(({ agent_name: name }) => name), ['receptionist'])
  await call.bye()
  t.match((await allOver(t, stage)).end, { cause: 'caller-hung-up' })
})

await t.test('with LiveKit\'s API away a call that has a room is answered', async t => {
  const stage = await setStage(t)
  stage.livekit.faults.api = 'refuse'
  const call = stage.call()
  t.equal((await call.final).status, 200)
  stage.livekit.faults.api = 'ok'
  await call.bye()
  t.match((await allOver(t, stage)).end, { cause: 'caller-hung-up' })
})

await t.test('an empty pool makes nobody wait, and two calls never get the same room', async t => {
  const stage = await setStage(t)
  const calls = [stage.call(), stage.call({ from: '+15550002222' })]
  await stage.passUntil(({ phase }) => phase === 'connected')
  t.same(await Promise.all(calls.map(async call => (await call.final).status)), [200, 200])
  const { calls: views } = JSON.parse(await stage.operator('/calls')) as
    { calls: Array<{ attempts: Array<{ room: string, start: string }> }> }
  t.equal(new Set(views.map(({ attempts }) => attempts[0]?.room)).size, 2)
  t.same(views.map(({ attempts }) => attempts[0]?.start).sort(), ['cold', 'warm'])
  for (const call of calls) await call.bye()
  await allOver(t, stage)
})

await t.test('a service that stops leaves no room', async t => {
  const stage = await setStage(t)
  t.equal(stage.livekit.rooms().length, 1)
  await stage.stop()
  t.same(stage.livekit.rooms(), [])
})

await t.test('an agent that waited for its call transfers it, with the token that it had before', async t => {
  const stage = await setPeopleStage(t, {
    callee: { status: 200, ringMs: 20 },
    env: { WARM_AGENTS: '1', DRAIN_DELAY_S: '0', SHUTDOWN_TIMEOUT_S: '2' }
  })
  const ready = async () => (await fetch(`${stage.url}/metrics`)).text()
  while (!/^bridge_warm_rooms\{.*state="ready".*\} 1/m.test(await ready())) await sleep(20)
  const { call, callSid } = await stage.talking()
  t.match((await stage.view(callSid)).attempts, [{ start: 'warm' }])

  const { base, token } = stage.jobs[0]!.control as unknown as { base: string, token: string }
  const consult = { to: PERSON, mode: 'consult', brief: 'Alice asks for a refund' }
  const asked = await stage.post(`${base}/${callSid}/transfers`, consult, token)
  t.equal(asked.status, 202)
  await stage.hear({ [CALLER]: [TALKER], [PERSON]: [TALKER] })
  await stage.reaches(callSid, asked.body.id, 'consulting')
  const job = stage.jobs.find(({ transfer }) => transfer?.id === asked.body.id)
  t.match(job, { transfer: { mode: 'consult', callSid } }, 'whom the agent of the person knows')
  const complete = `${job!.control.url}/transfers/${asked.body.id}/complete`
  t.equal((await stage.post(complete, undefined, job!.control.token)).status, 202)
  await stage.hear({ [CALLER]: [PERSON], [PERSON]: [CALLER] })
  t.match(await stage.reaches(callSid, asked.body.id, 'finished'), { result: 'bridged' })

  await call.bye()
  await stage.until(({ callSid: sid, phase }) => sid === callSid && phase === 'ended')
  await stage.until(({ callSid: sid, phase }) => sid !== callSid && phase === 'ended')
})
