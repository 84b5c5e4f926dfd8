/*
 * What is wrong with the texts and headers that clients of the API choose, and that others read later.
 */

/** Control characters, line separators, and marks that turn the direction of a text. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u

/** `String.prototype.isWellFormed`, which the types of ES2023 do not have. */
const isWellFormed = (text: string): boolean => !/\p{Cs}/u.test(text)

/** What a text of several lines has that nobody could read. Undefined: nothing. */
export const encodingProblem = (text: string): string | undefined =>
  // Half a character has no form in UTF-8, so nobody would get the text that was sent.
  isWellFormed(text) ? undefined : 'half a character (a lone surrogate)'

/** What a text of one line has that does not belong there. Undefined: nothing. */
export const lineProblem = (text: string): string | undefined =>
  encodingProblem(text) ?? (UNPRINTABLE.test(text) ? 'a control character' : undefined)

const HEADER_NAME = /^X-[A-Za-z0-9-]{1,62}$/i
const LONGEST_SHOWN = 40

/** What Jambonz tells itself by: sbc-outbound obeys these, and feature-server sends them (lib/http-routes). */
const JAMBONZ_HEADERS = new RegExp(
  '^X-(' + [
    ...['Account-Sid', 'Application-Sid', 'Authenticated-User', 'Call-Limit', 'Call-Sid', 'CID', 'Jambonz-.*'],
    ...['MS-Teams-.*', 'Originating-.*', 'Override-To', 'Preferred-From-.*', 'Reason', 'Record-.*', 'Refer-To-.*'],
    ...['Requested-.*', 'Retain-Call-Sid', 'Service-Provider-Sid', 'SIP-Proxy', 'Srs-.*', 'Subspace-.*', 'Trace-ID'],
    ...['Voip-Carrier-Sid']
  ].join('|') + ')$',
  'i'
)

/** What is wrong with the X- headers of an INVITE, in a sentence. Undefined: nothing. */
export function headersProblem (headers: Record<string, string> = {}): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    const problem = headerProblem(name, value)
    if (problem !== undefined) return `headers: ${problem}.`
  }
  return undefined
}

function headerProblem (name: string, value: string): string | undefined {
  const shown = JSON.stringify(name.slice(0, LONGEST_SHOWN))
  if (!HEADER_NAME.test(name)) return `${shown} is not the name of an X- header of at most 64 letters, digits and -`
  if (JAMBONZ_HEADERS.test(name)) return `Jambonz uses ${shown} itself`
  return lineProblem(value) === undefined
    ? undefined
    : `the value of ${shown} has a line break or another character no header may have`
}
