import { HookBodyError } from '../../errors.ts'
import { readAction, readCallHook, readRefer, readReferComplete, readStatus } from '../../jambonz/payloads.ts'
import type { HookKind, HookReply, HookSeen, Place, ReadHook } from '../seen.ts'
import { isObject, parsedJson, textOf, type Json } from './json.ts'
import { timeOf } from './times.ts'

/** Names that loggers give to what a request was answered with. */
export const REPLIES: readonly string[] = ['replied', 'reply', 'response', 'res']

/** Whether an object is the body of a hook, or a part of one that somebody pasted. */
export const isHook = (body: Json): boolean =>
  typeof body['call_sid'] === 'string' && body['call_sid'] !== '' && (body['msg'] === undefined || isLogged(body)) &&
  (isObject(body['sip']) || HOOK_FIELDS.some(name => typeof body[name] === 'string'))

/** Whether a line of a log has all of a hook beside its message: loggers spread an object that they are given. */
const isLogged = (body: Json): boolean =>
  (typeof body['call_status'] === 'string' || typeof body['dial_call_status'] === 'string') &&
  LOGGED_FIELDS.filter(name => body[name] !== undefined).length >= 4

const LOGGED_FIELDS = ['direction', 'from', 'to', 'call_id', 'account_sid', 'application_sid', 'sip_status']

const HOOK_FIELDS = [
  'direction',
  'call_status',
  'call_id',
  'sbc_callid',
  'application_sid',
  'dial_call_status',
  'refer_status'
]

/**
 * The hook in a record; undefined when its body means nothing to the service either.
 * @param nested the body and the objects around it, from the inside out
 */
export function hookIn (
  body: Json,
  nested: readonly Json[],
  place: Place,
  at: number | undefined
): HookSeen | undefined {
  const hook = readHook(body, kindByPath(pathIn(nested)))
  if (!hook) return undefined

  const reply = nested.map(replyIn).find(found => found !== undefined)
  // A line that has both was written after the reply, and says how long that took.
  const tookMs = reply && reply.at === undefined ? responseTimeIn(nested) : undefined
  if (at === undefined || tookMs === undefined) {
    return { kind: 'hook', place, ...(at !== undefined && { at }), ...hook, ...(reply && { reply }) }
  }
  return { kind: 'hook', place, at: at - tookMs, ...hook, reply: { ...reply, at } }
}

/** Reads a body as the service does. A path that does not fit the body is not believed. */
function readHook (body: Json, byPath: HookKind | undefined): ReadHook | undefined {
  const byShape = kindByShape(body)
  return tryRead(byPath ?? byShape, body) ?? tryRead(byShape, body)
}

function tryRead (hook: HookKind, body: Json): ReadHook | undefined {
  try {
    return readAs(hook, body)
  } catch (error) {
    if (error instanceof HookBodyError) return undefined
    throw error
  }
}

function readAs (hook: HookKind, body: Json): ReadHook {
  switch (hook) {
    case 'call-hook':
      return { hook, body: readCallHook(body) }
    case 'status':
      return { hook, body: readStatus(body) }
    case 'action':
      return { hook, body: readAction(body) }
    case 'refer':
      return { hook, body: readRefer(body) }
    case 'refer-complete':
      return { hook, body: readReferComplete(body) }
  }
}

function pathIn (nested: readonly Json[]): string | undefined {
  const path = nested.flatMap(({ url, path, hook }) => [url, path, hook]).map(textOf).find(text => text !== undefined)
  return path?.replace(/[?#].*$/s, '').replace(/\/$/, '')
}

const BY_PATH: ReadonlyArray<[RegExp, HookKind]> = [
  [/refer-(complete|result)$|refer_?complete$/i, 'refer-complete'],
  [/refer$/i, 'refer'],
  [/(call-)?status$/i, 'status'],
  [/action$/i, 'action'],
  [/livekit-api$/i, 'call-hook']
]

const kindByPath = (path: string | undefined): HookKind | undefined =>
  path === undefined ? undefined : BY_PATH.find(([pattern]) => pattern.test(path))?.[1]

/** Which hook a body is, by the fields that only such a body has. */
function kindByShape (body: Json): HookKind {
  const has = (...names: string[]): boolean => names.some(name => body[name] !== undefined)
  if (has('refer_details')) return 'refer'
  if (has('refer_status')) return 'refer-complete'
  if (has('dial_call_status', 'dial_call_sid', 'verb_id')) return 'action'
  if (has('parent_call_sid')) return 'status'
  if (has('sip', 'defaults', 'env_vars') || !has('call_status')) return 'call-hook'
  return 'status'
}

/** What a record says that a request was answered with. */
export function replyIn (record: Json): HookReply | undefined {
  const replied = REPLIES.map(name => record[name]).find(isObject)
  if (!replied) return undefined

  const status = Number(replied['status'] ?? replied['statusCode'] ?? NaN)
  const body = replied['body']
  const at = timeOf(replied)
  return {
    ...(Number.isInteger(status) && { status }),
    verbs: typeof body === 'string' ? parsedJson(body) : body,
    ...(at !== undefined && { at })
  }
}

const responseTimeIn = (nested: readonly Json[]): number | undefined =>
  nested.map(({ responseTime }) => responseTime).find(value => typeof value === 'number')

/** pino's name of a request. The line with the reply has it too. */
export function requestIdOf (record: Json): string | undefined {
  const id = record['reqId'] ?? (isObject(record['req']) ? record['req']['id'] : undefined)
  return typeof id === 'string' || typeof id === 'number' ? String(id) : undefined
}
