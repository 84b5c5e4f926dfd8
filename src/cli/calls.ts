import { parseArgs } from 'node:util'
import { CAUSES } from '../calls/fold/vocabulary.ts'
import type { CallSummary, CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import { askJambonz } from '../diagnosis/jambonz-view.ts'
import { jambonzAccess } from '../jambonz/api.ts'
import { ladderOptionsFor, type LadderOptions } from '../ladder/ladder.ts'
import { cleanDeep } from '../clean-deep.ts'
import { baseUrl, tokenOf, UnusableError, usageProblem } from './bridge-address.ts'
import { ApiError, get, notABridge, type OperatorApi } from './calls-client.ts'
import { followCall, followCalls, type FollowIo } from './calls-follow.ts'
import { callPage, callTable, USUAL_COLUMNS } from './calls-print.ts'

export interface CallsIo {
  env: Record<string, string | undefined>
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line about what went wrong. */
  err: (line: string) => void
  /** What the terminal can show. Without it: plain text of a usual width. */
  ladder?: LadderOptions
  /** Width of tables and text, 100 if it is not known. */
  columns?: number
  fetch?: typeof fetch
  /** Ends `--follow`. */
  signal?: AbortSignal
  now?: () => number
  /** Waits between two polls of `--follow`. */
  wait?: FollowIo['wait']
}

export const CALLS_USAGE =
  `Usage: bridge calls [<callSid> | <number>] [--follow] [--active] [--cause <cause>] [--since <time>]
                    [--limit <n>] [--json] [--fetch] [--url <base>]

Lists the calls of a running bridge, newest first. It needs the OPERATOR_TOKEN of that bridge.
With a call_sid: shows this call, its ladder, why it ended, the evidence, and what to do.
With a phone number in any spelling, or at least four digits of it: lists the calls from or to it.

  --follow   keep running and print each change, until Ctrl-C; with a call_sid until the call ends
  --active   only calls that have not ended
  --cause    only calls that ended for this cause
  --since    only calls received since then: 30m, 2h, 1d, or a time such as 2026-11-29T10:15:00Z
  --limit    how many calls, 1 to 500; the default is 50
  --json     print JSON; with --follow one JSON document per line
  --fetch    add Jambonz's own records, SIP trace and alerts of the call; needs the Jambonz REST settings
  --url      base URL of the bridge's operator API; the default is PUBLIC_URL

Exit code: 0 shown; 1 the bridge could not be asked; 2 wrong settings or arguments`

/** `bridge calls`: the calls of a running bridge, or one of them explained. Resolves to the exit code. */
export async function calls (args: string[], io: CallsIo): Promise<number> {
  let options: Options
  try {
    options = readOptions(args, io.env, (io.now ?? Date.now)())
  } catch (error) {
    io.err(usageProblem(error))
    io.err(CALLS_USAGE)
    return 2
  }
  if (options.help) {
    io.out(CALLS_USAGE)
    return 0
  }
  try {
    return await run(options, io)
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
  follow: boolean
  fetch: boolean
  json: boolean
  query: URLSearchParams
}

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  follow: { type: 'boolean', short: 'f' },
  fetch: { type: 'boolean' },
  json: { type: 'boolean' },
  active: { type: 'boolean' },
  cause: { type: 'string' },
  since: { type: 'string' },
  limit: { type: 'string' }
} as const

function readOptions (args: string[], env: CallsIo['env'], now: number): Options {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: FLAGS })
  const { help = false, url = env['PUBLIC_URL'], follow = false, fetch = false, json = false } = values
  const [target, ...more] = positionals
  const [callSid, number] = target !== undefined && isNumber(target) ? [undefined, target] : [target, undefined]
  const options = { help, base: '', token: '', callSid, follow, fetch, json, query: new URLSearchParams() }
  if (help) return options
  if (more.length > 0) throw new UnusableError(`Too many words: ${more.join(' ')}`)
  if (fetch) checkFetch(options, env)
  return {
    ...options,
    base: baseUrl(url),
    token: tokenOf(env),
    query: queryOf({ ...values, number }, now)
  }
}

