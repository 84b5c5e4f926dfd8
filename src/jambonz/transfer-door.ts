import { ANONYMOUS, type Call } from '../calls/fold/call.ts'
import type { ReferEvent } from '../calls/fold/events.ts'
import type { NumberGate } from '../routing/policy/number-gate.ts'

/*
 * Transfers by REFER pass through the number policy. The agent chooses the target, and so does a caller who talks it
 * into one.
 */

/**
 * For this long a transfer counts as under way when nothing says that it is decided, milliseconds. Jambonz waits 15 s
 * for the carrier; where the call goes then, nobody hears.
 */
const LIVES_MS = 60_000

export interface JudgedTransfer {
  /** With the target in the form that is dialled, or with what refuses it. */
  event: ReferEvent
  /** Nothing is transferred after all. A repeat of a hook leaves what the first one counted. */
  withdraw(): Promise<void>
}

/** Asks the number policy, and counts what it allows. */
export async function judgeTransfer (event: ReferEvent, gate: NumberGate): Promise<JudgedTransfer> {
  const { referTo, callSid, leg } = event
  // What else is wrong with a transfer, the call itself knows.
  if (referTo === undefined || leg === 'caller') return { event, withdraw: nothing }

  const counted = countedAs(event)
  const entered = await gate.enter({ ...counted, door: 'transfer', number: referTo, callSid, livesMs: LIVES_MS })
  if (!entered.allowed) {
    return { event: { ...event, refused: `${entered.reason} ${entered.rule}`.trim() }, withdraw: nothing }
  }
  return {
    event: { ...event, referTo: entered.target },
    withdraw: async () => {
      if (entered.isCounted) await gate.withdraw(counted)
    }
  }
}

const nothing = async (): Promise<void> => {}

/** The transfers of a call are decided, whichever replica passed them on. */
export async function leaveTransfers (call: Call, gate: NumberGate): Promise<void> {
  const hashes = call.transfer?.refers ?? []
  await Promise.all(hashes.map(hash => gate.leave(idOf(call.callSid, hash))))
}

/** Of an agent leg Jambonz says `from` as we dialled it: the caller's number. */
const countedAs = ({ callSid, hash, facts }: ReferEvent) =>
  ({ id: idOf(callSid, hash), caller: facts.from || ANONYMOUS })

/** A repeat of the hook has the same hash. */
const idOf = (callSid: string, hash: string): string => `${callSid}:${hash}`
