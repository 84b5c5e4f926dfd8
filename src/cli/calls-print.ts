import { cleanDeep } from '../clean-deep.ts'
import type { CallSummary, CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import type { JambonzView } from '../diagnosis/jambonz-view.ts'
import { findingLines } from '../finding-lines.ts'
import { renderLadder, type LadderOptions } from '../ladder/ladder.ts'
import { partiesOf } from '../ladder/parties.ts'
import { stepOf, stepsOf } from '../ladder/steps.ts'
import { transferLine, transferState } from './transfer-lines.ts'
import { columnWidths, tableRow, tableWidth, wrapIndented, type Column } from './text-layout.ts'

/** Width of text where the terminal's is not known. */
export const USUAL_COLUMNS = 100

/** How the rows of a table of calls are laid out. */
export interface TableLayout {
  columns: readonly Column[]
  widths: number[]
  /** Whether the called number is below the calling one, because the table would be too wide otherwise. */
  stacked: boolean
  /** Whether the times need their date. */
  dates: boolean
}

const columnsOf = (stacked: boolean, routes: boolean, dates: boolean): Column[] => [
  ...[{ title: 'UTC' }, { title: 'call' }],
  ...(stacked ? [{ title: 'from, to' }] : [{ title: 'from' }, { title: 'to' }]),
  // The route stands below the agent. Usual names stay whole in the usual width, but for a table with dates.
  ...[{ title: routes ? 'agent, route' : 'agent', atLeast: dates ? 10 : 14 }, { title: 'time' }],
  { title: 'state', atLeast: dates ? 10 : 11 }
]

/** The calls as a table, in the order in which they come. */
export function callTable (calls: readonly CallSummary[], width: number, now: number): string[] {
  if (calls.length === 0) return ['No calls']
  const clean = cleanDeep(calls)
  const layout = tableLayout(clean, width, now)
  return [...headRow(layout), ...callRows(clean, layout, now)]
}

/** The layout for these calls, or without any for calls that are still to come. */
export function tableLayout (calls: readonly CallSummary[], width: number, now: number): TableLayout {
  const days = new Set([now, ...calls.map(({ at }) => Date.parse(at.received ?? ''))].map(dayOf))
  const dates = calls.length > 0 && days.size > 1
  const routes = calls.some(({ route }) => route !== undefined)
  const rowsOf = (stacked: boolean) =>
    calls.length === 0 ? [usualRow(stacked)] : calls.map(call => cellsOf(call, { stacked, dates }, now))
  const wide = columnsOf(false, routes, dates)
  const widths = columnWidths(wide, rowsOf(false), Infinity)
  if (tableWidth(widths) <= width) return { columns: wide, widths, stacked: false, dates }

  const columns = columnsOf(true, routes, dates)
  return { columns, widths: columnWidths(columns, rowsOf(true), width), stacked: true, dates }
}

/** What a table must have room for when its rows are not known yet. */
function usualRow (stacked: boolean): string[] {
  const numbers = ['+1555000111100', '+1555000111100']
  return [
    ...['00:00:00', '0'.repeat(36), ...(stacked ? [numbers.join('\n')] : numbers)],
    ...['customer-agent', '0:00:00', 'livekit-refused-credentials (sip)']
  ]
}

export const headRow = ({ columns, widths }: TableLayout): string[] =>
  tableRow(columns.map(({ title }) => title), widths)

export const callRows = (calls: readonly CallSummary[], layout: TableLayout, now: number): string[] =>
  calls.flatMap(call => tableRow(cellsOf(call, layout, now), layout.widths))

const dayOf = (time: number): string => Number.isNaN(time) ? '' : new Date(time).toISOString().slice(0, 10)

function cellsOf (call: CallSummary, layout: Pick<TableLayout, 'stacked' | 'dates'>, now: number): string[] {
  const { stacked, dates } = layout
  const { callSid, agent, route, at, reference, joins, calledFor } = call
  const received = (at.received ?? '').replace('T', ' ').slice(dates ? 5 : 11, 19)
  const numbers = [call.from, call.to]
  // Your own id of the call, or the call that an agent's or a person's call belongs to, stands below the call_sid.
  const belongsTo = [joins && `in ${joins}`, calledFor && `for ${calledFor.callSid}`]
  const named = [callSid, reference, ...belongsTo].filter(text => text !== undefined).join('\n')
  return [
    ...[received, named, ...(stacked ? [numbers.join('\n')] : numbers)],
    ...[[agent, route].filter(text => text !== undefined).join('\n'), elapsed(call, now), stateCell(call)]
  ]
}

/** How long the call took, or has taken so far: `12.3 s`, `4:05`, `1:02:03`. */
function elapsed ({ at }: CallSummary, now: number): string {
  if (at.received === undefined) return ''
  const seconds = Math.max(0, ((at.ended === undefined ? now : Date.parse(at.ended)) - Date.parse(at.received)) / 1000)
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes}:${two(seconds % 60)}`
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds % 60)}`
}

