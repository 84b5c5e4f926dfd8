import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { project } from '../fixtures/paths.ts'

interface Package {
  version: string
  bin: Record<string, string>
  files: string[]
  scripts: Record<string, string>
  dependencies: Record<string, string>
}
const manifest = JSON.parse(readFileSync(project('package.json'), 'utf8')) as Package
const entry = fileURLToPath(project(manifest.bin['bridge']!))

const packageOf = (specifier: string): string => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')

/** Every module that a file imports by name, whichever way. */
const IMPORT = /(?:^import (?!type )[^']*|^export [^']* from |^\} from |import\(|\)\()'([^'.][^']*)'/gm

/** An empty folder that is removed after the test. */
function emptyFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'bridge-package-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

await t.test('every package that the code loads is a dependency, not a development dependency', async t => {
  const loaded = new Map<string, string>()
  for (const folder of ['src', 'plugins', 'routes']) {
    for (const name of readdirSync(project(folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts')) continue
      const text = readFileSync(project(`${folder}/${name}`), 'utf8')
      for (const [, specifier = ''] of text.matchAll(IMPORT)) loaded.set(packageOf(specifier), `${folder}/${name}`)
    }
  }
  t.ok(loaded.has('fastify') && loaded.has('@jambonz/verb-specifications'), 'imports and createRequire are seen')
  for (const [name, file] of loaded) {
    if (name.startsWith('node:') || builtinModules.includes(name)) continue
    t.ok(manifest.dependencies[name], `${name}, which ${file} loads`)
  }
})

await t.test('the package has what its users need, and is built when it is packed', async t => {
  for (const name of ['bin', 'dist', 'docs', 'CHANGELOG.md']) t.ok(manifest.files.includes(name), name)
  t.ok(existsSync(project('LICENSE')))
  t.equal(manifest.scripts['prepack'], manifest.scripts['build'])
})

await t.test('a Node.js that is too old: one sentence, exit code 1', async t => {
  for (const version of ['18.20.8', '20.18.3', '16.0.0']) {
    const versions = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`
    const script = `${versions}; require(process.argv[1])`
    const run = spawnSync(process.execPath, ['-e', script, entry], { encoding: 'utf8' })
    t.equal(run.status, 1)
    t.equal(run.stderr, `The bridge needs Node.js 20.19 or newer. This is Node.js ${version}.\n`)
    t.equal(run.stdout, '')
  }
})

await t.test('a checkout that is not built says what to run', async t => {
  const folder = emptyFolder(t)
  cpSync(entry, join(folder, 'bin', 'bridge.cjs'))
  const run = spawnSync(process.execPath, [join(folder, 'bin', 'bridge.cjs'), 'serve'], { encoding: 'utf8' })
  t.equal(run.status, 1)
  t.equal(run.stderr, 'The bridge is not built yet. Run: npm ci && npm run build\n')
})

await t.test('npm start passes SIGTERM on to the bridge and waits for it', async t => {
  const folder = emptyFolder(t)
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { start: manifest.scripts['start'] } }))
  writeFileSync(join(folder, 'bin', 'bridge.cjs'), `
    process.on('SIGTERM', () => setTimeout(() => { console.log('drained'); process.exit(0) }, 100))
    setInterval(() => {}, 1000)
    console.log('listening ' + process.argv[2])
  `)
  const npm = spawn('npm', ['start', '--silent', '--no-update-notifier'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.after(() => npm.kill('SIGKILL'))
  let out = ''
  npm.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk
    if (chunk.includes('listening serve')) npm.kill('SIGTERM')
  })
  const [code] = await once(npm, 'close')
  t.equal(code, 0)
  t.match(out, /drained/)
})

/** A project whose compiler is this script; it has been built before. */
function builtProject (t: Test, compiler: string): string {
  const folder = emptyFolder(t)
  cpSync(project('scripts/build.mjs'), join(folder, 'scripts', 'build.mjs'))
  mkdirSync(join(folder, 'node_modules', 'typescript', 'bin'), { recursive: true })
  writeFileSync(join(folder, 'node_modules', 'typescript', 'bin', 'tsc'), `
    const { mkdirSync, writeFileSync } = require('node:fs')
    const out = process.argv[process.argv.indexOf('--outDir') + 1]
    mkdirSync(out, { recursive: true })
    writeFileSync(out + '/built', 'new')
    ${compiler}
  `)
  mkdirSync(join(folder, 'dist'))
  writeFileSync(join(folder, 'dist', 'built'), 'old')
  writeFileSync(join(folder, 'dist', 'removed-since'), '')
  return folder
}

const built = (folder: string): string => readFileSync(join(folder, 'dist', 'built'), 'utf8')
const folders = (folder: string): string[] => readdirSync(folder).sort()

await t.test('a build replaces dist as a whole', async t => {
  const folder = builtProject(t, '')
  const run = spawnSync(process.execPath, [join(folder, 'scripts', 'build.mjs')], { encoding: 'utf8' })
  t.equal(run.status, 0)
  t.equal(built(folder), 'new')
  t.notOk(existsSync(join(folder, 'dist', 'removed-since')))
  t.same(folders(folder), ['dist', 'node_modules', 'scripts'])
})

await t.test('the first build of a checkout says that it compiles, and only on stderr', async t => {
  const folder = builtProject(t, '')
  const build = () => spawnSync(process.execPath, [join(folder, 'scripts', 'build.mjs')], { encoding: 'utf8' })
  rmSync(join(folder, 'dist'), { recursive: true })
  t.match(build(), { status: 0, stdout: '', stderr: /^Compiling the bridge for the first time/ })
  t.match(build(), { status: 0, stdout: '', stderr: /^$/ }, 'later builds are quiet')
})

await t.test('a build that fails leaves the old dist', async t => {
  const folder = builtProject(t, 'process.exit(2)')
  const run = spawnSync(process.execPath, [join(folder, 'scripts', 'build.mjs')], { encoding: 'utf8' })
  t.equal(run.status, 2)
  t.equal(built(folder), 'old')
  t.same(folders(folder), ['dist', 'node_modules', 'scripts'])
})

await t.test('a build that is interrupted leaves the old dist', async t => {
  const folder = builtProject(t, "console.log('compiling'); setInterval(() => {}, 1000)")
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    const build = spawn(process.execPath, [join(folder, 'scripts', 'build.mjs')], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit']
    })
    await once(build.stdout, 'data')
    // The whole process group, as Ctrl-C does.
    process.kill(-build.pid!, signal)
    const [code] = await once(build, 'close')
    t.not(code, 0, signal)
    t.equal(built(folder), 'old', signal)
  }
})
