import { parseArgs } from 'node:util'
import { SettingsError, type Settings } from '../config.ts'
import { runProbe, type ProbeOptions, type ProbeReport } from '../probe/probe.ts'
import { findingLines, indented } from '../finding-lines.ts'
import { createLiveLadder, ladderOptionsFor } from '../ladder/ladder.ts'
import type { TerminalStyle } from '../terminal.ts'
import { settingsWithout } from './partial-settings.ts'

type Environment = Record<string, string | undefined>

export interface ProbeIo {
  env: Environment
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line about progress, or about what went wrong. */
  err: (line: string) => void
  /** Where the ladder grows; without it, it goes line by line to `out`. */
  screen?: { write(text: string): unknown, isTTY?: boolean, columns?: number } | undefined
  /** Interrupts: the probe hangs up, deletes its room and reports what it saw. Default: the first SIGINT or SIGTERM. */
  signal?: AbortSignal | undefined
  /** For tests. */
  probe?: Pick<ProbeOptions, 'limits' | 'tls'>
}

export const PROBE_USAGE =
  `Usage: bridge probe [--uri URI] [--transport udp|tcp|tls] [--agent NAME] [--seconds N] [--options] [--json]

Calls LiveKit by SIP as Jambonz would, but without Jambonz. It creates a room with the agent, dials the room's token,
sends silence, listens, hangs up and deletes the room. It draws the ladder during the call, then reports what it
found and what to do.

  --uri URI        call this URI instead of the token of a new room. The trunk's credentials are sent only to
                   the host and port of LIVEKIT_SIP_HOST
  --transport T    udp, tcp or tls, instead of LIVEKIT_SIP_TRANSPORT or the URI's own
  --agent NAME     agent of the new room, instead of LIVEKIT_AGENT_NAME
  --seconds N      listen for N seconds after the answer, 1 to 120 (default 5)
  --options        only send SIP OPTIONS, whose answer proves little
  --json           print the result as JSON

Exit code: 0 nothing failed; 1 something did, or it was interrupted; 2 wrong settings or arguments`

interface Flags {
  uri?: string
  transport?: string
  agent?: string
  seconds?: string
  options?: boolean
  json?: boolean
  help?: boolean
}

class UsageError extends Error {}

/**
 * `bridge probe`: a real SIP call to LiveKit, or to any URI.
 * @returns the exit code: 0 nothing failed, 1 something did or it was interrupted, 2 unusable arguments or settings
 */
export async function probe (args: string[], io: ProbeIo): Promise<number> {
  let wanted: Omit<ProbeOptions, 'settings'> & { json: boolean }
  try {
    const { values } = parseArgs({
      args,
      options: {
        uri: { type: 'string' },
        transport: { type: 'string' },
        agent: { type: 'string' },
        seconds: { type: 'string' },
        options: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' }
      }
    })
    if (values.help) {
      io.out(PROBE_USAGE)
      return 0
    }
    wanted = readFlags(values)
  } catch (error) {
    if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) {
      throw error
    }
    io.err(`${(error as Error).message}\n\n${PROBE_USAGE}`)
    return 2
  }

  let settings: Settings | undefined
  try {
    settings = probeSettings(io.env, wanted)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    if (wanted.uri === undefined) {
      io.err(error.message)
      return 2
    }
    io.err(
      'Without usable settings of LiveKit the call goes out without credentials, and nobody looks into a room. ' +
        error.message
    )
  }

  const { signal, release } = io.signal ? { signal: io.signal, release: () => {} } : interruption()
  try {
    const report = await show(wanted, { settings, signal }, io)
    if (report.findings.some(({ code }) => code === 'settings-unusable' || code === 'uri-unusable')) return 2
    return report.findings.some(({ severity, code }) => severity === 'failed' || code === 'interrupted') ? 1 : 0
  } finally {
    release()
  }
}

