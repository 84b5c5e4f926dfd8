import { callerStatus } from '../fixtures/build.ts'
import { settle } from '../fixtures/test-clock.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { transferTest } from './support.ts'

const CONSULT = { to: PERSON, mode: 'consult' }

/** Whether a request is answered yet. */
function watched<T> (reply: Promise<T>): { reply: Promise<T>, isAnswered: () => boolean } {
  let answered = false
  const done = () => {
    answered = true
  }
  reply.then(done, done)
  return { reply, isAnswered: () => answered }
}

const get = (bridge: TransferBridge, sid: string, id: string, query: string) =>
  watched(bridge.ask('GET', `/calls/${sid}/transfers/${id}${query}`))

await transferTest('a request waits until the transfer is decided', async (t, bridge) => {
  const sid = await bridge.connected()
  const begun = watched(bridge.transfer(sid, CONSULT, { query: '?wait=25' }))
  await bridge.personOrder()
  await bridge.person('call-1', 'ringing', 180)
  t.notOk(begun.isAnswered(), 'the person is called while the request waits')
  const [{ id }] = await bridge.transfersOf(sid)
  const looked = get(bridge, sid, id, '?wait=25')
  await settle()
  t.notOk(looked.isAnswered())

  await bridge.person('call-1', 'busy', 486)
  await bridge.clock.pass(2000)
  const decided = { id, state: 'finished', result: 'returned', reason: 'busy', sipStatus: 486 }
  t.match(await begun.reply, { status: 202, json: decided })
  t.match(await looked.reply, { status: 200, json: decided })
  t.match(await get(bridge, sid, id, '?wait=25').reply, { status: 200, json: decided }, 'at once')
})

await transferTest('a request waits for another state, and no longer than it asked for', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await settle()
  const [{ state }] = await bridge.transfersOf(sid)
  const news = get(bridge, sid, id, `?wait=30&state=${state}`)
  const late = get(bridge, sid, id, '?wait=10')
  await bridge.person('call-1', 'ringing', 180)
  await bridge.clock.pass(500)
  t.match(await news.reply, { status: 200, json: { state: 'ringing' } })
  await bridge.clock.pass(9000)
  t.notOk(late.isAnswered())
  await bridge.clock.pass(1000)
  t.match(await late.reply, { status: 200, json: { state: 'ringing' } })
})

await transferTest('what another replica has done is seen within half a second', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  const waiting = get(bridge, sid, id, '?wait=25')
  await settle()
  await bridge.app.registry.update(sid, call => ({
    ...call!,
    transfer: { ...call!.transfer!, outcome: { result: 'returned', reason: 'cancelled', at: bridge.clock.now() } }
  }))
  await settle()
  t.notOk(waiting.isAnswered(), 'nobody said so here')
  await bridge.clock.pass(500)
  t.match(await waiting.reply, { status: 200, json: { result: 'returned' } })
})

await transferTest('completing ends its wait when the person is back with the agent', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await bridge.consulting('call-1')
  const completed = watched(bridge.tell(sid, id, 'complete', { query: '?wait=30' }))
  await bridge.redirected('call-1')
  await bridge.clock.pass(7000)
  t.notOk(completed.isAnswered())
  await bridge.clock.pass(15_000)
  t.match(await completed.reply, { status: 202, json: { state: 'consulting' } }, 'Jambonz sent no redirect hook')
})

await transferTest('a process that is about to end answers at once', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: { id } } = await bridge.transfer(sid, CONSULT)
  const waiting = get(bridge, sid, id, '?wait=25')
  await settle()
  t.notOk(waiting.isAnswered())
  bridge.app.draining.drain()
  t.match(await waiting.reply, { status: 200, json: { id } })
  t.match(await get(bridge, sid, id, '?wait=25').reply, { status: 200, json: { id } }, 'and holds none any more')
})

await transferTest('blind: the caller hears ringing, and comes back when the person is busy', async (t, bridge) => {
  const sid = await bridge.connected()
  const begun = watched(bridge.transfer(sid, { to: PERSON, mode: 'blind', ring: 20 }, { query: '?wait=30' }))
  const asked = await bridge.redirected(sid)
  const verbs = await bridge.redirect(asked, callerStatus(sid, 'in-progress', 200))
  t.match(verbs, {
    status: 200,
    json: [{
      verb: 'dial',
      timeout: 20,
      timeLimit: 600,
      callerId: '+15551230000',
      target: [{ type: 'phone', number: PERSON, trunk: 'MyCarrier' }]
    }]
  })
  t.notOk(begun.isAnswered())
  const [{ id }] = await bridge.transfersOf(sid)
  t.match(await bridge.tell(sid, id, 'cancel'), { status: 202, json: { state: 'returning' } })
  t.match(await bridge.tell(sid, id, 'cancel'), { status: 202, json: { state: 'returning' } }, 'again')
  const redirects = bridge.jambonz.ofCalls('PUT').filter(({ body }) => body['call_hook'])
  t.ok(redirects.length <= 2, 'asked for once more')
}, { policy: { caps: { longestS: 600 } } })
