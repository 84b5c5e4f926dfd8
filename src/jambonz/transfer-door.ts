import type { Call } from '../calls/fold/call.ts'
import type { ReferEvent } from '../calls/fold/events.ts'
import type { NumberGate } from '../routing/policy/number-gate.ts'
import { ANONYMOUS } from './caller.ts'

/*
 * Transfers by REFER pass through the number policy. The agent chooses the target, and so does a caller who talks it
 * into one.
 */

/**
 * For this long a transfer counts as under way when nothing says that it is decided, milliseconds. Jambonz waits 15 s
 * for the carrier; where the call goes then, nobody hears.
 */
const LIVES_MS = 60_000

/** The event with the target in the form that is dialled, or with what refuses it. */
export async function judgeTransfer (event: ReferEvent, gate: NumberGate): Promise<ReferEvent> {
  const { referTo, callSid } = event
  // What else is wrong with a transfer, the call itself knows.
  if (referTo === undefined || event.leg === 'caller') return event

  const entry = { ...countedAs(event), door: 'transfer' as const, number: referTo, callSid, livesMs: LIVES_MS }
  const decision = await gate.enter(entry)
  if (decision.allowed) return { ...event, referTo: referToOf(decision.target) }

  return { ...event, refused: `${decision.reason} ${decision.rule}`.trim() }
}

/** The call forbade the transfer after all. */
export async function withdrawTransfer (event: ReferEvent, gate: NumberGate): Promise<void> {
  if (event.referTo !== undefined && event.refused === undefined) await gate.withdraw(countedAs(event))
}

/** The transfers of a call are decided. */
export async function leaveTransfers (call: Call | undefined, gate: NumberGate): Promise<void> {
  const decided = call?.hooks.filter(({ hook, reply }) => hook === 'refer' && reply?.kind === 'refer') ?? []
  await Promise.all(decided.map(({ hash }) => gate.leave(idOf(call!.callSid, hash))))
}

/** Of an agent leg Jambonz says `from` as we dialled it: the caller's number. */
const countedAs = ({ callSid, hash, facts }: ReferEvent) =>
  ({ id: idOf(callSid, hash), caller: facts.from || ANONYMOUS })

/** A repeat of the hook has the same hash. */
const idOf = (callSid: string, hash: string): string => `${callSid}:${hash}`

/** feature-server knows no `sips:` and would take it for a user; what is in angle brackets it leaves alone. */
const referToOf = (target: string): string => target.startsWith('sips:') ? `<${target}>` : target
