import type { RoutesProblem, RoutesTable, WrittenRoute } from '../routes.ts'
import { createTable, type PlannedRoute } from '../match/table.ts'
import { ExpressionSizes } from '../match/expression.ts'
import { openDocument } from './document.ts'
import { isEmpty, quote, type Field, type Fields, type Item, type Reading } from './items.ts'
import { readDefaults } from './read-defaults.ts'
import { readNumbers, readPolicy } from './read-policy.ts'
import { readConditions } from './read-conditions.ts'
import { readConnect, type ConnectContext } from './read-connect.ts'
import { FILE_KEYS, ROUTE_KEYS } from './schema.ts'
import { warnOfUnreachable } from './unreachable.ts'

/** What reading needs to know of the installation. */
export interface RoutesContext {
  /** Value of an environment variable that the file names; undefined when it is unset. Absent: not checked. */
  secretOf?(name: string): string | undefined
}

/** What a routes file says. */
export interface ReadRoutes {
  /** Absent when there is an error among the problems, as is the rest. */
  table?: RoutesTable
  /** The routes as the file writes them. Aliases are resolved. */
  written?: WrittenRoute[]
  /** In the order of the file. */
  problems: RoutesProblem[]
}

/** Bytes of the largest file that is read: some 20,000 routes, which take two seconds. */
export const LARGEST_FILE = 2 * 1024 * 1024

export const TOO_LARGE = 'The file is larger than 2 MiB. Use fewer routes.'

/** Reads a routes file. Pure, and never throws: whatever is wrong is among the problems, all of it at once. */
export function readRoutes (text: string, context: RoutesContext = {}): ReadRoutes {
  if (text.length > LARGEST_FILE) return { problems: [tooLarge()] }
  const reading = openDocument(text)
  const read = reading.problems.length === 0 ? readTable(reading, context) : undefined
  const problems = reading.problems.sort((a, b) => a.line - b.line || a.column - b.column)
  return problems.some(({ severity }) => severity === 'error') ? { problems } : { ...read, problems }
}

const tooLarge = (): RoutesProblem => ({ severity: 'error', line: 1, column: 1, path: '', message: TOO_LARGE })

function readTable (reading: Reading, context: RoutesContext): Omit<ReadRoutes, 'problems'> | undefined {
  const root = reading.root()
  if (isEmpty(root)) return reading.error(root, 'The file is empty. Begin with: version: 1')
  const fields = reading.fields(root, FILE_KEYS)
  if (!fields) return undefined

  readVersion(reading, root, fields)
  const { agent, ringS, country } = readDefaults(reading, fields.get('defaults'))
  const policy = readPolicy(reading, fields.get('policy'))
  const numbers = readNumbers(reading, fields.get('numbers'), country)
  const shared = { clocks: new Map(), hours: new Map(), expressions: new ExpressionSizes() }
  const connect: ConnectContext = { ...context, ...shared, ways: [], warm: [], policy, numbers, country }
  const routes = readList(reading, fields.get('routes'), connect)
  if (reading.hasErrors()) return undefined

  const written = fields.has('routes') ? reading.json(fields.get('routes')!) as WrittenRoute[] : []
  const { ways, warm } = connect
  return { table: createTable({ routes, agent, ringS, policy, numbers, country, ways, warm }), written }
}

function readVersion (reading: Reading, root: Item, fields: Fields): void {
  const version = fields.get('version')
  if (!version) return reading.error(root, 'The version is missing. Begin with: version: 1')
  if (reading.json(version) === 1) return
  reading.error(version, 'This version of the file is not known. Write: version: 1')
}

function readList (reading: Reading, field: Field | undefined, context: ConnectContext): PlannedRoute[] {
  const items = field && reading.list(field)
  if (!items) return []

  const names = new Map<string, number>()
  const routes: PlannedRoute[] = []
  for (const item of items) {
    if (reading.isFull()) break
    const fields = reading.fields(item, ROUTE_KEYS)
    if (!fields) continue
    const name = readName(reading, item, fields.get('name'), names)
    const conditions = readConditions(reading, fields.get('when'), context)
    const ways = readConnect(reading, fields.get('connect'), name, context)
    routes.push({ name, line: reading.placeOf(item).line, conditions, ...(ways ? { ways } : {}) })
  }
  warnOfUnreachable(reading, items, routes)
  return routes
}

/** Names stand in logs, metrics and job metadata. */
const LONGEST_NAME = 100

function readName (reading: Reading, item: Item, field: Field | undefined, names: Map<string, number>): string {
  if (!field) {
    reading.error(item, 'This route has no name. Logs and metrics show it: add name: … to it.')
    return ''
  }
  const name = reading.text(field, '"sales at night"')?.trim()
  if (name === undefined) return ''
  const earlier = names.get(name)
  if (earlier !== undefined) {
    reading.error(field, `There is already a route ${quote(name)} in line ${earlier}. Names must differ.`)
  }
  if (name.length > LONGEST_NAME) reading.error(field, `A name has at most ${LONGEST_NAME} characters.`)
  names.set(name, reading.placeOf(field).line)
  return name
}
