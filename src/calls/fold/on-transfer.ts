import { currentAttempt, type Attempt, type Call } from './call.ts'
import { note, owe, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { saidBy } from './on-request.ts'
import { orderIdOfTransfer } from './order.ts'
import { parkedAttempt } from './return-to-agent.ts'
import { personBridged } from './person-progress.ts'
import { TIMES, type Rules } from './rules.ts'
import { endTransfer, failTransfer, returnTransfer } from './transfer-result.ts'
import {
  beginTransfer,
  findTransfer,
  hasOwnCall,
  MOST_TRANSFERS,
  openRequest,
  openTransfer,
  transfersOf,
  type Transfer
} from './transfers.ts'
import type { TransferReason } from './vocabulary.ts'

/*
 * What people and agents ask for: that the caller is handed to somebody, that this is completed, or that it is not.
 */

/** Why a call cannot be transferred now. Undefined: it can. */
export type TransferRefusal = 'ended' | 'not-connected' | 'open-transfer' | 'too-many' | 'no-call-control'

export function transferRefusal (call: Call, { callControl }: Pick<Rules, 'callControl'>): TransferRefusal | undefined {
  if (call.phase === 'ended' || call.closing || call.hangupAt !== undefined) return 'ended'
  if (openTransfer(call)) return 'open-transfer'
  if (transfersOf(call).length >= MOST_TRANSFERS) return 'too-many'
  const attempt = currentAttempt(call)
  if (call.phase !== 'connected' || !attempt || !isWithAgent(attempt)) return 'not-connected'
  return callControl ? undefined : 'no-call-control'
}

/** The caller is in a room of ours, or on the way to it. */
export const isInRoom = ({ room, foreign, end, parked }: Attempt): boolean =>
  room !== undefined && !foreign && !end && !parked

/** The caller talks with an agent in a room of ours. */
const isWithAgent = (attempt: Attempt): boolean => isInRoom(attempt) && attempt.answered

/** Somebody asked for a transfer. It is not begun where {@link transferRefusal} says why. */
export function onTransfer (draft: Call, { at, request }: EventOf<'transfer'>, rules: Rules): void {
  if (findTransfer(draft, request.id) || transferRefusal(draft, rules)) return
  const attempt = currentAttempt(draft)!
  const { id, mode, requestedBy } = request
  const transfer = beginTransfer(draft, { at, attempt: attempt.n, request, state: 'requested', returned: false })
  note(draft, at, { from: saidBy(requestedBy), what: `transfer ${mode}`, by: requestedBy, attempt: attempt.n })
  if (request.order) {
    owe(draft, at, { kind: 'call-person', target: id, due: at })
    oweCheck(draft, id, at)
    return
  }
  askForCaller(draft, transfer, at)
}

/** Jambonz is asked to call the redirect hook of the caller's leg. */
function askForCaller (draft: Call, transfer: Transfer, at: number): void {
  const n = (transfer.redirects ?? 0) + 1
  transfer.redirects = n
  transfer.redirect = { n, until: at + TIMES.redirect }
  note(draft, at, { from: 'bridge', what: 'redirect', attempt: currentAttempt(draft)?.n })
  owe(draft, at, { id: REDIRECT, kind: 'redirect', target: `${transfer.request!.id} ${n}`, due: at })
}

const REDIRECT = 'redirect'

/** News of a person's call may get lost. While they matter, the call is looked at again and again. */
export function oweCheck (draft: Call, id: string, at: number, afterMs: number = TIMES.checkPerson): void {
  owe(draft, at, { id: 'check-person', kind: 'check-person', target: id, due: at + afterMs })
}

/** Why a transfer cannot be completed. Undefined: it can. */
export type CompletionRefusal = 'finished' | 'nothing-to-complete' | 'not-consulting' | 'not-in-room'

export function completionRefusal (call: Call, transfer: Transfer): CompletionRefusal | undefined {
  if (transfer.outcome) return 'finished'
  if (transfer.request?.mode !== 'consult') return 'nothing-to-complete'
  if (transfer.state === 'completing') return undefined
  if (transfer.state !== 'consulting') return 'not-consulting'
  // The agent may be lost, and the caller on the way to a phone: no room is left to join.
  const attempt = currentAttempt(call)
  return attempt && isInRoom(attempt) ? undefined : 'not-in-room'
}

/** The agent has talked with the person: the person is to join the caller. Asking again changes nothing. */
export function onCompleteTransfer (draft: Call, { at, id, by }: EventOf<'complete-transfer'>): void {
  const transfer = findTransfer(draft, id)
  if (!transfer || draft.closing || draft.phase === 'ended' || completionRefusal(draft, transfer)) return
  if (transfer.state === 'completing') return
  transfer.state = 'completing'
  transfer.completing = { until: at + TIMES.completing }
  note(draft, at, { from: saidBy(by), what: 'complete transfer', by })
  owe(draft, at, { kind: 'tell-person', target: `merge ${id}`, due: at })
  oweCheck(draft, id, at, TIMES.completing)
}

/** Why a transfer cannot be cancelled. Undefined: it can. */
export function cancellationRefusal (transfer: Transfer): 'finished' | 'completing' | undefined {
  if (transfer.outcome) return 'finished'
  const isMoving = transfer.request?.mode === 'refer' && transfer.redirect === undefined
  return transfer.state === 'completing' || isMoving ? 'completing' : undefined
}

/** Nobody wants the person any more. */
export function onCancelTransfer (draft: Call, { at, id, by }: EventOf<'cancel-transfer'>): void {
  const transfer = findTransfer(draft, id)
  if (!transfer || draft.closing || draft.phase === 'ended' || cancellationRefusal(transfer)) return
  // Asking again changes nothing.
  if (transfer.failedFor && transfer.redirect) return
  note(draft, at, { from: saidBy(by), what: 'cancel transfer', by })
  if (hasOwnCall(transfer)) {
    releasePerson(draft, transfer, at)
    returnTransfer(draft, transfer, at, { reason: 'cancelled' })
    return
  }
  if (parkedAttempt(draft)) {
    comeBack(draft, transfer, at, 'cancelled')
    return
  }
  unowe(draft, ({ kind }) => kind === 'redirect')
  returnTransfer(draft, transfer, at, { reason: 'cancelled' })
}

/** The caller's leg has left its room: it is asked for once more. */
function comeBack (draft: Call, transfer: Transfer, at: number, reason: TransferReason): void {
  failTransfer(transfer, { reason })
  askForCaller(draft, transfer, at)
}

/** The person whom the caller's leg dials cannot be had: the caller does not wait until Jambonz says so. */
export function fetchBack (draft: Call, attempt: Attempt, at: number, reason: TransferReason): void {
  const transfer = openRequest(draft)
  if (transfer?.dials !== attempt.n || transfer.failedFor || draft.closing) return
  comeBack(draft, transfer, at, reason)
}

/** The person's call is to end, if it is not over yet. */
export function releasePerson (draft: Call, transfer: Transfer, at: number): void {
  if (transfer.releasedAt !== undefined || transfer.person?.state === 'ended') return
  const id = transfer.request?.id ?? transfer.person?.purpose.id
  if (id === undefined) return
  transfer.releasedAt = at
  unowe(draft, ({ kind, target }) => (kind === 'call-person' && target === id) || target === `merge ${id}`)
  owe(draft, at, { kind: 'tell-person', target: `hang-up ${id}`, due: at })
}

/** The call is over: nobody is left with nobody, and what is not decided is decided now. */
export function settleTransfers (draft: Call, at: number): void {
  if (draft.phase !== 'ended' && !draft.closing) return
  for (const transfer of transfersOf(draft)) {
    if (hasOwnCall(transfer)) releasePerson(draft, transfer, at)
  }
  if (draft.phase === 'ended') endTransfer(draft, at)
}

const stateOfDial = ({ at }: Attempt): 'calling' | 'ringing' | 'answered' => {
  if (at.answered !== undefined) return 'answered'
  return at.ringing === undefined ? 'calling' : 'ringing'
}

/** By which the person's call of a transfer is found. */
export const personOf = (transfer: Transfer): string | undefined =>
  transfer.person?.callSid ?? (hasOwnCall(transfer) ? orderIdOfTransfer(transfer.request!.id) : undefined)

/** Why a leg was not redirected, as a transfer and the event list say it. */
export const NOT_REDIRECTED = 'Jambonz did not redirect the caller'
/** Of a redirect: Jambonz does not know the leg any more. Its last status is about to say so. */
export const LEG_GONE = 'leg gone'
export const REDIRECT_NOT_TAKEN = "Jambonz's API did not take the redirect"

/** Jambonz did not ask what to do with the caller's leg: the caller is where it was. */
export function redirectFailed (draft: Call, transfer: Transfer, at: number, detail = NOT_REDIRECTED): void {
  unowe(draft, ({ kind }) => kind === 'redirect')
  transfer.redirect = undefined
  note(draft, at, { from: 'bridge', what: 'redirect failed', detail })
  const dialled = parkedAttempt(draft) && currentAttempt(draft)
  if (dialled) {
    // It could not be taken back: it goes on until the person decides it.
    transfer.failedFor = undefined
    transfer.state = stateOfDial(dialled)
    if (dialled.answered) personBridged(draft, dialled, at)
    return
  }
  returnTransfer(draft, transfer, at, { reason: 'error', detail })
}
