import { parseArgs } from 'node:util'
import { CAUSES } from '../calls/fold/call.ts'
import type { CallSummary, CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import { askJambonz, type JambonzView } from '../diagnosis/jambonz-view.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { ladderOptionsFor, type LadderOptions } from '../ladder/ladder.ts'
import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import { callPage, callTable } from './calls-print.ts'

export interface CallsIo {
  env: Record<string, string | undefined>
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line about what went wrong. */
  err: (line: string) => void
  /** What the terminal can show; without it plain text of a usual width. */
  ladder?: LadderOptions
  fetch?: typeof fetch
}

export const CALLS_USAGE =
  `Usage: bridge calls [<callSid>] [--url <base>] [--fetch] [--json] [--active] [--cause <cause>] [--limit <n>]

Asks a running bridge, with OPERATOR_TOKEN, for its calls; with a call_sid for that call: its ladder, why it ended,
the evidence, and what to do.

  --url      where the bridge's operator API is; PUBLIC_URL otherwise
  --fetch    adds Jambonz's own records, SIP trace and alerts of the call (needs the Jambonz REST settings)
  --json     the result as JSON
  --active   only calls under way
  --cause    only calls that ended for this cause
  --limit    how many, 50 otherwise, at most 500

Exit code: 0 shown; 1 not to be had; 2 settings or arguments are not usable`

/** `bridge calls`: the calls of a running bridge, or one of them explained. Resolves to the exit code. */
export async function calls (args: string[], io: CallsIo): Promise<number> {
  let options: Options
  try {
    options = readOptions(args, io.env)
  } catch (error) {
    io.err(
      error instanceof UnusableError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
        ? (error as Error).message
        : 'The arguments are not usable'
    )
    io.err(CALLS_USAGE)
    return 2
  }
  if (options.help) {
    io.out(CALLS_USAGE)
    return 0
  }
  try {
    return options.callSid === undefined ? await list(options, io) : await one(options.callSid, options, io)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    io.err(error.message)
    return 1
  }
}

interface Options {
  help: boolean
  base: string
  token: string
  callSid: string | undefined
  fetch: boolean
  json: boolean
  query: URLSearchParams
}

class UnusableError extends Error {}
class ApiError extends Error {}

function readOptions (args: string[], env: CallsIo['env']): Options {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      help: { type: 'boolean', short: 'h' },
      url: { type: 'string' },
      fetch: { type: 'boolean' },
      json: { type: 'boolean' },
      active: { type: 'boolean' },
      cause: { type: 'string' },
      limit: { type: 'string' }
    }
  })
  const { help = false, url = env['PUBLIC_URL'], fetch = false, json = false, active, cause, limit } = values
  const [callSid, ...more] = positionals
  const token = env['OPERATOR_TOKEN']
  const query = new URLSearchParams()
  if (help) return { help, base: '', token: '', callSid, fetch, json, query }
  if (more.length > 0) throw new UnusableError(`Too many words: ${more.join(' ')}`)
  if (!url) {
    throw new UnusableError('Where is the bridge? Give --url, or set PUBLIC_URL. Example: --url http://127.0.0.1:3000')
  }
  if (!/^https?:$/.test(protocolOf(url))) {
    throw new UnusableError('--url must be an http or https URL. Example: --url http://127.0.0.1:3000')
  }
  if (!token) {
    throw new UnusableError('OPERATOR_TOKEN is not set: the operator API needs the token that the bridge runs with')
  }
  if (cause !== undefined && !(CAUSES as readonly string[]).includes(cause)) {
    throw new UnusableError(`No cause ${cause}. There are: ${CAUSES.join(', ')}`)
  }
  if (limit !== undefined && !(Number.isInteger(Number(limit)) && Number(limit) >= 1 && Number(limit) <= 500)) {
    throw new UnusableError('--limit is a number from 1 to 500')
  }
  if (fetch && callSid === undefined) throw new UnusableError('--fetch needs a call_sid')
  if (fetch && !jambonzAccess(env)) {
    throw new UnusableError('--fetch needs JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY')
  }
  if (active) query.set('phase', 'active')
  if (cause !== undefined) query.set('cause', cause)
  if (limit !== undefined) query.set('limit', limit)
  return { help, base: url.replace(/\/+$/, ''), token, callSid, fetch, json, query }
}

