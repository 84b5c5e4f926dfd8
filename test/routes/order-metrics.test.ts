import { agentStatus } from '../fixtures/build.ts'
import { orderedCall } from '../fixtures/ordered-call.ts'
import { orderWith } from '../fixtures/orders.ts'
import { bridgeTest, counted } from './support.ts'

const REST = {
  JAMBONZ_REST_API_BASE_URL: 'http://127.0.0.1:9/api/v1',
  JAMBONZ_ACCOUNT_SID: '11111111-1111-4111-8111-111111111111',
  JAMBONZ_API_KEY: 'api-key'
}

await bridgeTest('/metrics of outbound calls', async (t, bridge) => {
  const text = async () => (await bridge.app.inject('/metrics')).body
  for (const outcome of ['placed', 'refused', 'not-sent', 'unknown']) {
    t.match(await text(), `bridge_orders_total{outcome="${outcome}"} 0\n`, 'from the start')
  }
  t.match(await text(), 'bridge_dials_finished_total{cause="no-answer"} 0\n')

  const busy = await orderedCall(bridge)
  await busy.callee('busy', 486)
  const call = await orderedCall(bridge)
  await bridge.clock.pass(2000)
  await call.callee('ringing', 180)
  await bridge.clock.pass(4000)
  await call.answers()
  await bridge.clock.pass(300)
  await bridge.hook('/status', agentStatus(call.callSid, 'in-progress', 200))
  await bridge.app.calls.apply(call.callSid, {
    kind: 'voicemail',
    verdict: 'human',
    by: 'jambonz',
    at: bridge.clock.now()
  })
  const lost = orderWith({ id: 'order-refused', orderedAt: bridge.clock.now() })
  await bridge.app.calls.apply(lost.id, { kind: 'ordered', order: lost, at: bridge.clock.now() })
  await bridge.app.calls.apply(lost.id, { kind: 'placement', outcome: 'refused', at: bridge.clock.now() })

  t.equal(await counted(bridge, 'bridge_orders_total{outcome="placed"}'), 2)
  t.equal(await counted(bridge, 'bridge_orders_total{outcome="refused"}'), 1)
  t.equal(await counted(bridge, 'bridge_dials_finished_total{cause="busy"}'), 1)
  t.equal(await counted(bridge, 'bridge_dials_finished_total{cause="not-placed"}'), 1)
  const outbound = 'direction="outbound",cause="busy",waiting_on="none"'
  t.equal(await counted(bridge, `bridge_calls_ended_total{${outbound}}`), 1)
  t.equal(await counted(bridge, 'bridge_order_ringing_seconds_sum'), 2)
  t.equal(await counted(bridge, 'bridge_order_answered_seconds_sum'), 6)
  t.equal(await counted(bridge, 'bridge_answer_connected_seconds_sum'), 0.3)
  t.equal(await counted(bridge, 'bridge_voicemail_total{by="jambonz",verdict="human"}'), 1)
  const answered = await counted(bridge, 'bridge_hook_answered_seconds_count{start="cold"}')
  t.equal(answered, 0, "a callee's answer is no agent's")
  t.notMatch(await text(), /1555|ticket|crm/)
  t.notMatch(bridge.logged(), /15550002222/)
}, REST)
