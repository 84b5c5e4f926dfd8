import { cleanDeep } from '../clean-deep.ts'
import { cleanText } from '../clean-text.ts'
import { findingLines } from '../finding-lines.ts'
import { renderLadder, type LadderOptions } from '../ladder/ladder.ts'
import { PARTIES } from '../ladder/parties.ts'
import type { Party, Step } from '../ladder/trace.ts'
import type { ExplainedCall, Explanation } from './explanation.ts'
import { isDate } from './text/times.ts'

/*
 * An explanation in print. Callers, carriers and agents chose much of the text in it, so it is cleaned first: only
 * this file begins a line, and only it and the ladder add colours.
 */

const ROLES = {
  caller: "caller's leg",
  inside: 'leg inside Jambonz',
  agent: 'leg to LiveKit',
  'carrier-out': 'leg to a carrier',
  'livekit-out': 'leg dialled by LiveKit',
  other: 'leg'
} as const
/** Calls whose ladder is drawn unless `--call` chooses others. */
const MOST_LADDERS = 5
const MOST_LEGS = 8
/** A longer Call-ID or URI is shortened, so that it does not wrap around to the beginning of a terminal's line. */
const LONGEST_NAME = 80

/** The explanation for people. */
export function reportText (explanation: Explanation, options: LadderOptions): string {
  const { calls, findings } = cleanDeep(explanation, withoutMarks)
  const lines = [
    ...findings.flatMap(finding => findingLines(finding, options)),
    ...calls.flatMap((call, i) => callLines(call, { number: i + 1, count: calls.length }, options))
  ]
  if (calls.length > MOST_LADDERS) {
    lines.push(`Ladders of the other ${calls.length - MOST_LADDERS} calls: bridge explain --call <id> …`)
  }

  return `${lines.join('\n').replace(/\n+$/, '')}\n`
}

function callLines (
  call: ExplainedCall,
  { number, count }: { number: number, count: number },
  options: LadderOptions
): string[] {
  return [
    count > 1 ? `${number}. ${headline(call)}` : headline(call),
    `  ${sourcesText(call)}`,
    ...call.legs.slice(0, MOST_LEGS).map(legLine),
    ...number <= MOST_LADDERS ? ladderLines(call, options) : [],
    ...call.findings.flatMap(finding => findingLines(finding, options)),
    ...evidenceLines(call),
    ''
  ]
}

function headline ({ id, from, to, began, findings }: ExplainedCall): string {
  const what = findings.some(({ code }) => code === 'room-without-caller') ? 'Room' : 'Call'
  const who = from === '' && to === '' ? '' : `: ${shortened(from || '?')} to ${shortened(to || '?')}`
  const when = began !== undefined && isDate(began) ? `, ${new Date(began).toISOString()}` : ''
  return `${what} ${shortened(id)}${who}${when}`
}

function sourcesText ({ sources: { sip, hooks, rooms, logs, records } }: ExplainedCall): string {
  const counts = [
    [sip, 'SIP message'],
    [hooks, 'webhook'],
    [rooms, 'LiveKit event'],
    [logs, 'log line'],
    [records, 'call detail record']
  ] as const
  return counts.filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(', ')
}

const legLine = ({ role, callId, dialled, ends }: ExplainedCall['legs'][number]): string =>
  `  ${ROLES[role]}: ${[shortened(dialled), ends, callId && `Call-ID ${shortened(callId)}`].filter(Boolean).join(', ')}`

function ladderLines ({ steps, stepsLeftOut, untimed = false }: ExplainedCall, options: LadderOptions): string[] {
  if (steps.length === 0) return []
  const note = stepsLeftOut > 0 ? [`(${stepsLeftOut} steps in the middle are not shown)`] : []
  const lines = renderLadder(steps, { ...options, untimed, parties: lifelinesOf(steps) }).trimEnd().split('\n')
  return ['', ...lines, ...note, '']
}

/** From left to right, where somebody else than LiveKit is called. */
const LIFELINES: readonly Party[] = ['caller', 'jambonz', 'bridge', 'livekit', 'agent', 'carrier', 'callee']

/** The lifelines of a call that Jambonz passed to LiveKit, or else those that the call needs. */
function lifelinesOf (steps: readonly Step[]): readonly Party[] {
  const used = new Set(steps.flatMap(({ from, to }) => [from, to]))
  const isStrangers = used.size > 1 && !used.has('jambonz') && !used.has('bridge')
  const isOther = used.has('carrier') || used.has('callee') || isStrangers
  return isOther ? LIFELINES.filter(party => used.has(party)) : PARTIES
}

function evidenceLines ({ evidence, began = 0, untimed }: ExplainedCall): string[] {
  if (evidence.length === 0) return []
  const when = (at: number): string => untimed ? '' : `${((at - began) / 1000).toFixed(3).padStart(9)} s  `
  return ['Evidence:', ...evidence.map(({ at, seen, shows }) => `  ${when(at)}${seen}: ${shows}`)]
}

/** Only findings of this program bear its marks for well and failed. */
const withoutMarks = (text: string): string => cleanText(text).replace(/[✓✗]/g, '?')

function shortened (text: string): string {
  const characters = [...text]
  return characters.length > LONGEST_NAME ? `${characters.slice(0, LONGEST_NAME - 1).join('')}…` : text
}

/** The explanation for tools. */
export function reportJson (explanation: Explanation): string {
  const { calls, findings } = cleanDeep(explanation)
  return `${JSON.stringify({ findings, calls: calls.map(withTime) }, null, 2)}\n`
}

const withTime = ({ began, ...call }: ExplainedCall): object => ({
  ...call,
  ...(began !== undefined && { began: isDate(began) ? new Date(began).toISOString() : began })
})
