import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { parse } from 'yaml'
import { loadSettings } from '../../src/config.ts'
import { SettingsSchema } from '../../src/settings-schema.ts'
import { KEY, liveKitProject, SECRET } from '../fixtures/livekit-project.ts'
import { project } from '../fixtures/paths.ts'

interface Service {
  image?: string
  build?: string
  command?: string[]
  network_mode?: string
  environment?: Record<string, string>
  volumes?: string[]
  depends_on?: Record<string, { condition: string }>
}
interface LiveKitConfig {
  port: number
  bind_addresses: string[]
  keys: Record<string, string>
  redis: { address: string }
  webhook: { api_key: string, urls: string[] }
  rtc: { udp_port: number }
}
interface SipConfig {
  api_key: string
  api_secret: string
  ws_url: string
  redis: { address: string }
  sip_port: number
  rtp_port: string
  listen_ip: string
  nat_1_to_1_ip: string
}

const text = (path: string) => readFileSync(project(path), 'utf8')
const compose = text('docker-compose.yml')
const services = (parse(compose, { merge: true }) as { services: Record<string, Service> }).services
const livekit = parse(text('deploy/compose/livekit.yaml')) as LiveKitConfig
const sip = parse(text('deploy/compose/sip.yaml')) as SipConfig
const names = Object.keys(SettingsSchema.properties)
const variables = [...compose.matchAll(/\$\{([A-Z_]+)(:-[^}]*)?\}/g)]
/** A service's environment on a machine without .env. */
const environment = (name: string) =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {})
      .map(([key, value]) => [key, withDefaults(String(value))])
  )
/** One default may stand in another. */
function withDefaults (value: string): string {
  const inner = value.replace(/\$\{[A-Z_]+:-([^${}]*)\}/g, '$1')
  return inner === value ? value : withDefaults(inner)
}

await t.test('every variable is a setting of the bridge and has a default', async t => {
  t.ok(variables.length > 0)
  for (const [all, name, fallback] of variables) {
    t.ok(names.includes(name ?? ''), `${name} is a setting`)
    t.ok(fallback, `${all} has a default`)
  }
})

await t.test('the bridge starts with what it gets, and only loopback is open', async t => {
  const bridge = environment('bridge')
  for (const name of Object.keys(bridge)) t.ok(names.includes(name), `${name} is a setting`)
  const settings = loadSettings(bridge)
  t.equal(settings.HOST, '127.0.0.1')
  t.equal(settings.ALLOW_UNSIGNED_HOOKS, false)
  const redis = services.redis?.command ?? []
  t.equal(settings.REDIS_URL, `redis://127.0.0.1:${redis[redis.indexOf('--port') + 1]}/1`, 'a database of its own')
  t.ok(settings.JAMBONZ_WEBHOOK_SECRET?.startsWith('dev-only'), 'which setup warns of')
  t.equal(new URL(settings.PUBLIC_URL).port, String(settings.PORT))
})

await t.test('LiveKit, livekit-sip, bridge and agent speak of the same addresses and keys', async t => {
  const bridge = environment('bridge')
  const key = String(bridge.LIVEKIT_API_KEY)
  t.equal(livekit.keys[key], bridge.LIVEKIT_API_SECRET)
  t.same([sip.api_key, sip.api_secret], [key, bridge.LIVEKIT_API_SECRET])
  t.equal(bridge.LIVEKIT_URL, `ws://127.0.0.1:${livekit.port}`)
  t.equal(sip.ws_url, bridge.LIVEKIT_URL)
  t.equal(bridge.LIVEKIT_SIP_HOST, `${sip.nat_1_to_1_ip}:${sip.sip_port}`)
  t.equal(sip.listen_ip, sip.nat_1_to_1_ip)
  t.same(livekit.webhook, { api_key: key, urls: [`${bridge.PUBLIC_URL}/livekit-events`] })
  t.same(livekit.bind_addresses, ['127.0.0.1'])
  const redis = services.redis?.command ?? []
  t.equal(livekit.redis.address, `127.0.0.1:${redis[redis.indexOf('--port') + 1]}`)
  t.equal(sip.redis.address, livekit.redis.address)
  for (const [name, value] of Object.entries(environment('agent'))) t.equal(value, bridge[name], name)
})

