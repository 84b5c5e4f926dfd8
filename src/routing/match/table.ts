import { isDeepStrictEqual } from 'node:util'
import type { ApplicationConfig, RoomWay, Route, Way } from '../../calls/fold/way.ts'
import type { Policy } from '../policy/policy.ts'
import type { Explanation, Mismatch, PlacedPool, PlacedWay, RouteQuery, RoutesTable } from '../routes.ts'
import { defaultRoute, withoutLoops } from '../settings-table.ts'
import { subjectOf, type Condition, type Subject } from './conditions.ts'
import { createRouteIndex } from './route-index.ts'
import { pickAgent, type WeightedAgent } from './weights.ts'

/** A way of the file. Some choose their agent only when a call arrives. */
export type PlannedWay =
  | { kind: 'way', way: Way }
  | { kind: 'application-agent', way: Omit<RoomWay, 'agent'> }
  | { kind: 'agents', agents: readonly WeightedAgent[], way: Omit<RoomWay, 'agent'> }

/** A route of the file. */
export interface PlannedRoute {
  name: string
  line: number
  /** All of them must hold. */
  conditions: readonly Condition[]
  /** Absent: the application's agent, then its fallback number. */
  ways?: readonly PlannedWay[]
}

/** What a routes file says. */
export interface PlannedTable {
  routes: readonly PlannedRoute[]
  agent: string | undefined
  /** How long a way rings that does not say it, seconds. */
  ringS: number | undefined
  policy: Policy | undefined
  numbers: readonly string[]
  country: string | undefined
  ways: readonly PlacedWay[]
  warm: readonly PlacedPool[]
}

/** Makes the table of a routes file. */
export function createTable (planned: PlannedTable): RoutesTable {
  const { routes, agent, policy, numbers, country, ways, warm } = planned
  const index = createRouteIndex(routes.map(({ conditions }) => conditions))
  const headers = routes.flatMap(({ conditions }) => conditions.flatMap(({ header }) => header ?? []))

  function choose (query: RouteQuery, app: ApplicationConfig): Route {
    const subject = subjectOf(query, country)
    let certain: Route | undefined
    let matched = false
    index.visit(subject, n => {
      const verdict = judge(routes[n]!, subject)
      if (verdict !== 'no') certain = certainOf(certain, routeFor(routes[n]!, planned, query, app))
      matched = verdict === 'yes'
      // Where nothing is certain of the routes up to here, nothing will be.
      return matched || certain?.ways.length === 0
    })
    return matched ? certain! : certainOf(certain, unmatched(planned, query, app))
  }

  function explain (query: RouteQuery, app: ApplicationConfig): Explanation {
    const subject = subjectOf(query, country)
    const before: Mismatch[] = []
    for (const route of routes) {
      const failed = route.conditions.find(condition => !condition.holds(subject))
      if (!failed) return { route: routeFor(route, planned, query, app), line: route.line, before }
      before.push({ route: route.name, line: route.line, reason: failed.reason(subject) })
    }
    return { route: unmatched(planned, query, app), before }
  }

  return {
    headerNames: [...new Set(headers)],
    names: routes.map(({ name }) => name),
    agent,
    policy,
    numbers,
    country,
    ways,
    warm,
    longestRoomRingS: dialTimeoutS => longestRoomRingS(planned, dialTimeoutS),
    choose,
    explain
  }
}

/** A call that no route matches rings in a room, too. */
function longestRoomRingS ({ routes, ringS }: PlannedTable, dialTimeoutS: number): number {
  const usual = ringS ?? dialTimeoutS
  const rings = routes.flatMap(({ ways = [] }) =>
    ways.flatMap(({ way }) => way.strategy === 'room' ? way.ringS ?? usual : [])
  )
  return rings.reduce((longest, ring) => Math.max(longest, ring), usual)
}

/** Whether a route matches. Without the call's headers nobody knows what a header condition would say. */
function judge ({ conditions }: PlannedRoute, subject: Subject): 'yes' | 'no' | 'perhaps' {
  let verdict: 'yes' | 'perhaps' = 'yes'
  for (let i = 0; i < conditions.length; i++) {
    const condition = conditions[i]!
    if (condition.needsHeaders && subject.query.headers === undefined) verdict = 'perhaps'
    else if (!condition.holds(subject)) return 'no'
  }
  return verdict
}

/**
 * What is certain of a call that one of several routes matched: the ways with which all of them begin. There is none
 * where they do not even agree on the first.
 */
function certainOf (one: Route | undefined, other: Route): Route {
  if (!one) return other
  const differs = one.ways.findIndex((way, i) => !isDeepStrictEqual(other.ways[i], way))
  return { ways: differs < 0 ? one.ways : one.ways.slice(0, differs) }
}

/** No route of the file matches. */
const unmatched = (planned: PlannedTable, { to }: RouteQuery, app: ApplicationConfig): Route =>
  ringing(defaultRoute(app, to), planned)

function routeFor (route: PlannedRoute, planned: PlannedTable, query: RouteQuery, app: ApplicationConfig): Route {
  const { name, ways } = route
  if (!ways) return { name, ...ringing(defaultRoute(app, query.to), planned) }
  const chosen = ways.map((way, i) => wayFor(way, app, `${query.callSid} ${name} ${i}`))
  return ringing(withoutLoops({ name, ways: chosen }, query.to, planned.country), planned)
}

function wayFor (planned: PlannedWay, app: ApplicationConfig, seed: string): Way {
  switch (planned.kind) {
    case 'way':
      return planned.way
    case 'application-agent':
      return { ...planned.way, agent: app.agent }
    case 'agents':
      return { ...planned.way, agent: pickAgent(planned.agents, seed) }
  }
}

/** Ways that do not say how long they ring take the file's default. */
function ringing (route: Route, { ringS }: PlannedTable): Route {
  if (ringS === undefined) return route
  return { ...route, ways: route.ways.map(way => isDialling(way) ? { ringS, ...way } : way) }
}

const isDialling = ({ strategy }: Way): boolean => !['say', 'play', 'decline'].includes(strategy)
