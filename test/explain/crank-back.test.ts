import t from 'tap'
import { explainedAll } from '../fixtures/explained.ts'
import { INVITE, RINGING, sngrep, TRYING, type OutgoingLeg, type Said } from './outgoing-cases.ts'

const FIRST: OutgoingLeg = { callId: 'gateway-1', headers: 'User-Agent: jambonz', host: 'gw1.example.com' }
const SECOND: OutgoingLeg = {
  ...FIRST,
  callId: 'gateway-2',
  host: 'gw2.example.com',
  destination: '203.0.113.99:5060',
  at: 260
}
const ANSWER: Said[] = [TRYING, RINGING, [4000, 'SIP/2.0 200 OK'], [4010, 'ACK']]
const REFUSED: Said[] = [INVITE, TRYING, [200, 'SIP/2.0 503 Service Unavailable'], [205, 'ACK']]

const callsOf = async (first: string, second: string) => (await explainedAll([`${first}\n${second}`])).calls

await t.test('a gateway that refuses and the next one are dials of one call', async t => {
  const [call, ...more] = await callsOf(sngrep(FIRST, ...REFUSED), sngrep(SECOND, INVITE, ...ANSWER))
  t.same(more, [])
  t.match(call?.legs, [{ role: 'carrier-out' }, { role: 'carrier-out' }])
  t.match(call?.findings.find(({ code }) => code === 'other-dial')?.seen, /Before that, Jambonz got 503/)
  t.notOk(call?.findings.some(({ severity }) => severity === 'failed'), 'the call itself did not fail')
})

await t.test('other dials are other calls', async t => {
  const first = sngrep(FIRST, ...REFUSED)
  const others: Array<[says: string, second: OutgoingLeg]> = [
    ['later', { ...SECOND, at: 900 }],
    ['before the refusal', { ...SECOND, at: 100 }],
    ['to another number', { ...SECOND, to: '+15550100088' }],
    ['for another caller', { ...SECOND, from: '+15550100089' }],
    ['to the same gateway', { ...SECOND, destination: '203.0.113.80:5060' }],
    ['of somebody else', { ...SECOND, headers: 'User-Agent: acme' }]
  ]
  for (const [says, second] of others) {
    t.equal((await callsOf(first, sngrep(second, INVITE, ...ANSWER))).length, 2, says)
  }
})