function stateCell ({ phase, end, attempts, transfers = [] }: CallSummary): string {
  const state = end ? `${end.cause}${end.waitingOn === 'none' ? '' : ` (${end.waitingOn})`}` : phase
  const tried = attempts.filter(({ transfer }) => transfer === undefined).length
  // What became of the last transfer stands below.
  const transfer = transfers.slice(-1).map(transfer => `${transfer.mode} ${transferState(transfer)}`)
  return [tried > 1 ? `${state}, attempt ${tried}` : state, ...transfer].join('\n')
}

/** One call: who, where and when, its ladder, why it ended, evidence, answers, what to do. */
export function callPage (
  call: CallView,
  diagnosis: DiagnosisView,
  jambonz: JambonzView | undefined,
  ladder: LadderOptions,
  columns: number
): string[] {
  // Callers and agents chose some of this text, so it is cleaned before the page adds its own lines and colours.
  return pageLines(cleanDeep(call), cleanDeep(diagnosis), cleanDeep(jambonz), ladder, columns)
}

function pageLines (
  call: CallView,
  diagnosis: DiagnosisView,
  jambonz: JambonzView | undefined,
  ladder: LadderOptions,
  columns: number
): string[] {
  const steps = stepsOf(call)
  const drawn = renderLadder(steps, { ...ladder, parties: partiesOf(steps, call.direction) }).trimEnd().split('\n')
  const { evidence, answers, nextSteps, notToldApart, earlierAttempts } = diagnosis
  const start = startOf(call)
  const lines = [
    ...(call.eventsDropped > 0 ? [`(${call.eventsDropped} events in the middle were not kept)`] : []),
    ...section('Transfers', (call.transfers ?? []).map(transfer => transferLine(transfer, startOf(call)))),
    ...(call.attempts.length > 1 ? section('Attempts', inOrder(call.attempts).map(attemptLine)) : []),
    '',
    ...outcomeOf(call.phase, diagnosis),
    ...section('Evidence', evidence.map(item => evidenceLine(item, start))),
    ...earlierAttempts.flatMap(({ attempt, cause, evidence }) =>
      section(`Attempt ${attempt}: ${cause}`, evidence.map(item => evidenceLine(item, start)))),
    ...section('Questions', answers.map(({ question, answer, says }) => `${question} ${ANSWERS[answer]}${says}.`)),
    ...section('Next steps', nextSteps.flatMap(({ todo, command }) => command ? [todo, `    $ ${command}`] : [todo])),
    ...section('Not told apart', notToldApart),
    ...(jambonz ? jambonzLines(jambonz, ladder) : [])
  ]
  // Commands stay on one line so that they can be copied.
  const text = lines.flatMap(line => /^ *\$ /.test(line) ? [line] : wrapIndented(line, columns))
  return [...headLines(call), '', ...drawn, ...text]
}

const ANSWERS: Record<DiagnosisView['answers'][number]['answer'], string> = {
  yes: 'Yes: ',
  no: 'No: ',
  because: '',
  unknown: 'Not known: '
}

const startOf = ({ at, events }: CallView): number => Date.parse(at.received ?? events[0]?.first ?? '')

function headLines (call: CallView): string[] {
  const { callSid, direction, from, to, route, agent, at, attempts, reference, placedBy, joins, voicemail } = call
  const attempt = attempts.at(-1)
  const { calledFor } = call
  return [
    `${callSid}  ${direction}  ${from} -> ${to}  ${at.received ?? ''}`,
    ...(reference === undefined ? [] : [`order  ${reference}`]),
    ...(placedBy === undefined ? [] : [`by     ${placedBy}`]),
    ...(joins === undefined ? [] : [`joins  ${joins}`]),
    ...(calledFor === undefined ? [] : [`for    the ${calledFor.mode} transfer of call ${calledFor.callSid}`]),
    ...(voicemail === undefined ? [] : [`answer ${voicemail.verdict}, as ${WHO[voicemail.by]} found out`]),
    ...(route === undefined ? [] : [`route  ${route}`]),
    ...(agent === undefined ? [] : [`agent  ${agent}`]),
    ...(attempt?.room === undefined ? [] : [`room   ${attempt.room}`]),
    ...startLine(attempt)
  ]
}

