import t, { type Test } from 'tap'
import type { OrderBridgeOptions } from '../fixtures/order-bridge.ts'
import { settle } from '../fixtures/test-clock.ts'
import { buildTransferBridge, type TransferBridge } from '../fixtures/transfer-bridge.ts'
import { undocumented } from '../routes/support.ts'

/** A test with a bridge of its own; in the end every status that it answered must be documented. */
export function transferTest (
  name: string,
  fn: (t: Test, bridge: TransferBridge) => Promise<unknown>,
  options: OrderBridgeOptions = {}
) {
  return t.test(name, async t => {
    const bridge = await buildTransferBridge(t, options)
    await fn(t, bridge)
    await settle()
    t.same(undocumented(bridge.logged()), [], 'every status answered is in openapi.json')
  })
}
