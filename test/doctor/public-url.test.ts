import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.ts'
import { publicUrlCheck } from '../../src/doctor/public-url.ts'
import { addressFindings, refusedHook, unreachable } from '../../src/doctor/public-url-findings.ts'
import { buildTestBridge } from '../fixtures/build.ts'
import { codes, contextWith, run, settingsWith } from '../fixtures/doctor-check.ts'
import { freePort } from '../fixtures/redis-server.ts'
import { fixture } from '../fixtures/paths.ts'

const SECRET = 'wh_secret_abc'

async function listening (t: Test, server: Server & { closeAllConnections?(): void }): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections?.()
  })
  return (server.address() as AddressInfo).port
}

/** A bridge that listens, with settings of its own. */
async function bridge (t: Test, env: Record<string, string> = {}): Promise<number> {
  const app = await buildApp({ settings: settingsWith(env) })
  t.after(() => app.close())
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

/** Something in front of a bridge: what it does not answer itself is passed on, by the path that it makes of it. */
async function front (
  t: Test,
  to: number,
  answer: (request: IncomingMessage, response: ServerResponse) => string | undefined
): Promise<number> {
  const pass: RequestListener = (incoming, response) => {
    const path = answer(incoming, response)
    if (path === undefined) return
    const outgoing = request(
      { port: to, host: '127.0.0.1', path, method: incoming.method, headers: incoming.headers },
      reply => {
        response.writeHead(reply.statusCode!, reply.headers)
        reply.pipe(response)
      }
    )
    incoming.pipe(outgoing)
  }
  return await listening(t, createServer(pass))
}

const look = async (port: number, env: Record<string, string> = {}, path = '', scheme = 'http') =>
  await run(publicUrlCheck, contextWith({ PUBLIC_URL: `${scheme}://127.0.0.1:${port}${path}`, ...env }))

/** Everything listens on this machine. */
const without = (findings: Awaited<ReturnType<typeof look>>) =>
  findings.filter(({ code }) => code !== 'public-url-local')

await t.test('a bridge that takes signed hooks and no others; nothing is left there', async t => {
  const { app, rooms, logged } = await buildTestBridge(t, {}, {})
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const context = contextWith({ PUBLIC_URL: `http://127.0.0.1:${port}/` })
  const asked = rooms.log.length
  const findings = await run(publicUrlCheck, { ...context, clock: app.clock })
  t.match(findings, [
    {
      code: 'public-url-ok',
      severity: 'ok',
      seen: /takes hooks with Jambonz' signature\. This is seen from this machine and does not prove/
    },
    { code: 'public-url-local', severity: 'warning' }
  ])
  const { phases, duties } = await app.registry.stats()
  t.equal(Object.values(phases).reduce((sum, n) => sum + n, duties), 0, 'no record')
  t.same(rooms.log.slice(asked), [], 'LiveKit is not asked')
  t.notMatch(logged(), /"level":[456]0/, 'nothing to warn of')
  t.match(
    (await app.inject('/metrics')).body,
    /bridge_authentication_refused_total\{operation="refer-complete"\} 1\n/,
    'one refusal'
  )
})

await t.test('Basic, alone and beside the signature', async t => {
  const basic = { HTTP_USERNAME: 'jambonz', HTTP_PASSWORD: 'hook-password' }
  for (const more of [basic, { ...basic, JAMBONZ_WEBHOOK_SECRET: '' }]) {
    const port = await bridge(t, more)
    t.match(without(await look(port, more)), [{ code: 'public-url-ok', seen: /user name and password/ }])
    const findings = without(await look(port, { ...more, HTTP_PASSWORD: 'another' }))
    t.match(findings, [{ code: 'hook-signature-refused', severity: 'failed', seen: /HTTP_USERNAME and HTTP_PASSWORD/ }])
    t.notMatch(JSON.stringify(findings), /another,|hook-password|wh_secret/)
  }
})

await t.test('another secret', async t => {
  const port = await bridge(t)
  const findings = without(await look(port, { JAMBONZ_WEBHOOK_SECRET: 'wh_other' }))
  t.match(findings, [{
    code: 'hook-signature-refused',
    severity: 'failed',
    seen: /another JAMBONZ_WEBHOOK_SECRET/,
    todo: /--only application/
  }])
  t.notMatch(JSON.stringify(findings), /wh_other|wh_secret/)
  t.match(without(await look(port, { JAMBONZ_WEBHOOK_SECRET: `wh_new, ${SECRET}` })), [{
    code: 'hook-signature-refused',
    severity: 'warning',
    seen: /secret 1 of the 2/
  }], 'while it is rotated')
  t.match(
    refusedHook(new URL('https://b.example.com'), [{ status: 401, body: '', location: undefined, date: 0, ms: 1 }], {
      basic: false,
      signed: true,
      now: 3_600_000
    }),
    { seen: /3600 s apart/, command: 'timedatectl' }
  )
})

await t.test('hooks that anybody may send', async t => {
  const open = await bridge(t, { ALLOW_UNSIGNED_HOOKS: 'true', JAMBONZ_WEBHOOK_SECRET: '' })
  t.match(without(await look(open)), [{ code: 'hooks-unsigned', severity: 'failed' }], 'these settings have a secret')
  t.match(without(await look(open, { ALLOW_UNSIGNED_HOOKS: 'true', JAMBONZ_WEBHOOK_SECRET: '' })), [{
    code: 'hooks-unsigned',
    severity: 'warning'
  }], 'as the settings say')
})

await t.test('a path that the ingress does not strip, or does not have', async t => {
  const port = await bridge(t)
  t.match(without(await look(port, {}, '/bridge')), [{
    code: 'public-url-path',
    seen: /gets the path \/bridge with every request/
  }])
  const root = await front(t, port, ({ url }, response) => {
    if (!url!.startsWith('/bridge')) return url
    response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>not here</h1>')
    return undefined
  })
  t.match(without(await look(root, {}, '/bridge')), [{ code: 'public-url-path', seen: /without the path \/bridge/ }])
  const strips = await front(t, port, ({ url }) => url!.replace(/^\/bridge/, ''))
  t.same(codes(without(await look(strips, {}, '/bridge'))), ['public-url-ok'])
})

await t.test('something in front that answers OPTIONS itself, lets few paths through, or only POST', async t => {
  const port = await bridge(t)
  const cors = await front(t, port, ({ url, method }, response) => {
    if (method !== 'OPTIONS') return url
    response.writeHead(204, { 'access-control-allow-origin': '*' }).end()
    return undefined
  })
  t.match(without(await look(cors)), [{ code: 'public-url-ok' }, {
    code: 'application-form-hidden',
    severity: 'warning',
    seen: /204/
  }])
  const narrow = await front(t, port, ({ url }, response) => {
    if (url === '/livekit-api' || url === '/status') return url
    response.writeHead(404).end()
    return undefined
  })
  t.match(without(await look(narrow)), [{
    code: 'hook-paths-closed',
    severity: 'failed',
    seen: /\/refer-complete \(404\), \/action \(404\), \/refer \(404\), \/livekit-events \(404\)$/
  }])
  const posts = await front(t, port, ({ url, method }, response) => {
    if (method !== 'GET') return url
    response.writeHead(405).end()
    return undefined
  })
  t.same(codes(without(await look(posts))), ['public-url-ok'])
})

await t.test('another bridge', async t => {
  t.match(without(await look(await bridge(t, { LIVEKIT_AGENT_NAME: 'somebody' }))), [{ code: 'public-url-ok' }, {
    code: 'public-url-other-bridge',
    severity: 'warning',
    seen: /agent somebody.*demo-agent/
  }])
})

await t.test('no bridge', async t => {
  const answers = async (status: number, headers: Record<string, string> = {}, body = '') =>
    (await look(
      await listening(t, createServer((_request, response) => response.writeHead(status, headers).end(body)))
    ))[0]
  t.match(await answers(200, { 'content-type': 'text/html' }, '<html>'), {
    code: 'public-url-not-bridge',
    severity: 'failed'
  })
  t.match(await answers(200, { 'content-type': 'application/json' }, '[null]'), { code: 'public-url-not-bridge' })
  t.match(await answers(404), { code: 'public-url-not-bridge', todo: /Route the hooks/ })
  t.match(await answers(401), { code: 'public-url-not-bridge', seen: /asks for credentials/ })
  t.match(await answers(502), { code: 'public-url-not-bridge', seen: /reaches nothing behind it/ })
  t.match(await answers(308, { location: 'https://bridge.example.com/x?token=1' }), {
    code: 'public-url-redirects',
    seen: /308 and redirects to https:\/\/bridge\.example\.com\/x\. Jambonz follows no/
  })
})

await t.test('nobody answers', async t => {
  const first = async (...args: Parameters<typeof look>) => (await look(...args))[0]
  t.match(await first(await freePort()), {
    code: 'public-url-unreachable',
    severity: 'failed',
    seen: /nobody listens on port \d+ \(ECONNREFUSED\)/
  })
  t.match(
    await first(
      await listening(
        t,
        createTcpServer(socket => {
          socket.on('error', () => {}).end()
        })
      )
    ),
    { code: 'public-url-unreachable', seen: /closed without an HTTP answer/ }
  )
  t.match(await first(await bridge(t), {}, '', 'https'), { code: 'public-url-unreachable', seen: /does not speak TLS/ })
  const file = (name: string) => readFileSync(fixture(`tls/${name}.pem`))
  const tls = await listening(
    t,
    createTlsServer({ cert: file('cert'), key: file('key') }, (_request, response) => response.end())
  )
  t.match(await first(tls, {}, '', 'https'), { code: 'public-url-unreachable', seen: /certificate is not accepted/ })
  t.match(await run(publicUrlCheck, contextWith({ PUBLIC_URL: 'https://no-such-host.invalid' })), [{
    code: 'public-url-unreachable',
    seen: /its name has no address/
  }])
  t.match(
    unreachable(new URL('https://user:s3cret@b.example.com/x/'), { code: 'UND_ERR_CONNECT_TIMEOUT', message: '' }),
    {
      seen: 'PUBLIC_URL (https://b.example.com/x) is not reached from here: no answer in time (UND_ERR_CONNECT_TIMEOUT)'
    }
  )
  t.match(unreachable(new URL('https://b.example.com'), { code: 'ENETUNREACH', message: '' }), {
    seen: /no connection/
  })
})

await t.test('one that hangs, interrupted', async t => {
  const stop = new AbortController()
  const port = await listening(
    t,
    createServer(() => {
      stop.abort()
    })
  )
  t.same(await run(publicUrlCheck, contextWith({ PUBLIC_URL: `http://127.0.0.1:${port}` }), stop.signal), [])
})

await t.test('who can reach an address', async t => {
  const of = (url: string, ...addresses: string[]) => codes(addressFindings(new URL(url), addresses))
  t.same(of('https://b.example.com', '203.0.113.9'), [])
  t.same(of('http://b.example.com', '203.0.113.9'), ['public-url-http'])
  t.same(of('http://localhost:3000', '127.0.0.1'), ['public-url-local'])
  t.same(of('https://bridge.default.svc', '203.0.113.9'), ['public-url-local'])
  t.same(of('https://b.example.com', '10.0.0.1', 'fd00::1'), ['public-url-local'])
  t.same(of('https://b.example.com', '10.0.0.1', '203.0.113.9'), [])
})
