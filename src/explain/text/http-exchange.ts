import type { HookSeen } from '../seen.ts'
import type { Json } from './json.ts'

/*
 * Requests and replies as proxies, curl -v and debuggers print them: a line with the method and path, headers, a body.
 */

const REQUEST = /^(?:POST|PUT|GET|PATCH) (\S{1,2000}) HTTP\/\d/
const RESPONSE = /^HTTP\/[\d.]{1,3} (\d{3})\b/
/** A method and a path in front of a body on the same line. */
const LABEL = /\b(?:POST|PUT|GET)\b["']?:? {1,4}["']?((?:\/|https?:\/\/)[^\s"'?]{0,500})/
/** Lines between a request's first line and its body. */
const MAX_HEADERS = 80

/** Knows which request a body belongs to, and which reply. */
export interface HttpExchange {
  /** True for a line that begins a request or a reply. */
  push(line: string, number: number): boolean
  /** The path of the request whose body stands in this line, if one was seen. */
  urlOf(label: string, number: number): string | undefined
  /** The body of the request was read. */
  asked(hook: HookSeen | undefined): void
  /** True when a body is the one of the reply. */
  answered(body: unknown, number: number): boolean
}

export function createHttpExchange (): HttpExchange {
  let request: { url: string, line: number } | undefined
  let hook: HookSeen | undefined
  let reply: { status: number, line: number } | undefined
  const isNear = (line: number | undefined, number: number): boolean =>
    line !== undefined && number >= line && number - line <= MAX_HEADERS

  return {
    push (line, number) {
      const [, url] = REQUEST.exec(line) ?? []
      if (url !== undefined) {
        request = { url, line: number }
        reply = hook = undefined
        return true
      }
      const [, status] = RESPONSE.exec(line) ?? []
      if (status === undefined) return false

      reply = { status: Number(status), line: number }
      if (hook && !hook.reply) hook.reply = { status: reply.status }
      return true
    },
    urlOf (label, number) {
      const [, url] = LABEL.exec(label) ?? []
      return url ?? (isNear(request?.line, number) && !reply ? request?.url : undefined)
    },
    asked (read) {
      if (!request) return
      hook = read
    },
    answered (body, number) {
      if (!reply || !isNear(reply.line, number)) return false
      if (hook?.reply && hook.reply.verbs === undefined) hook.reply = { ...hook.reply, verbs: body }
      reply = undefined
      return true
    }
  }
}

/** A record with the path that stood in front of it, where it has none itself. */
export const withUrl = (record: Json, url: string): Json =>
  record['url'] !== undefined ? record : { url, body: record }
