import { METHODS } from './sip-methods.ts'

/*
 * SIP messages that a program logged as one line, with their line ends as escapes.
 */

/** Escapes of a line end: of JSON, C and Go, of doubly written JSON, of rsyslog, cat -v, HTML and people. */
const LINE_END = String.raw`(?:\\{1,4}r\\{1,4}n|\\{1,4}n|\\{1,4}r|\\{1,4}u000[dD]\\{1,4}u000[aA]|\\x0[dD]\\x0[aA]|` +
  String.raw`#015#012|#012|<CR><LF>|\\015\\012|\^M\^J|<br ?/?>)`
/** ngrep shows line ends as dots: what looks like a header, SDP or another line end follows them. */
const DOTS = String.raw`\.\.(?=[A-Za-z][\w-]{0,40}: |[a-z]=|\.\.|$)`
/** Other programs make spaces of them, which stand elsewhere too: the name of a header follows. */
const SPACE = String.raw` (?=(?:via|from|to|call-id|cseq|contact|allow|supported|route|server|reason|expires|` +
  String.raw`user-agent|authorization|(?:max|record|content|proxy|www|x|p|session)-[\w-]{1,40}): |` +
  String.raw`[A-Z][A-Za-z-]{1,40}: |[a-z]=| |$)`
const startWith = (end: string): RegExp => new RegExp(
  String.raw`(?:(?:${METHODS}) (?:sips?|tel):[^\s\\"]{1,1024}? SIP/2\.0|SIP/2\.0 [1-6]\d\d(?: [^\\#"<\r\n]{0,100}?)?)` +
  `(?=${end})`
)
const FORMS = [LINE_END, DOTS, SPACE].map(end => ({ start: startWith(end), ends: new RegExp(end, 'g') }))
/** A start line, and the headers without which there is no message. */
const MIN_LINES = 4
const TAB = /\\{1,4}t|#011/g

/**
 * The lines of a SIP message that stands escaped in a line: what is in front of its start line stays there. Undefined
 * for a line without one.
 */
export function escapedMessageIn (line: string): string[] | undefined {
  if (!line.includes('SIP/2.0')) return undefined

  const found = FORMS.map(form => ({ ...form, match: form.start.exec(line) })).find(({ match }) => match)
  if (!found?.match) return undefined

  const { match, ends } = found
  const prefix = line.slice(0, match.index)
  const message = line.slice(match.index, endOf(line, match.index))
  const lines = message.split(ends).map(each => each.replace(TAB, '\t').replace(/\\{1,4}(["'/])/g, '$1'))
  // A quote or a name in front of the message is nothing that the log says about it.
  if (lines.length < MIN_LINES) return undefined
  return [`${prefix.replace(/[\w.-]{0,40}[=:]?\s?["'`]$/, '')} ${lines[0] ?? ''}`.trimStart(), ...lines.slice(1)]
}

/** The quote in front of the message ends it; one that is escaped belongs to it. */
function endOf (line: string, start: number): number {
  const quote = line[start - 1] ?? ''
  if (!/["'`]/.test(quote)) return line.length

  for (let at = line.indexOf(quote, start); at >= 0; at = line.indexOf(quote, at + 1)) {
    if (line[at - 1] !== '\\') return at
  }
  return line.length
}
