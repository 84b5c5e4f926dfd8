import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemClock, within } from '../clock.ts'
import { createLiveLadder, ladderOptionsFor } from '../ladder/ladder.ts'
import type { LadderOptions, LiveLadder } from '../ladder/ladder.ts'
import type { Step } from '../ladder/trace.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import { plain } from '../terminal.ts'
import type { UserAgent } from '../sip/user-agent.ts'
import { SipClient } from 'livekit-server-sdk'
import { loadSettings } from '../config.ts'
import { applyProvision } from '../provisioning/livekit.ts'
import { DEMO_CALLS, phoneFor } from './demo-calls.ts'
import type { DemoCall } from './demo-calls.ts'
import { createJambonzDouble } from './jambonz.ts'
import type { JambonzDouble } from './jambonz.ts'
import { createLiveKitDouble } from './livekit.ts'

export interface DemoOptions {
  /** Starts the bridge itself with these settings. Resolves when it listens. */
  startBridge(env: Record<string, string>): Promise<{ url: string, close(): Promise<void> }>
  /** The terminal or file that the demo writes to. */
  out: DemoOutput
  /** Whether to end after the calls, instead of keeping the bridge running. */
  once: boolean
  /** The environment, which decides about colours and width; by default that of the process. */
  env?: Record<string, string | undefined>
  /** Ends the demo at any time. By default the first SIGINT or SIGTERM does. */
  signal?: AbortSignal
  /** The command that starts the command line, for the suggestions of the demo; by default that of this process. */
  command?: string
}

export interface DemoOutput {
  write(text: string): unknown
  on?(event: 'error', listener: (error: NodeJS.ErrnoException) => void): unknown
  isTTY?: boolean
  columns?: number
}