await t.test('what is provisioned is what the bridge dials with', async t => {
  const [setup, bridge] = [environment('setup'), environment('bridge')]
  for (
    const name of [
      'LIVEKIT_URL',
      'LIVEKIT_API_KEY',
      'LIVEKIT_API_SECRET',
      'LIVEKIT_SIP_USERNAME',
      'LIVEKIT_SIP_PASSWORD',
      'LIVEKIT_ROOM_PREFIX',
      'LIVEKIT_AGENT_NAME',
      'DIAL_TIMEOUT_S',
      'MAX_CALL_DURATION_S',
      'JAMBONZ_WEBHOOK_SECRET'
    ]
  ) {
    t.ok(setup[name], name)
    t.equal(setup[name], bridge[name], name)
  }
  // The script reads nothing else.
  const read = [...text('deploy/compose/setup.mjs').matchAll(/env\.([A-Z_]+)|seconds\('([A-Z_]+)'/g)]
    .map(([, one, other]) => one ?? other ?? '')
  for (const name of read) t.ok(name in setup, `${name} reaches setup`)
  t.same(services.bridge?.depends_on, { setup: { condition: 'service_completed_successfully' } })
})

await t.test('setup waits for LiveKit, then makes trunk and rule', async t => {
  const server = await liveKitProject(t)
  let refused = 0
  server.meets = () => refused++ < 2 ? 'refuse' : 'pass'
  // The script stands beside the compiled code, as it does in the image.
  const folder = mkdtempSync(fileURLToPath(new URL('../../setup-', import.meta.url)))
  t.after(() => rmSync(folder, { recursive: true }))
  mkdirSync(join(folder, 'deploy/compose'), { recursive: true })
  cpSync(project('deploy/compose/setup.mjs'), join(folder, 'deploy/compose/setup.mjs'))
  symlinkSync('..', join(folder, 'dist'))

  const keys = { LIVEKIT_URL: server.url, LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: SECRET }
  const env: Record<string, string> = { ...environment('setup'), ...keys }
  const run = promisify(execFile)
  const { stdout, stderr } = await run(process.execPath, [join(folder, 'deploy/compose/setup.mjs')], { env })
  t.match(stdout, /setup: trunk ST_\w+ created; dispatch rule SDR_\w+ created/)
  t.match(stderr, /JAMBONZ_WEBHOOK_SECRET is the development default/)
  t.match(server.trunks(), [{ auth_username: env.LIVEKIT_SIP_USERNAME, ringing_timeout: '55s' }])
  t.match(server.rules(), [{ rule: { dispatch_rule_callee: { room_prefix: env.LIVEKIT_ROOM_PREFIX } } }])

  server.meets = () => ({ status: 401, body: { code: 'unauthenticated', msg: 'invalid API key: devkey' } })
  const refusal = await run(process.execPath, [join(folder, 'deploy/compose/setup.mjs')], { env }).catch(error => error)
  t.equal(refusal.code, 1, 'what would be the same in a minute is not waited for')
  t.match(refusal.stderr, /setup: LiveKit.* API key/)
})

await t.test("ports do not meet each other's, nor Jambonz' on the same machine", async t => {
  const [first, last] = sip.rtp_port.split('-').map(Number) as [number, number]
  const agent = Number(/127\.0\.0\.1:(\d+)/.exec(text('deploy/agent/Dockerfile'))?.[1])
  const ports = [
    Number(environment('bridge').PORT),
    sip.sip_port,
    livekit.port,
    livekit.rtc.udp_port,
    Number(livekit.redis.address.split(':')[1]),
    agent
  ]
  t.equal(new Set(ports).size, ports.length)
  for (const port of ports) {
    t.notOk([3000, 3001, 3002, 5060, 5061, 6379].includes(port), `${port} is free on a Jambonz machine`)
    t.ok(port < first || port > last, `${port} is outside RTP`)
  }
  t.ok(last < 25000, 'below the RTP ranges of FreeSWITCH and rtpengine')
})

await t.test('images are pinned, mounted files are there, host networking throughout', async t => {
  for (const [name, service] of Object.entries(services)) {
    t.equal(service.network_mode, 'host', name)
    if (!service.build) t.match(service.image, /:v?\d+(\.\d+)*(-alpine)?$/, name)
    for (
      const [source] of (service.volumes ?? []).filter(volume => volume.startsWith('./')).map(volume =>
        volume.split(':')
      )
    ) {
      t.ok(existsSync(project(source ?? '')), `${source} is there`)
    }
  }
})

await t.test('the image runs without root, starts Node.js as process 1, and reports liveness', async t => {
  const dockerfile = text('Dockerfile')
  t.match(dockerfile, /^USER 1000:1000$/m)
  t.match(dockerfile, /^STOPSIGNAL SIGTERM$/m)
  t.match(dockerfile, /^HEALTHCHECK [^]*\/health\/live/m)
  const start = (JSON.parse(text('package.json')) as { scripts: { start: string } }).scripts.start
  const command = /^CMD (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]'
  t.equal(`exec ${(JSON.parse(command) as string[]).join(' ')}`, start)
  const kept = text('.dockerignore').split('\n').filter(line => line.startsWith('!')).map(line => line.slice(1))
  const { include } = JSON.parse(text('tsconfig.build.json')) as { include: string[] }
  const tooling = ['package.json', 'package-lock.json', '.npmrc', 'tsconfig.json', 'tsconfig.build.json']
  const files = [...tooling, 'scripts/build.mjs', 'bin']
  for (const path of [...include, ...files]) {
    t.ok(kept.includes(path), `${path} is in the build`)
  }
})
