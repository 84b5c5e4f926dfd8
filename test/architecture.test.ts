import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'
import { project, projectFolder } from './fixtures/paths.ts'

/** An import of one of the project's files by another one; paths are relative to the project. */
interface Import {
  from: string
  to: string
  /** Only types are imported: nothing is loaded. */
  type: boolean
}

const ROOT = projectFolder

const filesUnder = (folder: string): string[] =>
  readdirSync(project(folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))

function importsOf (file: string): Import[] {
  const text = readFileSync(project(file), 'utf8')
  const statements = text.matchAll(/^(?:import|export)\s(?:([^'"]*?)\sfrom\s)?'(\.[^']+)'/gm)
  const dynamic = text.matchAll(/\bimport\('(\.[^']+)'\)/g)
  const target = (specifier: string) => relative(ROOT, join(ROOT, dirname(file), specifier))
  return [
    ...[...statements].map(([, what = '', specifier]) => ({
      from: file,
      to: target(specifier!),
      type: /^type\b/.test(what)
    })),
    ...[...dynamic].map(([, specifier]) => ({ from: file, to: target(specifier!), type: false }))
  ]
}

const SOURCES = ['src', 'plugins', 'routes'].flatMap(filesUnder)
const IMPORTS = SOURCES.flatMap(importsOf)

const show = ({ from, to }: Import): string => `${from} imports ${to}`
const isUnder = (file: string, folder: string): boolean => file.startsWith(`${folder}/`)

await t.test('the imports are found at all', async t => {
  t.ok(SOURCES.length > 100)
  t.ok(IMPORTS.some(({ from, to, type }) => from === 'src/app.ts' && to === 'routes/call-hook.ts' && !type))
  t.ok(IMPORTS.some(({ from, to, type }) => from === 'src/livekit/rooms.ts' && to === 'src/calls/ports.ts' && !type))
  t.same(IMPORTS.filter(({ to }) => !SOURCES.includes(to)).map(show), [], 'and every one leads to a file')
})

await t.test('the fold imports nothing from outside its folder', async t => {
  const outside = IMPORTS.filter(({ from, to }) => isUnder(from, 'src/calls/fold') && !isUnder(to, 'src/calls/fold'))
  t.same(outside.map(show), [])
})

await t.test('the core imports no adapter, and nothing that is built on it', async t => {
  const forbidden = [
    ...['livekit', 'jambonz', 'retell', 'routing', 'events', 'sandbox', 'sip', 'probe', 'doctor', 'explain', 'ladder'],
    ...['diagnosis', 'provisioning', 'cli']
  ].map(name => `src/${name}`)
  const imports = IMPORTS.filter(({ from, to }) =>
    isUnder(from, 'src/calls') && ['plugins', 'routes', ...forbidden].some(folder => isUnder(to, folder)))
  t.same(imports.map(show), [])
})

await t.test('nothing in src imports Fastify glue, but the file that puts it together', async t => {
  const imports = IMPORTS.filter(({ from, to }) =>
    isUnder(from, 'src') && from !== 'src/app.ts' && (isUnder(to, 'plugins') || isUnder(to, 'routes')))
  t.same(imports.map(show), [])
})

await t.test('no file imports itself by way of others', async t => {
  t.same(cycles(IMPORTS.filter(({ type }) => !type)), [], 'when it is loaded')
  const service = IMPORTS.filter(({ from }) => isUnder(from, 'src/calls') && !isUnder(from, 'src/calls/fold'))
  t.same(cycles(service), [], 'nor for its types, around the fold')
})

/** The circles of imports: each as the files on it, in order. */
function cycles (imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { from, to } of imports) targets.set(from, [...targets.get(from) ?? [], to])
  const done = new Set<string>()
  const found: string[] = []

  function visit (file: string, path: readonly string[]): void {
    const at = path.indexOf(file)
    if (at >= 0) found.push([...path.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return

    for (const next of targets.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }

  for (const file of targets.keys()) visit(file, [])
  return found
}
