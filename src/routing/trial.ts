import { randomUUID } from 'node:crypto'
import { begun, openNext } from '../calls/fold/attempts.ts'
import { isDialled, ringSOf } from '../calls/fold/attempt-facts.ts'
import { UNAVAILABLE, type Attempt, type Call, type CallerFacts } from '../calls/fold/call.ts'
import { newCall } from '../calls/fold/new-call.ts'
import type { ApplicationConfig, Way } from '../calls/fold/way.ts'
import type { Rules } from '../calls/fold/rules.ts'
import type { WarmPool } from '../calls/warm/warm-room.ts'
import type { Settings } from '../config.ts'
import { ANONYMOUS } from '../calls/fold/call.ts'
import { verbConfigOf, type VerbConfig } from '../jambonz/verb-config.ts'
import { verbsFor } from '../jambonz/verbs-for.ts'
import type { RoutesTrial, RoutesTrialRequest } from '../routes-schemas.ts'
import { rulesOf } from '../rules.ts'
import { poolsOf } from '../warm-pools.ts'
import { dialledBy, variablesOf } from './describe-way.ts'
import { nearest } from './file/nearest.ts'
import { isZone, zoneNames } from './match/zones.ts'
import { machineZone, readTime } from './point-in-time.ts'
import { decide } from './policy/policy.ts'
import type { RouteQuery, RoutesTable } from './routes.ts'
import { fixedSource } from './settings-table.ts'

export interface TrialOptions {
  table: RoutesTable
  settings: Settings
  /** Reads an environment variable. Its value is only looked at, never shown. */
  secretOf: VerbConfig['secretOf']
  /** Milliseconds since the epoch. */
  now: number
}

/** The question cannot be answered as it is put. */
export class TrialError extends Error {
  /** What of the question is wrong. */
  readonly field: keyof RoutesTrialRequest

  constructor (field: keyof RoutesTrialRequest, message: string) {
    super(message)
    this.name = 'TrialError'
    this.field = field
  }
}

/**
 * What would become of a call, by the code that real calls take. Nobody is called.
 * @throws {TrialError} when a time or zone cannot be read
 */
export function tryRoutes (request: RoutesTrialRequest, options: TrialOptions): RoutesTrial {
  const { table, settings, now } = options
  const zone = readZone(request.zone)
  const query = readQuery(request, zone, now)
  const rules = rulesOf(settings, fixedSource(table))
  const { route, line, before } = table.explain(query, rules.app)

  const call = newCall(query.callSid, query.at, factsOf(query), rules.app)
  call.route = route
  call.plan = route.ways
  // Jambonz asks what to do with an outbound call when it was answered.
  call.caller.answered = query.direction === 'outbound'
  const ways = tryWays(call, rules, maskedConfig(settings), options)

  const { headers, at, direction, ...told } = query
  return {
    call: {
      ...told,
      direction: direction === 'outbound' ? 'outbound' : 'inbound',
      at: new Date(at).toISOString(),
      zone,
      headers: Object.fromEntries(headers ?? [])
    },
    ...(route.name === undefined ? {} : { route: { name: route.name, line } }),
    before,
    ways,
    longestWaitS: ways.reduce((sum, { ringS = 0 }) => sum + ringS, 0),
    notes: notesOf(call, ways.length, before)
  }
}

function readZone (zone: string | undefined): string {
  if (zone === undefined) return machineZone()
  if (isZone(zone)) return zone
  const meant = nearest(zone, zoneNames())
  const hint = meant === undefined ? 'Write one such as Europe/Berlin or UTC' : `Did you mean ${meant}?`
  throw new TrialError('zone', `${JSON.stringify(zone)} is not a time zone. ${hint}`)
}

function readQuery (request: RoutesTrialRequest, zone: string, now: number): RouteQuery {
  const { to, from = '', carrier, application, direction = 'inbound', headers = {}, callSid = randomUUID() } = request
  const at = request.at === undefined ? now : readTime(request.at, zone, now)
  if (typeof at === 'string') throw new TrialError('at', at)

  return {
    callSid,
    at,
    to,
    from: from.toLowerCase() === ANONYMOUS ? ANONYMOUS : from,
    carrier,
    application,
    direction,
    headers: new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  }
}

const factsOf = ({ direction, from, to, carrier, application }: RouteQuery): CallerFacts => ({
  direction,
  from,
  to,
  callerName: '',
  withheld: from === ANONYMOUS,
  trunk: carrier,
  headers: {},
  applicationSid: application
})

const SECRET = '…'
/** Stands for the id that Retell gives to a registered call. */
const RETELL_CALL_ID = '<call_id>'

/** Secrets never come near the verbs. */
function maskedConfig (settings: Settings): VerbConfig {
  const config = verbConfigOf(settings, () => SECRET)
  return { ...config, ...(config.sipAuth && { sipAuth: { ...config.sipAuth, password: SECRET } }) }
}

/** Each way of the call's plan, as if the one before it had failed. */
function tryWays (
  call: Call,
  rules: Rules,
  config: VerbConfig,
  { table, settings, secretOf }: TrialOptions
): RoutesTrial['ways'] {
  const ways: RoutesTrial['ways'] = []
  const pools = poolsOf(settings, table)
  let attempt: Attempt | undefined
  while ((attempt = openNext(call, call.at.received, rules))) {
    if (attempt.strategy === 'retell') attempt.token = RETELL_CALL_ID
    const reply = begun(call, attempt, call.at.received, rules)
    const missing = variablesOf(attempt.way).filter(name => secretOf(name) === undefined)
    ways.push({
      attempt: attempt.n,
      way: attempt.way,
      ...(isDialled(attempt) ? { ringS: ringSOf(attempt, rules.dialTimeoutS) } : {}),
      verbs: verbsFor(call, reply, config),
      ...warmOf(attempt.way, call.app, pools),
      ...verdictOn(attempt.way, table),
      ...(missing.length > 0 ? { missing } : {})
    })
    // An announcement answers the caller.
    if (reply.kind === 'announce') call.caller.answered = true
    // Nothing comes after a decline.
    if (attempt.strategy === 'decline') break
  }
  return ways
}

/** The rooms that are kept ready for calls that go this way. */
function warmOf (
  way: Way,
  app: ApplicationConfig,
  pools: readonly WarmPool[]
): Pick<RoutesTrial['ways'][number], 'warm'> {
  if (way.strategy !== 'room') return {}
  const { agent, metadata = app.metadata } = way
  const pool = pools.find(pool => pool.agent === agent && pool.metadata === metadata)
  return pool ? { warm: { min: pool.min, max: pool.max } } : {}
}

/** What the policy says of the number that the way dials. */
function verdictOn (way: Way, table: RoutesTable): { policy?: RoutesTrial['ways'][number]['policy'] } {
  const number = dialledBy(way)
  if (number === undefined) return {}
  const decision = decide('routes', number, table)
  return { policy: decision.allowed ? { number, allowed: true } : { number, allowed: false, why: decision.why } }
}

function notesOf ({ route, plan, facts }: Call, tried: number, before: RoutesTrial['before']): string[] {
  const notes: string[] = []
  if (route?.refused === 'number-is-called-number') {
    notes.push('A way that dials the called number was left out, because it would come back as a new call')
  }
  if (tried === 0) notes.push(`No way is left: the caller gets ${UNAVAILABLE.status} ${UNAVAILABLE.reason}`)
  if (plan.length > 0) notes.push('Ways behind a decline are never tried')
  if (facts.from === '' && before.some(({ reason }) => reason.startsWith('from:'))) {
    notes.push('No caller is given, so no condition on from holds')
  }
  return notes
}
