import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Settings } from '../config.ts'
import { commaList } from '../comma-list.ts'
import type { Finding } from '../finding.ts'
import { envVarsSchema } from '../jambonz/env-vars.ts'
import { signatureOf } from '../jambonz/signature.ts'
import type { Check } from './check.ts'
import { bridgeCode, createHookClient, jsonOf, type HookClient, type Reply } from './hook-client.ts'
import {
  addressFindings,
  closed,
  formHidden,
  notBridge,
  otherBridge,
  redirects,
  refusedHook,
  taken,
  unreachable,
  unsigned,
  wrongPath
} from './public-url-findings.ts'

/**
 * Whether hooks sent to PUBLIC_URL reach a bridge that takes them, as far as that can be seen from here. Leaves nothing
 * behind.
 */
export const publicUrlCheck: Check = {
  name: 'public-url',
  title: 'Does PUBLIC_URL lead to this bridge, and does it accept hooks as Jambonz signs them?',
  readOnly: true,
  limitMs: 25_000,
  async run ({ settings, clock }, signal) {
    const client = createHookClient(signal)
    try {
      const findings = await look(settings, client, () => clock.now())
      return signal.aborted ? [] : findings
    } finally {
      await client.close()
    }
  }
}

async function look (settings: Settings, client: HookClient, now: () => number): Promise<Finding[]> {
  const base = settings.PUBLIC_URL.replace(/\/+$/, '')
  const url = new URL(base)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  let addresses: string[]
  try {
    addresses = isIP(host) ? [host] : (await lookup(host, { all: true })).map(({ address }) => address)
  } catch (error) {
    return [unreachable(url, { code: String((error as { code?: unknown }).code ?? ''), message: '' })]
  }
  const about = isAllLocal(settings) ? [] : addressFindings(url, addresses)
  const door = await reachDoor(settings, base, client)
  if (!door.open) return [door.finding, ...about]
  const hooks = await tryHooks(settings, base, client, now)
  return [...(hooks.length === 0 ? [taken(url, door.ms, settings)] : hooks), ...door.findings, ...about]
}

/** Whether LiveKit and Jambonz are on this machine as well, so that nothing needs to reach PUBLIC_URL from outside. */
function isAllLocal ({ PUBLIC_URL, LIVEKIT_URL, JAMBONZ_REST_API_BASE_URL: jambonz }: Settings): boolean {
  return jambonz !== undefined && [PUBLIC_URL, LIVEKIT_URL, jambonz].every(url =>
    ['127.0.0.1', '[::1]', 'localhost'].includes(new URL(url).hostname))
}

/** Whether it is a bridge that answers at the call hook's URL, and this one. Jambonz' portal asks the same of it. */
async function reachDoor (
  settings: Settings,
  base: string,
  client: HookClient
): Promise<{ open: false, finding: Finding } | { open: true, ms: number, findings: Finding[] }> {
  const hook = `${base}/livekit-api`
  const url = new URL(base)
  const reply = await client.ask('OPTIONS', hook, JSON_WANTED)
  if (!('status' in reply)) return { open: false, finding: unreachable(url, reply) }
  if (reply.location !== undefined && reply.status >= 300 && reply.status < 400) {
    return { open: false, finding: redirects(url, reply) }
  }
  const agent = agentOf(reply)
  if (agent !== undefined) {
    return {
      open: true,
      ms: reply.ms,
      findings: agent === settings.LIVEKIT_AGENT_NAME ? [] : [otherBridge(url, agent, settings.LIVEKIT_AGENT_NAME)]
    }
  }
  // Something in front may answer OPTIONS itself, for browsers.
  const get = await client.ask('GET', hook, JSON_WANTED)
  if (bridgeCode(get) === 'BRIDGE_POST_ONLY') return { open: true, ms: reply.ms, findings: [formHidden(url, reply)] }
  if (url.pathname !== '/' && (bridgeCode(reply) === 'BRIDGE_NO_ROUTE' || bridgeCode(get) === 'BRIDGE_NO_ROUTE')) {
    return { open: false, finding: wrongPath(url, 'not stripped') }
  }
  if (
    url.pathname !== '/' && agentOf(await client.ask('OPTIONS', `${url.origin}/livekit-api`, JSON_WANTED)) !== undefined
  ) return { open: false, finding: wrongPath(url, 'not there') }
  return { open: false, finding: notBridge(url, reply) }
}

