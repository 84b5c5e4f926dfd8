import type { Clock } from './clock.ts'
import type { Check, DoctorContext } from './doctor/check.ts'
import type { CheckResult } from './doctor/run.ts'
import type { Severity } from './finding.ts'

/** What the read-only checks found. */
export interface DoctorReport {
  at: string
  summary: Record<Severity, number>
  checks: CheckResult[]
}

/** What happens in a run, in order. */
export type DoctorNews =
  | { event: 'begin', data: { at: string, checks: Array<Pick<Check, 'name' | 'title'>> } }
  | { event: 'check', data: CheckResult }

export interface DoctorRunsOptions {
  clock: Clock
  /** Makes what the checks work with, once their code is loaded. */
  contextWith: (make: typeof import('./doctor/context.ts')['doctorContext']) => DoctorContext
}

interface Run {
  news: DoctorNews[]
  listeners: Set<(news: DoctorNews) => void>
  report: Promise<DoctorReport>
}

/** The read-only checks of the doctor: one run at a time, which everybody joins who asks meanwhile. */
export class DoctorRuns {
  readonly #options: DoctorRunsOptions
  readonly #closing = new AbortController()
  #running: Run | undefined

  constructor (options: DoctorRunsOptions) {
    this.#options = options
  }

  /**
   * Runs the checks, or joins the run that is under way.
   * @param listener gets what happened before, and then all that happens
   * @returns `leave` ends the listening, and not the run
   */
  join (listener: (news: DoctorNews) => void = () => {}): { report: Promise<DoctorReport>, leave: () => void } {
    const run = this.#running ??= this.#begin()
    for (const news of run.news) listener(news)
    run.listeners.add(listener)
    return { report: run.report, leave: () => run.listeners.delete(listener) }
  }

  /** Interrupts the checks: what they found so far is the report. */
  close (): void {
    this.#closing.abort()
  }

  #begin (): Run {
    const run = { news: [], listeners: new Set() } as unknown as Run
    run.report = this.#run(news => {
      run.news.push(news)
      for (const listener of run.listeners) listener(news)
    }).finally(() => {
      this.#running = undefined
    })
    return run
  }

  async #run (tell: (news: DoctorNews) => void): Promise<DoctorReport> {
    const { clock, contextWith } = this.#options
    const at = new Date(clock.now()).toISOString()
    const { CHECKS, countStatuses, doctorContext, runChecks } = await loadDoctor()
    // Checks that change nothing anywhere and call nobody.
    const readOnly = CHECKS.filter(check => check.readOnly)
    tell({ event: 'begin', data: { at, checks: readOnly.map(({ name, title }) => ({ name, title })) } })
    const checks = await runChecks(readOnly, contextWith(doctorContext), {
      signal: this.#closing.signal,
      onProgress (progress) {
        if (progress.now === 'done') tell({ event: 'check', data: progress.result })
      }
    })
    return { at, summary: countStatuses(checks), checks }
  }
}

/** The checks bring a SIP stack and RTP with them, so a service whose operators never ask does not load them. */
async function loadDoctor () {
  const [{ CHECKS }, { doctorContext }, { countStatuses, runChecks }] = await Promise.all([
    import('./doctor/checks.ts'),
    import('./doctor/context.ts'),
    import('./doctor/run.ts')
  ])
  return { CHECKS, countStatuses, doctorContext, runChecks }
}
