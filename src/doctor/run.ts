import { FindingError, type Finding, type Severity } from '../finding.ts'
import type { Check, DoctorContext, WaitsFor } from './check.ts'

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
  /** Interrupts every check; they remove what they made outside first. */
  signal?: AbortSignal
  onProgress?: (progress: Progress) => void
  /**
   * How long a check may take to end once its signal is aborted, milliseconds. Default 15 s, or half a second for one
   * that has nothing to clear up.
   */
  graceMs?: number
}

/** A room is deleted in three tries, and then watched for two seconds. */
const CLEARING_MS = 15_000
const ENDING_MS = 500
/** An interval that does nothing but keep the process alive. */
const AWAKE_MS = 60_000

/**
 * Runs all checks at once, each within its limit. A check that waits for others is reported after them. Never throws
 * for what a check does. @returns the results in the order of the list
 */
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
  const results = new Map<string, Promise<CheckResult>>()
  const report = async (check: Check): Promise<CheckResult> => {
    options.onProgress?.({ now: 'started', check })
    const began = performance.now()
    const found = options.signal?.aborted
      ? [interrupted('before it began')]
      : await findingsWithin(check, own, interruption, options)
    const ms = Math.round(performance.now() - began)
    const earlier = await Promise.all((check.waitsFor ?? []).flatMap(({ check: name }) => results.get(name) ?? []))
    const findings = withoutExplained(check, found, earlier)
    const result: CheckResult = { name: check.name, title: check.title, status: worst(findings), findings, ms }
    options.onProgress?.({ now: 'done', check, result })
    return result
  }
  try {
    for (const check of checks) results.set(check.name, report(check))
    return await Promise.all(results.values())
  } finally {
    options.signal?.removeEventListener('abort', interrupt)
    clearInterval(awake)
  }
}

/** A finding that an earlier check's failure explains becomes a pointer to that check. */
function withoutExplained (
  { waitsFor = [] }: Check,
  findings: readonly Finding[],
  earlier: readonly CheckResult[]
): Finding[] {
  const failed = waitsFor.filter(({ check }) =>
    earlier.some(({ name, status }) => name === check && status === 'failed')
  )
  const explainedBy = ({ code, severity }: Finding): WaitsFor | undefined =>
    severity === 'failed' || severity === 'warning' ? failed.find(({ explains }) => explains.includes(code)) : undefined
  const pointers = new Set(findings.flatMap(finding => explainedBy(finding)?.check ?? []))
  return [
    ...findings.filter(finding => explainedBy(finding) === undefined),
    ...[...pointers].map((check): Finding => ({
      code: 'waits-for-check',
      severity: 'skipped',
      seen: `Skipped until the problem that the check ${check} found is fixed`
    }))
  ]
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
