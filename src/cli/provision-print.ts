import type { Finding } from '../diagnosis/finding.ts'
import type { ApplicationChange } from '../jambonz/application.ts'
import type { Change } from '../livekit/provision-plan.ts'
import type { Reviewed } from '../livekit/provision-review.ts'

const SIGN = { create: '+', update: '~', delete: '-' } as const
const DONE = { create: 'created', update: 'updated', delete: 'deleted' } as const
const KIND = { trunk: 'inbound trunk', rule: 'dispatch rule' } as const
const MARK = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ', skipped: 'skipped' } as const

const titled = (id: string, name: string) => [id, name !== '' && `"${name}"`].filter(Boolean).join(' ')

/** A change as a diff. */
export function changeLines (change: Change | ApplicationChange): string[] {
  const kind = 'what' in change ? `LiveKit ${KIND[change.what]}` : 'Jambonz application'
  const why = 'why' in change && change.why !== undefined ? ` (${change.why})` : ''
  const width = Math.max(0, ...change.fields.map(({ name }) => name.length))
  return [
    `  ${SIGN[change.do]} ${change.do} ${kind} ${titled(change.id, change.name)}${why}`,
    ...change.fields.map(({ name, from, to }) => `      ${name.padEnd(width)}  ${from === undefined ? '' : `${from} → `}${to}`)
  ]
}

/** What was done. */
export function doneLine (change: Change | ApplicationChange, id: string): string {
  return `${DONE[change.do]}: ${'what' in change ? `LiveKit ${KIND[change.what]}` : 'Jambonz application'} ${titled(id, change.name)}`
}

export function findingLines ({ code, severity, seen, todo, command }: Finding): string[] {
  return [
    `  ${MARK[severity]}  ${seen}  (${code})`,
    ...(todo === undefined ? [] : [`           ${todo}.`]),
    ...(command === undefined ? [] : [`           $ ${command}`])
  ]
}

/** One trunk or rule with what is wrong with it. */
export function reviewedLines ({ kind, id, name, ours, does, findings }: Reviewed): string[] {
  return [`${kind} ${titled(id, name)}${ours ? ' (the bridge\'s)' : ''}: ${does}`, ...findings.filter(({ severity }) => severity !== 'ok').flatMap(findingLines)]
}