function protocolOf (url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}

async function list (options: Options, io: CallsIo): Promise<number> {
  const page = await get<{ calls: CallSummary[], next?: string }>(`/calls?${options.query}`, options, io)
  if (!Array.isArray(page.calls)) throw new ApiError(`What answers at ${options.base} is no bridge. ${ELSEWHERE}`)
  if (options.json) {
    io.out(JSON.stringify(cleanDeep(page), null, 2))
    return 0
  }
  for (const line of callTable(page.calls)) io.out(line)
  if (page.next !== undefined) io.out(`More with --limit; these are the newest ${page.calls.length}`)
  return 0
}

async function one (callSid: string, options: Options, io: CallsIo): Promise<number> {
  const path = `/calls/${encodeURIComponent(callSid)}`
  const [call, diagnosis] = await Promise.all([
    get<CallView>(path, options, io),
    get<DiagnosisView>(`${path}/diagnosis`, options, io)
  ])
  const access = options.fetch ? jambonzAccess(io.env) : undefined
  let jambonz: JambonzView | undefined
  if (access) {
    const receivedAt = Date.parse(call.at.received ?? '')
    jambonz = await askJambonz(access, {
      callSid,
      receivedAt,
      endedAt: call.at.ended === undefined ? undefined : Date.parse(call.at.ended),
      publicUrl: io.env['PUBLIC_URL']
    }, io.fetch)
  }
  if (options.json) io.out(JSON.stringify(cleanDeep({ call, diagnosis, ...(jambonz ? { jambonz } : {}) }), null, 2))
  else for (const line of callPage(call, diagnosis, jambonz, io.ladder ?? ladderOptionsFor({}, io.env))) io.out(line)
  return 0
}

const TIMEOUT_MS = 10_000
const ELSEWHERE =
  'Operator routes are often not published: try --url with an address inside, such as http://127.0.0.1:3000'

async function get<T> (path: string, { base, token }: Options, { fetch: fetchIt = fetch }: CallsIo): Promise<T> {
  let reply: Response
  try {
    reply = await fetchIt(base + path, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS)
    })
  } catch (error) {
    throw new ApiError(`No bridge answers at ${base} (${reasonOf(error)}). Is it running? ${ELSEWHERE}`)
  }
  const body = await reply.json().catch(() => undefined) as (T & { code?: string, message?: string }) | undefined
  if (reply.ok && body !== undefined) return body
  if (reply.status === 401 && body?.code === 'BRIDGE_UNAUTHORIZED') {
    throw new ApiError('The bridge refused OPERATOR_TOKEN: it runs with another one')
  }
  if (reply.status === 401 || reply.status === 403) {
    throw new ApiError(
      `What answers at ${base} refuses (${reply.status}), and is no bridge or stands in front of one. ${ELSEWHERE}`
    )
  }
  if (reply.status === 404 && body?.code === 'BRIDGE_CALL_NOT_FOUND') {
    throw new ApiError(
      'The bridge knows no such call. Ended calls are kept for CALL_RETENTION_S; for older ones: bridge explain ' +
        'with what Jambonz or a capture has'
    )
  }
  if (reply.ok || (reply.status === 404 && !body?.code?.startsWith('BRIDGE_'))) {
    throw new ApiError(`What answers at ${base} has no operator API. ${ELSEWHERE}`)
  }
  throw new ApiError(
    `The bridge answered ${reply.status}${body?.message === undefined ? '' : `: ${cleanText(body.message)}`}`
  )
}

function reasonOf (error: unknown): string {
  const { name, cause } = error as Error & { cause?: { code?: string } }
  return name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS / 1000} s` : cause?.code ?? 'connection failed'
}
