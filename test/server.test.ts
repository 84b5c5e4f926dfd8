import { once } from 'node:events'
import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import { loadSettings } from '../src/config.ts'
import { createLogger, startBridge, type RunningBridge } from '../src/server.ts'
import { callHook, callerStatus, ENV, SECRET, sign } from './fixtures/build.ts'
import { rawPost } from './routes/support.ts'

/** LiveKit's server API as far as the bridge asks it: everything succeeds, or nothing is ever answered. */
async function startLiveKit (t: Test) {
  const asked: Array<{ path: string, body: any }> = []
  const livekit = { asked, hangs: false, url: '' }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    asked.push({ path: request.url ?? '', body: JSON.parse(text) })
    server.emit('asked')
    if (!livekit.hangs) response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  livekit.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(livekit, {
    async askedFor (operation: string) {
      while (!asked.some(({ path }) => path.endsWith(`/${operation}`))) await once(server, 'asked')
      return asked.find(({ path }) => path.endsWith(`/${operation}`))!
    }
  })
}

interface Running extends RunningBridge {
  port: number
  logged(): string
  /** Resolves when a line with this message is logged, or was. */
  said(message: string): Promise<void>
}

async function start (t: Test, env: Record<string, string> = {}): Promise<Running> {
  let text = ''
  const waiting = new Set<() => void>()
  const destination = new Writable({
    write (chunk, _encoding, done) {
      text += String(chunk)
      for (const look of waiting) look()
      done()
    }
  })
  const settings = loadSettings({
    ...ENV,
    HOST: '127.0.0.1',
    PORT: '0',
    DRAIN_DELAY_S: '0.3',
    SHUTDOWN_TIMEOUT_S: '5',
    ...env
  })
  const bridge = await startBridge(settings, createLogger('info', destination))
  t.after(() => bridge.close())
  return {
    ...bridge,
    port: Number(new URL(bridge.url).port),
    logged: () => text,
    said: message =>
      new Promise(resolve => {
        const look = () => {
          if (!text.includes(`"msg":"${message}"`)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      })
  }
}

interface Reply {
  status: number
  headers: IncomingHttpHeaders
  json: any
}

async function ask (
  port: number,
  method: string,
  path: string,
  { body, agent, headers = {} }: { body?: string, agent?: Agent, headers?: Record<string, string> } = {}
): Promise<Reply> {
  const sent = httpRequest({
    port,
    host: '127.0.0.1',
    method,
    path,
    agent,
    headers: {
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'jambonz-signature': sign(body, SECRET, Date.now()) }),
      ...headers
    }
  })
  sent.end(body)
  const [response] = await once(sent, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return { status: response.statusCode, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) }
}

const hook = (port: number, body: object = callHook(), agent?: Agent) =>
  ask(port, 'POST', '/livekit-api', { body: JSON.stringify(body), agent })

/** A hook of which all but the last byte is sent. */
async function halfSent (t: Test, port: number, body: string): Promise<{ socket: Socket, finish(): Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  const text = rawPost('/livekit-api', body, Date.now())
  socket.write(text.slice(0, -1))
  return {
    socket,
    async finish () {
      let reply = ''
      socket.setEncoding('utf8').on('data', chunk => {
        reply += chunk
      })
      const closed = once(socket, 'close')
      socket.write(text.slice(-1))
      await closed
      return reply
    }
  }
}

/** Resolves when nobody listens there any more. */
async function closed (port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const listens = await once(socket, 'connect').then(() => true, () => false)
    socket.destroy()
    if (!listens) return
  }
}

