import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { TRANSFER_MODES } from '../calls/fold/vocabulary.ts'
import type { TransferView } from '../calls/transfer-view.ts'
import type { TransferBody } from '../transfers/transfer-body.ts'
import { baseUrl, tokenOf, UnusableError, usageProblem } from './bridge-address.ts'
import { oneOf, seconds } from './call.ts'
import { ApiError, get, post, RefusedError, type OperatorApi } from './calls-client.ts'
import type { CallsIo } from './calls.ts'

export const TRANSFER_USAGE =
  `Usage: bridge transfer <callSid> <number> --mode <mode> [--brief <text>] [--agent <name>] [--say <text>]
                       [--ring <s>] [--from <number>] [--carrier <name>] [--wait] [--json] [--url <base>]

Has a running bridge hand a caller to a person (POST /calls/:callSid/transfers). It needs the OPERATOR_TOKEN of that
bridge. The number policy of its routes file decides who may be called.

  --mode     blind     the caller is dialled through
             screen    as blind, and the person presses 1 to take the call
             refer     the carrier moves the call
             consult   an agent talks with the person first
             add       the person joins the caller and the agent
  --brief    consult: what the agent should know that talks with the person
  --agent    consult: name of that LiveKit agent; the default is that of the caller
  --say      screen: what the person hears
  --ring     how long the phone may ring, in seconds
  --from     number that the person sees, one of \`numbers\` in the routes file; the default is the first
  --carrier  name of the Jambonz carrier
  --wait     follow the transfer to its end; Ctrl-C ends the watching, not the transfer
  --json     print JSON
  --url      base URL of the bridge's operator API; the default is PUBLIC_URL

Exit code: 0 begun, with --wait: caller and person talk; 1 refused, or they do not; 2 wrong settings or arguments`

/** `bridge transfer`: hands a caller to a person. Resolves to the exit code. */
export async function transfer (args: string[], io: CallsIo): Promise<number> {
  let options: Options | undefined
  try {
    options = readOptions(args, io.env)
  } catch (error) {
    io.err(usageProblem(error))
    io.err(TRANSFER_USAGE)
    return 2
  }
  if (!options) {
    io.out(TRANSFER_USAGE)
    return 0
  }
  try {
    return await begin(options, io)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (io.signal?.aborted) {
      io.err(`The transfer goes on: bridge calls ${options.callSid}`)
      return 1
    }
    for (const line of refusalOf(error)) io.err(line)
    return 1
  }
}

interface Options {
  callSid: string
  body: TransferBody
  wait: boolean
  json: boolean
  base: string
  token: string
}

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  mode: { type: 'string' },
  brief: { type: 'string' },
  agent: { type: 'string' },
  say: { type: 'string' },
  ring: { type: 'string' },
  from: { type: 'string' },
  carrier: { type: 'string' },
  wait: { type: 'boolean' },
  json: { type: 'boolean' }
} as const

/** @returns undefined when help is asked for */
function readOptions (args: string[], env: CallsIo['env']): Options | undefined {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: FLAGS })
  if (values.help) return undefined
  const [callSid, ...number] = positionals
  if (callSid === undefined || number.length === 0) {
    throw new UnusableError('Which caller, and to whom? Give a callSid, which bridge calls lists, and a phone number')
  }
  const { brief, agent, say, from, carrier, wait = false, json = false } = values
  const mode = oneOf('--mode', TRANSFER_MODES, values.mode)
  if (mode === undefined) throw new UnusableError(`--mode is missing: one of ${TRANSFER_MODES.join(', ')}`)
  const ring = seconds('--ring', values.ring)
  // JSON leaves out what is undefined.
  const body = { to: number.join(''), mode, brief, agent, say, ring, from, carrier } as TransferBody
  return { callSid, body, wait, json, base: baseUrl(values.url ?? env['PUBLIC_URL']), token: tokenOf(env) }
}

async function begin ({ callSid, body, wait, json, base, token }: Options, io: CallsIo): Promise<number> {
  const api: OperatorApi = {
    base,
    token,
    ...(io.fetch && { fetch: io.fetch }),
    ...(io.signal && { signal: io.signal })
  }
  const path = `/calls/${encodeURIComponent(callSid)}/transfers`
  const begun = await post<TransferView>(path, body, api, { 'idempotency-key': randomUUID() })
  if (!wait) {
    io.out(json ? JSON.stringify(begun) : `Begun: ${begun.id}. Watch it: bridge calls ${callSid} --follow`)
    return 0
  }
  const last = await followed(`${path}/${encodeURIComponent(begun.id!)}`, begun, api, shown => {
    if (!json) io.out(lineOf(shown))
  })
  if (json) io.out(JSON.stringify(last))
  return last.result === 'bridged' ? 0 : 1
}

/** A request is held for less than requests take at most. */
const HOLD_S = 8

/** Calls `show` with every state, until the transfer is decided. */
async function followed (
  path: string,
  begun: TransferView,
  api: OperatorApi,
  show: (transfer: TransferView) => void
): Promise<TransferView> {
  let latest = begun
  show(latest)
  while (latest.result === undefined) {
    const next = await get<TransferView>(`${path}?wait=${HOLD_S}&state=${latest.state}`, api)
    if (next.state !== latest.state || next.result !== undefined) show(next)
    // A bridge that is about to end answers at once.
    else await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
    latest = next
  }
  return latest
}

const PAUSE_MS = 200

function lineOf ({ state, result, reason, sipStatus, detail }: TransferView): string {
  if (result === undefined) return state
  const more = [reason, sipStatus, detail].filter(part => part !== undefined).join(', ')
  return `${result}: ${more}`
}

function refusalOf (error: ApiError): string[] {
  if (!(error instanceof RefusedError)) return [error.message]
  const { message, code, retryAfterS } = error
  return [`${message} (${code})`, ...(retryAfterS === undefined ? [] : [`Ask again in ${retryAfterS} s`])]
}
