import { agentStatus, callerStatus } from '../fixtures/build.ts'
import { PERSON } from '../fixtures/transfer-bridge.ts'
import { misfits } from '../routes/support.ts'
import { transferTest } from './support.ts'

await transferTest('consult: the person is called, talks with the agent, and joins the caller', async (t, bridge) => {
  const sid = await bridge.connected()
  const begun = await bridge.transfer(sid, { to: '+1 (555) 000-3333', mode: 'consult', brief: 'about order 4711' })
  t.match(begun, {
    status: 202,
    json: { id: /^tr-/, mode: 'consult', state: 'requested', to: PERSON, requestedBy: 'operator' }
  })
  t.same(misfits('Transfer', begun.json), [])
  t.notOk('idempotent-replayed' in begun.headers)
  const { id } = begun.json

  t.match(await bridge.personOrder(), {
    from: '+15551230000',
    to: { type: 'phone', number: PERSON, trunk: 'MyCarrier' },
    timeout: 40,
    timeLimit: 7200
  })
  await bridge.consulting('call-1')
  t.match(await bridge.transfersOf(sid), [{ id, state: 'consulting', person: { callSid: 'call-1' } }])

  t.match(await bridge.tell(sid, id, 'complete'), { status: 202, json: { id, state: 'completing' } })
  const asked = await bridge.redirected('call-1')
  const verbs = await bridge.redirect(asked, callerStatus('call-1', 'in-progress', 200, { direction: 'outbound' }))
  t.match(verbs, { status: 200, json: [{ verb: 'dial', callerId: PERSON }] })
  await bridge.hook('/status', agentStatus('call-1', 'in-progress', 200, { call_sid: 'join-leg' }))
  await bridge.clock.pass(0)
  t.match(await bridge.transfersOf(sid), [{ id, state: 'finished', result: 'bridged', reason: 'completed' }])
})