/** Whether an agent waited for the call. Nothing is said where none was to wait. */
function startLine (attempt: CallView['attempts'][number] | undefined): string[] {
  if (attempt?.start === 'warm') return [`start  warm${madeBefore(attempt)}`]
  if (attempt?.start === 'replaced') return ['start  replaced: an agent waited, and was gone before it answered']
  const why = WHY_COLD[attempt?.whyCold ?? '']
  return why === undefined ? [] : [`start  cold, ${why}`]
}

const WHY_COLD: Partial<Record<string, string>> = {
  empty: 'because no warm room was ready',
  store: 'because Redis did not give a warm room in time'
}

function madeBefore ({ at: { roomMade, opened } }: CallView['attempts'][number]): string {
  if (roomMade === undefined || opened === undefined) return ''
  return `, the room was made ${Math.round((Date.parse(opened) - Date.parse(roomMade)) / 1000)} s before`
}

const WHO = { jambonz: 'Jambonz', agent: 'the agent' } as const

/** The attempt that is dialled last is the last one of the call, also when it is dialled again. */
const inOrder = (attempts: CallView['attempts']): CallView['attempts'] =>
  attempts.toSorted((one, other) => one.attempt - other.attempt)

/** What was tried, and what came of it. */
function attemptLine (tried: CallView['attempts'][number]): string {
  const { attempt, strategy, agent, number, start, cause = 'under way', sipStatus, detail } = tried
  const way = [strategy, agent ?? number, (start === 'warm' || start === 'replaced') && start].filter(Boolean).join(' ')
  const end = [cause, sipStatus, detail && `(${detail})`].filter(Boolean).join(' ')
  return `${attempt}. ${way}: ${end}`
}

/** Why a call ended, or what it waits for. */
export const outcomeLines = (phase: string, diagnosis: DiagnosisView, columns: number): string[] =>
  outcomeOf(phase, diagnosis).flatMap(line => wrapIndented(line, columns))

function outcomeOf (phase: string, diagnosis: DiagnosisView): string[] {
  const { cause, by, waitingOn, summary, meaning } = diagnosis
  const waiting = waitingOn === 'none' ? '' : `, waiting on ${waitingOn}`
  const title = cause === undefined ? `Under way (${phase})` : `Cause: ${cause}, by ${by}${waiting}`
  return [title, summary, ...(meaning === undefined ? [] : [meaning])]
}

/** One event of a call that is followed, with the seconds since the call was received. */
export function eventLine (event: CallView['events'][number], call: CallView): string {
  // Responses are printed as Jambonz reports them, but for those of a person.
  const attempts = call.attempts.filter(({ transfer }) => transfer !== undefined)
  const { from, to, what } = stepOf(event, { direction: call.direction, calledFor: call.calledFor, attempts })
  const who = event.from === 'operator' ? 'operator' : from
  const seconds = ((Date.parse(event.first) - startOf(call)) / 1000).toFixed(3)
  return `${`+${seconds} s`.padStart(12)}  ${from === to ? who : `${from} -> ${to}`}: ${what}`
}

function section (title: string, items: readonly string[]): string[] {
  return items.length === 0 ? [] : ['', `${title}:`, ...items.map(item => `  ${item}`)]
}

function jambonzLines (jambonz: JambonzView, { ascii }: LadderOptions): string[] {
  return [
    ...section('Jambonz', jambonz.findings.flatMap(finding => findingLines(finding, { ascii }))),
    ...section('SIP trace of Jambonz', jambonz.trace)
  ]
}

function evidenceLine ({ at, last, count, seen, shows }: DiagnosisView['evidence'][number], start: number): string {
  const time = (iso: string): string => `+${((Date.parse(iso) - start) / 1000).toFixed(3)} s`
  const repeated = count === undefined || last === undefined ? '' : ` until ${time(last)}`
  return `${time(at).padStart(12)}  ${seen}${repeated}: ${shows}`
}
