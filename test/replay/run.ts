import { parseArgs } from 'node:util'
import { awayVariants } from './away.ts'
import { faultsOf } from './check.ts'
import { joinedTo } from './joined.ts'
import { readRecordings } from './read.ts'
import { playInRealTime } from './real-time.ts'
import { isPlayable, type Recording, type Unplayable } from './recording.ts'
import { asJson, faultLines, markOf, outcomeLine, summaryLines, type Outcome } from './report.ts'
import { playInProcess } from './session.ts'
import { AS_RECORDED, VARIANTS, type Variant } from './variant.ts'

const USAGE = `npm run replay -- [options] DIR|FILE…

Plays recordings against the service and says of each what was right. Exit code 1: something was wrong.

  --real-time          in real time, all at once, against a bridge process that is started (npm run build first)
  --url URL            in real time against a bridge that runs; its LIVEKIT_URL must be the address of --livekit-port
  --livekit-port PORT  where the recorded LiveKit's API is served (with --url)
  --variant NAME       not as recorded (may be repeated): ${Object.keys(VARIANTS).join(', ')}
  --away N             N times per recording with the bridge away for a while, with its memory lost and with a store
  --in-room-of FILE    calls that agents make: in the room of this recorded call, instead of one of their own
  --seed N             for everything random (default 1)
  --json               the results as JSON
  --quiet              only what was wrong, and the summary`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'real-time': { type: 'boolean', default: false },
    url: { type: 'string' },
    'livekit-port': { type: 'string' },
    variant: { type: 'string', multiple: true },
    away: { type: 'string' },
    'in-room-of': { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
    quiet: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  }
})

const unknown = (options.variant ?? []).filter(name => !VARIANTS[name])
if (unknown.length > 0) console.error(`Unknown variant: ${unknown.join(', ')}\n`)
if (options.help || positionals.length === 0 || unknown.length > 0) {
  console.log(USAGE)
  process.exit(options.help ? 0 : 2)
}

const seed = Number(options.seed)
const [host] = options['in-room-of'] === undefined ? [] : readRecordings(options['in-room-of'])
const files = positionals.flatMap(path => readRecordings(path)).map(inRoomOfHost)
const print = options.json ? () => {} : (line: string) => console.log(line)
const outcomes = options['real-time'] || options.url !== undefined ? await inRealTime() : await inProcess()

for (const line of ['', ...summaryLines(outcomes)]) print(line)
if (options.json) console.log(JSON.stringify(asJson(outcomes), undefined, 2))
process.exit(outcomes.some(outcome => ['wrong', 'unreadable'].includes(markOf(outcome))) ? 1 : 0)

function inRoomOfHost (file: Recording | Unplayable): Recording | Unplayable {
  const isOfAgent = isPlayable(file) && file.callsRefused !== undefined
  return isOfAgent && host && isPlayable(host) ? joinedTo(file, host) : file
}

async function inProcess (): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const file of files) {
    for (const variant of isPlayable(file) ? variantsOf(file) : [AS_RECORDED]) {
      const outcome = await playedOnce(file, variant)
      tell(outcome)
      outcomes.push(outcome)
    }
  }
  return outcomes
}

function variantsOf (recording: Recording): Variant[] {
  const away = options.away === undefined ? [] : awayVariants(recording, Number(options.away), seed)
  const named = (options.variant ?? []).map(name => VARIANTS[name]!(seed))
  return away.length + named.length > 0 || options.away !== undefined ? [...named, ...away] : [AS_RECORDED]
}

async function playedOnce (file: Recording | Unplayable, variant: Variant): Promise<Outcome> {
  const began = Date.now()
  if (!isPlayable(file)) return { file, variant: '', faults: [], tookMs: 0 }
  try {
    const played = await playInProcess(file, variant)
    return { file, variant: variant.name, played, faults: faultsOf(played), tookMs: Date.now() - began }
  } catch (error) {
    const faults = [{ what: 'replay', expected: 'to be played', got: (error as Error).stack ?? String(error) }]
    return { file, variant: variant.name, faults, tookMs: Date.now() - began }
  }
}

async function inRealTime (): Promise<Outcome[]> {
  const began = Date.now()
  const played = await playInRealTime(files.filter(isPlayable), {
    url: options.url,
    livekitPort: options['livekit-port'] === undefined ? undefined : Number(options['livekit-port']),
    variants: (options.variant ?? []).map(name => VARIANTS[name]!(seed)),
    progress: line => console.error(line)
  })
  const outcomes = [
    ...played.map((played): Outcome => ({
      file: played.recording,
      variant: played.variant.name,
      played,
      faults: faultsOf(played),
      tookMs: Date.now() - began
    })),
    ...files.filter(file => !isPlayable(file)).map((file): Outcome => ({ file, variant: '', faults: [], tookMs: 0 }))
  ]
  outcomes.forEach(tell)
  return outcomes
}

function tell (outcome: Outcome): void {
  const wrong = markOf(outcome) === 'wrong'
  if (wrong || !options.quiet) print(outcomeLine(outcome))
  if (wrong) for (const line of faultLines(outcome, process.stdout.columns ?? 120)) print(line)
}
