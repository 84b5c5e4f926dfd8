import type { Place, Seen } from '../seen.ts'
import { isObject, textOf, type Json } from './json.ts'

/** Codes of Twirp (twitchtv/twirp errors.go), which LiveKit's API answers with. */
const TWIRP_CODES: ReadonlySet<string> = new Set([
  'canceled',
  'unknown',
  'invalid_argument',
  'malformed',
  'deadline_exceeded',
  'not_found',
  'bad_route',
  'already_exists',
  'permission_denied',
  'unauthenticated',
  'resource_exhausted',
  'failed_precondition',
  'aborted',
  'out_of_range',
  'unimplemented',
  'internal',
  'unavailable',
  'data_loss',
  'dataloss'
])

/** An error of LiveKit's API: `{ "code": "not_found", "msg": "object cannot be found", "meta": {} }`. */
export function readApiError (record: Json, place: Place, lineTime: number | undefined): Seen[] | undefined {
  const error = errorIn(record)
  if (!error) return undefined

  const { code, message, fields } = error
  const meta = [fields['metadata'], fields['meta']].find(isObject)
  const status = meta && textOf(meta['sip_status_code'])
  const words = `twirp error ${code}: ${message}`
  return [{
    kind: 'log',
    place,
    ...(lineTime !== undefined && { at: lineTime }),
    from: 'agent',
    level: 'error',
    text: status !== undefined && !/sip status: \d/.test(message) ? `${words} (sip_status_code: ${status})` : words,
    fields
  }]
}

/** Fields in which an application passes an error on. */
const CARRIERS = ['error', 'details', 'cause', 'response', 'data', 'body']

/** The error itself, or the one that a reply of an application carries. A line of a log is read as such. */
function errorIn (record: Json, depth = 0): { code: string, message: string, fields: Json } | undefined {
  const code = textOf(record['code'])
  const message = textOf(record['msg']) ?? textOf(record['message'])
  if (code !== undefined && message !== undefined && TWIRP_CODES.has(code)) return { code, message, fields: record }
  if (depth > 1 || record['level'] !== undefined) return undefined

  for (const name of CARRIERS) {
    const inner = record[name]
    const found = isObject(inner) ? errorIn(inner, depth + 1) : undefined
    if (found) return found
  }
  return undefined
}
