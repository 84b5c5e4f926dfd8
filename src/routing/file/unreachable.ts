import type { PlannedRoute } from '../match/table.ts'
import { quote, type Item, type Reading } from './items.ts'

/** Warns of routes that no call can match, and of calls that no route can match. */
export function warnOfUnreachable (reading: Reading, items: readonly Item[], routes: readonly PlannedRoute[]): void {
  // Conditions that could not be read would be missing.
  if (routes.length === 0 || reading.problems.some(({ severity }) => severity === 'error')) return
  const at = routes.findIndex(({ conditions }) => conditions.length === 0)
  if (at < 0) {
    return reading.warn(
      items.at(-1)!,
      'Calls that no route matches get the default agent. To say it yourself, end with a route without `when`.'
    )
  }
  const { name, line } = routes[at]!
  for (const item of items.slice(at + 1)) {
    reading.warn(item, `No call gets here: route ${quote(name)} in line ${line} matches every call.`)
  }
}
