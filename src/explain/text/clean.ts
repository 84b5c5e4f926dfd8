/*
 * What terminals, editors and web pages leave in a line that was copied out of them.
 */

/** Colours and other sequences of terminals (ECMA-48: CSI, and OSC as in titles and links). */
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-9;:?]{0,40}[A-Za-z]|\][^\x07\x1b]{0,300}(?:\x07|\x1b\\))/g
/** Colours of which a viewer has dropped the escape character, as CloudWatch does. */
const BARE_COLOURS = /(?<![\w\]])\[(?:[0-9]{1,2}(?:;[0-9]{1,3}){0,4})?m/g

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&lt;', '<'],
  ['&gt;', '>'],
  ['&quot;', '"'],
  ['&#34;', '"'],
  ['&#39;', "'"],
  ['&#x27;', "'"],
  ['&apos;', "'"],
  ['&nbsp;', ' '],
  ['&#160;', ' '],
  ['&#13;', ''],
  ['&amp;', '&']
])
const ENTITY = /&(?:lt|gt|quot|apos|nbsp|amp|#34|#39|#x27|#160|#13);/g

/** A line without colours, entities and tags of HTML, and the names of its own line end. */
export function clean (line: string): string {
  let text = line
  if (text.includes('\x1b')) text = text.replace(ESCAPES, '')
  if (text.includes('[3') || text.includes('[0m')) text = text.replace(BARE_COLOURS, '')
  // Of forms, an ampersand stands between fields: only what no field can be called is an entity.
  if (text.includes('&')) text = text.replace(ENTITY, entity => ENTITIES.get(entity) ?? entity)
  // Word processors and chats turn quotes, and put code between backticks.
  if (/[\u201c\u201d]/.test(text)) text = text.replace(/[\u201c\u201d]/g, '"')
  if (text.startsWith('`') && text.endsWith('`')) text = text.replace(/^`{1,3}|`{1,3}$/g, '')
  // A log that was cut while its program wrote it begins with zeros.
  if (text.startsWith('\0')) text = text.replace(/^\0+/, '')
  // vi, cat -v and less show a carriage return as ^M, rsyslog as #015.
  if (/(?:\^M|#015|<br ?\/?>|<CR>|\r)\s*$/.test(text.slice(-20))) {
    text = text.replace(/(?:\^M|#015|<br ?\/?>|<CR>|\r)[ \t]*$/, '')
  }
  return text.replace(/^[\u200b\u2060\ufeff]+/, '')
}
