import t from 'tap'
import { loadSettings, settingsWarnings } from '../../src/config.ts'
import { createKeyring } from '../../src/keyring.ts'
import { callHook, ENV, OPERATOR_TOKEN } from '../fixtures/build.ts'
import { CLINIC_TOKEN, outboundStatus, SHOP_TOKEN } from '../fixtures/order-bridge.ts'
import { settle } from '../fixtures/test-clock.ts'
import { lines } from '../routes/support.ts'
import { assertError, orderTest } from './support.ts'

const TO = '+15550001111'

await orderTest('a key has its own calls; those of others do not exist for it', async (t, bridge) => {
  const inbound = callHook()
  await bridge.hook('/livekit-api', inbound)
  t.equal((await bridge.order({ to: TO }, { token: SHOP_TOKEN })).json.callSid, 'call-1')
  t.equal((await bridge.order({ to: TO }, { token: CLINIC_TOKEN })).json.callSid, 'call-2')
  t.equal((await bridge.order({ to: TO })).json.callSid, 'call-3')
  const sids = async (query: string, token: string) => {
    const { json } = await bridge.ask('GET', `/calls${query}`, token)
    return json.calls.map(({ callSid }: { callSid: string }) => callSid).sort()
  }
  t.same(await sids('', SHOP_TOKEN), ['call-1'])
  t.same(await sids('?phase=active', CLINIC_TOKEN), ['call-2'])
  t.same(await sids('?placedBy=shop', SHOP_TOKEN), ['call-1'])
  t.same(await sids('?placedBy=clinic', SHOP_TOKEN), [])
  t.same(await sids('?placedBy=operator', SHOP_TOKEN), [])
  t.same(await sids('', OPERATOR_TOKEN), ['call-1', 'call-2', 'call-3', inbound['call_sid']].sort())
  t.same(await sids('?placedBy=shop', OPERATOR_TOKEN), ['call-1'])
  t.same(await sids('?placedBy=operator', OPERATOR_TOKEN), ['call-3'])

  const order = (await bridge.ask('GET', '/calls/call-2')).json.orderId
  for (const sid of ['call-2', 'call-3', inbound['call_sid'], order, 'nobody', '__proto__']) {
    for (const [method, path] of [['GET', ''], ['DELETE', ''], ['POST', '/hangup']] as const) {
      const reply = await bridge.ask(method, `/calls/${sid}${path}`, SHOP_TOKEN)
      assertError(t, reply, 404, 'BRIDGE_CALL_NOT_FOUND')
    }
  }
  t.same((await bridge.ask('GET', '/calls/call-2')).json.phase, 'dialing', 'and nothing was hung up')
  t.match(await bridge.ask('GET', '/calls/call-1', SHOP_TOKEN), { status: 200, json: { placedBy: 'shop' } })
  t.match(await bridge.ask('DELETE', '/calls/call-1', SHOP_TOKEN), { status: 202, json: { callSid: 'call-1' } })
})

await orderTest('pages of a key hold nothing of others', async (t, bridge) => {
  const mine: string[] = []
  for (let i = 0; i < 7; i++) {
    const { json } = await bridge.order({ to: TO, reference: `r-${i % 2}` }, { token: SHOP_TOKEN })
    mine.unshift(json.callSid)
    await bridge.order({ to: TO }, { token: CLINIC_TOKEN })
    await bridge.clock.pass(1)
  }
  const all = async (query: string) => {
    const seen: string[] = []
    for (let next: string | undefined = ''; next !== undefined;) {
      const cursor = next === '' ? '' : `&cursor=${next}`
      const { json } = await bridge.ask('GET', `/calls?limit=2${query}${cursor}`, SHOP_TOKEN)
      seen.push(...json.calls.map(({ callSid }: { callSid: string }) => callSid))
      next = json.next
    }
    return seen
  }
  t.same(await all(''), mine)
  t.same(await all('&reference=r-1'), mine.filter((_, i) => i % 2 === 1))
  t.same(await all('&reference=r'), [])
})

