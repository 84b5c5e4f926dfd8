import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { request } from 'undici'
import { createKeepAliveAgent } from '../../src/livekit/keep-alive.ts'

await t.test('the next call uses the connection of the one before', async t => {
  const agent = createKeepAliveAgent(3000)
  let connections = 0
  // Like a Go server, it does not say for how long it keeps a connection.
  const server = createServer({ keepAlive: true }, (_request, response) => response.removeHeader('keep-alive'))
  server.on('request', (_request, response) => response.end('{}'))
  server.keepAliveTimeout = 0
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    await agent.close()
    server.close()
  })
  const ask = async () => {
    const { body } = await request(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { dispatcher: agent })
    await body.text()
  }
  await ask()
  // A shorter keep-alive time would have closed the connection by then. With the right one nothing depends on this.
  await pause(100)
  await ask()
  t.equal(connections, 1)
})
