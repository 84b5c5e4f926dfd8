import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import type { CallSummary, CallView } from '../calls/view.ts'
import type { DiagnosisView } from '../diagnosis/diagnosis-view.ts'
import type { JambonzView } from '../diagnosis/jambonz-view.ts'
import { findingLines } from '../finding-lines.ts'
import { renderLadder, type LadderOptions } from '../ladder/ladder.ts'
import type { Party, Step } from '../ladder/trace.ts'

/** The calls as a table, newest first as they come. */
export function callTable (calls: readonly CallSummary[]): string[] {
  if (calls.length === 0) return ['No calls']
  const rows = calls.map(({ callSid, phase, from, to, at, end, attempts }) =>
    [
      (at.received ?? '').slice(0, 19).replace('T', ' '),
      callSid,
      phase,
      from,
      to,
      end ? `${end.cause}${end.waitingOn === 'none' ? '' : ` (${end.waitingOn})`}` : '',
      at.received && at.ended ? `${((Date.parse(at.ended) - Date.parse(at.received)) / 1000).toFixed(1)} s` : '',
      String(attempts.length)
    ].map(cleanText)
  )
  const all = [['received (UTC)', 'call', 'phase', 'from', 'to', 'cause', 'took', 'attempts'], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map(row => row[column]!.length)))
  return all.map(row => row.map((cell, column) => cell.padEnd(widths[column]!)).join('  ').trimEnd())
}

/** A call's events as the steps of a ladder: what was heard, from whom. */
export function stepsOf ({ events }: Pick<CallView, 'events'>): Step[] {
  return events.flatMap(event => {
    const { count, ...step } = stepOf(event)
    return Array.from({ length: Math.min(count, MOST_REPEATS) }, () => step)
  })
}

const MOST_REPEATS = 999

type Event = CallView['events'][number]

function stepOf (event: Event): Step & { count: number } {
  const { from, what, leg, status, sipStatus, reason, by, detail, first, count } = event
  const told = [
    leg === undefined ? undefined : `${leg} leg`,
    what === 'status' ? undefined : what,
    status,
    sipStatus,
    reason,
    by && `by ${by}`,
    detail && `(${detail})`
  ].filter(part => part !== undefined && part !== '').join(' ')
  return {
    at: Date.parse(first),
    ...wayOf(event),
    what: cleanText(from === 'jambonz' && what === 'action' ? `/action ${told.replace('action ', '')}` : told),
    count
  }
}

function wayOf ({ from, what, status }: Event): { from: Party, to: Party, via: Step['via'] } {
  if (from === 'jambonz') return { from: 'jambonz', to: 'bridge', via: 'http' }
  if (
    what === 'createRoom' || what === 'look' || what.startsWith('delete-room') || what.startsWith('remove-agent') ||
    what === 'agent called again'
  ) return { from: 'bridge', to: 'livekit', via: 'room' }
  if (from === 'livekit') {
    return status === 'AGENT'
      ? { from: 'agent', to: 'livekit', via: 'room' }
      : { from: 'livekit', to: 'bridge', via: 'room' }
  }
  if (what.startsWith('hang-up ')) return { from: 'bridge', to: 'jambonz', via: 'http' }
  return { from: 'bridge', to: 'bridge', via: 'http' }
}

/** One call: its ladder, why it ended, evidence, answers, what to do. */
export function callPage (
  call: CallView,
  diagnosis: DiagnosisView,
  jambonz: JambonzView | undefined,
  ladder: LadderOptions
): string[] {
  // Callers and agents chose some of this text, so it is cleaned before the page adds its own lines and colours.
  return pageLines(cleanDeep(call), cleanDeep(diagnosis), cleanDeep(jambonz), ladder)
}

function pageLines (
  call: CallView,
  diagnosis: DiagnosisView,
  jambonz: JambonzView | undefined,
  ladder: LadderOptions
): string[] {
  const { cause, by, waitingOn, summary, meaning, evidence, answers, nextSteps, notToldApart, earlierAttempts } =
    diagnosis
  const start = Date.parse(call.at.received ?? call.events[0]?.first ?? '')
  const head = [`${call.callSid}  ${call.direction}  ${call.from} -> ${call.to}  ${call.at.received ?? ''}`, '']
  const lines: string[] = []
  const drawn = renderLadder(stepsOf(call), ladder).trimEnd().split('\n')
  if (call.eventsDropped > 0) lines.push(`(${call.eventsDropped} events in the middle are not kept)`)
  lines.push(
    '',
    cause === undefined
      ? `Under way (${call.phase})`
      : `Cause: ${cause}, by ${by}${waitingOn === 'none' ? '' : `, waiting on ${waitingOn}`}`,
    summary
  )
  if (meaning !== undefined) lines.push(meaning)
  section('Evidence', evidence.map(item => evidenceLine(item, start)))
  for (const { attempt, cause, evidence } of earlierAttempts) {
    section(
      `Attempt ${attempt}: ${cause}`,
      evidence.map(item => evidenceLine(item, start))
    )
  }
  section(
    'Questions',
    answers.map(({ question, answer, says }) =>
      `${question} ${
        answer === 'because' ? '' : answer === 'unknown' ? 'Not known: ' : answer === 'yes' ? 'Yes: ' : 'No: '
      }${says}.`
    )
  )
  section(
    'Next steps',
    nextSteps.flatMap(({ todo, command }) => command === undefined ? [todo] : [todo, `    $ ${command}`])
  )
  section('Not told apart', notToldApart)
  if (jambonz) {
    section('Jambonz', jambonz.findings.flatMap(finding => findingLines(finding, { ascii: ladder.ascii })))
    section('SIP trace of Jambonz', jambonz.trace)
  }
  return [...head, ...drawn, ...lines]

  function section (title: string, items: readonly string[]): void {
    if (items.length > 0) lines.push('', `${title}:`, ...items.map(item => `  ${item}`))
  }
}

function evidenceLine ({ at, last, count, seen, shows }: DiagnosisView['evidence'][number], start: number): string {
  const time = (iso: string): string => `+${((Date.parse(iso) - start) / 1000).toFixed(3)} s`
  const repeated = count === undefined || last === undefined ? '' : ` until ${time(last)}`
  return `${time(at).padStart(12)}  ${seen}${repeated}: ${shows}`
}
