import { LONGEST_SHORT, readTarget, sipUriOf, type SipTarget } from './dial-target.ts'
import { factsOf } from './phone-numbers.ts'
import { coveredBy, isNamed, isOpened, openingCountry, type Dialled } from './entries.ts'
import { explainRefusal, type Refusal } from './refusals.ts'
import { isSameNumber } from '../same-number.ts'

/** Places where a number comes in that somebody else may have chosen. */
export const DOORS = ['outbound', 'transfer', 'trunk', 'routes'] as const
export type Door = typeof DOORS[number]

/** How much may be dialled, over all replicas. */
export interface Caps {
  concurrent?: number
  perMinute?: number
  perDay?: number
  perCallerPerDay?: number
  /** Longest call, seconds. */
  longestS?: number
}

export interface Policy {
  /** ISO 3166 countries, prefixes and full numbers. Empty: nothing may be dialled. */
  allow: readonly string[]
  /** The same; wins over `allow`. */
  deny: readonly string[]
  /** Hosts that a SIP URI may name as a transfer target. */
  sip: readonly string[]
  caps: Caps
}

/** What a number is judged by: a part of the routes table. */
export interface PolicyContext {
  policy: Policy | undefined
  /** Numbers that are ours. */
  numbers: readonly string[]
  /** ISO 3166 code of the country whose national numbers are understood. */
  country: string | undefined
}

export interface Refused {
  allowed: false
  reason: Refusal
  /** The entry, country or host that the reason is about; of an entry that is a number at most its beginning. */
  rule: string
  /** What refused it and what to write to allow it, for people. */
  why: string
  /** Of a cap: there will be no room before that, milliseconds. */
  retryInMs?: number
}

export type Decision =
  /** `target`: what to dial, and nothing else: a number in E.164 form, a short code, or a SIP URI without extras. */
  | { allowed: true, target: string }
  | Refused

/**
 * Decides whether a number may be dialled. Pure.
 * @param door where it came in. At `routes` it is the operator's own word, and an empty `allow` forbids nothing
 * @param text a number or URI in any spelling
 */
export function decide (door: Door, text: string, context: PolicyContext): Decision {
  if (!context.policy && door !== 'routes') return refused('no-policy')

  const target = readTarget(text, context.country)
  switch (target.kind) {
    case 'unreadable':
      return refused(target.reason)
    case 'number':
      return judged(door, { digits: target.number, facts: factsOf(target.number) }, context)
    case 'short':
      return judged(door, { digits: target.digits }, context)
    case 'sip':
      return judgedSip(door, target, context)
  }
}

/** Makes the decision that refuses. */
export const refused = (reason: Refusal, rule = ''): Refused =>
  ({ allowed: false, reason, rule, why: explainRefusal(reason, rule) })

function judged (door: Door, dialled: Dialled, context: PolicyContext): Decision {
  const { policy, country } = context
  const allow = policy?.allow ?? []
  const allowed: Decision = { allowed: true, target: dialled.digits }

  const denied = coveredBy(policy?.deny ?? [], dialled, country)
  if (denied !== undefined) return refused('denied', shownEntry(denied))
  if (isNamed(allow, dialled, country)) return allowed

  const danger = dangerOf(dialled, context)
  if (danger) return refused(danger)
  if (isOpened(allow, dialled, country)) return allowed
  if (dialled.facts?.kind === 'invalid') return refused('invalid')
  if (allow.length > 0) return refused('not-allowed', openingCountry(dialled))
  return door === 'routes' ? allowed : refused('nothing-allowed')
}

/** Why a number is refused unless it is named in full. */
function dangerOf (dialled: Dialled, context: PolicyContext): Refusal | undefined {
  const { digits, facts } = dialled
  if (EMERGENCY.has(facts?.kind === 'invalid' ? facts.national : digits)) return 'emergency'
  if (!facts) return 'short-code'
  if (isOurs(dialled, context)) return 'own-number'
  if (facts.kind === 'invalid' && facts.national.length <= LONGEST_SERVICE) return 'short-code'
  return facts.kind === 'premium-rate' || facts.kind === 'shared-cost' || facts.kind === 'no-country'
    ? facts.kind
    : undefined
}

/** Behind a country code, invalid numbers of at most so many digits are services of that country. */
const LONGEST_SERVICE = 3

