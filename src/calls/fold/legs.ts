import { isDialled } from './attempt-facts.ts'
import { currentAttempt, type Attempt, type Call, type CallStatus } from './call.ts'

/**
 * Whose leg it is. `agent`: one of our dials made it. `foreign`: somebody else's verbs dialled it while a transfer was
 * pending. The caller's own leg is `call.caller`.
 */
export type LegRole = 'agent' | 'foreign'

/** One status of a leg, when it was first heard. */
export interface LegStatusLine {
  at: number
  status: CallStatus
  sipStatus?: number
}

/** A SIP leg that Jambonz dialled for this call. */
export interface Leg {
  /** Jambonz's call_sid of the leg. */
  sid: string
  role: LegRole
  /** Number of the attempt that it belongs to. */
  attempt: number
  /** Its statuses in the order they were heard, each once. */
  statuses: LegStatusLine[]
  /** A later dial of the same attempt took its place: whatever still comes of it is late. */
  replaced?: true
}

/** The leg with this call_sid. */
export const findLeg = (call: Call, sid: string): Leg | undefined => call.legs.find(leg => leg.sid === sid)

/** The legs that an attempt's dials made, oldest first. */
export const legsOf = (call: Call, attempt: Pick<Attempt, 'n'>): Leg[] =>
  call.legs.filter(leg => leg.role === 'agent' && leg.attempt === attempt.n)

/** Whether the attempt stands and falls with this leg. */
export function isLatestLeg (call: Call, attempt: Attempt, sid: string): boolean {
  const latest = legsOf(call, attempt).at(-1)
  return latest?.sid === sid && !latest.replaced
}

/** Adds a leg, unless it is known. */
export function addLeg (draft: Call, sid: string, role: LegRole, attempt: number): void {
  if (findLeg(draft, sid)) return
  draft.legs = [...draft.legs, { sid, role, attempt, statuses: [] }]
}

/** Records a status of a leg. Jambonz repeats `ringing` every second: only the first counts. */
export function noteLegStatus (draft: Call, sid: string, line: LegStatusLine): void {
  const leg = findLeg(draft, sid)
  if (!leg || leg.statuses.some(({ status }) => status === line.status)) return
  leg.statuses = [...leg.statuses, line]
}

/** The legs that an attempt has now become history: the caller is dialled again. */
export function replaceLegs (draft: Call, attempt: Attempt): void {
  draft.legs = draft.legs.map(leg => leg.attempt === attempt.n ? { ...leg, replaced: true as const } : leg)
}

/**
 * The attempt that an agent leg belongs to: the one that was dialled last when the leg was first heard of. Undefined
 * for a foreign leg, and for a leg of an earlier record of this call.
 * @param dialled SIP user that was dialled, where that is known
 */
export function attemptOfLeg (call: Call, sid: string, dialled?: string): Attempt | undefined {
  if (call.earlier.some(({ legs }) => legs.includes(sid))) return undefined
  const leg = findLeg(call, sid)
  if (!leg) return dialledAs(call, dialled) ?? dialledLast(call)
  if (leg.role === 'foreign') return undefined

  return call.attempts.find(({ n }) => n === leg.attempt)
}

/** The open attempt that dials this SIP user: whose reply was sent shows in its leg before it is written down. */
const dialledAs = (call: Call, dialled: string | undefined): Attempt | undefined =>
  dialled === undefined ? undefined : call.attempts.findLast(({ token, end }) => token === dialled && !end)

/** Announcements dial nobody, and neither does an attempt that waits for its room: a new leg is none of theirs. */
function dialledLast (call: Call): Attempt | undefined {
  const current = currentAttempt(call)
  const dialled = call.attempts.findLast(attempt => isDialled(attempt) && attempt.at.replied !== undefined)

  return dialled ?? (current && isDialled(current) ? current : undefined)
}
