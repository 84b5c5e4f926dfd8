import type { Test } from 'tap'
import type { TestBridge } from '../fixtures/build.ts'
import { agentStatus, callHook, callerStatus, dialAction } from '../fixtures/build.ts'
import { HookDeadlineError, StoreUnavailableError } from '../../src/errors.ts'
import { RECORDED_TARGETS, routesWith } from '../fixtures/policies.ts'
import { bridgeTest } from './support.ts'

const ALLOWED = { routes: routesWith(RECORDED_TARGETS) }

/** A test with a bridge that lets the usual targets pass. */
const transferTest = (name: string, fn: (t: Test, bridge: TestBridge) => Promise<unknown>) =>
  bridgeTest(name, fn, {}, ALLOWED)

const agentRefer = (
  sid: string,
  details: object = { sip_refer_to: '<tel:+15559998888>', refer_to_user: '+15559998888' }
) => ({ ...agentStatus(sid, 'in-progress', 200), refer_details: { ...details, referred_call_sid: sid } })
const callerRefer = (sid: string) => ({
  ...callerStatus(sid, 'in-progress', 200),
  refer_details: { sip_refer_to: '<sip:agent@example.com>', refer_to_user: 'agent' }
})
const referComplete = (sid: string, extra: object) => ({ ...callerStatus(sid, 'in-progress', 200), ...extra })

async function connected (bridge: TestBridge): Promise<string> {
  const hook = callHook()
  const sid = hook['call_sid']
  await bridge.hook('/livekit-api', hook)
  for (
    const event of [
      agentStatus(sid, 'trying', 100),
      agentStatus(sid, 'ringing', 180),
      agentStatus(sid, 'in-progress', 200),
      callerStatus(sid, 'in-progress', 200)
    ]
  ) await bridge.hook('/status', event)
  return sid
}

await transferTest("the agent's REFER is passed on to the caller leg; a repeat gets the same", async (t, bridge) => {
  const sid = await connected(bridge)
  const reply = await bridge.hook(`/refer?call=${sid}&attempt=1`, agentRefer(sid))
  t.equal(reply.status, 200)
  t.match(reply.type, /^application\/json/)
  t.strictSame(reply.json, [{
    verb: 'sip:refer',
    referTo: '+15559998888',
    referredBy: '+15551230000',
    actionHook: `https://bridge.example.com/refer-complete?call=${sid}#rc=2&rp=all`
  }])
  t.strictSame((await bridge.hook('/refer', agentRefer(sid))).json, reply.json)
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'transferring')
})

await transferTest('a SIP URI is passed on as it is', async (t, bridge) => {
  const sid = await connected(bridge)
  const reply = await bridge.hook(
    '/refer',
    agentRefer(sid, { sip_refer_to: '<sip:+15559998888@pbx.example.com;transport=tcp>' })
  )
  t.equal(reply.json[0].referTo, 'sip:+15559998888@pbx.example.com;transport=tcp')
})

await transferTest("the caller leg's REFER is refused with 403, and the call goes on", async (t, bridge) => {
  const sid = await connected(bridge)
  const reply = await bridge.hook('/refer', callerRefer(sid))
  t.equal(reply.status, 403)
  t.equal(reply.text, '', "verbs would run on the agent's leg")
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'connected')
})

await transferTest(
  "a REFER to nowhere, after the end, or of an unknown call's caller leg is refused",
  async (t, bridge) => {
    const sid = await connected(bridge)
    for (const details of [{}, { sip_refer_to: '' }, { sip_refer_to: '<mailto:x@example.com>' }]) {
      t.equal(
        (await bridge.hook('/refer', agentRefer(sid, details))).status,
        403,
        JSON.stringify(details)
      )
    }
    await bridge.hook('/status', callerStatus(sid, 'completed', 200, { call_termination_by: 'caller' }))
    await bridge.clock.pass(3000)
    t.equal((await bridge.hook('/refer', agentRefer(sid))).status, 403)
    t.equal((await bridge.hook('/refer', callerRefer('00000000-0000-4000-8000-000000000000'))).status, 403)
  }
)

await transferTest('a REFER that cannot be read is refused, and the call goes on', async (t, bridge) => {
  const sid = await connected(bridge)
  const { refer_details: _, ...withoutDetails } = agentRefer(sid)
  const wrongLegs = [{ call_sid: 5 }, { parent_call_sid: 'x y' }]
  const unreadable = ['', '{', '[]', ...wrongLegs.map(wrong => ({ ...agentRefer(sid), ...wrong }))]
  for (const body of unreadable) {
    const reply = await bridge.hook('/refer', body)
    t.equal(reply.status, 503, JSON.stringify(body).slice(0, 40))
    t.equal(reply.text, '')
  }
  const odd = [null, 'tel:+15559998888', [], 5, { sip_refer_to: {}, refer_to_user: [] }]
  for (const details of odd) {
    t.equal((await bridge.hook('/refer', { ...agentRefer(sid), refer_details: details })).status, 403)
  }
  t.equal((await bridge.hook('/refer', withoutDetails)).status, 403, 'without a target')
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'connected')
})

