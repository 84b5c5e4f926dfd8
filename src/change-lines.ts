import type { ApplicationChange } from './provisioning/jambonz-application.ts'
import type { Change } from './provisioning/livekit-plan.ts'
import type { PairChange } from './provisioning/outbound-pair.ts'
import { plain } from './terminal.ts'

const SIGN = { create: '+', update: '~', delete: '-' } as const
const DONE = { create: 'created', update: 'updated', delete: 'deleted' } as const
const KIND = {
  trunk: 'LiveKit inbound trunk',
  rule: 'LiveKit dispatch rule',
  'outbound-trunk': 'LiveKit outbound trunk',
  carrier: 'Jambonz carrier'
} as const

/** Something that is changed in LiveKit or in Jambonz. */
export type AnyChange = Change | ApplicationChange | PairChange

/** How an object in LiveKit or Jambonz is referred to: by its id, and its name if it has one. */
export const titled = (id: string, name: string): string =>
  [plain(id), name !== '' && `"${plain(name)}"`].filter(Boolean).join(' ')

const kindOf = (change: AnyChange): string => 'what' in change ? KIND[change.what] : 'Jambonz application'

/** A change in LiveKit or Jambonz as a diff: the object, then one line for each field. */
export function changeLines (change: AnyChange): string[] {
  const why = 'why' in change && change.why !== undefined ? ` (${plain(change.why)})` : ''
  const fields = change.fields.map(({ name, from, to }) => ({
    name: plain(name),
    before: from === undefined ? '' : `${plain(from)} → `,
    after: plain(to)
  }))
  const width = Math.max(0, ...fields.map(({ name }) => name.length))

  return [
    `  ${SIGN[change.do]} ${change.do} ${kindOf(change)} ${titled(change.id, change.name)}${why}`,
    ...fields.map(({ name, before, after }) => `      ${name.padEnd(width)}  ${before}${after}`)
  ]
}

/** The line that reports a change as done. */
export const doneLine = (change: AnyChange, id: string): string =>
  `${DONE[change.do]}: ${kindOf(change)} ${titled(id, change.name)}`
