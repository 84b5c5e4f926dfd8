import { fits, fitsAny } from '../knowledge/log-rules.ts'
import type { LogSeen, Service } from '../seen.ts'
import type { LineReader } from './line-reader.ts'
import { objectOf, type Json } from './json.ts'
import { opensFields, zapLine } from './log-records.ts'
import { serviceOf } from './services.ts'
import { timeIn } from './times.ts'
import { ErrorStack, Traceback } from './tracebacks.ts'

/*
 * Logs that are neither JSON nor zap's: Python's logging with its tracebacks, Asterisk, FreeSWITCH, and single lines
 * that people paste. A line of no known form counts only where its words are known.
 */

/** A line in one of the forms. */
interface Formed {
  level: string
  logger: string
  message: string
}

const LEVEL = '(DEBUG|DEV|INFO|WARN|WARNING|ERROR|CRITICAL|FATAL)'
const TIME = String.raw`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[,.]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?`

const CLOCK = String.raw`\d\d:\d\d:\d\d(?:[.,]\d{1,6})?`

/** Formats of Python's logging: those of livekit-agents (cli/log.py), and the ones in its documentation. */
const PYTHON: ReadonlyArray<[RegExp, (groups: string[]) => Formed]> = [
  [
    new RegExp(String.raw`^(?:${TIME}|${CLOCK})\s+(?:- )?${LEVEL}\s+([\w.-]{1,80})\s(?:\s{0,8}- )?\s*(.*)$`),
    ([level = '', logger = '', message = '']) => ({ level, logger, message })
  ],
  [
    new RegExp(String.raw`^${TIME}\s+- ([\w.-]{1,80}) - ${LEVEL}(?:\s+-|:) (.*)$`),
    ([logger = '', level = '', message = '']) => ({ level, logger, message })
  ],
  [
    new RegExp(String.raw`^${TIME}\s+\[${LEVEL}\]\s+([\w.-]{1,80}): (.*)$`),
    ([level = '', logger = '', message = '']) => ({ level, logger, message })
  ],
  [
    new RegExp(String.raw`^${LEVEL}:([\w.-]{1,80}):(.*)$`),
    ([level = '', logger = '', message = '']) => ({ level, logger, message })
  ]
]

/** Asterisk's log and console, FreeSWITCH's log. */
const PBX: ReadonlyArray<[RegExp, (groups: string[]) => Formed]> = [
  [
    /^\[[^\]\n]{6,40}\] (ERROR|WARNING|NOTICE|SECURITY)\[\d{1,10}\](?:\[C-\w{1,16}\])?:? ([\w./-]{1,80}\.c)(?::\d{1,6}(?: (?:in )?\w{1,80})?)?: (.*)$/,
    ([level = '', logger = '', message = '']) => ({ level, logger, message })
  ],
  [
    /^(?:[\da-f-]{36} )?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}(?: \d{1,3}\.\d{1,3}%)? \[(ERR|CRIT|ALERT|WARNING|NOTICE)\] ([\w.]{1,60}\.c(?:pp)?):\d{1,6} (.*)$/,
    ([level = '', logger = '', message = '']) => ({ level, logger, message })
  ]
]