interface Stage {
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

interface Verdict {
  cause?: string
  by?: string
  waitingOn?: string
  problem?: string
}

const HOST = '127.0.0.1'
const CALL_TIMEOUT_MS = 15_000
/** Messages that explain nothing. The ladders leave them out. */
const HOUSEKEEPING = /^(ACK|100 |200 OK \(|track_unpublished)/

/**
 * Shows the bridge at work without any account. Real calls go over SIP and HTTP on loopback, from a phone through a
 * Jambonz double, the bridge itself and a LiveKit double. The demo draws each call as a ladder while it happens, and
 * then prints the cause that the bridge's operator API gives for its end.
 *
 * @returns the exit code: 0 when every call ended as announced or the reader of `out` closed it, 1 when a call ended in
 * another way, 130 when it was interrupted before
 * @throws {Error} when a part cannot start, for example without a development dependency
 */
export async function runDemo (options: DemoOptions): Promise<number> {
  const { out } = options
  const reader = watchReader(out)
  const signal = AbortSignal.any([options.signal ?? interruption(), reader.gone])
  const view = ladderOptionsFor(out, options.env ?? process.env)
  const write = (text: string) => {
    if (!reader.gone.aborted) out.write(text)
  }
  const say = (text = '') => write(text + '\n')

  say(strong('Three phone calls: caller → Jambonz → bridge → LiveKit → agent.', view))
  say('Jambonz, LiveKit, the phone and the agents are played here; the bridge, HTTP and SIP are real.')
  const stage = await setStage(options)
  try {
    for (const line of legend(view)) say(line)
    say(`The bridge's OpenAPI page, while this runs: ${stage.bridge.url}/docs`)

    let right = 0
    for (const [index, call] of DEMO_CALLS.entries()) {
      say()
      say(strong(`${index + 1}. ${call.says}`, view))
      say()
      const verdict = await play(stage, call, createLiveLadder(write, view), signal)
      if (signal.aborted) break
      if (verdict.cause === call.cause) right++
      say()
      say(judge(call, verdict, view))
    }
    if (reader.gone.aborted) return 0
    if (signal.aborted) return 130

    say()
    say(strong(`${right} of ${DEMO_CALLS.length} calls ended as announced.`, view))
    if (!options.once) await stay(stage, say, signal, options.command ?? ownCommand())
    return right === DEMO_CALLS.length ? 0 : 1
  } finally {
    await stage.close()
  }
}

/** Notices when the reader of the output has closed it, as `| head` does. */
function watchReader (out: DemoOutput): { gone: AbortSignal } {
  const controller = new AbortController()
  out.on?.('error', error => {
    if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') throw error
    controller.abort()
  })
  return { gone: controller.signal }
}

/** What a newcomer needs to know to read the ladders. */
function legend ({ colour }: LadderOptions): string[] {
  const paint = (code: number, text: string) => `\x1b[${code}m${text}\x1b[0m`
  return [
    ...colour
      ? [`Colours: ${paint(36, 'SIP')}, ${paint(33, 'HTTP')}, ${paint(35, 'the LiveKit room')}, ${
          paint(31, 'a refusal or failure')
        }.`]
      : [],
    'Two refusals are normal here: 407 asks for the password of the SIP trunk, and 404 answers the bridge when it',
    'deletes a room that is gone already.'
  ]
}

async function setStage (options: DemoOptions): Promise<Stage> {
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
      agents: DEMO_CALLS.flatMap(call => call.behaviour ?? []),
      trace,
      sipTransport: 'tcp'
    })
    closers.push(() => livekit.close())
    const jambonz = await createJambonzDouble({
      callHook: `${url}/livekit-api`,
      statusHook: `${url}/status#rc=2&rp=all`,
      webhookSecret: secrets.webhookSecret,
      ...account,
      envVars,
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
      DIAL_TIMEOUT_S: '4',
      DRAIN_DELAY_S: '0'
    }
    await provision(settings)
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`)
    await writeFile(join(folder, '.env'), lines.join(''), { mode: 0o600 })
    const bridge = await options.startBridge(settings)
    closers.push(() => bridge.close())
    const phone = await createUserAgent({ host: HOST, name: 'phone' })
    closers.push(() => phone.close())
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

/** Plays one call, from the phone's INVITE to the cause that the bridge names. A failure is the verdict's `problem`. */
async function play (stage: Stage, call: DemoCall, ladder: LiveLadder, signal: AbortSignal): Promise<Verdict> {
  let lastStep = Date.now()
  stage.screen.show = step => {
    lastStep = Date.now()
    if (!HOUSEKEEPING.test(step.what)) ladder.step(step)
  }
  stage.envVars['LIVEKIT_AGENT_NAME'] = call.agent
  let callSid = ''
  stage.jambonz.onCall(sid => {
    callSid ||= sid
  })
  try {
    const uri = `sip:+15551230000@${stage.jambonz.sipHost}:${stage.jambonz.sipPort}`
    const phoned = phoneFor(call, stage.phone.invite(uri, { from: call.from }), signal)
    await within(systemClock, CALL_TIMEOUT_MS, phoned, () => new Error('the call did not end'))
    const verdict = await within(
      systemClock,
      CALL_TIMEOUT_MS,
      endOf(stage, () => callSid, signal),
      () => new Error('the bridge did not report the end of the call')
    )
    // The ladder also shows the duties that follow the end, such as the deletion of the room.
    const settled = Date.now() + 2000
    do await sleep(100)
    while (Date.now() - lastStep < 200 && Date.now() < settled)
    return verdict
  } catch (error) {
    return { problem: (error as Error).message }
  } finally {
    stage.screen.show = () => {}
    ladder.end()
  }
}

/** Asks the operator API until it knows the end of the call. */
async function endOf (stage: Stage, callSid: () => string, signal: AbortSignal): Promise<Verdict> {
  for (;;) {
    if (signal.aborted) return {}
    const response = await fetch(`${stage.bridge.url}/calls/${callSid()}`, {
      headers: { authorization: `Bearer ${stage.operatorToken}` },
      signal: AbortSignal.timeout(5000)
    })
    const call = await response.json() as { phase?: string, end?: Verdict }
    if (call.phase === 'ended' && call.end) return call.end
    await sleep(50)
  }
}

function judge (call: DemoCall, verdict: Verdict, view: LadderOptions): string {
  const right = verdict.cause === call.cause
  const [good, bad] = view.ascii ? ['ok', 'NOT OK'] : ['✓', '✗']
  const mark = right ? good : bad
  const details = [
    verdict.by && `by ${verdict.by}`,
    verdict.waitingOn && verdict.waitingOn !== 'none' && `while waiting on ${verdict.waitingOn}`
  ].filter(Boolean).join(', ')
  const said = verdict.problem ?? `the bridge says ${verdict.cause ?? 'nothing'}${details && ` (${details})`}`
  const text = `   ${mark} announced ${call.cause}, ${plain(said, view)}`
  return view.colour ? `\x1b[${right ? 32 : 31}m${text}\x1b[0m` : text
}

async function stay (stage: Stage, say: (text?: string) => void, signal: AbortSignal, command: string): Promise<void> {
  const { url } = stage.bridge
  const here = (words: string) => `(cd ${stage.folder} && ${command} ${words})`
  say()
  say('The bridge stays up until Ctrl-C. Have a look from another terminal:')
  say(`  API      ${url}/docs`)
  say(`  token    ${stage.operatorToken}`)
  say(`  calls    ${here('calls')}`)
  say(`  doctor   ${here('doctor')}`)
  say(`  HTTP     curl -H 'Authorization: Bearer ${stage.operatorToken}' ${url}/calls`)
  if (!signal.aborted) await once(signal, 'abort')
  say()
}

/** The command that started this process, in a form that works in another folder. */
function ownCommand (): string {
  const script = process.argv[1] ?? 'bridge'
  return `node ${/\s/.test(script) ? JSON.stringify(script) : script}`
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

function interruption (): AbortSignal {
  const controller = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => controller.abort())
  return controller.signal
}

function token (): string {
  return randomBytes(18).toString('base64url')
}

function strong (text: string, view: LadderOptions): string {
  const shown = plain(text, view)
  return view.colour ? `\x1b[1m${shown}\x1b[0m` : shown
}
