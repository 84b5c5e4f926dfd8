import { Type, type Static } from 'typebox'
import { CAUSES, PHASES, type Cause, type Phase } from './calls/fold/vocabulary.ts'
import type { CallFilter } from './calls/store/call-filter.ts'
import { ParameterError } from './errors.ts'
import { seesAll, type KeyHolder } from './keyring.ts'

/*
 * The query parameters that filter calls. They have no examples: Swagger UI would fill them in as filters, and find
 * nothing.
 */

const Time = (description: string) =>
  Type.String({ description: `${description}: a time with its zone, such as \`2026-11-29T10:15:00Z\`` })

export const CALL_FILTERS = {
  phase: Type.Optional(
    Type.Enum([...PHASES, 'active'], { type: 'string', description: '`active` means every phase but `ended`' })
  ),
  number: Type.Optional(
    Type.String({
      description:
        'Number that called or was called, in any spelling, or a part of it with at least four digits. Fewer digits ' +
        'must be the whole number'
    })
  ),
  from: Type.Optional(
    Type.String({ description: 'Number of the caller in any spelling, such as `+1 555-000-1111` or `15550001111`' })
  ),
  to: Type.Optional(Type.String({ description: 'Number that was called, in any spelling' })),
  room: Type.Optional(Type.String({ description: 'LiveKit room of any of its attempts' })),
  agent: Type.Optional(Type.String({ description: 'Agent of any of its attempts' })),
  route: Type.Optional(Type.String({ description: 'Name of its route' })),
  cause: Type.Optional(Type.Enum([...CAUSES], { type: 'string', description: 'Why the call ended' })),
  placedBy: Type.Optional(
    Type.String({ description: 'Name of the key that ordered the call: `operator`, or one of CALLERS' })
  ),
  reference: Type.Optional(Type.String({ description: 'Your own id of an ordered call' })),
  since: Type.Optional(Time('Received at this time or later')),
  until: Type.Optional(Time('Received before this time'))
}
export type FilterQuery = Static<ReturnType<typeof Type.Object<typeof CALL_FILTERS>>>

/**
 * The filter that a query asks for. A key of CALLERS finds what it ordered.
 * @returns undefined: nothing fits, because others' calls do not exist for a key
 * @throws {ParameterError}
 */
export function filterOf (
  { since, until, ...query }: FilterQuery,
  holder: KeyHolder
): CallFilter | undefined {
  const { placedBy } = query
  const { name } = holder
  if (!seesAll(holder) && placedBy !== undefined && placedBy !== name) return undefined
  const filter = {
    phase: query.phase as Phase | 'active' | undefined,
    number: query.number,
    from: query.from,
    to: query.to,
    room: query.room,
    agent: query.agent,
    route: query.route,
    cause: query.cause as Cause | undefined,
    placedBy: seesAll(holder) ? placedBy : name,
    reference: query.reference,
    since: since === undefined ? undefined : timeOf('since', since),
    until: until === undefined ? undefined : timeOf('until', until)
  }
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined))
}

/** ISO 8601 with a zone: without one it would be the local time of the bridge. A `+` in a URL may arrive as a space. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[ +-]\d\d:?\d\d)$/i

function timeOf (name: string, text: string): number {
  const time = TIME.test(text) ? Date.parse(text.replace(' ', '+')) : NaN
  if (Number.isNaN(time)) {
    throw new ParameterError(`\`${name}\` must be a time with its zone, such as 2026-11-29T10:15:00Z.`)
  }
  return time
}