await orderTest('every other route is for operators: 403', async (t, bridge) => {
  await bridge.order({ to: TO }, { token: SHOP_TOKEN })
  const others = [
    ['GET', '/calls/call-1/diagnosis'],
    ['GET', '/doctor'],
    ['GET', '/routes'],
    ['POST', '/routes/test']
  ] as const
  for (const [method, url] of others) {
    assertError(t, await bridge.ask(method, url, SHOP_TOKEN), 403, 'BRIDGE_KEY_NOT_ALLOWED', /OPERATOR_TOKEN/)
    t.not((await bridge.ask(method, url)).status, 403, url)
  }
})

await orderTest('a token that is none: 401, and nothing is placed', async (t, bridge) => {
  const wrong = ['', 'x', `${SHOP_TOKEN}x`, SHOP_TOKEN.slice(1), 'shop', `shop:${SHOP_TOKEN}`, SHOP_TOKEN.toUpperCase()]
  for (const token of wrong) assertError(t, await bridge.order({ to: TO }, { token }), 401, 'BRIDGE_UNAUTHORIZED')
  t.same(bridge.placed(), [])
})

await orderTest('the log names the key, and no token', async (t, bridge) => {
  await bridge.order({ to: TO }, { token: SHOP_TOKEN })
  await bridge.order({ to: TO })
  await bridge.order({ to: TO }, { token: 'a-token-that-is-not-ours' })
  await settle()
  const [shop, operator, nobody] = lines(bridge.logged()).filter(({ msg, operation }) =>
    msg === 'request' && operation === 'place-call')
  t.match(shop, { key: 'shop', tokenId: /^[0-9a-f]{8}$/, status: 201 })
  t.notOk('key' in operator!)
  t.notOk('key' in nobody!)
  for (const token of [SHOP_TOKEN, CLINIC_TOKEN, OPERATOR_TOKEN, 'not-ours']) t.notMatch(bridge.logged(), token)
})

await orderTest('without OPERATOR_TOKEN the routes are there for the keys', async (t, bridge) => {
  t.equal((await bridge.order({ to: TO }, { token: SHOP_TOKEN })).status, 201)
  t.equal((await bridge.ask('GET', '/calls/call-1', SHOP_TOKEN)).status, 200)
  assertError(t, await bridge.order({ to: TO }), 401, 'BRIDGE_UNAUTHORIZED')
  assertError(t, await bridge.ask('GET', '/doctor', SHOP_TOKEN), 403, 'BRIDGE_KEY_NOT_ALLOWED')
  assertError(t, await bridge.ask('GET', '/doctor'), 401, 'BRIDGE_UNAUTHORIZED')
}, { env: { OPERATOR_TOKEN: '' } })

await orderTest('without OPERATOR_TOKEN and CALLERS there are no routes: 404', async (t, bridge) => {
  assertError(t, await bridge.order({ to: TO }), 404, 'BRIDGE_OPERATOR_API_OFF')
  t.same(bridge.placed(), [])
}, { env: { OPERATOR_TOKEN: '', CALLERS: '' } })

