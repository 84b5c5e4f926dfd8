import type { CapCounter, Reservation } from '../../calls/store/caps.ts'
import type { Clock } from '../../clock.ts'
import { StoreUnavailableError } from '../../errors.ts'
import { maskNumber } from './mask-number.ts'
import { decide, refused, type Door, type Policy, type Refused } from './policy.ts'
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

/** What becomes of an entry. */
export type Entered =
  | Refused
  /** `isCounted`: this very entry was counted, and not an earlier one with the same id. */
  | { allowed: true, target: string, isCounted: boolean }

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
  enter(entry: Entry): Promise<Entered>
  /** What was dialled is over. Never rejects: it counts as under way until its time is over. */
  leave(id: string): Promise<void>
  /** Nothing was dialled after all: only for an entry that was counted itself. Never rejects. */
  withdraw(entry: Pick<Entry, 'id' | 'caller'>): Promise<void>
}

export function createNumberGate ({ routes, caps, clock, onRefused, onFailed }: NumberGateOptions): NumberGate {
  async function decided (entry: Entry): Promise<Entered> {
    const { table } = routes
    const decision = decide(entry.door, entry.number, table)
    if (!decision.allowed) return decision
    if (!table.policy || !hasCaps(table.policy)) return { ...decision, isCounted: false }

    return counted(entry, decision.target, table.policy)
  }

  async function counted ({ id, caller, livesMs }: Entry, target: string, { caps: limits }: Policy): Promise<Entered> {
    try {
      const reserved = await caps.reserve({ id, caller, limits, now: clock.now(), livesMs })
      return reserved.granted
        ? { allowed: true, target, isCounted: reserved.isNew }
        : { ...refused(reserved.cap), retryInMs: reserved.retryInMs }
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
export const hasCaps = ({ caps: { concurrent, perMinute, perDay, perCallerPerDay } }: Policy): boolean =>
  [concurrent, perMinute, perDay, perCallerPerDay].some(cap => cap !== undefined)
