import { WebhookEvent } from 'livekit-server-sdk'
import { fromWebhook } from '../../livekit/events.ts'
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
  const around = bodyIn(record)
  const body = around?.[0]
  const at = around?.map(timeOf).find(time => time !== undefined) ?? lineTime
  if (around && body && isRoomEvent(body)) return roomOf(body, place, at)
  if (around && body) return hookOf(body, around, place, at)
  return logOf(record, place, timeOf(record) ?? lineTime)
}

/** How deep collectors and loggers put a request's body: `{ req: { body } }`, `{ meta: { req: { body: "…" } } }`. */
const MAX_DEPTH = 4

/** The body of a hook or of LiveKit's webhook, and what it stands in, from the inside out. */
function bodyIn (record: Json, depth = 0): [Json, ...Json[]] | undefined {
  if (isHook(record) || isRoomEvent(record)) return [record]
  if (depth === MAX_DEPTH) return undefined
  for (const [name, value] of Object.entries(record)) {
    // What was answered is no request.
    if (REPLIES.includes(name)) continue
    const found = objectOf(value)
    const body = found && bodyIn(found, depth + 1)
    if (body) return [...body, record]
  }
  return undefined
}

const REPLIES = ['replied', 'reply', 'response', 'res']

/** Also a part of one, as people paste it. */
const isHook = (body: Json): boolean =>
  typeof body['call_sid'] === 'string' && body['call_sid'] !== '' &&
  (isObject(body['sip']) || HOOK_FIELDS.some(name => typeof body[name] === 'string')) && body['msg'] === undefined

const HOOK_FIELDS = [
  'direction',
  'call_status',
  'call_id',
  'sbc_callid',
  'application_sid',
  'dial_call_status',
  'refer_status'
]

const ROOM_EVENT = /^(room|participant|track)_[a-z_]+$/

const isRoomEvent = (body: Json): boolean =>
  typeof body['event'] === 'string' && ROOM_EVENT.test(body['event']) && isObject(body['room'])

function roomOf (body: Json, place: Place, at: number | undefined): RoomSeen | undefined {
  try {
    const webhook = WebhookEvent.fromJson(body as Parameters<typeof WebhookEvent.fromJson>[0], {
      ignoreUnknownFields: true
    })
    const event = fromWebhook(webhook as WebhookEvent)
    // A part of an event tells nothing: of a participant it must say whom.
    if (!event || (/^(participant|track)_/.test(event.what) && !event.participant)) return undefined
    const callId = webhook.participant?.attributes['sip.callIDFull']
    const time = at ?? event.madeAt
    return {
      kind: 'room',
      place,
      ...(time !== undefined && { at: time }),
      event,
      ...(callId !== undefined && { callId })
    }
  } catch {
    return undefined
  }
}

