import t, { type Test } from 'tap'
import { createAgentKeys } from '../src/agent-keys.ts'
import type { Call } from '../src/calls/fold/call.ts'
import { newCall } from '../src/calls/fold/new-call.ts'
import { createMemoryRegistry } from '../src/calls/store/memory-registry.ts'
import { StoreUnavailableError } from '../src/errors.ts'
import { agentControls, attemptWith, callTokens, controlOf, factsWith, START } from './fixtures/events.ts'
import { createTestClock } from './fixtures/test-clock.ts'
import { warmAttemptWith, warmRoomWith } from './fixtures/warm-attempts.ts'

/*
 * The token of an agent that waits in a warm room: it was made before there was a call.
 */

function build (t: Test) {
  const registry = createMemoryRegistry()
  t.after(() => registry.close())
  const clock = createTestClock(START)
  const find = (callSid: string) => registry.get(callSid)
  const keys = createAgentKeys({ tokens: callTokens, calls: { find }, registry, roomPrefix: 'jb', clock })
  const refused = (token: string, why: RegExp) =>
    t.rejects(keys.holderOf(token), { code: 'BRIDGE_CALL_TOKEN', message: why })
  const save = (callSid: string, extra: Partial<Call> = {}) =>
    registry.update(callSid, () => ({ ...newCall(callSid, START, factsWith(), APP), ...extra }))
  return { registry, clock, keys, refused, save }
}

const APP = { agent: 'demo-agent', metadata: '' }
const { token } = agentControls.ofWarmRoom(warmRoomWith())

await t.test('it is for the call that has the room, from then on and until its end', async t => {
  const { keys, refused, save } = build(t)
  await save('other', { attempts: [attemptWith()] })
  await refused(token, /No call has its room \(yet, or any more\)/)
  await save('call-1', { attempts: [warmAttemptWith()] })
  t.same(await keys.holderOf(token), { name: 'agent', role: 'agent', callSid: 'call-1' })

  const next = attemptWith({ n: 2 })
  const ended = { ...warmAttemptWith(), end: { cause: 'room-closed', by: 'unknown', waitingOn: 'none' } as const }
  await save('call-1', { attempts: [ended, next] })
  t.match(await keys.holderOf(token), { callSid: 'call-1' }, 'also when the call has gone on in another room')

  await save('call-1', { attempts: [ended, next], phase: 'ended' })
  await refused(token, /Its call has ended/)
})

await t.test('the token of another room is worth nothing for the call', async t => {
  const { refused, save } = build(t)
  await save('call-1', { attempts: [warmAttemptWith()] })
  await refused(agentControls.ofWarmRoom(warmRoomWith({ token: 'another' })).token, /No call has its room/)
  await refused(callTokens.tokenOf('room:', START + 1000), /No call has its room/)
})

await t.test('the token that an agent gets once there is a call names the same call', async t => {
  const { keys, save } = build(t)
  const call = (await save('call-1', { attempts: [warmAttemptWith()] }))!
  t.same(await keys.holderOf(controlOf(call, call.attempts[0]!).token), await keys.holderOf(token))
})

await t.test('it expires', async t => {
  const { keys, refused, clock, save } = build(t)
  await save('call-1', { attempts: [warmAttemptWith()] })
  const { expiresAt } = callTokens.read(token)!
  await clock.pass(expiresAt - START - 1)
  t.ok(await keys.holderOf(token))
  await clock.pass(1)
  await refused(token, /expired/)
})

await t.test('without the store nobody knows whose it is', async t => {
  const { clock } = build(t)
  const findByName = () => Promise.reject(new StoreUnavailableError('test'))
  const find = () => Promise.reject(new Error('not asked'))
  const store = { calls: { find }, registry: { findByName } }
  const keys = createAgentKeys({ tokens: callTokens, ...store, roomPrefix: 'jb', clock })
  await t.rejects(keys.holderOf(token), { code: 'BRIDGE_STORE_UNAVAILABLE' })
})
