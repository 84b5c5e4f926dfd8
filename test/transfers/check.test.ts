import { callHook } from '../fixtures/build.ts'
import { CONTEXT_AT_DOORS, NUMBERS_AT_DOORS } from '../fixtures/numbers-at-doors.ts'
import { SHOP_TOKEN, type OrderReply } from '../fixtures/order-bridge.ts'
import { settle } from '../fixtures/test-clock.ts'
import { PERSON, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { counted, lines } from '../routes/support.ts'
import { assertError } from '../orders/support.ts'
import { transferTest } from './support.ts'

const CONSULT = { to: PERSON, mode: 'consult' }

async function check (bridge: TransferBridge, callSid: string, body: object, token?: string): Promise<OrderReply> {
  return bridge.transfer(callSid, body, { query: '/check', ...(token === undefined ? {} : { token }) })
}

await transferTest('what would be dialled is said, and nothing is done', async (t, bridge) => {
  const sid = await bridge.connected()
  const { json: before } = await bridge.ask('GET', `/calls/${sid}`)
  const verdict = await check(bridge, sid, { to: '+1 555 000-3333', mode: 'consult' })
  t.same({ status: verdict.status, json: verdict.json }, {
    status: 200,
    json: { allowed: true, to: PERSON, from: '+15551230000', carrier: verdict.json.carrier, limits: false }
  })
  const refused = await check(bridge, sid, { ...CONSULT, to: '+4930123456' })
  t.match(refused, { status: 200, json: { allowed: false, code: 'BRIDGE_NUMBER_REFUSED', message: /not-allowed DE/ } })
  t.equal(refused.json.to, undefined)

  await settle()
  t.same(bridge.placed(), [])
  t.same((await bridge.ask('GET', `/calls/${sid}`)).json, before, 'the call knows nothing of it')
  t.same(lines(bridge.logged()).filter(({ msg }) => msg === 'number refused'), [], 'a question is no attempt')
  t.equal(await counted(bridge, 'bridge_numbers_refused_total{door="transfer",reason="not-allowed"}'), 0)
})

await transferTest('the verdict is what the transfer itself gets', async (t, bridge) => {
  for (const [number] of [...NUMBERS_AT_DOORS].flatMap(([, rows]) => rows)) {
    if (number === '' || number.length > 256) continue
    const sid = await bridge.connected({ to: '+15551239999' })
    const body = { to: number, mode: 'blind' }
    const { status, json: verdict } = await check(bridge, sid, body)
    const { status: done, json } = await bridge.transfer(sid, body)
    if (done === 202) {
      t.match({ status, verdict }, { status: 200, verdict: { allowed: true, to: json.to } }, number)
      await bridge.tell(sid, json.id, 'cancel')
    } else if (done === 403) {
      const { code, message } = json
      t.same({ status, verdict }, { status: 200, verdict: { allowed: false, code, message } }, number)
    } else t.match({ status, verdict }, { status: done, verdict: { message: json.message } }, number)
  }
}, { policy: CONTEXT_AT_DOORS.policy!, table: { ...CONTEXT_AT_DOORS } })

await transferTest('a call that cannot be transferred is refused, an unknown one is not found', async (t, bridge) => {
  assertError(t, await check(bridge, 'nobody', CONSULT), 404, 'BRIDGE_CALL_NOT_FOUND')
  const hook = callHook()
  await bridge.hook('/livekit-api', hook)
  const early = await check(bridge, hook['call_sid'], CONSULT)
  t.match(early, { status: 200, json: { allowed: false, code: 'BRIDGE_NOT_CONNECTED' } })

  const sid = await bridge.connected()
  t.equal((await bridge.transfer(sid, CONSULT)).status, 202)
  t.match(await check(bridge, sid, CONSULT), { status: 200, json: { allowed: false, code: 'BRIDGE_TRANSFER_OPEN' } })
})

await transferTest('a question counts for no limit, and says that there are some', async (t, bridge) => {
  const sid = await bridge.connected()
  for (let i = 0; i < 5; i++) t.match(await check(bridge, sid, CONSULT), { json: { allowed: true, limits: true } })
  t.equal((await bridge.transfer(sid, CONSULT)).status, 202)
}, { policy: { caps: { perDay: 1 } } })

await transferTest('what is wrong with the question is no verdict', async (t, bridge) => {
  const sid = await bridge.connected()
  const missing = await check(bridge, sid, { to: PERSON })
  assertError(t, missing, 400, 'BRIDGE_TRANSFER_BODY', /^mode is missing/)
  assertError(t, await check(bridge, sid, { ...CONSULT, say: 'x' }), 400, 'BRIDGE_TRANSFER_BODY', /^say does not go/)
  assertError(t, await check(bridge, sid, { ...CONSULT, carrier: 'Nobody' }), 400, 'BRIDGE_UNKNOWN_CARRIER')
  assertError(t, await check(bridge, sid, CONSULT, SHOP_TOKEN), 403, 'BRIDGE_KEY_NOT_ALLOWED')
})
