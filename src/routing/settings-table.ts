import type { ApplicationConfig, Route, Way } from '../calls/fold/way.ts'
import { isSameNumber, leadsBack } from './same-number.ts'
import type { RoutesSource, RoutesTable } from './routes.ts'

/** The route of a call that no route of a file names: the application's agent, then its fallback number. */
export function defaultRoute (app: ApplicationConfig, calledNumber: string): Route {
  const ways: Way[] = [{ strategy: 'room', agent: app.agent }]
  const { fallbackNumber: number } = app
  if (number === undefined) return { ways }
  if (isSameNumber(number, calledNumber)) return { ways, refused: 'number-is-called-number' }
  return { ways: [...ways, { strategy: 'phone', number }] }
}

/**
 * Leaves out phone numbers that are the called one: they would come back to us as a new call, without end.
 * @param country ISO 3166 code of the country whose national numbers are understood
 */
export function withoutLoops (route: Route, calledNumber: string, country: string | undefined): Route {
  const ways = route.ways.filter(way => way.strategy !== 'phone' || !leadsBack(way.number, calledNumber, country))
  return ways.length === route.ways.length ? route : { ...route, ways, refused: 'number-is-called-number' }
}

/** What an application gets that says nothing: the routes file's agent comes before the settings'. */
export const applicationDefaults = (settings: ApplicationConfig, { agent }: RoutesTable): ApplicationConfig =>
  agent === undefined ? settings : { ...settings, agent }

/** The table without a routes file: one route, which does what the settings say. */
export const settingsTable: RoutesTable = {
  headerNames: [],
  names: [],
  agent: undefined,
  policy: undefined,
  numbers: [],
  country: undefined,
  ways: [],
  warm: [],
  longestRoomRingS: dialTimeoutS => dialTimeoutS,
  choose: ({ to }, app) => defaultRoute(app, to),
  explain: ({ to }, app) => ({ route: defaultRoute(app, to), before: [] })
}

/** A source whose table never changes. */
export const fixedSource = (table: RoutesTable, readAt = 0): RoutesSource => ({
  table,
  readAt,
  file: undefined,
  problems: []
})
