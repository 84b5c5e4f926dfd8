import { cleanText } from '../clean-text.ts'

/** Characters of a text that a finding quotes. */
const LONGEST_QUOTE = 160
/** Characters in which credentials and numbers are looked for. */
const LONGEST_READ = 2000

/** A name that a secret has in settings, forms, JSON and headers. */
const SECRET =
  String.raw`(?:passw(?:or)?d|passphrase|pwd|secret|token|api[-_ ]?key|credentials?|signature)\w{0,20}["']?`
/** Such a name and its value, behind `=` or `:`, or in quotes. */
const SECRETS = new RegExp(
  String.raw`(${SECRET}(?:\s{0,3}(?:=>?|:)\s{0,3}|\s{1,3}(?:is\s{1,3})?(?=["'])))` +
  String.raw`(?:(")[^"]{1,300}|(')[^']{1,300}|[^\s"',;&)}\]]{1,300})`,
  'gi'
)

/** Quotes a log line or header, which may hold credentials and phone numbers: these are masked. */
export function quote (whole: string): string {
  const clean = cleanText(beginning(whole))
    .replace(/\b((?:proxy-)?authorization["']?\s*[:=]|Digest\s|Bearer\s|Basic\s).*/i, '$1 …')
    .replace(/(\/\/|sips?:)[^/@\s:]+:[^/@\s]+@/g, '$1…@')
    .replace(/(\bhttps?:\/\/[^\s?"'<>]{1,300}\?)[^\s"'<>]+/gi, '$1…')
    .replace(SECRETS, (_, name: string, double = '', single = '') => `${name}${double}${single}…`)
    .replace(/eyJ[\w-]{8,}\.[\w.-]+/g, '…')
    .replace(/\+?\d{7,}/g, '…')
  return clean.length > LONGEST_QUOTE ? `${clean.slice(0, LONGEST_QUOTE - 1)}…` : clean
}

/** Ends with a whole word: half a token or URI might not be recognised as a secret. */
function beginning (text: string): string {
  if (text.length <= LONGEST_READ) return text

  const head = text.slice(0, LONGEST_READ)
  return head.slice(0, Math.max(head.lastIndexOf(' '), 0))
}
