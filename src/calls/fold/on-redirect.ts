import { answer, endAttempt, findHook, goOn, noWayLeft } from './attempts.ts'
import { askedAgain } from './asked-again.ts'
import { awaitsAcceptance, isDialled } from './attempt-facts.ts'
import { currentAttempt, type Attempt, type Call, type HookName } from './call.ts'
import { note, unowe } from './duties.ts'
import { endOf } from './end.ts'
import type { EventOf } from './events.ts'
import { addLeg, isLatestLeg } from './legs.ts'
import { followMerge } from './on-merge.ts'
import { referring } from './on-refer.ts'
import { agentAnswered } from './on-status.ts'
import { personProgress } from './person-progress.ts'
import { goBack, isUsable, park, redial } from './return-to-agent.ts'
import { TIMES, type Rules } from './rules.ts'
import { failTransfer, reasonOfDial } from './transfer-result.ts'
import { openRequest, type Transfer, type TransferRequest } from './transfers.ts'

/*
 * The caller's own leg is handed to a person (`blind`, `screen`, `refer`): Jambonz is asked to redirect it, and asks
 * what to do with it. The room that it leaves is kept, should it come back.
 */

/** Jambonz asks what to do with a leg that it was asked to redirect. */
export function onRedirect (draft: Call, event: EventOf<'redirect'>, rules: Rules): void {
  const { at, hash } = event
  const known = findHook(draft, 'redirect', hash)
  if (known) {
    askedAgain(draft, known, at)
    return
  }
  unowe(draft, ({ kind }) => kind === 'redirect')
  note(draft, at, { from: 'jambonz', what: 'redirect hook', attempt: currentAttempt(draft)?.n })
  // Jambonz would run the reply without the leg, were it not answered (recorded on feature-server 0.9.8).
  const isGone = draft.facts.direction === 'outbound' && event.callerStatus !== 'in-progress'
  if (isGone || draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) {
    answer(draft, 'redirect', hash, { kind: 'hangup' })
    return
  }
  if (draft.merge || isUnknownMerge(draft, event)) {
    followMerge(draft, at, rules, 'redirect', hash)
    return
  }
  const transfer = openRequest(draft)
  const isMeant = transfer !== undefined && (event.transfer ?? transfer.request.id) === transfer.request.id
  if (isMeant && transfer.redirect) {
    followTransfer(draft, transfer, at, rules, 'redirect', hash)
    return
  }
  // The second time is for taking the transfer back. Jambonz was late with it.
  if (isMeant && transfer.dials !== undefined && (event.n ?? 1) > 1) failTransfer(transfer, { reason: 'cancelled' })
  stay(draft, at, rules, hash)
}

/** The bridge lost its record and found the call in LiveKit's room: only the hook says what the redirect is for. */
const isUnknownMerge = (draft: Call, { transfer }: EventOf<'redirect'>): boolean => {
  const attempt = currentAttempt(draft)
  return transfer !== undefined && draft.order?.transfer?.id === transfer && draft.order.transfer.mode === 'consult' &&
    attempt?.found === true && !attempt.end
}

/** The caller's leg goes where the open transfer says. */
export function followTransfer (
  draft: Call,
  transfer: Transfer & { request: TransferRequest },
  at: number,
  rules: Rules,
  hook: HookName,
  hash: string
): void {
  const { request } = transfer
  transfer.redirect = undefined
  if (transfer.failedFor) {
    if (!goBack(draft, at, rules, hook, hash)) answer(draft, hook, hash, { kind: 'hangup' })
    return
  }
  const attempt = currentAttempt(draft)!
  transfer.state = 'calling'
  if (request.mode === 'refer') {
    const { direction, from, to } = draft.facts
    const referredBy = (direction === 'outbound' ? from : to) || undefined
    answer(draft, hook, hash, { kind: 'refer', to: request.to, referredBy, hangUp: true })
    note(draft, at, { from: 'bridge', what: 'refer', attempt: attempt.n })
    transfer.at = at
    transfer.refers = []
    referring(draft, at)
    return
  }
  park(attempt, at)
  draft.plan = [request.way!, ...draft.plan]
  goOn(draft, at, rules, hook, hash)
  transfer.dials = currentAttempt(draft)!.n
}

