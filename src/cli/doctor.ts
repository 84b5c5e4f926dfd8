import { parseArgs } from 'node:util'
import { createSecretOf, loadSettings, SettingsError, type Settings } from '../config.ts'
import type { Check, DoctorContext, Fix } from '../doctor/check.ts'
import { CHECKS } from '../doctor/checks.ts'
import { doctorContext } from '../doctor/context.ts'
import { countStatuses, runChecks, type CheckResult } from '../doctor/run.ts'
import { FindingError, type Finding } from '../finding.ts'
import { findingLines, indented } from '../finding-lines.ts'
import { readOnce } from '../routing/file/read-once.ts'
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
  /** Interrupts: checks end, and remove what they made. */
  signal?: AbortSignal | undefined
  /** For tests. */
  checks?: readonly Check[]
}

const names = (checks: readonly Check[]) => {
  const width = Math.max(...checks.map(({ name }) => name.length))
  return checks.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`).join('\n')
}

export const DOCTOR_USAGE = `Usage: bridge doctor [--only NAME,NAME] [--agent NAME] [--fix [--yes]] [--json]

Checks everything that a call needs, in parallel, and reports what it saw and what to do. It creates test rooms in the
LiveKit project and deletes them. With the Jambonz REST settings Jambonz dials one of them, which nobody answers.
Without --fix it changes nothing else.

  --only NAMES   run only these checks, separated by commas
  --agent NAME   check this agent instead of LIVEKIT_AGENT_NAME; without --only run only that check
  --fix          afterwards show what can be repaired, ask, repair it, and check again
  --yes          do not ask
  --json         print the result as JSON

Checks:
${names(CHECKS)}

Exit code: 0 nothing failed; 1 something did, or it was interrupted; 2 wrong settings or arguments`

interface Flags {
  fix: boolean
  yes: boolean
  json: boolean
  help: boolean
  checks: readonly Check[]
  agent?: string
}

/** Everything that a run found and did; as JSON with `--json`. */
interface Result {
  project: string
  checks: CheckResult[]
  summary: ReturnType<typeof countStatuses>
  /** What `--fix` showed; `applied`: all of it was made. */
  fixes?: Array<{ check: string, where: string, lines: string[], applied: boolean }>
  /** Every change that was made, a line each, also when the rest failed. */
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
  return await new DoctorRun(flags, settings, io).run()
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
      agent: { type: 'string' },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.yes && !values.fix) {
    throw new UsageError('--yes is for --fix: without it nothing is changed, and nobody is asked')
  }
  return {
    fix: values.fix === true,
    yes: values.yes === true,
    json: values.json === true,
    help: values.help === true,
    checks: wantedChecks(values, checks),
    ...(values.agent !== undefined && { agent: values.agent })
  }
}

/** The checks that `--only` names; `--agent` alone wants the check of the agent. */
function wantedChecks (
  { only, agent }: { only?: string[], agent?: string },
  checks: readonly Check[]
): readonly Check[] {
  if (agent === '') throw new UsageError('--agent wants a name')
  const names = only?.flatMap(text => text.split(',')).map(name => name.trim()).filter(name => name !== '')
  if (names?.length === 0) throw new UsageError('--only wants names of checks')
  const unknown = names?.filter(name => !checks.some(check => check.name === name)) ?? []
  if (unknown.length > 0) {
    throw new UsageError(`No check ${unknown.join(', ')}. There are ${checks.map(({ name }) => name).join(', ')}`)
  }
  if (agent !== undefined && names?.includes('agent') === false) {
    throw new UsageError('--agent is for the check agent, which --only leaves out')
  }
  const wanted = names ?? (agent === undefined ? undefined : ['agent'])
  return wanted ? checks.filter(({ name }) => wanted.includes(name)) : checks
}

/** One run of the command: looks, and with `--fix` puts right and looks again. */
class DoctorRun {
  readonly #flags: Flags
  readonly #settings: Settings
  readonly #io: DoctorIo
  readonly #style: { ascii: boolean }
  readonly #result: Result
  readonly #problems: Finding[] = []

  constructor (flags: Flags, settings: Settings, io: DoctorIo) {
    this.#flags = flags
    this.#settings = settings
    this.#io = io
    this.#style = { ascii: styleFor({}, io.env).ascii }
    this.#result = { project: settings.LIVEKIT_URL, checks: [], summary: countStatuses([]) }
  }

  /** @returns the exit code: 0 nothing failed, 1 something did or it was interrupted */
  async run (): Promise<number> {
    const { signal } = this.#io
    this.#say(`LiveKit project: ${this.#settings.LIVEKIT_URL}`)
    await this.#look()
    if (this.#flags.fix && !signal?.aborted) {
      const before = this.#result.checks
      if (await this.#repair()) {
        this.#result.before = before
        this.#say('', 'Once more:')
        await this.#look()
      }
    }
    if (this.#flags.json) this.#io.out(JSON.stringify(this.#result, null, 2))
    const findings = [...this.#problems, ...this.#result.checks.flatMap(({ findings }) => findings)]
    return signal?.aborted || findings.some(({ severity }) => severity === 'failed') ? 1 : 0
  }

  #say (...lines: string[]): void {
    if (this.#flags.json) return
    for (const line of lines) this.#io.out(line)
  }

  #problem (finding: Finding): void {
    this.#problems.push(finding)
    this.#result.findings = this.#problems
    this.#say(...indented(findingLines(finding, this.#style), 4))
  }

  /** The file is read each time: it may be what somebody corrects between two looks. */
  async #context (): Promise<DoctorContext> {
    const secretOf = createSecretOf(this.#io.env)
    const routes = await readOnce(this.#settings.ROUTES_FILE, secretOf)
    return { ...doctorContext(this.#settings, { routes, secretOf }), agent: this.#flags.agent }
  }

  async #look (): Promise<void> {
    const { signal, err, screen } = this.#io
    const progress = createProgress(err, screen, this.#style)
    const interrupted = () => {
      err('Interrupted: the checks end and remove what they made. Once more ends it at once.')
    }
    signal?.addEventListener('abort', interrupted, { once: true })
    const checks = this.#result.checks = await runChecks(this.#flags.checks, await this.#context(), {
      ...(signal && { signal }),
      onProgress: event => {
        if (this.#flags.json) return
        if (event.now === 'started') progress.started(event.check.name)
        else progress.done(event.result)
      }
    })
    signal?.removeEventListener('abort', interrupted)
    this.#result.summary = countStatuses(checks)
    this.#say(...checks.flatMap(check => ['', ...checkLines(check, this.#style)]), '', `${summaryLine(checks)}.`)
    if (!signal?.aborted) return
    this.#say(
      leftBehind(checks)
        ? 'Something that a check made may be left: see above.'
        : 'Nothing that a check made is left.'
    )
  }

  /** Shows what can be changed, asks, changes it. @returns whether anything was changed */
  async #repair (): Promise<boolean> {
    const fixes = await this.#fixes()
    const shown = fixes.map(({ check, fix: { where, lines } }) => ({ check: check.name, where, lines, applied: false }))
    const done: string[] = []
    Object.assign(this.#result, { fixes: shown, done })
    if (fixes.length === 0) {
      this.#say('', 'There is nothing that --fix can put right here.')
      return false
    }
    for (const { where, lines } of shown) this.#say('', `To be changed in ${where}:`, ...lines)
    if (!await this.#consents(shown.map(({ where }) => where))) return false
    for (const [i, { fix }] of fixes.entries()) {
      try {
        await fix.apply(line => {
          done.push(line)
          this.#say(line)
        })
        shown[i]!.applied = true
      } catch (error) {
        if (!(error instanceof FindingError)) throw error
        this.#problem(error.finding)
      }
    }
    return done.length > 0
  }

  /** What the checks that found something wrong can put right. */
  async #fixes (): Promise<Array<{ check: Check, fix: Fix }>> {
    const context = await this.#context()
    const signal = this.#io.signal ?? new AbortController().signal
    const isWrong = ({ status }: CheckResult) => status === 'failed' || status === 'warning'
    const wrong = this.#flags.checks.filter(({ name }) =>
      this.#result.checks.some(check => check.name === name && isWrong(check))
    )
    const found = await Promise.all(wrong.map(async check => {
      try {
        const fix = await check.fix?.(context, signal)
        return fix ? [{ check, fix }] : []
      } catch (error) {
        if (!(error instanceof FindingError)) throw error
        this.#problem(error.finding)
        return []
      }
    }))
    return found.flat()
  }

  async #consents (places: string[]): Promise<boolean> {
    if (this.#flags.yes) return true
    if (!this.#io.ask || this.#flags.json) {
      this.#problem({
        code: 'consent-needed',
        severity: 'failed',
        seen: 'Nothing was changed: nobody can be asked here',
        todo: 'Look at the changes, then run it with --yes',
        command: 'bridge doctor --fix --yes'
      })
      return false
    }
    if (await this.#io.ask(`Make these changes in ${places.join(' and ')}?`)) return true
    this.#say('Nothing was changed.')
    return false
  }
}

const leftBehind = (results: readonly CheckResult[]): boolean =>
  results.some(({ findings }) =>
    findings.some(({ code, severity }) =>
      code === 'room-not-deleted' || (code === 'check-not-stopped' && severity === 'warning')
    )
  )
