import t, { type Test } from 'tap'
import {
  buildOrderBridge,
  type OrderBridge,
  type OrderBridgeOptions,
  type OrderReply
} from '../fixtures/order-bridge.ts'
import { settle } from '../fixtures/test-clock.ts'
import { undocumented } from '../routes/support.ts'

/** A test with a bridge of its own; in the end every status that it answered must be documented. */
export function orderTest (
  name: string,
  fn: (t: Test, bridge: OrderBridge) => Promise<unknown>,
  options: OrderBridgeOptions = {}
) {
  return t.test(name, async t => {
    const bridge = await buildOrderBridge(t, options)
    await fn(t, bridge)
    await settle()
    t.same(undocumented(bridge.logged()), [], 'every status answered is in openapi.json')
  })
}

/** The shape of every error that people get. */
export function assertError (t: Test, { status, json }: OrderReply, expected: number, code: string, message = /./): void {
  t.match({ status, json }, { status: expected, json: { statusCode: expected, code, error: /^[A-Z]/, message } })
}
