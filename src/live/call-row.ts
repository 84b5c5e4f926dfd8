import { Type, type Static } from 'typebox'
import { currentAttempt, type Call } from '../calls/fold/call.ts'
import { transfersOf } from '../calls/fold/transfers.ts'
import { DIRECTIONS, PHASES, TRANSFER_MODES, WAITING_ON } from '../calls/fold/vocabulary.ts'
import { STRATEGIES } from '../calls/fold/way.ts'
import { withoutAbsent } from '../calls/fold/without-absent.ts'
import { presentTransfer, type TransferView } from '../calls/transfer-view.ts'
import { agentOf, EndSchema } from '../calls/view.ts'
import { isFailure, waitsFor } from '../diagnosis/diagnose.ts'

const Time = Type.String({ format: 'date-time', examples: ['2026-11-21T10:15:30.123Z'] })

export const CallRowSchema = Type.Object({
  callSid: Type.String(),
  seq: Type.Integer({ description: 'Grows with each event of the call. Of two rows of a call the later one is right' }),
  orderId: Type.Optional(Type.String({
    description: 'Of an ordered call: its callSid until Jambonz names it'
  })),
  direction: Type.Enum([...DIRECTIONS], { type: 'string' }),
  phase: Type.Enum([...PHASES], { type: 'string' }),
  from: Type.String({ description: '`anonymous` when the caller withholds the number' }),
  to: Type.String(),
  agent: Type.Optional(Type.String()),
  route: Type.Optional(Type.String()),
  strategy: Type.Optional(Type.Enum([...STRATEGIES], { type: 'string', description: 'The way that is tried now' })),
  attempt: Type.Integer({ description: 'Attempts so far' }),
  waitingOn: Type.Enum([...WAITING_ON], { type: 'string', description: 'What it waits for now; `none` when it talks' }),
  since: Type.Optional(Type.Unsafe<string>({ ...Time, description: 'When the present phase began' })),
  at: Type.Object({ received: Time, answered: Type.Optional(Time), ended: Type.Optional(Time) }),
  end: Type.Optional(Type.Unsafe<Static<typeof EndSchema>>(Type.Ref('End'))),
  failed: Type.Boolean({ description: 'It ended as no call should' }),
  transfer: Type.Optional(Type.Object({
    mode: Type.Enum([...TRANSFER_MODES], { type: 'string' }),
    state: Type.String({ description: 'Its state, or its result once that is decided' })
  }, { description: 'The latest transfer' })),
  calledFor: Type.Optional(Type.String({ description: "Of a person's call: call_sid of the caller's call" }))
}, { $id: 'CallRow', description: 'A call as a row of a live list' })
export type CallRow = Static<typeof CallRowSchema>

/** A call as a row of a live list. */
export function rowOf (call: Call): CallRow {
  const { callSid, facts, phase, at, end, attempts, order } = call
  const transfer = transfersOf(call).at(-1)
  const since = sinceOf(call)
  return withoutAbsent({
    callSid,
    seq: seqOf(call),
    orderId: order?.id,
    direction: facts.direction,
    phase,
    from: facts.from,
    to: facts.to,
    agent: agentOf(call),
    route: call.route?.name,
    strategy: currentAttempt(call)?.strategy,
    attempt: attempts.length,
    waitingOn: end ? end.waitingOn : waitsFor(call),
    since: since === undefined ? undefined : iso(since),
    at: withoutAbsent({
      received: iso(at.received),
      answered: at.answered === undefined ? undefined : iso(at.answered),
      ended: at.ended === undefined ? undefined : iso(at.ended)
    }),
    end,
    failed: isFailure(call),
    transfer: transfer && transferCell(presentTransfer(transfer)),
    calledFor: order?.transfer?.callSid
  })
}

/**
 * How many events the call has had. Events without a line of their own do not count, so two rows may have the same
 * number: then the one that was made later is right.
 */
export const seqOf = ({ events, eventsDropped, phase }: Call): number =>
  events.reduce((sum, { count }) => sum + count, eventsDropped) + (phase === 'ended' ? 1 : 0)

/** When the present phase began, milliseconds since the epoch. */
function sinceOf (call: Call): number | undefined {
  const { phase, at } = call
  const attempt = currentAttempt(call)?.at
  switch (phase) {
    case 'dialing':
      return attempt?.dialing ?? attempt?.opened ?? at.received
    case 'ringing':
      return attempt?.ringing ?? at.ringing
    case 'connected':
      return at.connected ?? at.answered
    case 'transferring':
      return transfersOf(call).at(-1)?.at
    case 'ended':
      return at.ended
    default:
      return at.received
  }
}

const iso = (ms: number): string => new Date(ms).toISOString()

const transferCell = ({ mode, state, result }: TransferView): CallRow['transfer'] => ({ mode, state: result ?? state })
