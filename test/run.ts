import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Runs every test file, each a tap test in a process of its own, several at once, and reports a line for each. tap's
 * own runner starts every process with a module loader that records what coverage needs; that costs more than most
 * tests, and nobody measures coverage here. Arguments name the files to run: a part of their path is enough.
 */

const FOLDER = fileURLToPath(new URL('.', import.meta.url))
/** Run by `npm run replicas`. */
const APART = `replicas${sep}`
/** A watchdog for files that hang, seconds; the slowest takes 15 s on a quiet machine. */
const FILE_TIMEOUT_S = 600

interface Outcome {
  file: string
  code: number | null
  output: string
  pass: number
  fail: number
}

async function run (file: string): Promise<Outcome> {
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: FOLDER,
    env: { ...process.env, TAP_TIMEOUT: String(FILE_TIMEOUT_S) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: (FILE_TIMEOUT_S + 60) * 1000,
    killSignal: 'SIGKILL'
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', text => {
      output += text
    })
  }
  const [code] = await once(child, 'close') as [number | null]
  const [summary = ''] = /^# \{ total: .*\}$/m.exec(output) ?? []
  const count = (what: string) => Number(new RegExp(`${what}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { file, code, output, pass: count('pass'), fail: code === 0 ? 0 : Math.max(1, count('fail')) }
}

/** What failed: the assertions with their diagnostics and the titles that lead to them, without what passed. */
function failures (output: string): string {
  return output.split('\n').filter(line => !/^\s*(ok \d|# Subtest|1\.\.\d|# time|$)/.test(line)).join('\n')
}

const wanted = process.argv.slice(2)
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.js') && !file.startsWith(APART))
  .filter(file => wanted.length === 0 || wanted.some(part => file.includes(part)))
  .sort()
const waiting = [...files]
const outcomes: Outcome[] = []

async function work (): Promise<void> {
  for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
    const outcome = await run(file)
    outcomes.push(outcome)
    const { code, pass, fail, output } = outcome
    process.stdout.write(`${code === 0 ? 'ok' : 'not ok'} - ${file} (${pass} passed, ${fail} failed)\n`)
    if (code !== 0) process.stdout.write(`${failures(output)}\n`)
  }
}

// One more than processors: some tests wait for a process or a socket.
await Promise.all(Array.from({ length: availableParallelism() + 1 }, work))

const failed = outcomes.filter(({ code }) => code !== 0)
const sum = (what: 'pass' | 'fail') => outcomes.reduce((total, outcome) => total + outcome[what], 0)
process.stdout.write(
  `${files.length} files, ${sum('pass')} passed, ${sum('fail')} failed\n` +
    failed.map(({ file }) => `failed: ${file}\n`).join('')
)
process.exitCode = failed.length === 0 && files.length > 0 ? 0 : 1
