import t from 'tap'
import {
  readRedirect,
  readScreen,
  readScreenDigit,
  redirectEvent,
  screenDigitEvent
} from '../../src/jambonz/transfer-payloads.ts'
import { agentStatus, callerStatus } from '../fixtures/build.ts'

const digit = (extra: object) => readScreenDigit({ ...agentStatus('call-1', 'in-progress', 200), ...extra })

await t.test('a time for the key that is over has no key', async t => {
  for (const extra of [{ digits: '', reason: 'timeout' }, { reason: 'timeout' }]) {
    t.equal(screenDigitEvent(digit(extra), 'hash', {}).digits, undefined, JSON.stringify(extra))
  }
  t.match(screenDigitEvent(digit({ digits: '1' }), 'hash', {}), { digits: '1', callSid: 'call-1', legSid: 'b-call-1' })
})

await t.test("a person's leg without its caller's is refused", async t => {
  const alone = callerStatus('leg', 'in-progress', 200)
  t.throws(() => readScreen(alone), /parent_call_sid/)
  t.throws(() => readScreenDigit({ ...alone, digits: '1' }), /parent_call_sid/)
})

await t.test('hooks that read the same are told apart by their address', async t => {
  const body = readRedirect(callerStatus('call-1', 'in-progress', 200))
  const [one, two] = [{ transfer: 'tr-1' }, { transfer: 'tr-2' }]
  const queries = [{}, one, two, { ...one, n: 1 }, { ...one, n: 2 }]
  const hashes = queries.map(query => redirectEvent(body, 'hash', query).hash)
  t.equal(new Set(hashes).size, queries.length)
})
