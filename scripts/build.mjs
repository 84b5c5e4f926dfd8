import { spawn } from 'node:child_process'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * Compiles the service into dist. The compiler writes to a folder of its own, which replaces dist only when it is
 * complete: a build that fails or is interrupted leaves the previous dist as it was.
 */

const root = fileURLToPath(new URL('..', import.meta.url))
// Two builds at a time do not write into each other's folder.
const next = join(root, `dist-next-${process.pid}`)
const previous = join(root, `dist-previous-${process.pid}`)
const dist = join(root, 'dist')

let tsc
try {
  tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
} catch {
  console.error('The compiler is not installed. Run: npm ci')
  process.exit(1)
}

// The first build of a checkout is the first thing that a newcomer waits for. `npm pack --json` needs standard output.
if (!existsSync(dist)) console.error('Compiling the bridge for the first time. This takes a moment.')

let interrupted
const compiler = spawn(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', next], {
  cwd: root,
  stdio: 'inherit'
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    interrupted = signal
    compiler.kill(signal)
  })
}

compiler.on('exit', (code, signal) => {
  if (code === 0 && interrupted === undefined) replaceDist()
  else rmSync(next, { recursive: true, force: true })

  if (interrupted !== undefined || signal !== null) process.exitCode = 1
  else process.exitCode = code
})

function replaceDist () {
  if (existsSync(dist)) renameSync(dist, previous)
  renameSync(next, dist)
  rmSync(previous, { recursive: true, force: true })
}
