import type { Attempt, Call } from '../fold/call.ts'
import { roomsOf } from '../fold/names.ts'
import type { Cause, Phase } from '../fold/vocabulary.ts'
import { numberKey } from './number-key.ts'
import { isNumberOf, numberQuery } from './number-parts.ts'

/** What calls are looked for by. A call must fit all of it. */
export interface CallFilter {
  /** `active` = all but `ended`. */
  phase?: Phase | 'active'
  /** A number in any spelling. */
  from?: string
  /** A number in any spelling. */
  to?: string
  /** A number, or a part of one, that called or was called (number-parts.ts). */
  number?: string
  cause?: Cause
  /** LiveKit room of any of its attempts. */
  room?: string
  /** Agent of any of its attempts. */
  agent?: string
  /** Name of its route. */
  route?: string
  /** Name of the key that ordered the call. */
  placedBy?: string
  /** The user's own id of an ordered call. */
  reference?: string
  /** Received at this time or later, milliseconds since the epoch. */
  since?: number
  /** Received before this time, milliseconds since the epoch. */
  until?: number
}

/** The part of a call that filters look at. */
export interface Searched {
  phase: Phase
  facts: Pick<Call['facts'], 'from' | 'to' | 'direction'>
  app: Pick<Call['app'], 'agent'>
  at: Pick<Call['at'], 'received'>
  end?: Pick<NonNullable<Call['end']>, 'cause'>
  route?: Pick<NonNullable<Call['route']>, 'name'>
  order?: Pick<NonNullable<Call['order']>, 'placedBy' | 'reference'>
  attempts: ReadonlyArray<Pick<Attempt, 'agent' | 'room'>>
  earlier: ReadonlyArray<{ attempts: ReadonlyArray<Pick<Attempt, 'room'>> }>
  late?: { rooms?: readonly string[] }
}

export const matches = (call: Searched, filter: CallFilter): boolean => matcher(filter)(call)

/** Makes of a filter what tells which calls fit it. */
export function matcher (filter: CallFilter): (call: Searched) => boolean {
  const { phase, from, to, number, cause, room, agent, route, placedBy, reference, since, until } = filter
  const [fromKey, toKey] = [from, to].map(number => number === undefined ? undefined : numberKey(number))
  const query = number === undefined ? undefined : numberQuery(number)

  return call => {
    const { facts, order, at } = call
    if (phase !== undefined && (phase === 'active' ? call.phase === 'ended' : call.phase !== phase)) return false
    if (since !== undefined && at.received < since) return false
    if (until !== undefined && at.received >= until) return false
    if (cause !== undefined && call.end?.cause !== cause) return false
    if (route !== undefined && call.route?.name !== route) return false
    if (placedBy !== undefined && order?.placedBy !== placedBy) return false
    if (reference !== undefined && order?.reference !== reference) return false
    if (agent !== undefined && !agentsOf(call).has(agent)) return false
    if (room !== undefined && !roomsOf(call).has(room)) return false
    if (fromKey !== undefined && numberKey(facts.from) !== fromKey) return false
    if (toKey !== undefined && numberKey(facts.to) !== toKey) return false
    return query === undefined || isNumberOf(query, facts.from) || isNumberOf(query, facts.to)
  }
}

/** The agents that were tried. Before anybody was tried, the application's. */
export function agentsOf ({ attempts, app, facts }: Searched): Set<string> {
  const agents = new Set<string>()
  if (attempts.length === 0 && facts.direction !== 'agent') agents.add(app.agent)
  for (const { agent } of attempts) if (agent !== undefined) agents.add(agent)
  return agents
}
