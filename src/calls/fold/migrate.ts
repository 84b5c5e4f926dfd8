import { RECORD_VERSION, type Attempt, type Call, type EarlierCall } from './call.ts'
import type { Leg } from './legs.ts'
import type { Transfer } from './transfers.ts'
import type { Way } from './way.ts'

/** What records of version 1 had instead of {@link Call.legs}: call_sids, kept in three places. */
interface CallV1 extends Omit<Call, 'v' | 'legs' | 'attempts' | 'transfer' | 'earlier'> {
  v: 1
  attempts: Array<Attempt & { legs: string[], pastLegs: string[] }>
  transfer?: Transfer & { legs: string[] }
  earlier: Array<
    Omit<EarlierCall, 'legs' | 'attempts'> & { attempts: Array<EarlierCall['attempts'][number] & { legs: string[] }> }
  >
}

/**
 * A stored record as this version understands it. Records of every earlier version are read; a record of a later one
 * is returned as it is, since later versions keep the fields that this one knows.
 */
export function migrate (record: Call | CallV1): Call {
  return withWays(withLegs(record))
}

/** Attempts had no way of their own before there were routes. */
function withWays (call: Call): Call {
  if (call.attempts.every(({ way }) => way !== undefined)) return call
  return { ...call, attempts: call.attempts.map(attempt => ({ ...attempt, way: attempt.way ?? wayOf(attempt) })) }
}

const wayOf = ({ strategy, number, agent }: Attempt): Way =>
  strategy === 'phone' ? { strategy, number: number ?? '' } : { strategy: 'room', agent: agent ?? '' }

function withLegs (record: Call | CallV1): Call {
  if (record.v !== 1) return record
  const { attempts, transfer, earlier, ...rest } = record

  return {
    ...rest,
    v: RECORD_VERSION,
    legs: [...attempts.flatMap(agentLegs), ...foreignLegs(transfer)],
    attempts: attempts.map(({ legs: _legs, pastLegs: _pastLegs, ...attempt }) => attempt),
    ...(transfer && { transfer: withoutLegs(transfer) }),
    earlier: earlier.map(({ at, end, attempts }) => ({
      at,
      end,
      attempts: attempts.map(({ legs: _legs, ...attempt }) => attempt),
      legs: attempts.flatMap(({ legs }) => legs)
    }))
  }
}

const agentLegs = ({ n, legs, pastLegs }: CallV1['attempts'][number]): Leg[] =>
  legs.map(sid => ({
    sid,
    role: 'agent',
    attempt: n,
    statuses: [],
    ...(pastLegs.includes(sid) && { replaced: true as const })
  }))

const foreignLegs = (transfer: CallV1['transfer']): Leg[] =>
  (transfer?.legs ?? []).map(sid => ({ sid, role: 'foreign', attempt: transfer!.attempt, statuses: [] }))

function withoutLegs ({ legs: _legs, ...transfer }: NonNullable<CallV1['transfer']>): Transfer {
  return transfer
}
