import { cleanText } from '../clean-text.ts'
import { ANONYMOUS, type CallerFacts } from '../calls/fold/call.ts'
import type { Direction } from '../calls/fold/vocabulary.ts'
import type { CallHook, Refer } from './payloads.ts'

/** Longest header that is looked at, characters. Callers write headers, and an INVITE may hold 64 KiB of one. */
const LONGEST_READ = 4096
/** Longest header that the agent gets, characters. Job metadata is no place for documents. */
const LONGEST_PASSED = 1024

/** Headers that say who the caller is, and whether others may know. */
const IDENTITY_HEADERS = ['from', 'p-asserted-identity', 'remote-party-id']

/**
 * Picks headers by name, whatever the case: Jambonz keeps the carrier's spelling of X- headers. Values are cleaned, and
 * never longer than one character more than {@link LONGEST_READ}.
 * @returns values by lower-case name, without those that are absent
 */
export function pickHeaders (
  headers: Record<string, unknown> | undefined,
  names: readonly string[]
): Map<string, string> {
  const found = new Map<string, string>()
  // The call hook asks for the headers of routes, and most routes ask for none.
  if (names.length === 0) return found
  const wanted = new Set(names.map(name => name.toLowerCase()))
  for (const [key, value] of Object.entries(headers ?? {})) {
    const name = key.toLowerCase()
    if (!wanted.has(name) || found.has(name)) continue
    const text = headerText(value)
    if (text !== undefined) found.set(name, cleanText(text.slice(0, LONGEST_READ + 1)))
  }
  return found
}

/** A header that appears several times is a list. */
function headerText (value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? value.filter(item => typeof item === 'string').join(', ') : undefined
}

/**
 * What a call hook says of the caller. A caller who withholds the number (RFC 3323 `Privacy: id|user`, or an anonymous
 * From, RFC 3261 8.1.1.3) is masked here, once, so that the number never gets any further.
 * @param wanted names of the inbound headers that the agent may see, besides Diversion
 * @param agentTrunk name of the carrier through which LiveKit calls out
 */
export function callerFacts (hook: CallHook, wanted: readonly string[], agentTrunk?: string): CallerFacts {
  const direction = directionOf(hook, agentTrunk)
  const passed = [...wanted, 'Diversion']
  const headers = pickHeaders(hook.sip?.headers, [...passed, ...IDENTITY_HEADERS, 'privacy'])
  // Headers that are too long to be read may hide a wish for privacy, or the number that it is about.
  const unreadable = [...IDENTITY_HEADERS, 'privacy'].some(name => (headers.get(name) ?? '').length > LONGEST_READ)
  const withheld = direction === 'inbound' && (unreadable || isWithheld(hook, headers))
  return {
    direction,
    from: withheld ? ANONYMOUS : hook.from ?? '',
    to: hook.to ?? '',
    callerName: withheld ? '' : (hook.caller_name ?? '').replace(/^"(.*)"$/s, '$1'),
    withheld,
    trunk: hook.originating_sip_trunk_name,
    headers: withheld && unreadable ? {} : passedHeaders(passed, headers, withheld ? numbersOf(hook, headers) : []),
    applicationSid: hook.application_sid
  }
}

/**
 * Jambonz takes a call from LiveKit for an inbound one. Only who has the password of that carrier gets its name:
 * sbc-inbound overwrites the header that carries it.
 */
function directionOf (
  { direction, originating_sip_trunk_name: trunk }: Pick<CallHook, 'direction' | 'originating_sip_trunk_name'>,
  agentTrunk: string | undefined
): Direction {
  return direction === 'inbound' && agentTrunk !== undefined && trunk === agentTrunk ? 'agent' : direction
}

function isWithheld (hook: CallHook, headers: Map<string, string>): boolean {
  const privacy = (headers.get('privacy') ?? '').toLowerCase().split(/[;,\s]+/)
  return privacy.includes('id') || privacy.includes('user') ||
    hook.from?.toLowerCase() === ANONYMOUS || /[@:]anonymous\.invalid/i.test(headers.get('from') ?? '')
}

