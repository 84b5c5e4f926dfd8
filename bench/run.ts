import { readFileSync, writeFileSync } from 'node:fs'
import { measureActiveCalls } from './active-calls.ts'
import { startBridge } from './bridge.ts'
import { measureHook } from './hook.ts'
import { createLoad } from './load.ts'
import { createNoise, describeMachine, NOISY } from './machine.ts'
import { readOptions, UsageError, type Options, type Part } from './options.ts'
import { endAll, freePort, ROOT, startNode, type Service } from './processes.ts'
import { hookOf, newCall } from './recorded.ts'
import { startRedis, type Redis } from './redis.ts'
import { measureLive } from './live.ts'
import { measureOrders } from './orders.ts'
import { measureRoutes } from './routes.ts'
import { measureWarm } from './warm.ts'
import { goalsOf } from './goals.ts'
import { report, wrongReplies, type Results } from './report.ts'

/*
 * npm run bench: what the bridge costs, beside the least that is possible and beside what one would write by hand.
 * Figures of one run belong together; those of two machines, or of two days, do not.
 */

/** Whatever hangs, a run ends. */
const LONGEST_RUN_MS = 15 * 60_000

const started = performance.now()
const progress = (text: string) =>
  process.stderr.write(`${String(Math.round((performance.now() - started) / 1000)).padStart(4)} s  ${text}\n`)

/** Parts that are measured with active calls. */
const ACTIVE_CALLS: readonly Part[] = ['memory', 'list', 'events']

async function main (options: Options): Promise<number> {
  const machine = describeMachine()
  const noise = createNoise()
  for (let n = 0; n < 3; n++) await noise.sample()
  if (noise.mean() > NOISY) progress('the machine is not quiet: the figures will say little')
  const port = await freePort()
  const livekit = await startNode('livekit', [new URL('fake-livekit.js', import.meta.url).pathname], {
    port,
    env: { PORT: String(port) }
  })
  const skipped: string[] = []
  const redis = await usableRedis(livekit, skipped)
  for (const text of skipped) progress(`skipped: ${text}`)

  const results: Results = {
    machine,
    noise: 0,
    seconds: 0,
    hook: [],
    warm: [],
    calls: { events: [], memory: [], list: [], wrong: 0 },
    routes: [],
    orders: [],
    skipped
  }
  if (options.parts.includes('hook')) results.hook = await measureHook(options, livekit, redis, noise, progress)
  if (options.parts.includes('warm')) {
    results.warm = await measureWarm(options, redis ? ['memory', 'Redis'] : ['memory'], noise, progress)
  }
  if (options.parts.some(part => ACTIVE_CALLS.includes(part))) {
    results.calls = await measureActiveCalls(options, livekit, redis, noise, progress)
  }
  if (options.parts.includes('routes')) results.routes = await measureRoutes(progress)
  if (options.parts.includes('orders')) results.orders = await measureOrders(options, livekit, redis, progress)
  if (options.parts.includes('live')) results.live = await measureLive(options, livekit, redis, progress)
  results.noise = noise.mean()
  results.seconds = (performance.now() - started) / 1000

  const text = report(results, options)
  process.stdout.write(`${options.json ? JSON.stringify({ ...results, goals: goalsOf(results) }, null, 2) : text}\n`)
  if (options.write) writeFigures(text)
  return wrongReplies(results) > 0 ? 1 : 0
}

/** A Redis, if there is one and this build of the bridge keeps its calls there. */
async function usableRedis (livekit: Service, skipped: string[]): Promise<Redis | undefined> {
  const redis = await startRedis()
  if (!redis) {
    skipped.push('Redis, there is no redis-server')
    return undefined
  }
  const bridge = await startBridge('Redis', livekit, redis)
  const load = createLoad(bridge.url, 'new')
  await load.closed([hookOf(newCall())], 1)
  const keys = await redis.keys()
  await load.close()
  await bridge.stop()
  if (keys > 0) return redis
  await redis.stop()
  skipped.push('Redis, the bridge does not use REDIS_URL')
  return undefined
}

function writeFigures (text: string): void {
  const file = new URL('docs/performance.md', ROOT)
  const [before, rest] = readFileSync(file, 'utf8').split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`docs/performance.md lacks ${BEGIN} … ${END}`)
  writeFileSync(file, `${before}${BEGIN}\n${text}\n${END}${after}`)
}

const BEGIN = '<!-- figures: made by npm run bench -- --write -->'
const END = '<!-- /figures -->'

for (const [signal, code] of [['SIGINT', 130], ['SIGTERM', 143], ['SIGHUP', 129]] as const) {
  process.once(signal, () =>
    process.exit(code))
}
process.once('exit', endAll)
setTimeout(() => {
  console.error('The run took too long')
  process.exit(1)
}, LONGEST_RUN_MS).unref()

try {
  process.exit(await main(readOptions(process.argv.slice(2))))
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error)
  process.exit(error instanceof UsageError ? 2 : 1)
}
