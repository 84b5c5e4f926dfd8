import { readFileSync } from 'node:fs'
import { AGENT, API_KEY, API_SECRET, OPERATOR_TOKEN, ROOM_PREFIX, SIP_HOST, WEBHOOK_SECRET } from './environment.ts'
import { freePort, ROOT, startNode, type MeasuredService, type Service } from './processes.ts'
import type { Redis } from './redis.ts'

export type Store = 'memory' | 'Redis'

/** Behind the name of a bridge with a routes file. */
export const WITH_ROUTES = ', 1000 routes'

export interface Bridge extends MeasuredService {
  store: Store
}

/** Starts the compiled bridge with what `npm start` runs, settings as they are in production, and no calls. */
export async function startBridge (
  store: Store,
  livekit: Service,
  redis?: Redis,
  routesFile?: string,
  more: Record<string, string> = {}
): Promise<Bridge> {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { scripts: { start: string } }
  const [command, ...args] = scripts.start.replace(/^exec /, '').split(' ')
  if (command !== 'node') throw new Error(`npm start does not run node, but ${command}`)
  await redis?.clear()
  const port = await freePort()
  const service = await startNode(`bridge, ${store}${routesFile === undefined ? '' : WITH_ROUTES}`, args, {
    port,
    env: {
      PORT: String(port),
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      PUBLIC_URL: `http://127.0.0.1:${port}`,
      LIVEKIT_URL: livekit.url,
      LIVEKIT_API_KEY: API_KEY,
      LIVEKIT_API_SECRET: API_SECRET,
      LIVEKIT_SIP_HOST: SIP_HOST,
      LIVEKIT_SIP_USERNAME: 'jambonz',
      LIVEKIT_SIP_PASSWORD: 'trunk-password',
      LIVEKIT_ROOM_PREFIX: ROOM_PREFIX,
      LIVEKIT_AGENT_NAME: AGENT,
      JAMBONZ_WEBHOOK_SECRET: WEBHOOK_SECRET,
      OPERATOR_TOKEN,
      // Empty counts as unset.
      HTTP_USERNAME: '',
      HTTP_PASSWORD: '',
      FALLBACK_NUMBER: '',
      MAX_CALLS: '',
      ROUTES_FILE: routesFile ?? '',
      REDIS_URL: store === 'Redis' ? redis!.url : '',
      ...more
    }
  })
  return { ...service, store }
}

/**
 * Waits until at most `calls` of the bridge's calls are active. The deletions of their rooms are confirmed for up to a
 * minute longer, beside whatever comes next, as they are in production.
 */
export async function settled (bridge: Bridge, calls: number): Promise<void> {
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    const metrics = await (await fetch(`${bridge.url}/metrics`)).text()
    const active = [...metrics.matchAll(/^bridge_calls\{phase="(?!ended)\w+"\} (\d+)/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0
    )
    if (active <= calls) return
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS))
  }
  throw new Error(`${bridge.name} still has calls under way`)
}

const SETTLE_MS = 100
const SETTLE_TRIES = 300
