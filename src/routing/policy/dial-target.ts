import { internationalForm } from './phone-numbers.ts'
import type { Refusal } from './refusals.ts'

/*
 * Reads what somebody wants to dial. What is judged and what is dialled are both made of the result, and never of the
 * text, so that no spelling can mean one thing to the policy and another one to a carrier.
 */

export interface SipTarget {
  kind: 'sip'
  scheme: 'sip' | 'sips'
  /** Without escapes and parameters. */
  user: string
  /** Lower-case. */
  host: string
  port?: string
  transport?: string
  /** `user=phone`: the user is a telephone number (RFC 3261 19.1.1). */
  phone: boolean
  /** The number that the user is, in E.164 form. */
  number?: string
}

export type DialTarget =
  | { kind: 'number', /** In E.164 form, with `+`. */ number: string }
  | { kind: 'short', digits: string }
  | SipTarget
  | { kind: 'unreadable', reason: Refusal & ('unreadable' | 'national' | 'sip-headers') }

const unreadable = (reason: Refusal & ('unreadable' | 'national' | 'sip-headers') = 'unreadable') =>
  ({ kind: 'unreadable', reason }) as const

/** Longest text that is read, characters. */
const LONGEST = 256
/** Numbers of at most so many digits, without a country code, are short codes or extensions. */
export const LONGEST_SHORT = 6
/** ITU-T E.164 6.2.1. */
const LONGEST_NUMBER = 15

/**
 * @param country ISO 3166 code of the country whose national numbers are understood
 */
export function readTarget (text: string, country?: string): DialTarget {
  const plain = plainText(text)
  if (plain === undefined) return unreadable()

  if (/^sips?:/i.test(plain)) return readSip(plain, country)
  if (/^tel:/i.test(plain)) return readTel(plain.slice(4), country)
  return readNumber(plain, country)
}

/** Makes ASCII of compatible characters. Undefined: the text is too long, or has others. */
function plainText (text: string): string | undefined {
  if (text.length > LONGEST) return undefined

  const plain = text.normalize('NFKC')
    // Marks of writing direction and joiners come along when a number is copied.
    .replace(/\p{Cf}/gu, '')
    .replace(/[\u0660-\u0669]/g, digit => String(digit.charCodeAt(0) - 0x0660))
    .replace(/[\u06f0-\u06f9]/g, digit => String(digit.charCodeAt(0) - 0x06f0))
    .replace(/[\u2010-\u2015\u2212]/g, '-')
    .trim()
  return /^[\x20-\x7e]{1,256}$/.test(plain) ? plain : undefined
}

/** A host has no empty labels: `.` alone would leave nothing once its final dot is taken away. */
const SIP_URI =
  /^(sips?):([^@?]+)@([a-z0-9-]+(?:\.[a-z0-9-]+)*\.?|\[[0-9a-f:.]+\])(?::(\d{1,5}))?((?:;[^?;]*)*)$/i
/** Users that mean nothing to anybody but the host. */
const PLAIN_USER = /^[\w.+*#~!-]{1,64}$/

function readSip (text: string, country: string | undefined): DialTarget {
  // Replaces, User-to-User and others would be sent in our name.
  if (text.includes('?')) return unreadable('sip-headers')
  const match = SIP_URI.exec(text)
  if (!match) return unreadable()

  const [scheme, written, host, port, parameters] = match.slice(1) as [string, string, string, string?, string?]
  if (/^[^;]*:/.test(written)) return unreadable('sip-headers')
  const phone = /;user=phone(?:;|$)/i.test(parameters ?? '')
  const [user = ''] = (unescaped(written) ?? '').split(';')
  const sip: SipTarget = {
    kind: 'sip',
    scheme: scheme.toLowerCase() as 'sip' | 'sips',
    user,
    host: host.toLowerCase().replace(/\.$/, ''),
    port,
    // Of the parameters only this one goes on: `maddr`, for one, would lead to another host.
    transport: /;transport=(udp|tcp|tls|ws|wss)(?:;|$)/i.exec(parameters ?? '')?.[1]?.toLowerCase(),
    phone
  }
  if (!phone && !user.startsWith('+')) return PLAIN_USER.test(user) ? sip : unreadable()

  const number = readTel(unescaped(written) ?? '', country)
  if (number.kind === 'number') return { ...sip, user: number.number, number: number.number }
  return number.kind === 'short' ? { ...sip, user: number.digits } : number
}

/** Undefined: an escape is broken. */
function unescaped (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/** What follows `tel:` (RFC 3966). Of its parameters only a number as context says something about the number. */
function readTel (text: string, country: string | undefined): DialTarget {
  const [written = '', ...parameters] = text.split(';')
  const number = unescaped(written)
  if (number === undefined || /[@:]/.test(number)) return unreadable()

  const context = parameters.map(parameter => /^phone-context=(.*)$/i.exec(parameter)?.[1]).find(found => found)
  if (context === undefined || number.startsWith('+')) return readNumber(number, country)
  return /^\+[\d().-]+$/.test(context) ? readNumber(`${context}${number}`, country) : unreadable()
}

/** An extension is not dialled: a carrier cannot, and the number in front of it answers. */
const EXTENSION = /(?<=\d)\s*(?:;\s*ext\s*=|,?\s*ext(?:ension|n)?\.?:?|\s+x\.?|x)\s*\d{1,8}$/i
const SEPARATORS = /[\s()./-]/g

function readNumber (text: string, country: string | undefined): DialTarget {
  const written = text.replace(EXTENSION, '').replace(SEPARATORS, '')
  const digits = /^\+?\d/.test(written) ? withKeypadDigits(written) : written
  if (!/^\+?\d+$/.test(digits)) return unreadable()

  if (digits.startsWith('+')) {
    if (digits.length > LONGEST_NUMBER + 1) return unreadable()
    return { kind: 'number', number: internationalForm(digits, undefined)! }
  }
  if (digits.length <= LONGEST_SHORT) return { kind: 'short', digits }
  const number = internationalForm(digits, country)
  return number === undefined ? unreadable('national') : { kind: 'number', number }
}

/** Fewer letters are no word that somebody made of a number. */
const FEWEST_LETTERS = 3
/** ITU-T E.161, by the number of letters on each key from 2 on. */
const KEYPAD = 'abc def ghi jkl mno pqrs tuv wxyz'.split(' ')

function withKeypadDigits (text: string): string {
  if ((text.match(/[a-z]/gi)?.length ?? 0) < FEWEST_LETTERS) return text
  return text.toLowerCase().replace(/[a-z]/g, letter => String(KEYPAD.findIndex(key => key.includes(letter)) + 2))
}

/** The URI in the form that is dialled. */
export function sipUriOf ({ scheme, user, host, port, transport, phone }: SipTarget): string {
  const parameters = `${transport === undefined ? '' : `;transport=${transport}`}${phone ? ';user=phone' : ''}`
  return `${scheme}:${user.replaceAll('#', '%23')}@${host}${port === undefined ? '' : `:${port}`}${parameters}`
}
