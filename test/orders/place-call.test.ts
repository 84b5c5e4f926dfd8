import t from 'tap'
import { buildOrderBridge } from '../fixtures/order-bridge.ts'

const TO = '+15550001111'

await t.test('an order becomes a call of Jambonz', async t => {
  const bridge = await buildOrderBridge(t)
  const reply = await bridge.order({
    to: '+1 (555) 000-1111',
    from: '0015551230001',
    agent: 'sales',
    metadata: { customer: 'C-17' },
    carrier: 'mycarrier',
    ring: 30,
    longest: 600,
    headers: { 'X-Campaign': 'spring' },
    callerName: 'Acme',
    reference: 'order-4711'
  })
  t.equal(reply.status, 201)
  t.same(reply.json, { callSid: 'call-1', reference: 'order-4711', phase: 'dialing' })
  const [asked, ...more] = bridge.placed()
  t.same(more, [])
  t.match(asked, {
    from: '+15551230001',
    to: { type: 'phone', number: TO, trunk: 'MyCarrier' },
    timeout: 30,
    timeLimit: 600,
    headers: { 'X-Campaign': 'spring' },
    callerName: 'Acme'
  })
  const { json: call } = await bridge.ask('GET', '/calls/call-1')
  t.match(call, { callSid: 'call-1', direction: 'outbound', phase: 'dialing', from: '+15551230001', to: TO })
  t.equal(call.agent, 'sales')
})
