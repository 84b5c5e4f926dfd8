import { setTimeout as sleep } from 'node:timers/promises'
import type { CallSummary, CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import { ApiError, get, type OperatorApi } from './calls-client.ts'
import { callRows, eventLine, headRow, outcomeLines, tableLayout } from './calls-print.ts'
import { transferState } from './transfer-lines.ts'

export interface FollowIo {
  out: (line: string) => void
  err: (line: string) => void
  /** Ends the following. */
  signal: AbortSignal
  columns: number
  json: boolean
  now: () => number
  /** Resolves after this time, or when the following ends. */
  wait?: (ms: number, signal: AbortSignal) => Promise<void>
}

/** Milliseconds between two polls of the operator API. */
const POLL_MS = 1000

const waitOrEnd = (ms: number, signal: AbortSignal): Promise<void> => sleep(ms, undefined, { signal }).catch(() => {})

/** Prints the calls under way, then a row for each call that begins or changes, until `signal`. */
export async function followCalls (list: () => Promise<CallSummary[]>, io: FollowIo): Promise<number> {
  const printed = new Map<string, string>()
  const layout = tableLayout([], io.columns, io.now())
  if (!io.json) for (const line of headRow(layout)) io.out(line)
  let first = true
  await poll(io, async () => {
    const calls = await list()
    const changed = calls.filter(call => printed.get(call.callSid) !== stateOf(call))
    for (const call of changed) printed.set(call.callSid, stateOf(call))
    // Calls that ended before the command was started are not news.
    const news = first ? changed.filter(({ phase }) => phase !== 'ended') : changed
    first = false
    for (const call of news.reverse()) {
      if (io.json) io.out(JSON.stringify(call))
      else for (const line of callRows([call], layout, io.now())) io.out(line)
    }
    forgetOthers(printed, calls)
    return false
  })
  return 0
}

/** What a row shows of a call, apart from the time that passes. */
const stateOf = ({ phase, end, agent, attempts, transfers = [] }: CallSummary): string =>
  [phase, end?.cause, end?.waitingOn, agent, attempts.length, ...transfers.map(transferState)].join(' ')

function forgetOthers (printed: Map<string, string>, calls: readonly CallSummary[]): void {
  const present = new Set(calls.map(({ callSid }) => callSid))
  for (const callSid of printed.keys()) if (!present.has(callSid)) printed.delete(callSid)
}

/** Prints what happens in one call until it has ended, and then why it ended. */
export async function followCall (callSid: string, api: OperatorApi, io: FollowIo): Promise<number> {
  const path = `/calls/${encodeURIComponent(callSid)}`
  const printed = new Set<string>()
  await poll(io, async () => {
    const call = await get<CallView>(path, api)
    for (const event of call.events) {
      const key = JSON.stringify([event.first, event.from, event.what, event.leg, event.status, event.sipStatus])
      if (printed.has(key)) continue
      printed.add(key)
      io.out(io.json ? JSON.stringify(event) : eventLine(event, call))
    }
    if (call.phase !== 'ended') return false
    const diagnosis = await get<DiagnosisView>(`${path}/diagnosis`, api)
    if (io.json) io.out(JSON.stringify({ end: call.end, diagnosis }))
    else for (const line of outcomeLines(call.phase, diagnosis, io.columns)) io.out(line)
    return true
  })
  return 0
}

/**
 * Looks again and again until `look` says that it is done. A bridge that does not answer for a while, such as one that
 * restarts, is mentioned once and waited for.
 * @throws {ApiError} when already the first look fails: then the command is wrong, not the bridge
 */
export async function poll (
  { signal, err, wait = waitOrEnd }: Pick<FollowIo, 'signal' | 'err' | 'wait'>,
  look: () => Promise<boolean>
): Promise<void> {
  let answered = false
  let silent = false
  while (!signal.aborted) {
    try {
      if (await look()) return
      if (silent) err('The bridge answers again')
      answered = true
      silent = false
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof ApiError) || !answered) throw error
      if (!silent) err(`${error.message}. Waiting for it`)
      silent = true
    }
    await wait(POLL_MS, signal)
  }
}
