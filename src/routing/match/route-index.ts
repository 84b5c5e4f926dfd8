import type { Condition, NumberPattern, Subject } from './conditions.ts'
import type { CalledNumber } from './numbers.ts'

/*
 * Thousands of routes differ by number. The index finds those that may match a call without asking each of them. It may
 * name a route too many, never one too few: the conditions themselves decide.
 */

/** Finds the routes that may match. */
export interface RouteIndex {
  /** Visits them in the order of the file until `visit` returns true. */
  visit(subject: Subject, visit: (route: number) => boolean): void
}

/** Positions of routes, in order. */
type Positions = number[]

/** The routes that ask for certain numbers on one side of the call. */
class NumberIndex {
  readonly #numbers = new Map<string, Positions>()
  readonly #prefixes = new Map<string, Positions>()
  readonly #users = new Map<string, Positions>()
  readonly #withheld: Positions = []
  /** Expressions may also match what has no digits. */
  readonly #expressions: Positions = []
  readonly #lengths = new Set<number>()

  add (route: number, pattern: NumberPattern): void {
    switch (pattern.kind) {
      case 'withheld':
        return push(this.#withheld, route)
      case 'user':
        return addTo(this.#users, pattern.user, route)
      case 'number':
        return pattern.digits.forEach(digits => addTo(this.#numbers, digits, route))
      case 'prefix':
        return pattern.digits.forEach(prefix => this.#addPrefix(prefix, route))
      case 'expression':
        push(this.#expressions, route)
        return this.#addPrefix(pattern.expression.digits!, route)
    }
  }

  #addPrefix (prefix: string, route: number): void {
    this.#lengths.add(prefix.length)
    addTo(this.#prefixes, prefix, route)
  }

  find ({ withheld, user, digits }: CalledNumber): Positions[] {
    if (digits.length === 0) {
      return [this.#users.get(user) ?? [], withheld ? this.#withheld : [], this.#expressions]
    }
    return digits.flatMap(digits => [
      this.#numbers.get(digits) ?? [],
      ...[...this.#lengths].map(length => this.#prefixes.get(digits.slice(0, length)) ?? [])
    ])
  }
}

/** @param routes the conditions of each route */
export function createRouteIndex (routes: readonly (readonly Condition[])[]): RouteIndex {
  const sides = { to: new NumberIndex(), from: new NumberIndex() }
  const others: Positions = []
  routes.forEach((conditions, route) => {
    const numbers = conditions.find(({ numbers }) => numbers?.patterns.every(isIndexable))?.numbers
    if (!numbers) others.push(route)
    numbers?.patterns.forEach(pattern => sides[numbers.side].add(route, pattern))
  })

  return {
    visit (subject, visit) {
      const lists = [others, ...sides.to.find(subject.to), ...sides.from.find(subject.from)]
      visitInOrder(lists.filter(list => list.length > 0), visit)
    }
  }
}

const isIndexable = (pattern: NumberPattern): boolean =>
  pattern.kind !== 'expression' || pattern.expression.digits !== undefined

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
