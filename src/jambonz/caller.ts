import type { CallerFacts } from '../calls/fold/call.ts'
import type { CallHook, Refer } from './payloads.ts'

export const ANONYMOUS = 'anonymous'

/**
 * A header's value, whatever the case of its name: Jambonz keeps the carrier's spelling of X- headers. Undefined when
 * absent.
 */
export function headerOf (headers: Record<string, unknown> | undefined, name: string): string | undefined {
  if (!headers) return undefined
  const wanted = name.toLowerCase()
  const key = Object.keys(headers).find(key => key.toLowerCase() === wanted)
  const value = key === undefined ? undefined : headers[key]
  if (Array.isArray(value)) return value.filter(item => typeof item === 'string').join(', ')
  return typeof value === 'string' ? value : undefined
}

/**
 * What a call hook says of the caller. A caller who withholds the number (RFC 3323 `Privacy: id|user`, or an anonymous
 * From, RFC 3261 8.1.1.3) is masked here, once, so that the number never gets any further.
 * @param wanted names of the inbound headers that the agent may see, besides Diversion
 */
export function callerFacts (hook: CallHook, wanted: readonly string[]): CallerFacts {
  const headers = hook.sip?.headers
  const withheld = isWithheld(hook, headers)
  const secrets = withheld
    ? numbersOf([
      hook.from,
      headerOf(headers, 'from'),
      headerOf(headers, 'p-asserted-identity'),
      headerOf(headers, 'remote-party-id')
    ])
    : []
  const mask = (text: string) =>
    withheld
      ? text.replace(NUMBER, number => secrets.some(secret => sameDigits(secret, number)) ? ANONYMOUS : number)
      : text
  const passed = [...wanted, 'Diversion'].flatMap(name => {
    const value = headerOf(headers, name)
    return value === undefined ? [] : [[name, mask(value).slice(0, LONGEST_HEADER)] as const]
  })
  return {
    direction: hook.direction,
    from: withheld ? ANONYMOUS : hook.from ?? '',
    to: hook.to ?? '',
    callerName: withheld ? '' : (hook.caller_name ?? '').replace(/^"(.*)"$/s, '$1'),
    withheld,
    trunk: hook.originating_sip_trunk_name,
    headers: Object.fromEntries(passed),
    applicationSid: hook.application_sid
  }
}

/** Job metadata travels in LiveKit's room; a header is no place for documents. */
const LONGEST_HEADER = 1024

function isWithheld (hook: CallHook, headers: Record<string, unknown> | undefined): boolean {
  if (hook.direction !== 'inbound') return false
  const privacy = (headerOf(headers, 'privacy') ?? '').toLowerCase().split(/[;,\s]+/)
  return privacy.includes('id') || privacy.includes('user') ||
    hook.from?.toLowerCase() === ANONYMOUS || /[@:]anonymous\.invalid/i.test(headerOf(headers, 'from') ?? '')
}

/** A phone number in any of the spellings that headers have. */
const NUMBER = /\+?\d(?:[\d().\- ]{3,}\d)/g

const numbersOf = (texts: Array<string | undefined>): string[] => texts.flatMap(text => text?.match(NUMBER) ?? [])

/** Whether two spellings end in the same digits; country and area may be left out, or have a prefix in front. */
function sameDigits (one: string, other: string): boolean {
  const [a, b] = [one, other].map(number => number.replace(/\D/g, '')) as [string, string]
  const shorter = Math.min(a.length, b.length)
  return shorter >= 5 && a.slice(-Math.min(shorter, 7)) === b.slice(-Math.min(shorter, 7))
}

/**
 * What a later hook says of a call that we do not know: less, and nothing of a B leg's target, which holds the token.
 */
export function strangerFacts (
  body: {
    direction: 'inbound' | 'outbound'
    from?: string
    to?: string
    application_sid?: string
    parent_call_sid?: string
    originating_sip_trunk_name?: string
  }
): CallerFacts {
  const isAgentLeg = body.parent_call_sid !== undefined
  return {
    direction: isAgentLeg ? 'inbound' : body.direction,
    from: body.from ?? '',
    to: isAgentLeg ? '' : body.to ?? '',
    callerName: '',
    withheld: body.from?.toLowerCase() === ANONYMOUS,
    trunk: body.originating_sip_trunk_name,
    headers: {},
    applicationSid: body.application_sid
  }
}

/** The number that the agent talks to: the caller's, or the called party's of a call that we originated. */
export const remoteNumber = (facts: CallerFacts): string => facts.direction === 'inbound' ? facts.from : facts.to

/**
 * Refer-To in the form that the sip:refer verb takes: a SIP URI as it is, of a tel URI the number
 * (feature-server prefixes everything that is no SIP URI with `sip:`). Undefined when there is none.
 */
export function referTarget (details: Refer['refer_details']): string | undefined {
  const uri = /<([^>]+)>/.exec(details.sip_refer_to ?? '')?.[1] ?? details.sip_refer_to?.trim()
  if (uri && /^sips?:[^@\s]+@[^\s]+$/i.test(uri)) return uri
  const number = uri?.match(/^tel:(\+?[\w.()*#-]+)/i)?.[1]?.replace(/[.()-]/g, '')
  return number ??
    (details.refer_to_user && /^[\w.+*#-]+$/.test(details.refer_to_user) ? details.refer_to_user : undefined)
}
