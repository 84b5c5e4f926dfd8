import type { LogSeen, Seen, Service } from './seen.ts'

/** How long a call takes from one of Jambonz's servers to the next one at most, and how far their clocks are apart. */
const NEXT_MS = 1000

/**
 * Puts the lines of Jambonz's servers about one call together. sbc-inbound, feature-server and sbc-outbound name the
 * Call-IDs of their own legs, and no line need name two of them. That is certain only where each has lines of no more
 * than one call, at the same time.
 */
export function joinServices (calls: readonly Seen[][]): Seen[][] {
  const core = onlyOf('feature-server', calls)
  const others = [onlyOf('sbc-inbound', calls), onlyOf('sbc-outbound', calls)].filter(call => call !== undefined)
  const joined = core ? others.filter(other => isWithin(other, core)) : []
  if (!core || joined.length === 0) return [...calls]

  const all = [core, ...joined].flat().sort((a, b) => (a.at ?? 0) - (b.at ?? 0))
  return calls.filter(call => !joined.includes(call)).map(call => call === core ? all : call)
}

/** The only call of which a service has lines, if these are all that was seen of it. */
function onlyOf (service: Service, calls: readonly Seen[][]): Seen[] | undefined {
  const its = calls.filter(call => call.some(item => item.kind === 'log' && item.from === service))
  const [call] = its
  const isAlone = its.length === 1 && call!.every((item): item is LogSeen => item.kind === 'log')
  return isAlone ? call : undefined
}

function isWithin (other: readonly Seen[], core: readonly Seen[]): boolean {
  const [first, last] = spanOf(core)
  const [from, to] = spanOf(other)
  return from <= last + NEXT_MS && to >= first - NEXT_MS
}

function spanOf (call: readonly Seen[]): [first: number, last: number] {
  const times = call.map(({ at }) => at ?? NaN)
  return [Math.min(...times), Math.max(...times)]
}
