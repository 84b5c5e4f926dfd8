import { parseArgs } from 'node:util'
import { loadSettings, SettingsError, type Settings } from '../config.ts'
import type { Check, Fix } from '../doctor/check.ts'
import { CHECKS } from '../doctor/checks.ts'
import { doctorContext } from '../doctor/context.ts'
import { countStatuses, runChecks, type CheckResult } from '../doctor/run.ts'
import { FindingError, type Finding } from '../finding.ts'
import { findingLines, indented } from '../finding-lines.ts'
import { styleFor } from '../terminal.ts'
import { checkLines, createProgress, summaryLine, type Screen } from './doctor-print.ts'

export interface DoctorIo {
  env: Record<string, string | undefined>
  /** Takes a line of the result. */
  out: (line: string) => void
  /** Takes a line of progress, or about what went wrong. */
  err: (line: string) => void
  /** Asks for consent. Without it there is nobody to ask, and without `--yes` nothing is changed. */
  ask?: ((question: string) => Promise<boolean>) | undefined
  /** Where the checks that still run are shown, if it is a terminal. */
  screen?: Screen | undefined
  /** Interrupts: checks end, and take away what they made. */
  signal?: AbortSignal | undefined
  /** For tests. */
  checks?: readonly Check[]
}

const names = (checks: readonly Check[]) => {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join('\n')
}

export const DOCTOR_USAGE = `Usage: bridge doctor [--only NAME,NAME] [--fix [--yes]] [--json]

Checks everything that a call needs, all at once, and says of each what was seen and what to do. It makes rooms of its
own in the LiveKit project and deletes them; with the Jambonz REST settings Jambonz dials one of them, which nobody
answers. It changes nothing else without --fix.

  --only NAMES   only these checks, comma separated
  --fix          then show what can be put right here, ask, do it, and check again
  --yes          do not ask
  --json         the result as JSON

Checks:
${names(CHECKS)}

Exit code: 0 nothing failed; 1 something did, or it was interrupted; 2 settings or arguments are not usable`

interface Flags {
  fix: boolean
  yes: boolean
  json: boolean
  help: boolean
  checks: readonly Check[]
}

/** Everything that a run found and did; as JSON with `--json`. */
interface Result {
  project: string
  checks: CheckResult[]
  summary: ReturnType<typeof countStatuses>
  /** What `--fix` would have changed or has changed. */
  fixes?: Array<{ check: string, where: string, lines: string[] }>
  /** What was changed, also when the rest failed. */
  done?: string[]
  /** What kept a fix from being made. */
  findings?: Finding[]
  /** The checks before anything was changed; `checks` are those after it. */
  before?: CheckResult[]
}

class UsageError extends Error {}

/**
 * `bridge doctor`: every check, and with `--fix` what can be put right.
 * @returns the exit code: 0 nothing failed, 1 something did or it was interrupted, 2 unusable arguments or settings
 */
