import type { RetellWay, Route, Way } from '../calls/fold/way.ts'
import type { RoutesTable } from './routes.ts'

/**
 * Completes a route that was read from a room's metadata. Everybody in a room can read those, so they leave out what
 * only one agent may know. The routes in force still say it, unless the route was changed meanwhile.
 */
export function completeRoute (route: Route, table: RoutesTable): Route {
  const known = table.ways.filter(placed => placed.route === route.name).map(({ way }) => way)
  return { ...route, ways: route.ways.map(way => ({ ...secretOf(way, known), ...way })) }
}

/** What the same way says in the table, and a room does not. */
function secretOf (way: Way, known: readonly Way[]): Partial<Pick<RetellWay, 'metadata' | 'variables'>> {
  const same = known.find(other => 'agent' in other && 'agent' in way && other.agent === way.agent &&
    other.strategy === way.strategy)
  if (same?.strategy === 'room') return pick(same, ['metadata'])
  return same?.strategy === 'retell' ? pick(same, ['metadata', 'variables']) : {}
}

/** The named properties that an object has. */
const pick = <T, K extends keyof T>(from: T, names: readonly K[]): Partial<Pick<T, K>> =>
  Object.fromEntries(names.filter(name => from[name] !== undefined).map(name => [name, from[name]])) as Partial<
    Pick<T, K>
  >