const JSON_WANTED = { headers: { accept: 'application/json' } }

/** The default agent that a bridge names among its application variables; undefined: this is no bridge. */
function agentOf (reply: Awaited<ReturnType<HookClient['ask']>>): string | undefined {
  if (!('status' in reply) || reply.status !== 200) return undefined
  const variables = jsonOf(reply) as Record<string, { default?: unknown } | undefined> | null | undefined
  const known = Object.keys(envVarsSchema({ LIVEKIT_AGENT_NAME: '' }))
  if (
    typeof variables !== 'object' || variables === null || !known.every(name => typeof variables[name] === 'object')
  ) return undefined
  const agent = variables['LIVEKIT_AGENT_NAME']?.default
  return typeof agent === 'string' ? agent : ''
}

/**
 * A hook as Jambonz would send it, of a transfer of a call that nobody knows: the one hook that needs both signature
 * and user name, and of which nothing is kept (src/calls/advance.ts: no call begins with it).
 */
const HOOK = '/refer-complete'

/** @returns what is wrong; nothing when hooks are taken, and only those */
async function tryHooks (settings: Settings, base: string, client: HookClient, now: () => number): Promise<Finding[]> {
  const body = JSON.stringify({
    call_sid: `doctor-${randomBytes(9).toString('hex')}`,
    direction: 'inbound',
    call_status: 'completed',
    refer_status: 202,
    final_referred_call_status: 200
  })
  const { HTTP_USERNAME: username, HTTP_PASSWORD: password } = settings
  const basic = username !== undefined && password !== undefined
  const post = (secret: string | undefined, word: string | undefined) =>
    client.ask('POST', base + HOOK, {
      headers: {
        'content-type': 'application/json',
        ...(secret !== undefined && { 'jambonz-signature': signatureOf(body, secret, now()) }),
        ...(basic && { authorization: `Basic ${Buffer.from(`${username}:${word ?? ''}`).toString('base64')}` })
      },
      body
    })
  const secrets = commaList(settings.JAMBONZ_WEBHOOK_SECRET)
  const wrong = randomBytes(16).toString('hex')
  const [forged, shut, ...replies] = await Promise.all([
    post(wrong, wrong),
    closedPaths(base, client),
    ...(secrets.length > 0 ? secrets : [undefined]).map(secret => post(secret, password))
  ])
  const url = new URL(base)
  const silent = replies.find(reply => !('status' in reply))
  if (silent && !('status' in silent)) return [unreachable(url, silent)]
  const answers = replies.filter((reply): reply is Reply => 'status' in reply)
  const findings: Finding[] = []
  const odd = answers.find(reply => reply.status !== 401 && !(reply.status === 200 && Array.isArray(jsonOf(reply))))
  if (odd || shut.length > 0) findings.push(closed(url, [...(odd ? [`${HOOK} (${odd.status})`] : []), ...shut]))
  if (answers.some(({ status }) => status === 401)) {
    findings.push(refusedHook(url, answers, { basic, signed: secrets.length > 0, now: now() }))
  }
  if ('status' in forged && forged.status === 200 && Array.isArray(jsonOf(forged))) {
    findings.push(unsigned(settings.ALLOW_UNSIGNED_HOOKS && secrets.length === 0 && !basic))
  }
  return findings
}

const OTHER_PATHS = ['/status', '/action', '/refer', '/livekit-events']

/** Which hook paths lead nowhere: a bridge has no GET for them, and says so itself. */
async function closedPaths (base: string, client: HookClient): Promise<string[]> {
  const found = await Promise.all(OTHER_PATHS.map(async path => {
    const get = await client.ask('GET', base + path)
    if (bridgeCode(get) !== undefined) return []
    // Something in front may let POST alone through. Without credentials nothing comes of it.
    const post = await client.ask('POST', base + path, { headers: { 'content-type': 'application/json' }, body: '{}' })
    return bridgeCode(post) === undefined ? [`${path} (${'status' in post ? post.status : post.code})`] : []
  }))
  return found.flat()
}