/** What stands in front of the words of a line that somebody wrote with console.log or print. */
const FRONT = new RegExp(
  String.raw`^\s*(?:\[?(?:${TIME}|${CLOCK})\]?)?[\s|:-]*` +
  String.raw`(?:\[?(?:TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL)\]?[\s:-]+|` +
  String.raw`\[?(?:trace|debug|info|warn|warning|error)(?:\]:?|:) {1,4})?`
)
/** Errors of LiveKit's API, as SDKs print them. */
const API_ERROR = /\b(?:TwirpError|SipCallError)\b|\btwirp error [a-z_]{2,30}: |\bServerError\(code=/
/** A piece of JSON or CSV: it is read as a whole, or not at all. */
const PIECE = /^\s*["'{}[\]]|["'],\s*$|":\s|","/
/** Characters of a line in which words are looked for. */
const LONGEST = 4000

/** Reads logs as plain text. */
export function createPlainLog (file: string): LineReader {
  /** A line of Python that a traceback may follow. */
  let pending: LogSeen | undefined
  let traceback: Traceback | undefined
  let stack: ErrorStack | undefined

  function finish (): LogSeen[] {
    const raised = stack ?? traceback
    const line = raised ? withTraceback(pending, raised, file) : pending
    pending = undefined
    traceback = undefined
    stack = undefined
    return line ? [line] : []
  }

  return {
    push (line, number, origin) {
      if (traceback?.takes(line) || stack?.takes(line)) return { seen: [], taken: true }
      if (Traceback.begins(line)) {
        const seen = traceback ? finish() : []
        traceback = new Traceback(line, number)
        return { seen, taken: true }
      }

      if (pending && addField(pending, line)) return { seen: [], taken: true }

      const seen = finish()
      const read = readLine(line, { file, at: number }, timeIn(line) ?? origin?.at, origin?.service)
      if (!read) {
        stack = ErrorStack.begin(line, number)
        return { seen, taken: stack !== undefined }
      }
      pending = read
      return { seen, taken: true }
    },
    end: finish
  }
}

function readLine (
  line: string,
  place: LogSeen['place'],
  at: number | undefined,
  writer?: string
): LogSeen | undefined {
  const text = line.slice(0, LONGEST)
  const zap = zapLine(opensFields(text) ? text.slice(0, text.lastIndexOf('{')) : text, place, at)
  if (zap) return zap

  const base = { kind: 'log' as const, place, ...(at !== undefined && { at }) }
  const python = formed(PYTHON, text)
  if (python) {
    const { message, fields } = withExtra(python.message)
    const named = { ...fields, name: python.logger }
    const from = API_ERROR.test(message) || fits('agent', message) ? 'agent' : serviceOf(message, named, writer)
    return { ...base, from, level: python.level.toLowerCase(), text: message, fields: named }
  }

  const pbx = formed(PBX, text)
  if (pbx) return { ...base, from: 'asterisk', level: pbx.level.toLowerCase(), text: pbx.message, fields: {} }

  const words = text.replace(FRONT, '')
  if (PIECE.test(words)) return undefined

  const from = serviceByWords(words)
  return from && { ...base, from, level: 'info', text: words, fields: {} }
}

const serviceByWords = (words: string): Service | undefined => API_ERROR.test(words) ? 'agent' : fitsAny(words)

function formed (forms: typeof PYTHON, text: string): Formed | undefined {
  for (const [pattern, read] of forms) {
    const match = pattern.exec(text)
    if (match) return read(match.slice(1))
  }
  return undefined
}

/** livekit-agents writes the extra fields of a line as JSON behind its message. */
function withExtra (message: string): { message: string, fields: Json } {
  const brace = message.indexOf('{"')
  const fields = brace < 0 ? undefined : objectOf(message.slice(brace))
  return fields ? { message: message.slice(0, brace).trim(), fields } : { message: message.trim(), fields: {} }
}

/** A field of a line of LiveKit's servers, on a line of its own: `  reason: flood`. */
const FIELD = /^\s{1,20}"?([A-Za-z][\w.]{0,40})"?\s?[:=]\s?"?([^"\n]{0,200}?)"?,?\s*$/
/** Fields that a line may have below it. */
const MOST_FIELDS = 60

/** Adds a field to the line that it stands below; false for a line that is none. */
function addField ({ from, fields }: LogSeen, line: string): boolean {
  if (from !== 'livekit-sip' && from !== 'livekit-server') return false
  const [, name, value] = FIELD.exec(line) ?? []
  if (name === undefined || Object.keys(fields).length >= MOST_FIELDS) return false

  fields[name] = value
  return true
}

/** The line with the exception of its traceback; a traceback may also stand alone. */
function withTraceback (
  line: LogSeen | undefined,
  { exception, text, number }: Pick<Traceback, 'exception' | 'text' | 'number'>,
  file: string
): LogSeen | undefined {
  if (line) {
    const { message, fields } = withExtra(exception ?? '')
    const words = exception === undefined ? line.text : `${line.text}: ${message}`
    const from = fits('agent', words) ? 'agent' : line.from
    return { ...line, from, text: words, fields: { ...fields, ...line.fields, traceback: text } }
  }
  if (exception === undefined || !/livekit|entrypoint/i.test(text)) return undefined

  const place = { file, at: number }
  const { message, fields } = withExtra(exception)
  return { kind: 'log', place, from: 'agent', level: 'error', text: message, fields: { ...fields, traceback: text } }
}
