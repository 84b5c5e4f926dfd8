import type { Test } from 'tap'
import { socketNetwork, type HttpRequest, type Network } from '../../src/sandbox/network.ts'
import { createRetellDouble, type RetellDouble, type RetellDoubleOptions } from '../../src/sandbox/retell.ts'

export const KEY = 'key_8d2f6c0b1a9e4753aa10c4d25e7f'
export const AGENT = 'agent_0123456789abcdef'

/** A Retell double, what it was asked, and when. */
export async function retellWith (t: Test, options: Partial<RetellDoubleOptions> = {}) {
  const asked: HttpRequest[] = []
  let heard = () => {}
  const arrived = () =>
    new Promise<void>(resolve => {
      heard = resolve
    })
  const network: Network = {
    ...socketNetwork,
    serve: (where, handler) =>
      socketNetwork.serve(where, async request => {
        asked.push(request)
        heard()
        return await handler(request)
      })
  }
  const retell: RetellDouble = await createRetellDouble({ apiKey: KEY, agents: [AGENT], network, ...options })
  t.teardown(() => retell.close())
  return { retell, asked, arrived }
}
