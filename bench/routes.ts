import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './processes.ts'
import { createRandom, roundOf } from './stats.ts'

/** Routes of the file whose bridge answers call hooks beside the one without a file. */
export const ROUTES_IN_FILE = 1000

/** Writes a file that is gone when the bench ends. @returns its path */
export function writeFile (text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'bench-routes-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, 'routes.yaml')
  writeFileSync(file, text)
  return file
}

/** Writes a routes file by whose last route every call of the bench is connected, as it is without a file. */
export function writeRoutesFile (): string {
  return writeFile(`${textOf(ROUTES_IN_FILE - 1, n => ({ to: numberOf(n) }))}- name: rest\n`)
}

/** How long one choice took, milliseconds. */
export interface RoutesResult {
  what: string
  routes: number
  p50: number
  p99: number
  cpuMs: number
  /** Calls for which not the right route was found. */
  wrong: number
}

interface Query {
  to: string
  carrier?: string
  headers: Map<string, string>
}

/** Routes that differ in one condition. */
interface Kind {
  what: string
  routes: number
  when(n: number): object
  /** A call that the n-th route matches. */
  call(n: number): Partial<Query>
}

const MANY = 10_000
/** As many as a file may have that do not begin with digits. */
const EXPRESSIONS = 300

/** Their conditions are longer, and a file may only be so large. */
const BY_HOURS = 8000

const numberOf = (n: number): string => `+1555${String(n).padStart(4, '0')}`

/** Short enough for thousands of routes in the largest file. */
const textOf = (routes: number, when: (n: number) => object): string =>
  'version: 1\nroutes:\n' +
  Array.from({ length: routes }, (_, n) => `- {name: r${n},when: ${JSON.stringify(when(n))}}\n`).join('')

const KINDS: Kind[] = [
  { what: 'number', routes: MANY, when: n => ({ to: numberOf(n) }), call: n => ({ to: numberOf(n) }) },
  { what: 'prefix', routes: MANY, when: n => ({ to: `${numberOf(n)}*` }), call: n => ({ to: `${numberOf(n)}1` }) },
  {
    what: 'expression that begins with digits',
    routes: MANY,
    when: n => ({ to: `/^\\${numberOf(n)}.*1$/` }),
    call: n => ({ to: `${numberOf(n)}21` })
  },
  {
    what: 'any other expression',
    routes: EXPRESSIONS,
    when: n => ({ to: `/${100_000 + n}$/` }),
    call: n => ({ to: `+1555${100_000 + n}` })
  },
  { what: 'carrier', routes: MANY, when: n => ({ carrier: `c${n}` }), call: n => ({ carrier: `c${n}` }) },
  {
    what: 'header',
    routes: MANY,
    when: n => ({ header: { X: `t${n}` } }),
    call: n => ({ headers: new Map([['x', `t${n}`]]) })
  },
  {
    what: 'hours, all closed but the last',
    routes: BY_HOURS,
    when: n => ({ hours: { zone: 'UTC', [n < BY_HOURS - 1 ? 'not' : 'in']: ['Sat'] } }),
    call: () => ({})
  }
]

const CHOICES = 1000

/** Chooses routes of large files, in this process. */
export async function measureRoutes (progress: (text: string) => void): Promise<RoutesResult[]> {
  const { readRoutes } = await import(new URL('dist/src/routing/file/read-routes.js', ROOT).href) as {
    readRoutes(text: string): { table: { choose(query: object, app: object): { name?: string } } }
  }
  return KINDS.map(kind => {
    progress(`routes by ${kind.what}`)
    return measure(kind, readRoutes(textOf(kind.routes, kind.when)).table)
  })
}

function measure (
  { what, routes, call }: Kind,
  table: { choose(query: object, app: object): { name?: string } }
): RoutesResult {
  const random = createRandom(1)
  const app = { agent: 'a', metadata: '', fallbackNumber: '' }
  const calls = Array.from({ length: CHOICES }, () => {
    const n = what.startsWith('hours') ? routes - 1 : Math.floor(random() * routes)
    return { name: `r${n}`, query: { ...ANY_CALL, headers: new Map(), ...call(n) } }
  })
  for (const { query } of calls) table.choose(query, app)

  const before = process.cpuUsage()
  let wrong = 0
  const ms = calls.map(({ name, query }) => {
    const since = performance.now()
    if (table.choose(query, app).name !== name) wrong++
    return performance.now() - since
  })
  const { user, system } = process.cpuUsage(before)
  const { p50, p99 } = roundOf(ms, wrong, 1)
  return { what, routes, p50, p99, cpuMs: (user + system) / 1000 / CHOICES, wrong }
}

const ANY_CALL = {
  callSid: 'bench',
  at: Date.parse('2026-11-28T12:00:00Z'),
  to: '+15557000000',
  from: '+15557000001',
  direction: 'inbound'
}
