import type { Route, Way } from '../calls/fold/way.ts'
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
function secretOf (way: Way, known: readonly Way[]): { metadata?: string } {
  if (way.strategy !== 'room' && way.strategy !== 'retell') return {}
  const same = known.find(other => other.strategy === way.strategy && other.agent === way.agent)
  return same !== undefined && 'metadata' in same && same.metadata !== undefined ? { metadata: same.metadata } : {}
}
