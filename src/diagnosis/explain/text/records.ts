import { WebhookEvent } from 'livekit-server-sdk'
import { fromWebhook } from '../../../livekit/events.ts'
import type { HookBody, HookKind, HookSeen, LogSeen, Place, RoomSeen } from '../seen.ts'
import { timeOf } from './times.ts'

type Json = Record<string, unknown>

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

/** A body that was logged as an object or as the text of one. */
function objectOf (value: unknown): Json | undefined {
  if (isObject(value)) return value
  if (typeof value !== 'string' || !value.trimStart().startsWith('{')) return undefined
  try {
    const parsed: unknown = JSON.parse(value)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

const text = (value: unknown): string | undefined => typeof value === 'string' ? value : undefined

/** What a JSON record of a log or of a collector of webhooks means; undefined for what is none of ours. */
export function recordOf (record: Json, place: Place, lineTime?: number): HookSeen | RoomSeen | LogSeen | undefined {
  // Loggers and collectors put a request's body into a field of their own.
  const candidates = [record, ...['body', 'payload', 'data', 'params', 'json', 'event', 'request'].map(name => objectOf(record[name]))]
  const body = candidates.find((candidate): candidate is Json => candidate !== undefined && (isHook(candidate) || isRoomEvent(candidate)))
  const at = timeOf(record) ?? lineTime
  if (body && isRoomEvent(body)) return roomOf(body, place, at)
  if (body) return hookOf(body, record, place, at)
  return logOf(record, place, at)
}

const isHook = (body: Json): boolean => typeof body['call_sid'] === 'string' && body['call_sid'] !== '' &&
  (typeof body['direction'] === 'string' || typeof body['call_status'] === 'string') && body['msg'] === undefined

const ROOM_EVENT = /^(room|participant|track)_[a-z_]+$/

const isRoomEvent = (body: Json): boolean => typeof body['event'] === 'string' && ROOM_EVENT.test(body['event']) && isObject(body['room'])

function roomOf (body: Json, place: Place, at: number | undefined): RoomSeen | undefined {
  try {
    const webhook = WebhookEvent.fromJson(body as Parameters<typeof WebhookEvent.fromJson>[0], { ignoreUnknownFields: true })
    const event = fromWebhook(webhook as WebhookEvent)
    if (!event) return undefined
    const callId = webhook.participant?.attributes['sip.callIDFull']
    const time = at ?? event.madeAt
    return { kind: 'room', place, ...(time !== undefined && { at: time }), event, ...(callId !== undefined && { callId }) }
  } catch {
    return undefined
  }
}

/** Which hook it is: its path where that was logged, else what only such a body has. */
function hookOf (body: Json, record: Json, place: Place, at: number | undefined): HookSeen {
  const request = isObject(record['req']) ? record['req'] : isObject(record['request']) ? record['request'] : record
  const path = text(request['url'] ?? request['path'] ?? request['hook'])?.replace(/[?#].*$/s, '').replace(/\/$/, '')
  const replied = [record['replied'], record['reply'], record['response'], record['res']].find(isObject)
  const status = replied && (replied['status'] ?? replied['statusCode'])
  const repliedAt = replied && timeOf(replied)
  return {
    kind: 'hook',
    place,
    ...(at !== undefined && { at }),
    hook: BY_PATH.find(([pattern]) => path !== undefined && pattern.test(path))?.[1] ?? byShape(body),
    body: body as HookBody,
    ...(replied && { reply: { ...(typeof status === 'number' && { status }), verbs: replied['body'], ...(repliedAt !== undefined && { at: repliedAt }) } })
  }
}

const BY_PATH: ReadonlyArray<[RegExp, HookKind]> = [
  [/refer-(complete|result)$|refer_?complete$/i, 'refer-complete'],
  [/refer$/i, 'refer'],
  [/(call-)?status$/i, 'status'],
  [/action$/i, 'action'],
  [/livekit-api$/i, 'call-hook']
]

function byShape (body: Json): HookKind {
  if (body['refer_details'] !== undefined) return 'refer'
  if (body['refer_status'] !== undefined) return 'refer-complete'
  if (body['dial_call_status'] !== undefined || body['dial_call_sid'] !== undefined || body['verb_id'] !== undefined) return 'action'
  if (body['sip'] !== undefined || body['defaults'] !== undefined || body['env_vars'] !== undefined) return 'call-hook'
  return 'status'
}

/** pino's levels (github.com/pinojs/pino docs/api.md). */
const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/** A line of feature-server (pino) or livekit-sip (zap as JSON). */
function logOf (record: Json, place: Place, at: number | undefined): LogSeen | undefined {
  const message = text(record['msg']) ?? text(record['message'])
  const error = objectOf(record['err'])
  if (message === undefined && error === undefined) return undefined
  const level = typeof record['level'] === 'number' ? LEVELS[record['level']] ?? 'info' : text(record['level'])?.toLowerCase() ?? 'info'
  const words = [message, text(error?.['message']), typeof record['error'] === 'string' ? record['error'] : undefined]
  return { kind: 'log', place, ...(at !== undefined && { at }), from: isLiveKit(record) ? 'livekit-sip' : 'feature-server', level, text: words.filter(word => word).join(': '), fields: record }
}

const isLiveKit = (record: Json): boolean =>
  [record['nodeID'], record['sipCallID'], record['sipTag']].some(value => value !== undefined) ||
  /^(livekit|sip)\b/.test(text(record['logger']) ?? '') || /^SCL_/.test(text(record['callID']) ?? '') || /^sip\/|psrpc/.test(text(record['caller']) ?? '')

/** A line as zap prints it for people: time, level, logger, place in the code, text, fields. */
const ZAP = /^(\S+T\S+?)\s+(DEBUG|INFO|WARN|ERROR|FATAL)\s+(.*)$/s

export function zapLine (line: string, place: Place, at: number | undefined): LogSeen | undefined {
  const match = ZAP.exec(line)
  if (!match) return undefined
  const [, , level = '', rest = ''] = match
  const brace = rest.indexOf('{')
  const fields = brace >= 0 ? objectOf(rest.slice(brace)) : undefined
  const words = (fields ? rest.slice(0, brace) : rest).split(/\t|\s{2,}/).map(word => word.trim()).filter(word => word !== '')
  const spoken = words.join(' ').replace(/^(?:(?:livekit\.)?sip\s+)?(?:[\w/.-]+\.go:\d+\s+)?/, '')
  const error = text(fields?.['error'])
  if (!fields && !/sip|livekit|invite|call|trunk|dispatch/i.test(rest)) return undefined
  return { kind: 'log', place, ...(at !== undefined && { at }), from: 'livekit-sip', level: level.toLowerCase(), text: error ? `${spoken}: ${error}` : spoken, fields: fields ?? {} }
}
