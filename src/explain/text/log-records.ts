import type { LogSeen, Place } from '../seen.ts'
import { isObject, objectOf, textOf, type Json } from './json.ts'
import { serviceOf } from './services.ts'
import { exceptionIn } from './tracebacks.ts'

/*
 * Lines of the servers' own logs: Jambonz writes JSON with pino, LiveKit JSON or text with zap, its agents JSON or
 * text.
 */

/** pino's levels (github.com/pinojs/pino docs/api.md). */
const LEVELS: ReadonlyMap<unknown, string> = new Map([
  [10, 'trace'],
  [20, 'debug'],
  [30, 'info'],
  [40, 'warn'],
  [50, 'error'],
  [60, 'fatal']
])

/**
 * A line of a log as JSON; undefined for a record without a message.
 * @param writer what a collector or process manager calls its writer
 */
export function logIn (record: Json, place: Place, at: number | undefined, writer?: string): LogSeen | undefined {
  const message = textOf(record['msg']) ?? textOf(record['message'])
  const errors = ERROR_FIELDS.map(name => errorIn(record[name])).filter(text => text !== undefined)
  if (message === undefined && !isObject(record['err'])) return undefined

  const text = [message, ...errors].filter(word => word !== undefined && word !== '').join(': ')
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: serviceOf(text, record, writer),
    level: LEVELS.get(record['level']) ?? textOf(record['level'])?.toLowerCase() ?? 'info',
    text,
    fields: record
  }
}

/** Where pino, zap and Python's logging put an error. */
const ERROR_FIELDS = ['err', 'error', 'exc_info'] as const

/** The words of an error, which may be an object or a traceback. */
function errorIn (value: unknown): string | undefined {
  if (isObject(value)) return namedError(value)
  return typeof value === 'string' ? exceptionIn(value) ?? value : undefined
}

/** pino's serializer puts the class of an error beside its message. */
function namedError ({ type, message }: Json): string | undefined {
  const words = textOf(message)
  const name = textOf(type)
  return words !== undefined && name !== undefined && NAMED.test(name) ? `${name}: ${words}` : words
}

/** Classes whose name says more than their message. */
const NAMED = /^(?:SyntaxError|TwirpError|ServerError|SipCallError)$/

const LIVEKIT_FIELDS = [
  'nodeID',
  'callID',
  'sipCallID',
  'sipTag',
  'sipTrunk',
  'fromIP',
  'fromUser',
  'toUser',
  'reason',
  'agentName',
  'jobID',
  'jobType',
  'workerID'
]

/**
 * A line of LiveKit of which somebody pasted only the message and the fields.
 * @param words the text in front of the fields
 */
export function bareLine (words: string, fields: Json, place: Place, at: number | undefined): LogSeen | undefined {
  const isKnown = /inbound|invite|call|trunk|dispatch|job|worker/i.test(words)
  if (!isKnown || !LIVEKIT_FIELDS.some(name => fields[name] !== undefined)) return undefined

  return liveKitLine(words.trim(), { fields, level: 'info', place, at })
}

/** What is known of a line besides its words. */
interface LineFacts {
  fields: Json
  level: string
  place: Place
  at: number | undefined
  logger?: string
  caller?: string
}

function liveKitLine (words: string, { fields, level, place, at, logger, caller }: LineFacts): LogSeen {
  const text = [words, textOf(fields['error'])].filter(Boolean).join(': ')
  const service = serviceOf(text, { ...fields, ...(logger && { logger }), ...(caller && { caller }) })
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: service === 'application' ? 'livekit-sip' : service,
    level,
    text,
    fields
  }
}

/** A line of zap's console encoder: time, level, logger, place in the code, message, fields. */
const ZAP = /(?:^|[^\w{-])(\d{4}-\d\d-\d\dT[^\s{]{1,40})\s{1,8}(DEBUG|INFO|WARN|ERROR|FATAL)\s+(.*)$/s
/** The logger's name and the place in the code, which stand in front of the message; either may be missing. */
const ZAP_ORIGIN = /^(?:([\w.-]{1,60})\s+)?([\w/.-]{1,200}\.go:\d{1,6})\s+|^((?:livekit|sip)[\w.-]{0,60})\s+/

/** Whether the fields of a line of LiveKit's servers stand on the lines below it. */
export function opensFields (line: string): boolean {
  const rest = ZAP.exec(line)?.[3]
  return rest !== undefined && endsOpen(rest)
}

/** A line of LiveKit's servers as text; undefined for a line that is none, or goes on below. */
export function zapLine (line: string, place: Place, at: number | undefined): LogSeen | undefined {
  const match = ZAP.exec(line)
  if (!match || line.slice(0, match.index).includes('{')) return undefined

  const [, , level = '', rest = ''] = match
  if (endsOpen(rest)) return undefined
  const brace = rest.indexOf('{')
  const fields = brace >= 0 ? objectOf(rest.slice(brace)) : undefined
  const origin = ZAP_ORIGIN.exec(rest)
  if (!fields && !origin && !/sip|livekit|invite|call|trunk|dispatch/i.test(rest)) return undefined

  const [whole = '', name, caller, onlyName] = origin ?? []
  const words = rest.slice(whole.length, brace >= 0 ? brace : undefined)
  const message = words.split(/\t|\s{2,}/).map(column => column.trim()).filter(column => column !== '').join(' ')
  return liveKitLine(message, {
    fields: fields ?? {},
    level: level.toLowerCase(),
    place,
    at,
    ...((name ?? onlyName) && { logger: (name ?? onlyName)! }),
    ...(caller && { caller })
  })
}

/** The fields of a line stand on the lines below it. */
const endsOpen = (rest: string): boolean => rest.trimEnd().endsWith('{') && rest.indexOf('{') === rest.lastIndexOf('{')
