import { isObject, parsedJson, type Json } from './json.ts'
import { formIn } from './form-encoded.ts'

/*
 * Requests and replies whole, in base64, as ngrok's inspector exports them (ngrok.com/docs/agent/api, requests/http).
 */

/** Characters of base64 that are read. */
const MAX_RAW = 1024 * 1024

/** A record of a request and its reply, with their bodies; undefined for a record without bytes of a request. */
export function fromRawHttp (record: Json): Json | undefined {
  const { request, response, start } = record
  const sent = messageIn(request)
  if (!isObject(request) || !sent) return undefined

  const answered = messageIn(response)
  return {
    ...(start !== undefined && { time: start }),
    url: request['uri'] ?? /^\w+ (\S+)/.exec(sent.start)?.[1],
    body: sent.body,
    ...(isObject(response) && {
      res: { statusCode: response['status_code'], ...(answered && { body: answered.body }) }
    })
  }
}

function messageIn (part: unknown): { start: string, body: unknown } | undefined {
  const raw = isObject(part) ? part['raw'] : undefined
  if (typeof raw !== 'string' || raw.length > MAX_RAW || !/^[A-Za-z0-9+/=\s]+$/.test(raw)) return undefined

  const text = Buffer.from(raw, 'base64').toString('utf8')
  const end = text.indexOf('\r\n\r\n')
  if (!/^(?:[A-Z]{3,7} \S+ )?HTTP\/\d/.test(text) || end < 0) return undefined
  const body = text.slice(end + 4)
  return { start: text.slice(0, 200), body: parsedJson(body) ?? formIn(body)?.fields ?? body }
}
