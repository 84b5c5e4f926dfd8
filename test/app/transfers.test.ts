import t from 'tap'
import { systemClock, type Clock } from '../../src/clock.ts'
import { AGENT, CALLER, PERSON, setPeopleStage, type PeopleStage } from '../fixtures/people-stage.ts'

/*
 * Callers are handed to people: the service between doubles of Jambonz, LiveKit and a carrier, over real sockets. Every
 * story ends with nobody in a call, no room left and nothing owed.
 */

const RINGS = {}
const ANSWERS = { status: 200, ringMs: 20 }
const TALKING = { [CALLER]: [AGENT] }
const TOGETHER = { [CALLER]: [PERSON], [PERSON]: [CALLER] }
const CONSULTING = { [CALLER]: [AGENT], [PERSON]: [AGENT] }
const THREE = { [CALLER]: [PERSON, AGENT], [PERSON]: [CALLER, AGENT] }

/** The waits of verbs pass in a fraction of their time. */
const hurried: Clock = {
  now: systemClock.now,
  schedule: (ms, fn) => systemClock.schedule(ms >= 1000 && ms < 20_000 ? ms / 50 : ms, fn)
}

/** A person whom an agent consults. */
async function consulting (stage: PeopleStage) {
  const caller = await stage.talking()
  const { id } = await stage.transfer(caller.callSid, { mode: 'consult', brief: 'Alice asks for a refund' })
  await stage.hear(CONSULTING)
  await stage.reaches(caller.callSid, id!, 'consulting')
  return { ...caller, id: id! }
}

await t.test('consult, complete: the agent tells the person what for, and then the two talk', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS })
  const { call, callSid, id } = await consulting(stage)
  const [, job] = stage.jobs
  t.match(job, { transfer: { id, mode: 'consult', callSid, brief: 'Alice asks for a refund' } })

  const { url, token } = job!.control
  t.equal((await stage.post(`${url}/transfers/${id}/complete`, undefined, token)).status, 202)
  await stage.hear(TOGETHER)
  t.match(await stage.reaches(callSid, id, 'finished'), { result: 'bridged', reason: 'completed', to: PERSON })

  await call.bye()
  await stage.allGone()
  t.match((await stage.view(callSid)).end, { by: 'caller' })
  const calls = await stage.calls()
  t.match(calls.find(call => call.callSid !== callSid)?.end, { cause: 'caller-gone' }, 'nobody waits for nobody')
})

await t.test('the person leaves after the two have talked: the call ends', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS })
  const { call, callSid, id } = await consulting(stage)
  await stage.post(`${stage.url}/calls/${callSid}/transfers/${id}/complete`)
  await stage.hear(TOGETHER)
  const hungUp = new Promise(resolve => call.onBye(resolve))
  await stage.carrier.calls[0]!.bye()
  await hungUp
  await stage.allGone()
  t.match((await stage.view(callSid)).end, { cause: 'person-hung-up', by: 'person' })
})

await t.test('consult, cancel: before the person answers, and after', async t => {
  const stage = await setPeopleStage(t, { callee: RINGS })
  const { call, callSid } = await stage.talking()
  const first = await stage.transfer(callSid, { mode: 'consult' })
  await stage.reaches(callSid, first.id!, 'ringing')
  t.equal((await stage.post(`${stage.url}/calls/${callSid}/transfers/${first.id}/cancel`)).status, 202)
  t.match(await stage.reaches(callSid, first.id!, 'finished'), { result: 'returned', reason: 'cancelled' })
  await stage.hear(TALKING)

  stage.carrier.behaviour = ANSWERS
  const second = await stage.transfer(callSid, { mode: 'consult' })
  await stage.hear(CONSULTING)
  await stage.post(`${stage.url}/calls/${callSid}/transfers/${second.id}/cancel`)
  await stage.hear(TALKING)
  t.match(await stage.reaches(callSid, second.id!, 'finished'), { result: 'returned', reason: 'cancelled' })
  await call.bye()
  await stage.allGone()
})

for (const [status, reason] of [[486, 'busy'], [603, 'declined']] as const) {
  await t.test(`consult: the person's phone says ${status}, and the caller is still with the agent`, async t => {
    const stage = await setPeopleStage(t, { callee: { status, ringMs: 10 } })
    const { call, callSid } = await stage.talking()
    const { id } = await stage.transfer(callSid, { mode: 'consult' })
    t.match(await stage.reaches(callSid, id!, 'finished'), { result: 'returned', reason, sipStatus: status })
    await stage.hear(TALKING)
    t.match(await stage.told('bridge'), { type: 'transfer', transfer: { id, result: 'returned', reason } })
    await call.bye()
    await stage.allGone()
  })
}

