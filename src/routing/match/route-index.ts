import type { Condition, Key, Lookup, Subject } from './conditions.ts'

/*
 * Thousands of routes differ by number, carrier or header. The index finds those that may match a call without asking
 * each of them. It may name a route too many, never one too few: the conditions themselves decide.
 */

/** Finds the routes that may match. */
export interface RouteIndex {
  /** Visits them in the order of the file until `visit` returns true. */
  visit(subject: Subject, visit: (route: number) => boolean): void
}

/** Positions of routes, in order. */
type Positions = number[]

/** The routes that ask for certain values of one field. */
class FieldIndex {
  readonly #valuesOf: Lookup['valuesOf']
  readonly #values = new Map<string, Positions>()
  readonly #prefixes = new Map<string, Positions>()
  readonly #lengths = new Set<number>()

  constructor (valuesOf: Lookup['valuesOf']) {
    this.#valuesOf = valuesOf
  }

  add (route: number, { value, isPrefix }: Key): void {
    if (isPrefix) this.#lengths.add(value.length)
    addTo(isPrefix ? this.#prefixes : this.#values, value, route)
  }

  find (subject: Subject): Positions[] {
    return this.#valuesOf(subject).flatMap(value => [
      this.#values.get(value) ?? [],
      ...[...this.#lengths].map(length => this.#prefixes.get(value.slice(0, length)) ?? [])
    ])
  }
}

/** @param routes the conditions of each route */
export function createRouteIndex (routes: readonly (readonly Condition[])[]): RouteIndex {
  const frequency = frequencyOf(routes.flat())
  const fields = new Map<string, FieldIndex>()
  const others: Positions = []
  /** Any of these may match a call whose headers are not known. */
  const byHeader: Positions = []
  routes.forEach((conditions, route) => {
    const chosen = mostSelective(conditions, frequency)
    if (!chosen?.lookup) {
      others.push(route)
      return
    }
    const { field, keys, valuesOf } = chosen.lookup
    const index = fields.get(field) ?? new FieldIndex(valuesOf)
    fields.set(field, index)
    for (const key of keys) index.add(route, key)
    if (chosen.needsHeaders) byHeader.push(route)
  })

  return {
    visit (subject, visit) {
      const lists = [others, ...[...fields.values()].flatMap(index => index.find(subject))]
      if (subject.query.headers === undefined) lists.push(byHeader)
      visitInOrder(lists.filter(list => list.length > 0), visit)
    }
  }
}

/** How many conditions ask for each key. */
function frequencyOf (conditions: readonly Condition[]): Map<string, number> {
  const frequency = new Map<string, number>()
  for (const { lookup } of conditions) {
    for (const key of lookup?.keys ?? []) {
      const name = nameOf(lookup!, key)
      frequency.set(name, (frequency.get(name) ?? 0) + 1)
    }
  }
  return frequency
}

const nameOf = ({ field }: Lookup, { value, isPrefix }: Key): string => `${field} ${isPrefix ? '^' : '='}${value}`

/** The condition that leaves a call with the fewest routes. Undefined: none of them can be looked up. */
function mostSelective (conditions: readonly Condition[], frequency: Map<string, number>): Condition | undefined {
  let best: Condition | undefined
  let fewest = Infinity
  for (const condition of conditions) {
    const { lookup } = condition
    if (!lookup) continue
    const most = lookup.keys.reduce((most, key) => Math.max(most, frequency.get(nameOf(lookup, key))!), 0)
    if (most < fewest) best = condition
    fewest = Math.min(fewest, most)
  }
  return best
}

function addTo (index: Map<string, Positions>, key: string, route: number): void {
  const positions = index.get(key)
  if (positions) push(positions, route)
  else index.set(key, [route])
}

function push (positions: Positions, route: number): void {
  if (positions.at(-1) !== route) positions.push(route)
}

/** Merges lists of ascending positions. */
function visitInOrder (lists: readonly Positions[], visit: (route: number) => boolean): void {
  if (lists.length === 1) {
    lists[0]!.some(visit)
    return
  }

  const at = lists.map(() => 0)
  let last = -1
  for (;;) {
    let next = Infinity
    for (let i = 0; i < lists.length; i++) {
      const list = lists[i]!
      while (at[i]! < list.length && list[at[i]!]! <= last) at[i]!++
      if (at[i]! < list.length) next = Math.min(next, list[at[i]!]!)
    }
    if (next === Infinity || visit(next)) return
    last = next
  }
}