/** Runs the probe and prints it, as lines while it happens or as JSON at its end. */
async function show (
  { json, ...wanted }: Omit<ProbeOptions, 'settings'> & { json: boolean },
  rest: Pick<ProbeOptions, 'settings' | 'signal'>,
  io: ProbeIo
): Promise<ProbeReport> {
  if (json) {
    const report = await runProbe({ ...wanted, ...rest, ...io.probe, onProgress: io.err })
    io.out(JSON.stringify(report, null, 2))
    return report
  }
  const { screen } = io
  const options = ladderOptionsFor(screen ?? {}, io.env)
  const ladder = createLiveLadder(text => screen ? screen.write(text) : io.out(text.replace(/\n$/, '')), options)
  const report = await runProbe({
    ...wanted,
    ...rest,
    ...io.probe,
    onStep: ladder.step,
    onNote: io.out,
    // A ladder that rewrites its last lines shows each ringing; another line would be in its way.
    ...(!options.rewrite && { onProgress: io.err })
  })
  ladder.end()
  if (report.ladder.length > 0) io.out('')
  for (const line of reportLines(report, wanted.reachOnly === true, options)) io.out(line)
  return report
}

/** The result in words. */
export function reportLines (
  { uri, room, codec, timings, findings, notProven, ladder }: ProbeReport,
  reachOnly: boolean,
  style: Partial<TerminalStyle> = {}
): string[] {
  const called = ladder.length > 0
  const ms = (what: string, value: number | undefined) => value === undefined ? [] : [`${what} ${value} ms`]
  const figures = [
    ...(codec === undefined ? [] : [`codec ${codec}`]),
    ...ms('first response', timings.firstResponse),
    ...ms('ringing', timings.ringing),
    ...ms('answered', timings.answered),
    ...ms('audio', timings.audio)
  ]
  return [
    ...(uri === undefined
      ? []
      : [`${called ? 'Called' : 'Not called:'} ${uri}${room ? ` for room ${room.name}` : ''}`]),
    ...(figures.length === 0 ? [] : [figures.join(', ')]),
    ...indented(findings.flatMap(finding => findingLines(finding, style)), 2),
    ...(reachOnly || !called ? [] : ['What a probe cannot prove:', ...notProven.map(line => `  - ${line}`)])
  ]
}

function readFlags (
  { uri, transport, agent, seconds, options, json }: Flags
): Omit<ProbeOptions, 'settings'> & { json: boolean } {
  if (transport !== undefined && transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') {
    throw new UsageError(`--transport is udp, tcp or tls, not ${transport}`)
  }
  const listen = seconds === undefined ? undefined : Number(seconds)
  if (listen !== undefined && !(listen >= 1 && listen <= 120)) {
    throw new UsageError(`--seconds is a number from 1 to 120, not ${seconds}`)
  }
  if (agent === '') throw new UsageError('--agent wants a name')
  if (agent !== undefined && (uri !== undefined || options)) {
    throw new UsageError("--agent is for the probe's own room: not with --uri or --options")
  }
  return { uri, transport, agent, seconds: listen, reachOnly: options === true, json: json === true }
}

/** Settings that only the service needs, or only a call into a room, are not required. */
const probeSettings = (env: Environment, { agent, reachOnly, uri }: Omit<ProbeOptions, 'settings'>): Settings =>
  settingsWithout([
    'PUBLIC_URL',
    'JAMBONZ_WEBHOOK_SECRET',
    ...(agent !== undefined || uri !== undefined || reachOnly ? ['LIVEKIT_AGENT_NAME'] as const : []),
    ...(reachOnly ? ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'] as const : [])
  ], env)

/** The first Ctrl-C ends the probe, the second one the process. */
function interruption (): { signal: AbortSignal, release(): void } {
  const controller = new AbortController()
  const abort = () => controller.abort()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, abort)
  return {
    signal: controller.signal,
    release () {
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.off(name, abort)
    }
  }
}