export async function doctor (args: string[], io: DoctorIo): Promise<number> {
  let flags: Flags
  try {
    flags = flagsOf(args, io.checks ?? CHECKS)
  } catch (error) {
    if (!(error instanceof UsageError) && !(error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')) {
      throw error
    }
    io.err(`${(error as Error).message}\n\n${DOCTOR_USAGE}`)
    return 2
  }
  if (flags.help) {
    io.out(DOCTOR_USAGE)
    return 0
  }
  let settings: Settings
  try {
    settings = loadSettings(io.env)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    if (flags.json) {
      io.out(JSON.stringify(
        {
          findings: error.problems.map(seen =>
            ({ code: 'settings-unusable', severity: 'failed', seen }) satisfies Finding
          )
        },
        null,
        2
      ))
    } else io.err(error.message)
    return 2
  }
  return await run(flags, settings, io)
}

function flagsOf (args: string[], checks: readonly Check[]): Flags {
  const boolean = { type: 'boolean' } as const
  const { values } = parseArgs({
    args,
    options: {
      fix: boolean,
      yes: boolean,
      json: boolean,
      only: { type: 'string', multiple: true },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.yes && !values.fix) {
    throw new UsageError('--yes is for --fix: without it nothing is changed, and nobody is asked')
  }
  const wanted = values.only?.flatMap(text => text.split(',')).map(name => name.trim()).filter(name => name !== '')
  if (wanted?.length === 0) throw new UsageError('--only wants names of checks')
  const unknown = wanted?.filter(name => !checks.some(check => check.name === name)) ?? []
  if (unknown.length > 0) {
    throw new UsageError(`No check ${unknown.join(', ')}. There are ${checks.map(({ name }) => name).join(', ')}`)
  }
  return {
    fix: values.fix === true,
    yes: values.yes === true,
    json: values.json === true,
    help: values.help === true,
    checks: wanted ? checks.filter(({ name }) => wanted.includes(name)) : checks
  }
}

async function run (flags: Flags, settings: Settings, io: DoctorIo): Promise<number> {
  const say = (...lines: string[]) => {
    if (!flags.json) { for (const line of lines) io.out(line) }
  }
  const style = { ascii: styleFor({}, io.env).ascii }
  const result: Result = { project: settings.LIVEKIT_URL, checks: [], summary: countStatuses([]) }
  const problems: Finding[] = []
  const problem = (finding: Finding) => {
    problems.push(finding)
    result.findings = problems
    say(...indented(findingLines(finding, style), 4))
  }

  say(`LiveKit project: ${settings.LIVEKIT_URL}`)
  await look()
  if (flags.fix && !io.signal?.aborted) {
    const before = result.checks
    if (await repair()) {
      result.before = before
      say('', 'Once more:')
      await look()
    }
  }
  if (flags.json) io.out(JSON.stringify(result, null, 2))
  return io.signal?.aborted ||
      [...problems, ...result.checks.flatMap(({ findings }) => findings)].some(({ severity }) => severity === 'failed')
    ? 1
    : 0

  async function look (): Promise<void> {
    const progress = createProgress(io.err, io.screen, style)
    const interrupted = () => {
      io.err('Interrupted: the checks end and take away what they made. Once more ends it at once.')
    }
    io.signal?.addEventListener('abort', interrupted, { once: true })
    result.checks = await runChecks(flags.checks, doctorContext(settings), {
      ...(io.signal && { signal: io.signal }),
      onProgress (event) {
        if (flags.json) return
        if (event.now === 'started') progress.started(event.check.name)
        else progress.done(event.result)
      }
    })
    io.signal?.removeEventListener('abort', interrupted)
    result.summary = countStatuses(result.checks)
    say(...result.checks.flatMap(check => ['', ...checkLines(check, style)]), '', `${summaryLine(result.checks)}.`)
    if (io.signal?.aborted) {
      say(
        leftBehind(result.checks)
          ? 'Something that a check made may be left: see above.'
          : 'Nothing that a check made is left.'
      )
    }
  }

  /** Shows what can be changed, asks, changes it. @returns whether anything was changed */
  async function repair (): Promise<boolean> {
    const fixes = await fixesOf(
      flags.checks.filter(({ name }) =>
        result.checks.some(check => check.name === name && (check.status === 'failed' || check.status === 'warning'))
      ),
      settings,
      io.signal ?? new AbortController().signal,
      problem
    )
    result.fixes = fixes.map(({ check, fix: { where, lines } }) => ({ check: check.name, where, lines }))
    if (fixes.length === 0) {
      say('', 'There is nothing that --fix can put right here.')
      return false
    }
    for (const { fix: { where, lines } } of fixes) say('', `To be changed in ${where}:`, ...lines)
    const done: string[] = result.done = []
    if (!await consents(fixes.map(({ fix }) => fix.where))) return false
    for (const { fix } of fixes) {
      try {
        await fix.apply(line => {
          done.push(line)
          say(line)
        })
      } catch (error) {
        if (!(error instanceof FindingError)) throw error
        problem(error.finding)
      }
    }
    return done.length > 0
  }

  async function consents (places: string[]): Promise<boolean> {
    if (flags.yes) return true
    if (!io.ask || flags.json) {
      problem({
        code: 'consent-needed',
        severity: 'failed',
        seen: 'Nothing was changed: nobody can be asked here',
        todo: 'Look at the changes, then run it with --yes',
        command: 'bridge doctor --fix --yes'
      })
      return false
    }
    if (await io.ask(`Make these changes in ${places.join(' and ')}?`)) return true
    say('Nothing was changed.')
    return false
  }
}

async function fixesOf (
  checks: readonly Check[],
  settings: Settings,
  signal: AbortSignal,
  problem: (finding: Finding) => void
): Promise<Array<{ check: Check, fix: Fix }>> {
  const context = doctorContext(settings)
  const found = await Promise.all(checks.map(async check => {
    try {
      const fix = await check.fix?.(context, signal)
      return fix ? [{ check, fix }] : []
    } catch (error) {
      if (!(error instanceof FindingError)) throw error
      problem(error.finding)
      return []
    }
  }))
  return found.flat()
}

const leftBehind = (results: readonly CheckResult[]): boolean =>
  results.some(({ findings }) =>
    findings.some(({ code, severity }) =>
      code === 'room-not-deleted' || (code === 'check-not-stopped' && severity === 'warning')
    )
  )
