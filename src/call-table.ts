import type { Call } from './calls/fold/call.ts'
import { withOutcome } from './call-outcome.ts'
import { summarize, type CallSummary } from './calls/view.ts'
import { isFailure } from './diagnosis/diagnose.ts'

/*
 * Calls as files: CSV as RFC 4180 has it, and one JSON array. Both are made page by page.
 */

type Cell = string | number | boolean | undefined

const COLUMNS: Record<string, (call: CallSummary, record: Call) => Cell> = {
  callSid: ({ callSid }) => callSid,
  direction: ({ direction }) => direction,
  phase: ({ phase }) => phase,
  received: ({ at }) => at.received,
  answered: ({ at }) => at.answered,
  ended: ({ at }) => at.ended,
  seconds: (_call, { at }) => seconds(at.received, at.ended),
  answeredSeconds: (_call, { at }) => seconds(at.answered, at.ended),
  from: ({ from }) => from,
  to: ({ to }) => to,
  route: ({ route }) => route,
  agent: ({ agent }) => agent,
  room: ({ attempts }) => attempts.findLast(({ room }) => room !== undefined)?.room,
  attempts: ({ attempts }) => attempts.length,
  cause: ({ end }) => end?.cause,
  endedBy: ({ end }) => end?.by,
  waitingOn: ({ end }) => end?.waitingOn,
  sipStatus: ({ end }) => end?.sipStatus,
  failed: (_call, record) => isFailure(record),
  placedBy: ({ placedBy }) => placedBy,
  reference: ({ reference }) => reference,
  orderId: ({ orderId }) => orderId
}

function seconds (from: number | undefined, to: number | undefined): number | undefined {
  return from === undefined || to === undefined ? undefined : Math.round((to - from) / 1000)
}

/** Pages of calls as a CSV file, one piece of text for each page. */
export async function * csvOf (pages: AsyncIterable<Call[]>): AsyncGenerator<string> {
  yield csvLine(Object.keys(COLUMNS))
  for await (const calls of pages) yield calls.map(csvRow).join('')
}

/** Pages of calls as one JSON array of {@link CallSummary}. Without its end it is no JSON. */
export async function * jsonOf (pages: AsyncIterable<Call[]>): AsyncGenerator<string> {
  let isFirst = true
  for await (const calls of pages) {
    if (calls.length === 0) continue
    yield (isFirst ? '[\n' : ',\n') + calls.map(call => JSON.stringify(withOutcome(summarize(call), call))).join(',\n')
    isFirst = false
  }
  yield isFirst ? '[]\n' : '\n]\n'
}

function csvRow (call: Call): string {
  const summary = summarize(call)
  return csvLine(Object.values(COLUMNS).map(cell => cell(summary, call)))
}

const csvLine = (cells: readonly Cell[]): string => `${cells.map(csvCell).join(',')}\r\n`

/**
 * A cell of a CSV file. Spreadsheets run text that begins like a formula, which callers could choose, so it gets a `'`
 * in front. A `+` with nothing but digits is a phone number, and stays.
 */
export function csvCell (value: Cell): string {
  const text = String(value ?? '')
  const isFormula = /^[=+\-@\t\r\n]/.test(text) && !/^\+\d+$/.test(text)
  const safe = isFormula && typeof value !== 'number' ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}
