import { findingLines } from '../finding-lines.ts'
import type { LadderOptions } from '../ladder/ladder.ts'
import type { Explained, Explanation } from './explain.ts'
import { drawCall } from './picture.ts'
import { isDate } from './text/times.ts'

const ROLES = {
  caller: "caller's leg",
  inside: 'inside Jambonz',
  agent: 'leg to LiveKit',
  'livekit-out': 'dialled by LiveKit'
} as const
/** Calls whose ladder is drawn without being asked for. */
const MOST_LADDERS = 5

/** The explanation for people. */
export function reportText ({ calls, findings }: Explanation, options: LadderOptions): string {
  const parts = [
    ...findings.flatMap(finding => findingLines(finding, options)),
    ...calls.flatMap((
      call,
      i
    ) => [
      heading(call, i, calls.length),
      ...i < MOST_LADDERS ? [pictureOf(call, options)] : [],
      ...call.findings.flatMap(finding => findingLines(finding, options)),
      ...evidenceOf(call),
      ''
    ])
  ]
  if (calls.length > MOST_LADDERS) {
    parts.push(`The ladders of ${calls.length - MOST_LADDERS} more calls: bridge explain --call <id> …`, '')
  }
  return `${parts.map(part => clean(part)).join('\n').replace(/\n{3,}/g, '\n\n').replace(/\n+$/, '')}\n`
}

/** What was captured may hold anything; the terminal gets no control characters of it but our own colours. */
// eslint-disable-next-line no-control-regex
const clean = (text: string): string => text.replace(/[\x00-\x09\x0b-\x1a\x1c-\x1f\x7f-\x9f]|\x1b(?!\[\d*m)/g, '?')

function heading ({ id, from, to, began, legs, sources }: Explained, i: number, count: number): string {
  const when = began === undefined ? '' : isDate(began) ? `, ${new Date(began).toISOString()}` : ''
  const seen = Object.entries({
    'SIP messages': sources.sip,
    webhooks: sources.hooks,
    'events of LiveKit': sources.rooms,
    'log lines': sources.logs
  }).filter(([, n]) => n > 0).map(([what, n]) => `${n} ${what}`)
  return [
    `${count > 1 ? `${i + 1}. ` : ''}Call ${id}${
      from !== '' || to !== '' ? `: ${from || '?'} to ${to || '?'}` : ''
    }${when}`,
    `  ${seen.join(', ')}`,
    ...legs.slice(0, 8).map(({ role, callId, dialled, ends }) =>
      `  ${ROLES[role]}: ${dialled}, ${ends}${ends === '' ? '' : ', '}Call-ID ${callId}`
    )
  ].join('\n')
}

function pictureOf ({ steps, stepsLeftOut }: Explained, options: LadderOptions): string {
  if (steps.length === 0) return ''
  return `\n${drawCall(steps, options)}${
    stepsLeftOut > 0 ? `(${stepsLeftOut} steps in the middle are left out)\n` : ''
  }`
}

function evidenceOf ({ evidence, began = 0 }: Explained): string[] {
  if (evidence.length === 0) return []
  return [
    'Decided by:',
    ...evidence.map(({ at, seen, shows }) => `  ${((at - began) / 1000).toFixed(3).padStart(9)} s  ${seen}: ${shows}`)
  ]
}

/** The explanation for tools. */
export function reportJson ({ calls, findings }: Explanation): string {
  return `${
    JSON.stringify(
      {
        findings,
        calls: calls.map(({ began, ...call }) => ({
          ...call,
          ...(began !== undefined && { began: isDate(began) ? new Date(began).toISOString() : began })
        }))
      },
      null,
      2
    )
  }\n`
}
