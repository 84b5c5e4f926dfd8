import type { LogSeen, Place } from '../seen.ts'
import { objectOf, textOf, type Json } from './json.ts'

/*
 * Lines of the servers' own logs: feature-server writes JSON with pino, livekit-sip writes JSON or text with zap.
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

/** A line of feature-server, or of livekit-sip as JSON; undefined for a record without a message. */
export function logIn (record: Json, place: Place, at: number | undefined): LogSeen | undefined {
  const message = textOf(record['msg']) ?? textOf(record['message'])
  const error = objectOf(record['err'])
  if (message === undefined && error === undefined) return undefined

  const words = [message, textOf(error?.['message']), textOf(record['error'])]
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: isLiveKit(record) ? 'livekit-sip' : 'feature-server',
    level: LEVELS.get(record['level']) ?? textOf(record['level'])?.toLowerCase() ?? 'info',
    text: words.filter(word => word).join(': '),
    fields: record
  }
}

const isLiveKit = (record: Json): boolean =>
  [record['nodeID'], record['sipCallID'], record['sipTag']].some(value => value !== undefined) ||
  /^(livekit|sip)\b/.test(textOf(record['logger']) ?? '') || /^SCL_/.test(textOf(record['callID']) ?? '') ||
  /^sip\/|psrpc/.test(textOf(record['caller']) ?? '')

const LIVEKIT_FIELDS = ['nodeID', 'callID', 'sipCallID', 'sipTag', 'sipTrunk', 'fromIP', 'fromUser', 'toUser', 'reason']

/**
 * A line of livekit-sip of which somebody pasted only the message and the fields.
 * @param words the text in front of the fields
 */
export function bareLine (words: string, fields: Json, place: Place, at: number | undefined): LogSeen | undefined {
  const isCall = /inbound|invite|call|trunk|dispatch/i.test(words)
  if (!isCall || !LIVEKIT_FIELDS.some(name => fields[name] !== undefined)) return undefined

  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: 'livekit-sip',
    level: 'info',
    text: [words.trim(), textOf(fields['error'])].filter(Boolean).join(': '),
    fields
  }
}

/** A line of zap's console encoder: time, level, logger, place in the code, message, fields. */
const ZAP = /(?:^|[^\w{-])(\d{4}-\d\d-\d\dT[^\s{]{1,40})\s{1,8}(DEBUG|INFO|WARN|ERROR|FATAL)\s+(.*)$/s
/** The logger's name and the place in the code, which stand in front of the message. */
const ZAP_ORIGIN = /^(?:(?:livekit\.)?sip\s+)?(?:[\w/.-]+\.go:\d+\s+)?/

/** A line of livekit-sip as text; undefined for a line that is none. */
export function zapLine (line: string, place: Place, at: number | undefined): LogSeen | undefined {
  const match = ZAP.exec(line)
  if (!match || line.slice(0, match.index).includes('{')) return undefined

  const [, , level = '', rest = ''] = match
  const brace = rest.indexOf('{')
  const fields = brace >= 0 ? objectOf(rest.slice(brace)) : undefined
  if (!fields && !/sip|livekit|invite|call|trunk|dispatch/i.test(rest)) return undefined

  const columns = (brace >= 0 ? rest.slice(0, brace) : rest).split(/\t|\s{2,}/).map(column => column.trim())
  const message = columns.filter(column => column !== '').join(' ').replace(ZAP_ORIGIN, '')
  const error = textOf(fields?.['error'])
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: 'livekit-sip',
    level: level.toLowerCase(),
    text: error ? `${message}: ${error}` : message,
    fields: fields ?? {}
  }
}
