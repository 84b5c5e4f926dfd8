import { createReadStream } from 'node:fs'
import { isIP } from 'node:net'
import { parseArgs } from 'node:util'
import { cleanText } from '../clean-text.ts'
import type { RouteQuestion } from '../explain/config/route.ts'
import { explainSeen } from '../explain/explain.ts'
import type { ExplainedCall, Explanation } from '../explain/explanation.ts'
import { createKeep } from '../explain/keep.ts'
import { readInput } from '../explain/read.ts'
import { reportJson, reportText } from '../explain/report.ts'
import type { Finding } from '../finding.ts'
import { ladderOptionsFor } from '../ladder/ladder.ts'

export const EXPLAIN_USAGE = `Usage: bridge explain [--call <id>] [--json] FILE…
       bridge explain --to <number> [--from <number>] [--ip <address>] [--json] FILE…

Explains calls that the bridge never saw. Give any number of these files; - is standard input:
  a capture (pcap, pcapng, snoop, also gzipped) with SIP over UDP, TCP or WebSocket, also in HEP or in a tunnel
  an export of Wireshark, tshark, tcpdump or Homer
  a SIP log (sngrep, ngrep, sofia, drachtio, Asterisk, or the messages alone)
  webhooks of Jambonz or LiveKit as an application logs them: JSON, objects as programs print them, forms, CSV
  logs of Jambonz, LiveKit, agents, applications and PBXs, and errors of LiveKit's API, also as Docker, systemd,
  Kubernetes or a log collector exports them (lines, JSON, CSV)
  call detail records and alerts: Jambonz, Twilio, LiveKit Cloud (JSON or CSV)
  LiveKit's trunks and dispatch rules: what lk sip inbound|outbound|dispatch list prints, also with -j

  --call <id>   explain only the calls with this call_sid, SIP Call-ID, token or number
  --to <number>, --from <number>, --ip <address>
                which of the trunks and rules in the files takes a call to this number, from this caller, from this
                address
  --json        print the result as JSON

Exit code: 0 nothing wrong was found (warnings, marked with !, do not count); 1 something was wrong; 2 nothing could be
read, or nothing of the call that --call names`

/** Where a command reads and writes. */
export interface ExplainIo {
  stdin: AsyncIterable<Buffer>
  stdout: { write(text: string): unknown, isTTY?: boolean, columns?: number }
  stderr: { write(text: string): unknown }
  env: Record<string, string | undefined>
}

/** `bridge explain FILE…` Resolves to the exit code. */
export async function explain (args: string[], io: ExplainIo): Promise<number> {
  const options = readOptions(args)
  if (typeof options === 'string') {
    io.stderr.write(`${options}\n\n${EXPLAIN_USAGE}\n`)
    return 2
  }
  if (options.help) {
    io.stdout.write(`${EXPLAIN_USAGE}\n`)
    return 0
  }
  const keep = createKeep()
  const unread: Finding[] = []
  for (const name of options.files) {
    unread.push(
      ...await readInput(
        name === '-' ? { name: 'standard input', chunks: io.stdin } : { name, chunks: createReadStream(name) },
        keep
      )
    )
  }
  const all = explainSeen(keep, options.question)
  const explanation = chosen({ calls: all.calls, findings: [...unread, ...all.findings] }, options.call)
  const isRead = options.call === undefined ? keep.seen.length + keep.noise > 0 : explanation.calls.length > 0
  io.stdout.write(options.json ? reportJson(explanation) : reportText(explanation, ladderOptionsFor(io.stdout, io.env)))
  return isRead ? exitCode(explanation) : 2
}

interface Options {
  files: string[]
  call?: string
  question?: RouteQuestion
  json: boolean
  help: boolean
}

function readOptions (args: string[]): Options | string {
  try {
    const { values, positionals: files } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        call: { type: 'string' },
        to: { type: 'string' },
        from: { type: 'string' },
        ip: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    if (values.help !== true && files.length === 0) return 'Which file is to be explained? - is standard input.'
    if (files.filter(file => file === '-').length > 1) return 'Standard input can be read only once.'
    const { to, from, ip } = values
    if (to === undefined && (from !== undefined || ip !== undefined)) return '--from and --ip go with --to.'
    if (ip !== undefined && isIP(ip) === 0) return '--ip is an IPv4 or IPv6 address.'
    return {
      files,
      ...(values.call !== undefined && { call: values.call }),
      ...(to !== undefined && {
        question: { to, ...(from !== undefined && { from }), ...(ip !== undefined && { ip }) }
      }),
      json: values.json === true,
      help: values.help === true
    }
  } catch (error) {
    return (error as Error).message
  }
}

function chosen (explanation: Explanation, wanted: string | undefined): Explanation {
  if (wanted === undefined) return explanation
  const calls = explanation.calls.filter(call => isCall(call, wanted))
  const { length } = explanation.calls
  if (calls.length > 0 || length === 0) return { ...explanation, calls }
  const missing: Finding = {
    code: 'no-such-call',
    severity: 'failed',
    seen: `None of the ${length} calls in these files is ${wanted}.`,
    todo: `Choose one of them: ${explanation.calls.slice(0, 10).map(({ id }) => id).join(', ')}`
  }
  return { calls, findings: [...explanation.findings, missing] }
}

/** Reports print cleaned text, so that is what somebody copies from them. */
function isCall ({ id, from, to, legs }: ExplainedCall, wanted: string): boolean {
  const names = legs.flatMap(({ callId, dialled }) => [callId, dialled, dialled.split('@')[0]!])
  return [id, from, to, ...names].some(name => name === wanted || cleanText(name) === wanted)
}

function exitCode ({ calls, findings }: Explanation): number {
  return [...findings, ...calls.flatMap(call => call.findings)].some(({ severity }) => severity === 'failed') ? 1 : 0
}
