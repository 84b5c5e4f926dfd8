import type { CapCounter, Reservation } from '../../calls/store/caps.ts'
import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import { maskNumber } from './mask-number.ts'
import { decide, refused, type Decision, type Door, type Policy, type Refused } from './policy.ts'
import type { Refusal } from './refusals.ts'
import type { RoutesSource } from '../routes.ts'

/** Something that is about to be dialled. */
export interface Entry extends Pick<Reservation, 'id' | 'caller' | 'livesMs'> {
  door: Exclude<Door, 'routes'>
  /** In any spelling. */
  number: string
  /** The call that it is for. */
  callSid?: string
}

/** A refusal for the audit log and the metrics. */
export interface RefusedEntry {
  door: Door
  reason: Refusal
  /** At most country and area are left of it. */
  masked: string
  callSid: string | undefined
}

export interface NumberGateOptions {
  routes: RoutesSource
  caps: CapCounter
  clock: Clock
  onRefused(entry: RefusedEntry): void
  /** Receives what went wrong with the store behind a decision. */
  onFailed(error: unknown): void
}

/** The way of every number that somebody else chose: the policy in force decides, then its caps are counted. */
export interface NumberGate {
  /** Decides, and counts what is allowed. A second entry with the same id counts once. Never rejects. */
  enter(entry: Entry): Promise<Decision>
  /** What was dialled is over. Never rejects: it counts as under way until its time is over. */
  leave(id: string): Promise<void>
  /** Nothing was dialled after all. Never rejects. */
  withdraw(entry: Pick<Entry, 'id' | 'caller'>): Promise<void>
}

export function createNumberGate ({ routes, caps, clock, onRefused, onFailed }: NumberGateOptions): NumberGate {
  async function decided (entry: Entry): Promise<Decision> {
    const { table } = routes
    const decision = decide(entry.door, entry.number, table)
    if (!decision.allowed || !table.policy || !hasCaps(table.policy)) return decision

    return await exceededCap(entry, table.policy) ?? decision
  }

  async function exceededCap ({ id, caller, livesMs }: Entry, { caps: limits }: Policy): Promise<Refused | undefined> {
    try {
      const reserved = await caps.reserve({ id, caller, limits, now: clock.now(), livesMs })
      return reserved.granted ? undefined : { ...refused(reserved.cap), retryInMs: reserved.retryInMs }
    } catch (error) {
      // What cannot be counted is not dialled.
      if (!(error instanceof StoreUnavailableError)) onFailed(error)
      return refused('store-unavailable')
    }
  }

  return {
    async enter (entry) {
      const decision = await decided(entry)
      if (!decision.allowed) {
        const masked = maskNumber(entry.number, routes.table.country)
        onRefused({ door: entry.door, reason: decision.reason, masked, callSid: entry.callSid })
      }
      return decision
    },
    leave: id => caps.release(id).catch(onFailed),
    withdraw: entry => caps.withdraw(entry).catch(onFailed)
  }
}

/** Without any of these nothing is counted, and no store is needed. */
const hasCaps = ({ caps: { concurrent, perMinute, perDay, perCallerPerDay } }: Policy): boolean =>
  [concurrent, perMinute, perDay, perCallerPerDay].some(cap => cap !== undefined)
