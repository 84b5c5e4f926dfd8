import fc from 'fast-check'
import t from 'tap'
import { createAgentControl, warmTokenOf } from '../src/agent-control.ts'
import { createCallTokens } from '../src/call-token.ts'
import type { Attempt, Call } from '../src/calls/fold/call.ts'
import { newCall } from '../src/calls/fold/new-call.ts'
import { attemptWith, factsWith, START } from './fixtures/events.ts'
import { orderWith } from './fixtures/orders.ts'
import { warmRoomWith } from './fixtures/warm-attempts.ts'

const SECRET = 'devsecretdevsecretdevsecretdevsecret'
const tokens = createCallTokens(SECRET)
const SID = 'd00d8a36-93f1-4a61-b3df-98751116d97a'

await t.test('a token names its call and its last second', async t => {
  fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 384 }), fc.nat(2 ** 32), (callSid, seconds) => {
    const token = tokens.tokenOf(callSid, seconds * 1000)
    t.match(token, /^jlb_call_[\w.-]+$/, 'it needs no escaping in a URL or a header')
    t.same(token.match(/jlb_call_[\w.-]+/g), [token], 'and a scanner finds all of it')
    t.same(tokens.read(token), { callSid, expiresAt: seconds * 1000 })
  }), { numRuns: 50 })
  t.equal(tokens.read(tokens.tokenOf(SID, 1500))?.expiresAt, 2000)
})

await t.test('the same on every replica, after a restart and in every version: agents hold it', async t => {
  const token = createCallTokens(SECRET).tokenOf(SID, START)
  t.equal(token, tokens.tokenOf(SID, START))
  t.equal(token, 'jlb_call_ZDAwZDhhMzYtOTNmMS00YTYxLWIzZGYtOTg3NTExMTZkOTdh.toujs0.' +
    'isYOWeiU5ijuc9ztvELlavhK9eksTgbX3_79CCzZtSc')
})

await t.test('a token that was changed in any place is none', async t => {
  const token = tokens.tokenOf(SID, START)
  for (let at = 0; at < token.length; at++) {
    for (const char of ['A', 'b', '0', '.', '_', '~', ' ']) {
      if (token[at] === char) continue
      t.equal(tokens.read(token.slice(0, at) + char + token.slice(at + 1)), undefined, `${char} at ${at}`)
    }
    t.equal(tokens.read(token.slice(0, at)), undefined, `cut at ${at}`)
  }
  for (const text of [`${token}A`, `${token}.`, `${token}=`, ` ${token}`, token.toUpperCase(), token.repeat(20)]) {
    t.equal(tokens.read(text), undefined, text)
  }
  t.equal(createCallTokens(`${SECRET}2`).read(token), undefined, 'another secret')
})

await t.test('no text but a token is read as one', async t => {
  fc.assert(fc.property(fc.string({ maxLength: 200 }), text => tokens.read(`jlb_call_${text}`) === undefined))
  for (const text of ['', 'jlb_call_', 'jlb_call_..', 'jlb_call_NaN.NaN.NaN', `jlb_call_${'z'.repeat(900)}.z.z`]) {
    t.equal(tokens.read(text), undefined, text)
  }
})

const { ofAttempt: controlOf, ofWarmRoom } = createAgentControl({
  tokens,
  apiUrl: 'https://bridge.example.com/base//',
  dialTimeoutS: 40,
  longestCallS: 7200
})
const call = newCall(SID, START, factsWith(), { agent: 'demo-agent', metadata: '' })
/** How long a token lives after its attempt was opened, seconds. */
const lifeOf = (call: Call, attempt: Attempt) =>
  (tokens.read(controlOf(call, attempt).token)!.expiresAt - attempt.at.opened) / 1000

await t.test('the address of a call needs no more slashes, and names the call alone', async t => {
  t.equal(controlOf(call, attemptWith()).url, `https://bridge.example.com/base/calls/${SID}`)
  t.equal(controlOf({ ...call, callSid: 'a/b?c' }, attemptWith()).url,
    'https://bridge.example.com/base/calls/a%2Fb%3Fc')
})

await t.test('a token outlasts the ringing and the longest talk of its attempt', async t => {
  const attempt = attemptWith()
  t.equal(lifeOf(call, attempt), 40 + 7200 + 3600)
  const slow = { ...attempt, way: { strategy: 'room' as const, agent: 'demo-agent', ringS: 90 } }
  t.equal(lifeOf(call, slow), 90 + 7200 + 3600)
  const ordered = { ...call, order: orderWith({ ringS: 50 }) }
  t.equal(lifeOf(ordered, attempt), 50 + 40 + 7200 + 3600, "the callee's phone too")
  const later = { ...attempt, at: { ...attempt.at, opened: START + 60_000 } }
  t.equal(lifeOf(call, later), lifeOf(call, attempt), 'from the attempt on')
})

await t.test('the token of a waiting agent outlasts the call that takes its room at the last moment', async t => {
  const room = warmRoomWith({ endsAt: START + 600_000 })
  const { base, token } = ofWarmRoom(room)
  t.equal(base, 'https://bridge.example.com/base/calls')
  const known = tokens.read(token)!
  t.equal(known.expiresAt - START, (600 + 40 + 7200 + 3600) * 1000)
  t.equal(warmTokenOf(known.callSid), room.token, 'it names the room, since there is no call yet')
  t.equal(warmTokenOf(SID), undefined)
})