/** @param secrets numbers that are masked in them */
function passedHeaders (
  names: readonly string[],
  headers: Map<string, string>,
  secrets: readonly string[]
): Record<string, string> {
  const mask = createMask(secrets)
  const passed = names.flatMap(name => {
    const value = headers.get(name.toLowerCase())
    return value === undefined ? [] : [[name, mask(value).slice(0, LONGEST_PASSED)] as const]
  })
  return Object.fromEntries(passed)
}

/** A phone number in any of the spellings that headers have. */
const NUMBER = /\+?\d(?:[\d().\- ]{3,}\d)/g

function numbersOf (hook: CallHook, headers: Map<string, string>): string[] {
  const texts = [hook.from, ...IDENTITY_HEADERS.map(name => headers.get(name))]
  return texts.flatMap(text => text?.match(NUMBER) ?? [])
}

/** Fewer digits than this are no phone number. */
const FEWEST_DIGITS = 5
/** Numbers with the same last digits are the same: country and area may be left out, or have a prefix in front. */
const MOST_DIGITS = 7

/**
 * Makes the function that replaces numbers in a text by `anonymous`, in whatever spelling. It looks each number up, and
 * never compares all with all.
 */
function createMask (secrets: readonly string[]): (text: string) => string {
  if (secrets.length === 0) return text => text
  // Endings of every length, for numbers that are shorter than the secret, and whole secrets that are short themselves.
  const endings = new Set<string>()
  const short = new Set<string>()
  for (const secret of secrets) {
    const ending = endingOf(secret)
    for (let length = FEWEST_DIGITS; length <= ending.length; length++) endings.add(ending.slice(-length))
    if (ending.length < MOST_DIGITS) short.add(ending)
  }
  const isSecret = (number: string) => {
    const ending = endingOf(number)
    if (ending.length < FEWEST_DIGITS) return false
    return endings.has(ending) || short.has(ending.slice(-FEWEST_DIGITS)) || short.has(ending.slice(-FEWEST_DIGITS - 1))
  }
  return text => withoutCutNumber(text).replace(NUMBER, number => isSecret(number) ? ANONYMOUS : number)
}

const endingOf = (number: string): string => number.replace(/\D/g, '').slice(-MOST_DIGITS)

/** A number at the end of a text that was cut may be a part of one, which nothing would recognise. */
function withoutCutNumber (text: string): string {
  if (text.length <= LONGEST_READ) return text
  let end = text.length
  while (end > 0 && /[\d+().\- ]/.test(text[end - 1]!)) end--
  return text.slice(0, end)
}

/**
 * What a later hook says of a call that we do not know. It says less than a call hook, and the target of a B leg must
 * not get out: it holds the token.
 * @param agentTrunk name of the carrier through which LiveKit calls out
 */
export function strangerFacts (
  body: {
    direction: 'inbound' | 'outbound'
    from?: string
    to?: string
    application_sid?: string
    parent_call_sid?: string
    originating_sip_trunk_name?: string
  },
  agentTrunk?: string
): CallerFacts {
  const isAgentLeg = body.parent_call_sid !== undefined
  return {
    direction: isAgentLeg ? 'inbound' : directionOf(body, agentTrunk),
    from: body.from ?? '',
    to: isAgentLeg ? '' : body.to ?? '',
    callerName: '',
    withheld: body.from?.toLowerCase() === ANONYMOUS,
    trunk: body.originating_sip_trunk_name,
    headers: {},
    applicationSid: body.application_sid
  }
}

/** The number that the agent talks to: the caller's, or that of who is called. */
export const remoteNumber = (facts: CallerFacts): string => facts.direction === 'inbound' ? facts.from : facts.to

/**
 * Where a REFER points, as it is written: a URI, or the user alone where Jambonz names only that. Undefined: nowhere.
 * What may be dialled of it, and in which form, the number policy says.
 */
export function referTarget (details: Refer['refer_details']): string | undefined {
  const { sip_refer_to: referTo, refer_to_user: user } = details ?? {}
  return (referTo && (bracketed(referTo) ?? referTo.trim())) || user?.trim() || undefined
}

/** The URI between angle brackets; undefined without them. */
function bracketed (text: string): string | undefined {
  const start = text.indexOf('<')
  const end = text.indexOf('>', start)
  return start >= 0 && end > start + 1 ? text.slice(start + 1, end) : undefined
}