await orderTest('DELETE hangs up: while it is requested, rings, talks; an ended call is 409', async (t, bridge) => {
  bridge.answerWith(({ method }) => method === 'POST' ? 'destroy' : undefined)
  const { json: { callSid: id } } = await bridge.order({ to: TO }, { token: SHOP_TOKEN })
  t.match(await bridge.ask('DELETE', `/calls/${id}`, SHOP_TOKEN), {
    status: 202,
    json: { callSid: id, phase: 'requested' }
  })
  const [{ tag }] = bridge.placed() as [Record<string, any>]
  const hungUp = () => bridge.jambonz.ofCalls('PUT').map(({ path, body }) => `${path} ${body['call_status']}`)
  t.same(hungUp(), [], 'nobody knows its name yet')
  await bridge.hook('/status', { ...outboundStatus('later', 'ringing', 180), customerData: tag })
  await bridge.clock.pass(10)
  t.same(hungUp(), ['/Calls/later no-answer'], 'as soon as it has a name')

  bridge.answerWith(() => undefined)
  await bridge.order({ to: TO }, { token: SHOP_TOKEN })
  await bridge.hook('/status', outboundStatus('call-1', 'ringing', 180))
  t.match(await bridge.ask('DELETE', '/calls/call-1', SHOP_TOKEN), { status: 202, json: { phase: 'ringing' } })
  await bridge.clock.pass(10)
  t.same(hungUp().slice(1), ['/Calls/call-1 no-answer'])
  await bridge.hook('/status', outboundStatus('call-1', 'no-answer', 487))
  await bridge.clock.pass(3000)
  t.match((await bridge.ask('GET', '/calls/call-1', SHOP_TOKEN)).json, {
    phase: 'ended',
    end: { cause: 'operator-hung-up', by: 'operator' }
  })
  assertError(t, await bridge.ask('DELETE', '/calls/call-1', SHOP_TOKEN), 409, 'BRIDGE_CALL_ENDED')

  await bridge.order({ to: TO }, { token: SHOP_TOKEN })
  await bridge.hook('/status', outboundStatus('call-2', 'in-progress', 200))
  t.equal((await bridge.ask('POST', '/calls/call-2/hangup', SHOP_TOKEN)).status, 202)
  await bridge.clock.pass(1500)
  t.same(hungUp().slice(2), ['/Calls/call-2 completed'])
})

await t.test('tokens are told apart', async t => {
  const keyring = createKeyring({ OPERATOR_TOKEN, CALLERS: `shop:${SHOP_TOKEN}, shop:${SHOP_TOKEN}-new` })
  t.equal(keyring.isEmpty, false)
  t.same(keyring.holderOf(OPERATOR_TOKEN), { name: 'operator', role: 'operator' })
  t.same(keyring.holderOf(SHOP_TOKEN), { name: 'shop', role: 'caller' })
  t.same(keyring.holderOf(`${SHOP_TOKEN}-new`), { name: 'shop', role: 'caller' }, 'while a key is replaced')
  for (const token of ['', 'shop', CLINIC_TOKEN]) t.equal(keyring.holderOf(token), undefined)
  t.equal(createKeyring({}).isEmpty, true)
})

await t.test('keys that cannot be told apart are refused at the start', async t => {
  const start = (CALLERS: string) => () => loadSettings({ ...ENV, CALLERS })
  t.doesNotThrow(start(`shop:${SHOP_TOKEN},clinic:${CLINIC_TOKEN}`))
  t.doesNotThrow(start(`shop:${SHOP_TOKEN},shop:${CLINIC_TOKEN}`))
  t.throws(start(`operator:${SHOP_TOKEN}`), { message: /must not name a key operator/ })
  t.throws(start(`agent:${SHOP_TOKEN}`), { message: /must not name a key agent/ })
  t.throws(start(`shop:${OPERATOR_TOKEN}`), { message: /token of OPERATOR_TOKEN/ })
  t.throws(start(`shop:${SHOP_TOKEN},clinic:${SHOP_TOKEN}`), { message: /same token to shop and clinic/ })
  t.throws(start('shop'), { message: /CALLERS has the wrong form/ })
  t.throws(start('shop:short'), { message: /CALLERS has the wrong form/ })
  t.notMatch(String(t.throws(start(`shop:${OPERATOR_TOKEN}`))), OPERATOR_TOKEN)

  const warnings = (env: Record<string, string>) =>
    settingsWarnings(loadSettings({ ...ENV, OPERATOR_TOKEN: '', ...env }))
  t.ok(warnings({}).some(text => text.includes('/calls answers 404')))
  t.ok(warnings({ CALLERS: `shop:${SHOP_TOKEN}` }).some(text => text.includes('only the keys of CALLERS')))
})
