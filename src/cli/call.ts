import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { ON_MACHINE, VOICEMAIL_DETECTIONS } from '../calls/fold/order.ts'
import type { OrderRequest, PlacedCall } from '../orders/order-request.ts'
import { ladderOptionsFor } from '../ladder/ladder.ts'
import { baseUrl, tokenOf, UnusableError, usageProblem } from './bridge-address.ts'
import { refusalLines } from './call-refusals.ts'
import { watchCall } from './call-watch.ts'
import { ApiError, post, RefusedError, type OperatorApi } from './calls-client.ts'
import type { CallsIo } from './calls.ts'

export interface CallIo extends CallsIo {
  /** Writes a part of the ladder, without a line break of its own. */
  write: (text: string) => void
}

export const CALL_USAGE =
  `Usage: bridge call <number> [--from <number>] [--agent <name>] [--carrier <name>] [--reference <id>]
                   [--metadata <text>] [--ring <s>] [--longest <s>] [--voicemail <who>] [--on-machine <what>]
                   [--caller-name <name>] [--wait] [--json] [--url <base>]

Has a running bridge call somebody and connect them with an agent (POST /calls). It needs the OPERATOR_TOKEN of that
bridge. The number policy of its routes file decides who may be called.

  --from         number that the callee sees, one of \`numbers\` in the routes file; the default is the first
  --agent        name of the LiveKit agent; the default is that of the bridge
  --carrier      name of the Jambonz carrier
  --reference    your own id of the call
  --metadata     text for the agent, as \`app\` in its job metadata
  --ring         how long the phone may ring, in seconds; the default is 60
  --longest      how long the call may last after the answer, in seconds
  --voicemail    who finds out whether a machine answered: off, agent or jambonz
  --on-machine   what happens when a machine answered: continue or hangup
  --caller-name  name beside the number
  --wait         draw the call while it goes on, until it has ended; Ctrl-C ends the watching, not the call
  --json         print JSON
  --url          base URL of the bridge's operator API; the default is PUBLIC_URL

Exit code: 0 placed, with --wait: callee and agent were connected; 1 refused, or they were not; 2 wrong settings or
arguments`

/** `bridge call`: places a call through a running bridge. Resolves to the exit code. */
export async function call (args: string[], io: CallIo): Promise<number> {
  let options: Options | undefined
  try {
    options = readOptions(args, io.env)
  } catch (error) {
    io.err(usageProblem(error))
    io.err(CALL_USAGE)
    return 2
  }
  if (!options) {
    io.out(CALL_USAGE)
    return 0
  }
  try {
    return await place(options, io)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    io.err(error.message)
    return 1
  }
}

interface Options {
  request: OrderRequest
  wait: boolean
  json: boolean
  base: string
  token: string
}

const FLAGS = {
  help: { type: 'boolean', short: 'h' },
  url: { type: 'string' },
  from: { type: 'string' },
  agent: { type: 'string' },
  carrier: { type: 'string' },
  reference: { type: 'string' },
  metadata: { type: 'string' },
  ring: { type: 'string' },
  longest: { type: 'string' },
  voicemail: { type: 'string' },
  'on-machine': { type: 'string' },
  'caller-name': { type: 'string' },
  wait: { type: 'boolean' },
  json: { type: 'boolean' }
} as const

/** @returns undefined when help is asked for */
function readOptions (args: string[], env: CallsIo['env']): Options | undefined {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: FLAGS })
  if (values.help) return undefined
  if (positionals.length === 0) throw new UnusableError('Whom to call? Give a phone number, such as +15550001111')
  const { from, agent, carrier, reference, metadata, ring, longest, voicemail, wait = false, json = false } = values
  const request: OrderRequest = {
    // Whoever writes a number with blanks and no quotes means one number.
    to: positionals.join(''),
    from,
    agent,
    carrier,
    reference,
    metadata,
    ring: seconds('--ring', ring),
    longest: seconds('--longest', longest),
    voicemail: oneOf('--voicemail', VOICEMAIL_DETECTIONS, voicemail),
    onMachine: oneOf('--on-machine', ON_MACHINE, values['on-machine']),
    callerName: values['caller-name']
  }
  return { request, wait, json, base: baseUrl(values.url ?? env['PUBLIC_URL']), token: tokenOf(env) }
}

export function seconds (flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UnusableError(`${flag} must be whole seconds, such as 30`)
  return Number(text)
}

export function oneOf<T extends string> (flag: string, known: readonly T[], text: string | undefined): T | undefined {
  const value = known.find(value => value === text)
  if (text !== undefined && value === undefined) throw new UnusableError(`${flag} must be one of ${known.join(', ')}`)
  return value
}

async function place ({ request, wait, json, base, token }: Options, io: CallIo): Promise<number> {
  const api: OperatorApi = { base, token, ...(io.fetch && { fetch: io.fetch }) }
  let callSid: string
  try {
    const placed = await post<PlacedCall>('/calls', request, api, { 'idempotency-key': randomUUID() })
    callSid = placed.callSid
    if (!wait) {
      io.out(json ? JSON.stringify(placed) : `Placed: ${callSid}. Watch it: bridge calls ${callSid} --follow`)
      return 0
    }
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    for (const line of refusalLines(error)) io.err(line)
    // Jambonz may have placed the call: the id of its order finds it.
    if (!wait || error.callSid === undefined) return 1
    callSid = error.callSid
  }
  return watchCall(callSid, api, { ...io, json, ladder: io.ladder ?? ladderOptionsFor({}, io.env) })
}