/** Which hook it is: its path where that was logged, else what only such a body has. */
function hookOf (body: Json, around: readonly Json[], place: Place, at: number | undefined): HookSeen {
  const path = around.flatMap(({ url, path, hook }) => [url, path, hook]).map(text).find(value => value !== undefined)
    ?.replace(/[?#].*$/s, '').replace(/\/$/, '')
  const reply = around.map(replyIn).find(found => found !== undefined)
  // A line that has both was written after the reply.
  const took = reply && reply.at === undefined
    ? around.map(({ responseTime }) => responseTime).find(value => typeof value === 'number')
    : undefined
  const began = at !== undefined && took !== undefined ? at - took : at
  return {
    kind: 'hook',
    place,
    ...(began !== undefined && { at: began }),
    hook: BY_PATH.find(([pattern]) => path !== undefined && pattern.test(path))?.[1] ?? byShape(body),
    body: plain(body),
    ...(reply && { reply: { ...reply, ...(took !== undefined && at !== undefined && { at }) } })
  }
}

/** What a record says that a request was answered with. */
export function replyIn (record: Json): HookSeen['reply'] {
  const replied = REPLIES.map(name => record[name]).find(isObject)
  if (!replied) return undefined
  const status = Number(replied['status'] ?? replied['statusCode'] ?? NaN)
  const at = timeOf(replied)
  return {
    ...(Number.isInteger(status) && { status }),
    verbs: verbsOf(replied['body']),
    ...(at !== undefined && { at })
  }
}

function verbsOf (body: unknown): unknown {
  if (typeof body !== 'string') return body
  try {
    return JSON.parse(body) as unknown
  } catch {
    return undefined
  }
}

/** pino's name of a request, which the line with its reply has too. */
export function requestIdOf (record: Json): string | undefined {
  const id = record['reqId'] ?? (isObject(record['req']) ? record['req']['id'] : undefined)
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}

/** Nothing but what the code that reads hooks counts on: a field of another kind is as good as none. */
function plain (body: Json): HookBody {
  const fits = (name: string, value: unknown): boolean =>
    OBJECTS.includes(name)
      ? isObject(value)
      : NUMBERS.includes(name)
        ? Number.isInteger(value)
        : typeof value === 'string'
  return Object.fromEntries(
    Object.entries(body)
      .map(([name, value]) =>
        [name, NUMBERS.includes(name) && typeof value === 'string' && value !== '' ? Number(value) : value] as const
      )
      .filter(([name, value]) => fits(name, value))
  ) as HookBody
}

const OBJECTS = ['sip', 'refer_details', 'defaults', 'env_vars']
const NUMBERS = ['sip_status', 'dial_sip_status', 'refer_status', 'final_referred_call_status', 'duration']

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
  if (body['dial_call_status'] !== undefined || body['dial_call_sid'] !== undefined || body['verb_id'] !== undefined) {
    return 'action'
  }
  if (
    body['sip'] !== undefined || body['defaults'] !== undefined || body['env_vars'] !== undefined ||
    body['call_status'] === undefined
  ) return 'call-hook'
  return 'status'
}

/** pino's levels (github.com/pinojs/pino docs/api.md). */
const LEVELS: Record<number, string> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' }

/** A line of feature-server (pino) or livekit-sip (zap as JSON). */
function logOf (record: Json, place: Place, at: number | undefined): LogSeen | undefined {
  const message = text(record['msg']) ?? text(record['message'])
  const error = objectOf(record['err'])
  if (message === undefined && error === undefined) return undefined
  const level = typeof record['level'] === 'number'
    ? LEVELS[record['level']] ?? 'info'
    : text(record['level'])?.toLowerCase() ?? 'info'
  const words = [message, text(error?.['message']), typeof record['error'] === 'string' ? record['error'] : undefined]
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: isLiveKit(record) ? 'livekit-sip' : 'feature-server',
    level,
    text: words.filter(word => word).join(': '),
    fields: record
  }
}

const isLiveKit = (record: Json): boolean =>
  [record['nodeID'], record['sipCallID'], record['sipTag']].some(value => value !== undefined) ||
  /^(livekit|sip)\b/.test(text(record['logger']) ?? '') || /^SCL_/.test(text(record['callID']) ?? '') ||
  /^sip\/|psrpc/.test(text(record['caller']) ?? '')

/** A line as zap prints it for people: time, level, logger, place in the code, text, fields. A time is 40 long at most. */
const ZAP = /(?:^|[^\w{-])(\d{4}-\d\d-\d\dT[^\s{]{1,40})\s{1,8}(DEBUG|INFO|WARN|ERROR|FATAL)\s+(.*)$/s

/** A line of livekit-sip of which somebody pasted only the text and the fields. */
export function bareLine (words: string, fields: Json, place: Place, at: number | undefined): LogSeen | undefined {
  if (!/inbound|invite|call|trunk|dispatch/i.test(words) || !LIVEKIT_FIELDS.some(name => fields[name] !== undefined)) {
    return undefined
  }
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: 'livekit-sip',
    level: 'info',
    text: [words.trim(), text(fields['error'])].filter(Boolean).join(': '),
    fields
  }
}

const LIVEKIT_FIELDS = ['nodeID', 'callID', 'sipCallID', 'sipTag', 'sipTrunk', 'fromIP', 'fromUser', 'toUser', 'reason']

export function zapLine (line: string, place: Place, at: number | undefined): LogSeen | undefined {
  const match = ZAP.exec(line)
  if (!match || line.slice(0, match.index).includes('{')) return undefined
  const [, , level = '', rest = ''] = match
  const brace = rest.indexOf('{')
  const fields = brace >= 0 ? objectOf(rest.slice(brace)) : undefined
  const words = (brace >= 0 ? rest.slice(0, brace) : rest).split(/\t|\s{2,}/).map(word => word.trim()).filter(word =>
    word !== ''
  )
  const spoken = words.join(' ').replace(/^(?:(?:livekit\.)?sip\s+)?(?:[\w/.-]+\.go:\d+\s+)?/, '')
  const error = text(fields?.['error'])
  if (!fields && !/sip|livekit|invite|call|trunk|dispatch/i.test(rest)) return undefined
  return {
    kind: 'log',
    place,
    ...(at !== undefined && { at }),
    from: 'livekit-sip',
    level: level.toLowerCase(),
    text: error ? `${spoken}: ${error}` : spoken,
    fields: fields ?? {}
  }
}
