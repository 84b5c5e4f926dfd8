import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SipClient } from 'livekit-server-sdk'
import { loadSettings } from '../config.ts'
import type { Step } from '../ladder/trace.ts'
import { applyProvision } from '../provisioning/livekit.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import type { UserAgent } from '../sip/user-agent.ts'
import { DEMO_CALLS, DEMO_PHONES, DEMO_ROUTES } from './demo-calls.ts'
import { createFarEnd } from './far-end.ts'
import { createJambonzDouble } from './jambonz.ts'
import type { JambonzDouble } from './jambonz.ts'
import { createLiveKitDouble } from './livekit.ts'

/** Starts the bridge itself with these settings. Resolves when it listens. */
export type StartBridge = (env: Record<string, string>) => Promise<{ url: string, close(): Promise<void> }>

/** Everything that the calls of the demo need. */
export interface Stage {
  bridge: { url: string, close(): Promise<void> }
  jambonz: JambonzDouble
  phone: UserAgent
  /** Jambonz's application environment, which names the agent of the next call. */
  envVars: Record<string, unknown>
  operatorToken: string
  /** A folder with the bridge's settings in `.env`, from which the bridge's commands find this bridge. */
  folder: string
  /** Receives the steps of the doubles. */
  screen: { show(step: Step): void }
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/**
 * Starts the doubles, the bridge and a phone.
 *
 * @throws {Error} when a part cannot start
 */
export async function setStage (startBridge: StartBridge): Promise<Stage> {
  const closers: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer().catch(() => {})
  }
  const screen: Stage['screen'] = { show () {} }
  const trace = (step: Step) => screen.show(step)
  const port = await freePort()
  const url = `http://${HOST}:${port}`
  const secrets = {
    apiKey: 'demo',
    apiSecret: token(),
    webhookSecret: token(),
    operatorToken: token(),
    trunk: { username: 'jambonz', password: token() }
  }
  const envVars: Record<string, unknown> = {}
  const account = { accountSid: randomUUID(), apiKey: token() }
  const folder = await mkdtemp(join(tmpdir(), 'bridge-demo-'))
  closers.push(() => rm(folder, { recursive: true, force: true }))
  try {
    const livekit = await createLiveKitDouble({
      apiKey: secrets.apiKey,
      apiSecret: secrets.apiSecret,
      webhookUrls: [`${url}/livekit-events`],
      agents: DEMO_CALLS.flatMap(({ behaviour = [] }) =>
        typeof behaviour === 'function' ? behaviour(trace) : behaviour
      ),
      trace,
      sipTransport: 'tcp'
    })
    closers.push(() => livekit.close())
    const phone = await createUserAgent({ host: HOST, name: 'phone' })
    closers.push(() => phone.close())
    const carrier = await createFarEnd(DEMO_PHONES)
    closers.push(() => carrier.close())
    const jambonz = await createJambonzDouble({
      callHook: `${url}/livekit-api`,
      statusHook: `${url}/status#rc=2&rp=all`,
      webhookSecret: secrets.webhookSecret,
      ...account,
      envVars,
      gateways: { Carrier: carrier.host },
      trace
    })
    closers.push(() => jambonz.close())
    const settings = {
      PORT: String(port),
      HOST,
      PUBLIC_URL: url,
      LOG_LEVEL: 'silent',
      LIVEKIT_URL: livekit.apiUrl,
      LIVEKIT_API_KEY: secrets.apiKey,
      LIVEKIT_API_SECRET: secrets.apiSecret,
      LIVEKIT_SIP_HOST: `${livekit.sipHost}:${livekit.sipPort}`,
      LIVEKIT_SIP_TRANSPORT: 'tcp',
      LIVEKIT_SIP_USERNAME: secrets.trunk.username,
      LIVEKIT_SIP_PASSWORD: secrets.trunk.password,
      LIVEKIT_AGENT_NAME: DEMO_CALLS[0]?.agent ?? '',
      JAMBONZ_WEBHOOK_SECRET: secrets.webhookSecret,
      JAMBONZ_REST_API_BASE_URL: jambonz.restUrl,
      JAMBONZ_ACCOUNT_SID: account.accountSid,
      JAMBONZ_API_KEY: account.apiKey,
      OPERATOR_TOKEN: secrets.operatorToken,
      ROUTES_FILE: join(folder, 'routes.yaml'),
      DIAL_TIMEOUT_S: '4',
      DRAIN_DELAY_S: '0'
    }
    await provision(settings)
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(join(folder, '.env'), lines.join(''), { mode: 0o600 })
    await writeFile(settings.ROUTES_FILE, DEMO_ROUTES)
    const bridge = await startBridge(settings)
    closers.push(() => bridge.close())
    return { bridge, jambonz, phone, envVars, operatorToken: secrets.operatorToken, folder, screen, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Creates the trunk and the rule in LiveKit, as `bridge provision` does. */
async function provision (env: Record<string, string>): Promise<void> {
  const settings = loadSettings(env)
  const sip = new SipClient(settings.LIVEKIT_URL, settings.LIVEKIT_API_KEY, settings.LIVEKIT_API_SECRET)
  await applyProvision(sip, {
    livekitSipUsername: settings.LIVEKIT_SIP_USERNAME ?? '',
    livekitSipPassword: settings.LIVEKIT_SIP_PASSWORD ?? '',
    livekitRoomPrefix: settings.LIVEKIT_ROOM_PREFIX,
    livekitAgentName: settings.LIVEKIT_AGENT_NAME ?? '',
    dialTimeoutS: settings.DIAL_TIMEOUT_S,
    maxCallDurationS: settings.MAX_CALL_DURATION_S
  })
}

/** A free port. The doubles must know the bridge's address before the bridge listens. */
async function freePort (): Promise<number> {
  const server = createServer().listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

function token (): string {
  return randomBytes(18).toString('base64url')
}