/** The leg is where it is to be: it is dialled there once more, because the hook has ended its dial. */
function stay (draft: Call, at: number, rules: Rules, hash: string): void {
  const attempt = currentAttempt(draft)
  if (openRequest(draft)?.failedFor && goBack(draft, at, rules, 'redirect', hash)) return
  if (attempt && !attempt.end && isDialled(attempt) && (attempt.room === undefined || isUsable(attempt, at))) {
    redial(draft, attempt, at)
    answer(draft, 'redirect', hash, { kind: 'dial', attempt: attempt.n })
    return
  }
  if (attempt && !attempt.end) {
    endAttempt(draft, attempt, at, endOf('room-closed'))
    draft.plan = [attempt.way, ...draft.plan]
  }
  if (!goOn(draft, at, rules, 'redirect', hash)) answer(draft, 'redirect', hash, noWayLeft(draft))
}

/**
 * The dial of the person is over without a talk: the caller goes back to the agent.
 * @returns false when the dial was none of a transfer, or the caller cannot go back
 */
export function backFromPerson (
  draft: Call,
  attempt: Attempt,
  at: number,
  rules: Rules,
  hook: HookName,
  hash: string
): boolean {
  // A person's call knows itself whether there is somebody to go back to.
  if (attempt.strategy === 'join') return false
  const transfer = openRequest(draft)
  if (transfer?.dials === attempt.n) {
    failTransfer(transfer, reasonOfDial(attempt))
    transfer.redirect = undefined
    unowe(draft, ({ kind }) => kind === 'redirect')
  }
  return goBack(draft, at, rules, hook, hash)
}

/** The person whom a screened dial called has answered: they hear who calls. */
export function onScreen (draft: Call, { at, hash, legSid, transfer: id }: EventOf<'screen'>): void {
  if (findHook(draft, 'screen', hash)) return
  const attempt = screenedAttempt(draft, legSid)
  const transfer = openRequest(draft)
  note(draft, at, { from: 'jambonz', what: 'screen hook', attempt: attempt?.n })
  if (!attempt || !transfer || transfer.failedFor || (id ?? transfer.request.id) !== transfer.request.id) {
    answer(draft, 'screen', hash, { kind: 'hangup' })
    return
  }
  attempt.at.answered ??= at
  personProgress(draft, attempt, 'answered')
  answer(draft, 'screen', hash, { kind: 'screen', transfer: transfer.request.id })
}

/** The key that takes a call. */
const ACCEPT = '1'

/** The person pressed a key, or did not in time. Only this tells whether they take the call. */
export function onScreenDigit (draft: Call, event: EventOf<'screen-digit'>): void {
  const { at, hash, digits, legSid, transfer: id } = event
  if (findHook(draft, 'screen-digit', hash)) return
  const attempt = screenedAttempt(draft, legSid)
  const transfer = openRequest(draft)
  note(draft, at, { from: 'person', what: 'key', status: keyOf(digits), attempt: attempt?.n })
  // The time for a key goes on after its leg is gone (recorded on feature-server 0.9.8).
  if (!attempt || !transfer || transfer.failedFor || (id ?? transfer.request.id) !== transfer.request.id) {
    answer(draft, 'screen-digit', hash, { kind: 'nothing' })
    return
  }
  if (digits !== ACCEPT) {
    const isNone = digits === undefined && event.legStatus !== 'completed'
    failTransfer(transfer, { reason: isNone ? 'no-answer' : 'declined' })
    answer(draft, 'screen-digit', hash, { kind: 'nothing' })
    return
  }
  attempt.accepted = true
  attempt.bridgesAt = at + TIMES.acceptanceSettles
  answer(draft, 'screen-digit', hash, { kind: 'accept' })
}

/**
 * The person has taken the call some time ago. Jambonz does not say that the two talk. It says at once when they do
 * not, because our reply was lost (recorded on feature-server 0.9.8).
 */
export function acceptanceSettled (draft: Call, at: number, rules: Rules): void {
  const attempt = currentAttempt(draft)
  if (attempt?.bridgesAt === undefined || at < attempt.bridgesAt) return
  attempt.bridgesAt = undefined
  if (attempt.end || attempt.final || attempt.action || draft.closing) return
  agentAnswered(draft, attempt, at, rules)
}

const keyOf = (digits: string | undefined): string => {
  if (digits === undefined) return 'none'
  return digits === ACCEPT ? 'accepted' : 'declined'
}

/** The attempt whose dial made this leg, where the person is to press a key. */
function screenedAttempt (draft: Call, legSid: string): Attempt | undefined {
  const attempt = currentAttempt(draft)
  if (!attempt || attempt.end || !awaitsAcceptance(attempt)) return undefined
  addLeg(draft, legSid, 'agent', attempt.n)
  // The time for a key goes on for a leg that another dial has replaced.
  return isLatestLeg(draft, attempt, legSid) ? attempt : undefined
}