await t.test('serves calls over sockets, with LiveKit at the other end', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url })
  t.match(bridge.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  t.equal((await ask(bridge.port, 'GET', '/health/ready')).status, 200)
  const body = callHook()
  const reply = await hook(bridge.port, body)
  t.equal(reply.json[0].verb, 'dial')
  const { body: room } = await livekit.askedFor('CreateRoom')
  t.match(room, { name: /^jb_c[a-z2-7]{26}$/, agents: [{ agentName: 'demo-agent' }] })
  t.match(reply.json[0].target[0].sipUri, room.name.slice('jb_'.length))
  await ask(bridge.port, 'POST', '/status', {
    body: JSON.stringify(callerStatus(body['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  })
  t.match(await livekit.askedFor('DeleteRoom'), { body: { room: room.name } }, 'the room is deleted after the call')
})

await t.test(
  'closing: not ready at once, calls are still connected for DRAIN_DELAY_S, later ones ' +
    'declined',
  async t => {
    const livekit = await startLiveKit(t)
    const bridge = await start(t, { LIVEKIT_URL: livekit.url })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const before = await hook(bridge.port, callHook(), agent)
    t.equal(before.headers.connection, 'keep-alive')
    const late = callHook()
    const half = await halfSent(t, bridge.port, JSON.stringify(late))

    const closing = bridge.close()
    const ready = await ask(bridge.port, 'GET', '/health/ready')
    t.equal(ready.status, 503, 'not ready')
    t.equal((await ask(bridge.port, 'GET', '/health/live')).status, 200, 'alive')
    const during = await hook(bridge.port, callHook(), agent)
    t.equal(during.json[0].verb, 'dial', 'still connected')
    t.equal(during.headers.connection, 'close', 'and the connection ends')
    t.equal((await hook(bridge.port)).json[0].verb, 'dial', 'new connections are still taken')

    await bridge.said('closing')
    await closed(bridge.port)
    const reply = await half.finish()
    t.match(reply, /^HTTP\/1\.1 200 OK/, 'a hook on a connection that was still open is answered')
    t.match(reply, /connection: close/i)
    t.match(JSON.parse(reply.slice(reply.indexOf('\r\n\r\n') + 4)), [{ verb: 'sip:decline', status: 480 }])
    await closing
    const end = bridge.logged().split('\n').find(line => line.includes(late['call_sid']) && line.includes('call ended'))
    t.match(JSON.parse(end ?? '{}'), { cause: 'draining', by: 'bridge', sipStatus: 480 })
  }
)

// Its limit is far away: a bridge that waits for the connection hangs, and the runner ends this file.
await t.test('a connection that is kept alive does not delay closing', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url, SHUTDOWN_TIMEOUT_S: '600' })
  const agent = new Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  await hook(bridge.port, callHook(), agent)
  await bridge.close()
  t.notMatch(bridge.logged(), /closing took too long/)
})

await t.test('closing twice waits for the same end', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url })
  const first = bridge.close()
  await bridge.close()
  t.match(
    await Promise.race([
      closed(bridge.port).then(() => 'closed'),
      ask(bridge.port, 'GET', '/health/live').then(() => 'open', () => 'closed')
    ]),
    'closed'
  )
  await first
})

await t.test('a LiveKit that hangs does not delay closing beyond SHUTDOWN_TIMEOUT_S', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url, SHUTDOWN_TIMEOUT_S: '1' })
  const body = callHook()
  t.equal((await hook(bridge.port, body)).json[0].verb, 'dial')
  livekit.hangs = true
  await ask(bridge.port, 'POST', '/status', {
    body: JSON.stringify(callerStatus(body['call_sid'], 'no-answer', 487, { call_termination_by: 'caller' }))
  })
  await livekit.askedFor('DeleteRoom')
  await bridge.close()
  t.match(bridge.logged(), /closing took too long/)
})

await t.test('no silent connection or unfinished request delays closing beyond SHUTDOWN_TIMEOUT_S', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url, SHUTDOWN_TIMEOUT_S: '1' })
  await halfSent(t, bridge.port, JSON.stringify(callHook()))
  const silent = connect(bridge.port, '127.0.0.1')
  t.after(() => silent.destroy())
  await once(silent, 'connect')
  await bridge.close()
  t.match(bridge.logged(), /closing took too long/)
})

await t.test('a call hook that waits for a LiveKit that hangs is answered while the bridge closes', async t => {
  const livekit = await startLiveKit(t)
  const bridge = await start(t, { LIVEKIT_URL: livekit.url, LIVEKIT_TIMEOUT_MS: '500' })
  livekit.hangs = true
  const pending = hook(bridge.port)
  await livekit.askedFor('CreateRoom')
  const [reply] = await Promise.all([pending, bridge.close()])
  t.equal(reply.json[0].verb, 'dial', 'degraded, but dialled')
})

await t.test('LiveKit cannot be reached: the service starts, is ready and connects calls', async t => {
  const bridge = await start(t, { LIVEKIT_URL: 'http://127.0.0.1:1' })
  t.equal((await hook(bridge.port)).json[0].verb, 'dial')
  const ready = await ask(bridge.port, 'GET', '/health/ready')
  t.equal(ready.status, 200)
  t.match(ready.json.degraded, [/LiveKit/])
})

await t.test('an address that is taken', async t => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  await t.rejects(start(t, { PORT: String((server.address() as AddressInfo).port) }), { code: 'EADDRINUSE' })
})

await t.test('what is seldom meant is logged at the start', async t => {
  const bridge = await start(t, {
    LIVEKIT_URL: 'http://127.0.0.1:1',
    LIVEKIT_SIP_USERNAME: '',
    LIVEKIT_SIP_PASSWORD: '',
    OPERATOR_TOKEN: ''
  })
  t.match(bridge.logged(), /"level":40.*LIVEKIT_SIP_USERNAME/)
  t.match(bridge.logged(), /"level":40.*OPERATOR_TOKEN/)
})
