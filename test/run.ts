/**
 * Runs the tests: all of them, or those whose path holds one of the words given (`npm test -- routes/status`).
 *
 * The files of a folder share a process. Most of what a small file costs is the start: loading the service takes longer
 * than its tests. So each process is started with a file that imports its tests one after the other.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { processesOf } from './processes.ts'

const tests = dirname(fileURLToPath(import.meta.url))
const starts = join(dirname(tests), 'processes')
const words = process.argv.slice(2)

const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .map(file => file.split(sep).join('/'))
  .filter(file => file.endsWith('.test.js') && (words.length === 0 || words.some(word => file.includes(word))))
  .sort()
if (files.length === 0) {
  console.error(`No test file has ${words.map(word => `"${word}"`).join(' or ')} in its path.`)
  process.exit(2)
}

rmSync(starts, { recursive: true, force: true })
mkdirSync(starts)
const started = processesOf(files).map(({ name, files }) => {
  const start = join(starts, `${name.replaceAll('/', '-')}.test.js`)
  writeFileSync(start, startOf(files))
  return relative(process.cwd(), start)
})

const { status } = spawnSync(process.execPath, [
  '--enable-source-maps',
  '--test',
  '--test-concurrency=3',
  `--test-reporter=${join(tests, 'reporter.js')}`,
  ...started
], { stdio: 'inherit', env: { TAP_TIMEOUT: '300', ...process.env } })
process.exitCode = status ?? 1

/** What a process is started with. */
function startOf (files: readonly string[]): string {
  return `import { runFiles } from '../test/run-files.js'\n\nawait runFiles(${JSON.stringify(files, null, 2)})\n`
}