/** A phone number as people write it. A call_sid is a UUID, and has letters or a UUID's four hyphens. */
const isNumber = (text: string): boolean =>
  /^\+?[\d\s()./*#-]+$/.test(text) && !/^\S{8}-\S{4}-\S{4}-\S{4}-\S{12}$/.test(text)

function checkFetch ({ callSid, follow }: Pick<Options, 'callSid' | 'follow'>, env: CallsIo['env']): void {
  if (callSid === undefined) throw new UnusableError('--fetch needs a call_sid')
  if (follow) throw new UnusableError('--fetch and --follow do not go together')
  if (!jambonzAccess(env)) {
    throw new UnusableError('--fetch needs JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and JAMBONZ_API_KEY')
  }
}

type Filter = Partial<Record<'cause' | 'limit' | 'since' | 'number', string | undefined>> & { active?: boolean }

function queryOf ({ active, cause, limit, since, number }: Filter, now: number): URLSearchParams {
  if (cause !== undefined && !(CAUSES as readonly string[]).includes(cause)) {
    throw new UnusableError(`Unknown cause ${cause}. The causes are: ${CAUSES.join(', ')}`)
  }
  if (limit !== undefined && !(Number.isInteger(Number(limit)) && Number(limit) >= 1 && Number(limit) <= 500)) {
    throw new UnusableError('--limit must be a number from 1 to 500')
  }
  const query = new URLSearchParams()
  if (active) query.set('phase', 'active')
  if (cause !== undefined) query.set('cause', cause)
  if (since !== undefined) query.set('since', sinceTime(since, now))
  if (number !== undefined) query.set('number', number)
  if (limit !== undefined) query.set('limit', limit)
  return query
}

const UNITS_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @throws {UnusableError} */
function sinceTime (text: string, now: number): string {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? []
  if (unit !== undefined) return new Date(now - Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]).toISOString()

  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN
  if (Number.isNaN(time)) throw new UnusableError('--since must be like 30m, 2h, 1d or 2026-11-29T10:15:00Z')
  return new Date(time).toISOString()
}

function run (options: Options, io: CallsIo): Promise<number> {
  const { callSid, follow, json, base, token } = options
  const api: OperatorApi = {
    base,
    token,
    ...(io.fetch && { fetch: io.fetch }),
    ...(io.signal && { signal: io.signal })
  }
  if (!follow) return callSid === undefined ? list(options, api, io) : one(callSid, options, api, io)
  const followIo: FollowIo = {
    out: io.out,
    err: io.err,
    json,
    signal: io.signal ?? new AbortController().signal,
    columns: io.columns ?? USUAL_COLUMNS,
    now: io.now ?? Date.now,
    ...(io.wait && { wait: io.wait })
  }
  return callSid === undefined
    ? followCalls(async () => (await fetchPage(options, api)).calls, followIo)
    : followCall(callSid, api, followIo)
}

interface Page {
  calls: CallSummary[]
  next?: string
}

/** One page of calls. */
async function fetchPage ({ query, base }: Options, api: OperatorApi): Promise<Page> {
  const page = await get<Page>(`/calls?${query}`, api)
  if (!Array.isArray(page.calls)) throw notABridge(base)
  return page
}

async function list (options: Options, api: OperatorApi, io: CallsIo): Promise<number> {
  const page = await fetchPage(options, api)
  if (options.json) {
    io.out(JSON.stringify(page, null, 2))
    return 0
  }
  for (const line of callTable(page.calls, io.columns ?? USUAL_COLUMNS, (io.now ?? Date.now)())) io.out(line)
  if (page.next !== undefined) io.out(`These are the newest ${page.calls.length}. For more use --limit`)
  return 0
}

async function one (callSid: string, options: Options, api: OperatorApi, io: CallsIo): Promise<number> {
  const path = `/calls/${encodeURIComponent(callSid)}`
  const [call, diagnosis] = await Promise.all([
    get<CallView>(path, api),
    get<DiagnosisView>(`${path}/diagnosis`, api)
  ])
  const jambonz = options.fetch ? await fetchFromJambonz(call, io) : undefined
  if (options.json) {
    io.out(JSON.stringify({ call, diagnosis, ...(jambonz ? { jambonz } : {}) }, null, 2))
    return 0
  }
  const ladder = io.ladder ?? ladderOptionsFor({}, io.env)
  for (const line of callPage(call, diagnosis, jambonz, ladder, io.columns ?? USUAL_COLUMNS)) io.out(line)
  return 0
}

async function fetchFromJambonz ({ callSid, at }: CallView, { env, fetch: fetchIt }: CallsIo) {
  const access = jambonzAccess(env)
  return access && cleanDeep(await askJambonz(access, {
    callSid,
    receivedAt: Date.parse(at.received ?? ''),
    endedAt: at.ended === undefined ? undefined : Date.parse(at.ended),
    publicUrl: env['PUBLIC_URL']
  }, fetchIt))
}
