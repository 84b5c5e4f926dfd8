import type { ApplicationChange } from './provisioning/jambonz-application.ts'
import type { Change } from './provisioning/livekit-plan.ts'
import { plain } from './terminal.ts'

const SIGN = { create: '+', update: '~', delete: '-' } as const
const DONE = { create: 'created', update: 'updated', delete: 'deleted' } as const
const KIND = { trunk: 'inbound trunk', rule: 'dispatch rule' } as const

/** How something in LiveKit or Jambonz is called: its id, and its name if it has one. */
export const titled = (id: string, name: string): string =>
  [id, name !== '' && `"${plain(name)}"`].filter(Boolean).join(' ')

/** A change in LiveKit or Jambonz as a diff. */
export function changeLines (change: Change | ApplicationChange): string[] {
  const kind = 'what' in change ? `LiveKit ${KIND[change.what]}` : 'Jambonz application'
  const why = 'why' in change && change.why !== undefined ? ` (${change.why})` : ''
  const width = Math.max(0, ...change.fields.map(({ name }) => name.length))
  return [
    `  ${SIGN[change.do]} ${change.do} ${kind} ${titled(change.id, change.name)}${why}`,
    ...change.fields.map(({ name, from, to }) =>
      `      ${name.padEnd(width)}  ${from === undefined ? '' : `${from} → `}${to}`
    )
  ]
}

/** What was done. */
export function doneLine (change: Change | ApplicationChange, id: string): string {
  return `${DONE[change.do]}: ${'what' in change ? `LiveKit ${KIND[change.what]}` : 'Jambonz application'} ${
    titled(id, change.name)
  }`
}
