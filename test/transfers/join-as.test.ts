import { agentStatus } from '../fixtures/build.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { transferTest } from './support.ts'

/*
 * LiveKit removes whoever has the same identity as somebody who joins, and the identity of a phone is its number. Whose
 * number is in the room already joins under another one.
 */

/** Adds a person who answers. @returns the From user of the dial into the caller's room */
async function joins (bridge: TransferBridge, sid: string, to: string): Promise<string> {
  const { json: { id } } = await bridge.transfer(sid, { to, mode: 'add' })
  const before = bridge.placed().length
  while (bridge.placed().length === before) await bridge.clock.pass(0)
  const person = `call-${bridge.placed().length}`
  const { json: [dial] } = await bridge.consulting(person)
  await bridge.hook('/status', agentStatus(person, 'in-progress', 200, { call_sid: `join-${person}` }))
  await bridge.clock.pass(0)
  const transfers = await bridge.transfersOf(sid)
  if (transfers.at(-1).id !== id || transfers.at(-1).result !== 'bridged') throw new Error(`${to} did not join`)
  return dial.callerId
}

await transferTest('the caller calls their own number, in any spelling, into the call', async (t, bridge) => {
  for (const from of [PERSON, '15550003333', '0015550003333']) {
    const sid = await bridge.connected({ from })
    t.equal(await joins(bridge, sid, PERSON), `${PERSON}-2`, from)
  }
})

await transferTest('persons of one number who are added one after another', async (t, bridge) => {
  const sid = await bridge.connected()
  t.equal(await joins(bridge, sid, PERSON), PERSON)
  t.equal(await joins(bridge, sid, PERSON), `${PERSON}-2`)
  t.equal(await joins(bridge, sid, PERSON), `${PERSON}-3`)
  t.equal(await joins(bridge, sid, '+15550004444'), '+15550004444', 'nobody else has this one')
})

await transferTest('a person who has left gives the number free', async (t, bridge) => {
  const sid = await bridge.connected()
  t.equal(await joins(bridge, sid, PERSON), PERSON)
  await bridge.person('call-1', 'completed', 200, { call_termination_by: 'caller' })
  await bridge.clock.pass(3000)
  t.match((await bridge.ask('GET', `/calls/${sid}`)).json, { phase: 'connected' })
  t.equal(await joins(bridge, sid, PERSON), PERSON)
})

await transferTest('a caller whose number is withheld', async (t, bridge) => {
  const sid = await bridge.connected({ from: 'anonymous' })
  t.equal(await joins(bridge, sid, PERSON), PERSON)
})
