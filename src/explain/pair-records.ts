import type { CdrSeen, Seen } from './seen.ts'

/** A leg that Jambonz dials for a caller begins at most so long before the caller's own record, milliseconds. */
const EARLIER_MS = 1000
/** Records of a file whose partners are looked for. */
const MOST = 5000

/**
 * Puts records of one call together that have no name in common: sbc-inbound knows no call_sid of a caller who was not
 * answered, and older versions of sbc-outbound do not name the caller's leg. A leg that Jambonz dialled while exactly
 * one caller's leg with the same number was going on belongs to that caller.
 */
export function pairRecords (seen: readonly Seen[]): readonly Seen[] {
  const records = seen.filter(item => item.kind === 'cdr' && item.system === 'jambonz') as CdrSeen[]
  const callers = records.filter(({ direction }) => direction === 'inbound')
  const dialled = records.filter(({ direction, names }) => direction === 'outbound' && !names.callerCallId)
  if (callers.length === 0 || dialled.length === 0 || records.length > MOST) return seen

  const partners = new Map<CdrSeen, string>()
  for (const leg of dialled) {
    const fitting = callers.filter(caller => mayBelong(caller, leg))
    const [caller] = fitting
    if (!caller || fitting.length > 1 || isNamed(caller, leg)) continue

    const name = `${caller.place.file}:${caller.place.at}:${caller.id}`
    partners.set(leg, name)
    partners.set(caller, name)
  }
  return partners.size === 0 ? seen : seen.map(item => withPartner(item, partners))
}

function withPartner (item: Seen, partners: ReadonlyMap<Seen, string>): Seen {
  const partner = partners.get(item)
  return item.kind !== 'cdr' || partner === undefined ? item : { ...item, names: { ...item.names, partner } }
}

const isNamed = (caller: CdrSeen, leg: CdrSeen): boolean =>
  (caller.names.callSid !== undefined && caller.names.callSid === leg.names.callSid) ||
  (caller.names.traceId !== undefined && caller.names.traceId === leg.names.traceId)

function mayBelong (caller: CdrSeen, leg: CdrSeen): boolean {
  if (digits(caller.from) === '' || digits(caller.from) !== digits(leg.from)) return false
  if (caller.at === undefined || leg.at === undefined) return false
  return leg.at >= caller.at - EARLIER_MS && leg.at <= (caller.endedAt ?? caller.at)
}

/** sbc-outbound writes numbers without the plus sign. */
const digits = (number: string): string => number.replace(/\D/g, '')
