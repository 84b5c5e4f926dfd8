import { FindingError, type Finding, type Severity } from '../finding.ts'
import type { Check, DoctorContext } from './check.ts'

/** What one check found. */
export interface CheckResult {
  name: string
  title: string
  /** The worst of its findings; `skipped` when it looked at nothing. */
  status: Severity
  findings: Finding[]
  /** How long it took, milliseconds. */
  ms: number
}

export type Progress = { now: 'started', check: Check } | { now: 'done', check: Check, result: CheckResult }

export interface RunOptions {
  /** Interrupts every check; what they made outside is taken away first. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /**
   * How long a check that was told to stop may take to end, milliseconds. Default 10 s, or half a second for one that
   * has nothing to clear up.
   */
  graceMs?: number
}

/** A room is deleted in three tries. */
const CLEARING_MS = 10_000
const ENDING_MS = 500
/** Any time; nothing is done then. */
const AWAKE_MS = 60_000

/** All checks at once, each within its limit; never throws for what a check does. In the order of the list. */
export async function runChecks (
  checks: readonly Check[],
  context: DoctorContext,
  options: RunOptions = {}
): Promise<CheckResult[]> {
  // A context of its own: what checks remember by it is of this run alone.
  const own = { ...context }
  // The clock's timers keep no process alive, and a check may wait for nothing else.
  const awake = setInterval(() => {}, AWAKE_MS)
  let interrupt = () => {}
  const interruption = new Promise<Stopped>(resolve => {
    interrupt = () => resolve('interrupted')
  })
  options.signal?.addEventListener('abort', interrupt, { once: true })
  try {
    return await Promise.all(checks.map(async check => {
      options.onProgress?.({ now: 'started', check })
      const began = performance.now()
      const findings = options.signal?.aborted
        ? [interrupted('before it began')]
        : await findingsWithin(check, own, interruption, options)
      const result: CheckResult = {
        name: check.name,
        title: check.title,
        status: worst(findings),
        findings,
        ms: Math.round(performance.now() - began)
      }
      options.onProgress?.({ now: 'done', check, result })
      return result
    }))
  } finally {
    options.signal?.removeEventListener('abort', interrupt)
    clearInterval(awake)
  }
}

const ORDER: readonly Severity[] = ['failed', 'warning', 'ok', 'skipped']

/** The worst of several findings. */
export const worst = (findings: readonly Finding[]): Severity =>
  ORDER.find(severity => findings.some(finding => finding.severity === severity)) ?? 'ok'

/** How many checks ended in which way. */
export function countStatuses (results: readonly CheckResult[]): Record<Severity, number> {
  const count = (status: Severity) => results.filter(result => result.status === status).length
  return { ok: count('ok'), warning: count('warning'), failed: count('failed'), skipped: count('skipped') }
}

type Stopped = 'late' | 'interrupted'

async function findingsWithin (
  check: Check,
  context: DoctorContext,
  interruption: Promise<Stopped>,
  { graceMs = check.readOnly ? ENDING_MS : CLEARING_MS }: RunOptions
): Promise<Finding[]> {
  const stop = new AbortController()
  let cancel = () => {}
  const limit = new Promise<Stopped>(resolve => {
    cancel = context.clock.schedule(check.limitMs, () => resolve('late'))
  })
  const work = findingsOf(check, context, stop.signal)
  try {
    const first = await Promise.race([work, limit, interruption])
    if (typeof first !== 'string') return first
    stop.abort()
    // It may have made something outside: that is worth waiting for, within bounds.
    const cleared = await Promise.race([work, late(context, graceMs)])
    if (first === 'interrupted' && cleared?.some(({ code }) => code === 'interrupted')) return cleared
    const why = first === 'late'
      ? {
        code: 'check-timeout',
        severity: 'failed',
        seen: `It took longer than its limit of ${check.limitMs / 1000} s and was stopped`,
        todo: 'Run it alone; something that it asks answers slowly or not at all',
        command: `bridge doctor --only ${check.name}`
      } satisfies Finding
      : interrupted('before it ended')
    return cleared ? [...cleared.filter(({ code }) => code !== 'interrupted'), why] : [why, notCleared(check, graceMs)]
  } finally {
    cancel()
  }
}

/** A check that breaks is a finding too: without its stack, and without a text that might hold a secret. */
async function findingsOf (check: Check, context: DoctorContext, signal: AbortSignal): Promise<Finding[]> {
  try {
    return await check.run(context, signal)
  } catch (error) {
    if (error instanceof FindingError) return [error.finding]
    const { name, code } = (error ?? {}) as { name?: unknown, code?: unknown }
    // Being stopped is no failure of its own.
    if (signal.aborted) return []
    return [{
      code: 'check-failed',
      severity: 'failed',
      seen: `The check broke off: ${
        [typeof name === 'string' ? name : 'error', typeof code === 'string' ? code : ''].filter(Boolean).join(' ')
      }`,
      todo: 'Run it alone; if it breaks again that is a fault of the bridge: report it with this line',
      command: `bridge doctor --only ${check.name}`
    }]
  }
}

const interrupted = (when: string): Finding => ({
  code: 'interrupted',
  severity: 'skipped',
  seen: `Interrupted ${when}`,
  todo: 'Run it again'
})

const notCleared = (check: Check, graceMs: number): Finding => ({
  code: 'check-not-stopped',
  severity: check.readOnly ? 'skipped' : 'warning',
  seen: `It had not stopped ${graceMs / 1000} s later${
    check.readOnly ? '' : ': what it made outside may still be there'
  }`,
  ...(!check.readOnly && { todo: 'Rooms of a check close by themselves within two minutes or so' })
})

function late (context: DoctorContext, ms: number): Promise<undefined> {
  return new Promise(resolve => {
    context.clock.schedule(ms, () => resolve(undefined))
  })
}