await transferTest("an unknown call's caller leg, and a REFER that fails inside, are refused", async (t, bridge) => {
  const sid = await connected(bridge)
  t.equal((await bridge.hook('/refer', callerRefer(callHook()['call_sid']))).status, 403)
  bridge.app.calls.answer = async () => undefined
  t.equal((await bridge.hook('/refer', agentRefer(sid))).status, 503, 'nothing to say')
  for (const error of [new HookDeadlineError(), new StoreUnavailableError('it is gone'), new Error('boom')]) {
    bridge.app.calls.answer = async () => {
      throw error
    }
    const reply = await bridge.hook('/refer', agentRefer(sid))
    t.equal(reply.status, 503, error.message)
    t.equal(reply.text, '')
  }
})

await transferTest(
  'a REFER of a call that this process does not know, because it was restarted, is passed on',
  async (t, bridge) => {
    const sid = callHook()['call_sid']
    t.match((await bridge.hook('/refer', agentRefer(sid))).json, [{ verb: 'sip:refer', referTo: '+15559998888' }])
  }
)

await transferTest('a transfer that succeeds', async (t, bridge) => {
  const sid = await connected(bridge)
  await bridge.hook('/refer', agentRefer(sid))
  const result = referComplete(sid, { refer_status: 202, final_referred_call_status: 200 })
  t.strictSame((await bridge.hook('/refer-complete', result)).json, [])
  t.strictSame((await bridge.hook('/refer-complete', result)).json, [])
  await bridge.clock.pass(5000)
  t.match((await bridge.operator('GET', `/calls/${sid}`)).json, { phase: 'ended', end: { cause: 'transferred' } })
  t.equal(bridge.rooms.open.size, 0)
})

await transferTest('a transfer that fails at once: back to the same agent', async (t, bridge) => {
  const sid = await connected(bridge)
  await bridge.hook('/refer', agentRefer(sid))
  const result = referComplete(sid, { refer_status: 603 })
  const reply = await bridge.hook('/refer-complete', result)
  t.match(reply.json, [{ verb: 'dial', id: 'attempt-1' }, { verb: 'sip:decline' }])
  t.strictSame((await bridge.hook('/refer-complete', result)).json, reply.json)
})

await transferTest('a transfer that fails when the room has closed: the next way, or a hang-up', async (t, bridge) => {
  const sid = await connected(bridge)
  await bridge.hook('/refer', agentRefer(sid))
  const [room] = [...bridge.rooms.open.keys()]
  await bridge.livekitEvent({ event: 'room_finished', room: { name: room, sid: 'RM_1' }, id: 'EV_1', createdAt: '0' })
  await bridge.clock.pass(2000)
  t.match(
    (await bridge.hook('/refer-complete', referComplete(sid, { refer_status: 202, final_referred_call_status: 486 })))
      .json,
    [{ verb: 'hangup' }]
  )
  await bridge.clock.pass(5000)
  t.match((await bridge.operator('GET', `/calls/${sid}`)).json, { phase: 'ended', end: { cause: 'transfer-failed' } })
})

await transferTest('/refer-complete of an unknown call, or of one that is not up', async (t, bridge) => {
  t.strictSame(
    (await bridge.hook('/refer-complete', referComplete('00000000-0000-4000-8000-000000000000', { refer_status: 202 })))
      .json,
    []
  )
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  await bridge.hook('/status', agentStatus(hook['call_sid'], 'ringing', 180))
  t.strictSame((await bridge.hook('/refer-complete', referComplete(hook['call_sid'], { refer_status: 603 }))).json, [])
  t.equal((await bridge.operator('GET', `/calls/${hook['call_sid']}`)).json.phase, 'ringing')
})

await transferTest('while a transfer is pending the end of the dial decides nothing', async (t, bridge) => {
  const sid = await connected(bridge)
  await bridge.hook('/refer', agentRefer(sid))
  await bridge.hook('/status', agentStatus(sid, 'completed', 200))
  t.strictSame(
    (await bridge.hook('/action', dialAction(sid, 'completed', 200, { call_status: 'in-progress' }))).json,
    []
  )
  t.equal((await bridge.operator('GET', `/calls/${sid}`)).json.phase, 'transferring')
  t.equal(bridge.rooms.open.size, 1, 'the room stands until the transfer is decided')
})
