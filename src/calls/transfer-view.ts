import { Type, type Static } from 'typebox'
import { outcomeOf, type Transfer } from './fold/transfers.ts'
import { TRANSFER_MODES, TRANSFER_REASONS, TRANSFER_RESULTS, TRANSFER_STATES } from './fold/vocabulary.ts'
import { withoutAbsent } from './fold/without-absent.ts'

/*
 * What operators, agents and the user's systems see of a transfer.
 */

const Time = Type.String({ format: 'date-time', examples: ['2026-11-21T10:15:30.123Z'] })

export const TransferSchema = Type.Object({
  id: Type.Optional(Type.String({ description: 'Absent: an agent asked for it by REFER', examples: ['tr-7d1c0a52'] })),
  mode: Type.Enum([...TRANSFER_MODES], { type: 'string' }),
  state: Type.Enum([...TRANSFER_STATES], { type: 'string', description: 'How far it has come' }),
  result: Type.Optional(
    Type.Enum([...TRANSFER_RESULTS], {
      type: 'string',
      description: '`bridged`: caller and person talk. `returned`: the caller is with an agent. `failed`: it is not'
    })
  ),
  reason: Type.Optional(Type.Enum([...TRANSFER_REASONS], { type: 'string', description: 'Why' })),
  sipStatus: Type.Optional(Type.Integer({ examples: [486] })),
  detail: Type.Optional(Type.String()),
  to: Type.Optional(Type.String({ examples: ['+15550003333'] })),
  requestedBy: Type.Optional(Type.String({ description: 'Name of the key, or `agent`', examples: ['agent'] })),
  person: Type.Optional(Type.Object({
    callSid: Type.String({ description: "call_sid of the person's call" })
  })),
  at: Type.Object({
    requested: Time,
    answered: Type.Optional(Time),
    joined: Type.Optional(Time),
    finished: Type.Optional(Time)
  })
}, { $id: 'Transfer', description: 'A transfer of the caller to a person' })
export type TransferView = Static<typeof TransferSchema>

/** How a transfer stands. */
export function presentTransfer (transfer: Transfer): TransferView {
  const { request, state, at, person, finishedAt } = transfer
  const outcome = outcomeOf(transfer)
  const iso = (time: number | undefined): string | undefined =>
    time === undefined ? undefined : new Date(time).toISOString()

  return withoutAbsent({
    id: request?.id,
    mode: request?.mode ?? 'refer',
    state: state ?? (outcome ? 'finished' : 'calling'),
    result: outcome?.result,
    reason: outcome?.reason,
    sipStatus: outcome?.sipStatus,
    detail: outcome?.detail,
    to: request?.to,
    requestedBy: request?.requestedBy,
    person: person && { callSid: person.callSid },
    at: withoutAbsent({
      requested: iso(at)!,
      answered: iso(person?.answeredAt),
      joined: iso(person?.joinedAt),
      finished: iso(outcome?.at ?? finishedAt)
    })
  })
}