await t.test('consult: the person declines by hanging up', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS })
  const { call, callSid, id } = await consulting(stage)
  await stage.carrier.calls[0]!.bye()
  t.match(await stage.reaches(callSid, id, 'finished'), { result: 'returned', reason: 'declined' })
  await stage.hear(TALKING)
  await call.bye()
  await stage.allGone()
})

await t.test('consult: the caller hangs up while the person rings, and while they are consulted', async t => {
  const stage = await setPeopleStage(t, { callee: RINGS })
  const ringing = await stage.talking()
  const { id } = await stage.transfer(ringing.callSid, { mode: 'consult' })
  await stage.reaches(ringing.callSid, id!, 'ringing')
  await ringing.call.bye()
  t.match(await stage.reaches(ringing.callSid, id!, 'finished'), { result: 'failed', reason: 'caller-gone' })
  await stage.allGone()

  stage.carrier.behaviour = ANSWERS
  const consulted = await consulting(stage)
  await consulted.call.bye()
  t.match(await stage.reaches(consulted.callSid, consulted.id, 'finished'), { result: 'failed', reason: 'caller-gone' })
  await stage.allGone()
})

await t.test('add: three in the room, and the person may leave', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS })
  const { call, callSid } = await stage.talking()
  const { id } = await stage.transfer(callSid, { mode: 'add' })
  await stage.hear(THREE)
  t.match(await stage.reaches(callSid, id!, 'finished'), { result: 'bridged', reason: 'completed' })
  await stage.carrier.calls[0]!.bye()
  await stage.hear(TALKING)
  await call.bye()
  await stage.allGone()
})

await t.test('add: the agent hangs up the call, and nobody stays', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS })
  const { callSid } = await stage.talking()
  await stage.transfer(callSid, { mode: 'add' })
  await stage.hear(THREE)
  const { url, token } = stage.jobs[0]!.control
  t.equal((await stage.post(`${url}/hangup`, undefined, token)).status, 202)
  await stage.allGone()
})

await t.test('blind: the caller is dialled through, and comes back when that fails', async t => {
  const stage = await setPeopleStage(t, { callee: { status: 486, ringMs: 10 } })
  const { call, callSid } = await stage.talking()
  const busy = await stage.transfer(callSid, { mode: 'blind' })
  t.match(await stage.reaches(callSid, busy.id!, 'finished'), { result: 'returned', reason: 'busy', sipStatus: 486 })
  await stage.hear(TALKING)

  stage.carrier.behaviour = ANSWERS
  const through = await stage.transfer(callSid, { mode: 'blind' })
  await stage.hear(TOGETHER)
  t.match(await stage.reaches(callSid, through.id!, 'finished'), { result: 'bridged', reason: 'completed' })
  await call.bye()
  await stage.allGone()
})

await t.test('screen: the person presses 1 and takes the call', async t => {
  const stage = await setPeopleStage(t, { callee: { ...ANSWERS, presses: { digits: '1', afterMs: 20 } } })
  const { callSid } = await stage.talking()
  const { id } = await stage.transfer(callSid, { mode: 'screen', play: 'https://example.com/press-1.mp3' })
  await stage.hear(TOGETHER)
  t.match(await stage.reaches(callSid, id!, 'finished'), { result: 'bridged', reason: 'completed' })
  await stage.carrier.calls[0]!.bye()
  await stage.allGone()
  t.match((await stage.view(callSid)).end, { cause: 'person-hung-up', by: 'person' })
})

await t.test('screen: the person presses another key, nothing, or hangs up, and the caller comes back', async t => {
  const stage = await setPeopleStage(t, { callee: ANSWERS, jambonzClock: hurried })
  const { call, callSid } = await stage.talking()
  const refusals: [object, string][] = [
    [{ presses: { digits: '2', afterMs: 20 } }, 'declined'],
    [{}, 'no-answer'],
    [{ hangUpAfterMs: 20 }, 'declined']
  ]
  for (const [does, reason] of refusals) {
    stage.carrier.behaviour = { ...ANSWERS, ...does }
    const { id } = await stage.transfer(callSid, { mode: 'screen', play: 'https://example.com/press-1.mp3' })
    t.match(await stage.reaches(callSid, id!, 'finished'), { result: 'returned', reason }, JSON.stringify(does))
    await stage.hear(TALKING)
  }
  await call.bye()
  await stage.allGone()
})

await t.test('one open transfer a call, and nobody outside the number policy', async t => {
  const stage = await setPeopleStage(t, { policy: '{ allow: ["+1555"] }', callee: RINGS })
  const { call, callSid } = await stage.talking()
  const address = `${stage.url}/calls/${callSid}/transfers`
  t.match(await stage.post(address, { to: '+19005550000', mode: 'consult' }), { status: 403 })
  await stage.transfer(callSid, { mode: 'consult' })
  t.match(await stage.post(address, { to: PERSON, mode: 'add' }), { status: 409 })
  await call.bye()
  await stage.allGone()
})
