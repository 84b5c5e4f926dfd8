import { controlOfCall } from '../fixtures/agent-control.ts'
import { SHOP_TOKEN } from '../fixtures/order-bridge.ts'
import { PERSON } from '../fixtures/transfer-bridge.ts'
import { assertError } from '../orders/support.ts'
import { transferTest } from './support.ts'

/* The call of the person: whose it is, which agent talks there, and what that agent may do. */

const CONSULT = { to: PERSON, mode: 'consult' }

await transferTest('the agent of one consultation has nothing to do with another one', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: first } = await bridge.transfer(sid, CONSULT)
  await bridge.personOrder()
  await bridge.consulting('call-1')
  const { token } = controlOfCall(bridge, 'call-1')
  await bridge.tell(sid, first.id, 'cancel')
  const { status, json: second } = await bridge.transfer(sid, CONSULT)
  t.equal(status, 202)
  const other = await bridge.ask('GET', `/calls/call-1/transfers/${second.id}`, token)
  assertError(t, other, 404, 'BRIDGE_TRANSFER_NOT_FOUND')
  for (const what of ['complete', 'cancel'] as const) {
    assertError(t, await bridge.tell('call-1', second.id, what, { token }), 404, 'BRIDGE_TRANSFER_NOT_FOUND')
  }
  t.match(await bridge.ask('GET', `/calls/call-1/transfers/${first.id}`, token), {
    status: 200,
    json: { result: 'returned', reason: 'cancelled' }
  })
})

await transferTest('the person is consulted by the agent of the caller with its metadata, or by another one', async (
  t,
  bridge
) => {
  for (const [agent, app] of [[undefined, 'of the shop'], ['demo-agent', 'of the shop'], ['other', 'of all']]) {
    const sid = await bridge.connected({ env_vars: { AGENT_METADATA: 'of the shop' } })
    const { json: { id } } = await bridge.transfer(sid, { ...CONSULT, ...(agent === undefined ? {} : { agent }) })
    const n = bridge.placed().length
    while (bridge.placed().length === n) await bridge.clock.pass(0)
    await bridge.consulting(`call-${n + 1}`)
    const rooms = [...bridge.rooms.open.values()].map(({ agent }) => ({ agent, job: JSON.parse(agent.metadata) }))
    const consulted = rooms.find(({ job }) => job.transfer?.id === id)!
    t.equal(consulted.agent.name, agent ?? 'demo-agent')
    t.equal(consulted.job.app, app, `agent: ${agent}`)
  }
}, { env: { AGENT_METADATA: 'of all' } })

await transferTest('who ordered a call sees the persons whom its agent calls', async (t, bridge) => {
  t.match(await bridge.order({ to: '+15550001111' }, { token: SHOP_TOKEN }), { status: 201 })
  await bridge.consulting('call-1')
  const { token } = controlOfCall(bridge, 'call-1')
  t.match(await bridge.transfer('call-1', CONSULT, { token }), { status: 202, json: { requestedBy: 'agent' } })
  while (bridge.placed().length < 2) await bridge.clock.pass(0)
  await bridge.person('call-2', 'ringing', 180)
  t.match(await bridge.ask('GET', '/calls/call-2', SHOP_TOKEN), { status: 200, json: { callSid: 'call-2' } })
})