/** What people dial in an emergency, country by country. Any other short code is refused just the same. */
const EMERGENCY: ReadonlySet<string> = new Set([
  ...['112', '911', '999', '000', '08', '15', '17', '18', '100', '101', '102', '103', '104', '106', '108', '110'],
  ...['111', '113', '114', '115', '117', '118', '119', '120', '122', '123', '144', '155', '158', '190', '191', '192'],
  ...['193', '194', '195', '197', '198', '199', '933', '988', '995', '997', '998', '10111', '116117']
])
/** Those that most PBXs put through. Others, such as 101, are extensions there. */
const EMERGENCY_ANYWHERE: ReadonlySet<string> = new Set(['112', '911', '999'])

function isOurs ({ digits }: Dialled, { numbers, country }: PolicyContext): boolean {
  return numbers.some(own => {
    const target = readTarget(own, country)
    return target.kind === 'number' ? target.number === digits : isSameNumber(own, digits)
  })
}

/** A SIP URI. Its host decides, and where its user is a number, that must be allowed as well. */
function judgedSip (door: Door, target: SipTarget, context: PolicyContext): Decision {
  const { user, host, number, phone } = target
  const isListed = door === 'routes' || (door === 'transfer' && listsHost(context.policy!.sip, target))
  const uri = { allowed: true, target: sipUriOf(target) } as const

  if (number !== undefined || phone || EMERGENCY_ANYWHERE.has(user)) {
    const dialled = number === undefined ? { digits: user } : { digits: number, facts: factsOf(number) }
    const verdict = judged(door, dialled, context)
    // A number is dialled as one, wherever its URI points.
    if (!verdict.allowed || (phone && !isListed)) return verdict
  }
  if (!isListed) return door === 'transfer' ? refused('sip-host', host) : refused('sip-target')
  if (door !== 'routes' && context.policy!.allow.length === 0) return refused('nothing-allowed')
  return hiddenRefusal(door, user, context) ?? uri
}

/** Hosts are compared without regard to case; an entry with a port lists only that port. */
const listsHost = (hosts: readonly string[], { host, port }: SipTarget): boolean =>
  hosts.map(entry => entry.trim().toLowerCase()).some(entry =>
    entry === host || (port !== undefined && entry === `${host}:${port}`))

/**
 * A user means what its host makes of it. What no number may be, it must not be in any reading, also behind what gets
 * an outside line there.
 */
function hiddenRefusal (door: Door, user: string, context: PolicyContext): Refused | undefined {
  const allow = context.policy?.allow ?? []
  if (isNamed(allow, { digits: user }, context.country)) return undefined
  // A host may turn `*31#0900…` into a call without the caller's number, and other codes into a diversion.
  if (door !== 'routes' && /[*#]/.test(user)) return refused('service-code')
  if (!/^[\d+.~!-]+$/.test(user)) return undefined

  for (const digits of readingsOf(user.replace(/\D/g, ''))) {
    const refusal = refusalOfReading(digits, context)
    if (refusal) return refusal
  }
  return undefined
}

function refusalOfReading (digits: string, context: PolicyContext): Refused | undefined {
  const { policy, country } = context
  const allow = policy?.allow ?? []
  if (EMERGENCY_ANYWHERE.has(digits) && !isNamed(allow, { digits }, country)) return refused('emergency')
  if (digits.length <= LONGEST_SHORT) return undefined

  for (const text of [`+${digits}`, digits]) {
    const target = readTarget(text, country)
    if (target.kind !== 'number') continue

    const dialled = { digits: target.number, facts: factsOf(target.number) }
    const denied = coveredBy(policy?.deny ?? [], dialled, country)
    if (denied !== undefined) return refused('denied', shownEntry(denied))
    const danger = isNamed(allow, dialled, country) ? undefined : dangerOf(dialled, context)
    if (danger && danger !== 'short-code' && danger !== 'emergency') return refused(danger)
  }
  return undefined
}

/** What a PBX or carrier takes away in front: an outside line, or the prefix of international numbers. */
const PREFIXES = ['0', '9', '011']
/** Most digits that are taken away, such as those of `9` and `011`. */
const LONGEST_PREFIX = 4

/** The digits, and what is left of them behind prefixes. */
function readingsOf (digits: string): string[] {
  const readings = new Set([digits])
  // A set yields also what is added on the way.
  for (const reading of readings) {
    for (const prefix of PREFIXES.filter(prefix => reading.startsWith(prefix))) {
      const rest = reading.slice(prefix.length)
      if (digits.length - rest.length <= LONGEST_PREFIX) readings.add(rest)
    }
  }
  return [...readings]
}

/** An entry may be somebody's number: of a long one only the beginning is shown. */
const shownEntry = (entry: string): string => {
  const digits = entry.replace(/[^\d+A-Za-z]/g, '')
  return digits.length > LONGEST_SHOWN ? `${digits.slice(0, LONGEST_SHOWN)}…` : digits
}
const LONGEST_SHOWN = 7
