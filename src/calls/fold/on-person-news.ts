import { currentAttempt, type Attempt, type Call } from './call.ts'
import { agentGone, oweRedispatchNow } from './agent-watch.ts'
import { note, owe, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { mayHaveMissedEnd } from './evidence.ts'
import { sentAway } from './lone-caller.ts'
import { endByBridge } from './on-time.ts'
import { oweCheck, releasePerson } from './on-transfer.ts'
import { TIMES, type Rules } from './rules.ts'
import { failTransfer, finishTransfer, reasonOfPerson, returnTransfer } from './transfer-result.ts'
import {
  beginTransfer,
  hasOwnCall,
  openRequest,
  openTransfer,
  transfersOf,
  withPerson,
  type NewsOfPerson,
  type Transfer
} from './transfers.ts'

/** What became of the person whom a transfer calls. */
export function onPersonNews (draft: Call, { at, news }: EventOf<'person-news'>, rules: Rules): void {
  const transfer = transferOf(draft, news) ?? adopt(draft, news, at)
  const before = transfer.person
  if (before && (news.n < before.n || (news.n === before.n && before.state === 'ended'))) return
  transfer.person = news
  if (before?.state !== news.state) {
    note(draft, at, { from: 'person', what: 'person', status: news.state, detail: news.end?.cause })
  }
  follow(draft, transfer, before, at, rules)
  keepChecking(draft, at)
}

const transferOf = (call: Call, { purpose }: NewsOfPerson): Transfer | undefined =>
  transfersOf(call).find(({ request, person }) => (request?.id ?? person?.purpose.id) === purpose.id)

/** Nobody knows of the transfer any more, and its person is called all the same. */
function adopt (draft: Call, { purpose, to }: NewsOfPerson, at: number): Transfer {
  const { id, mode, attempt } = purpose
  const request = { id, mode, to, requestedBy: 'unknown', afterPerson: 'end' as const, ringS: 0 }
  const transfer: Transfer = { at, attempt, request, adopted: true, state: 'calling', returned: false }
  // Another transfer has begun meanwhile: nobody waits for this person.
  if (openTransfer(draft)) {
    draft.earlierTransfers = [...draft.earlierTransfers ?? [], transfer]
    draft.transfers = (draft.transfers ?? 0) + 1
    returnTransfer(draft, transfer, at, { reason: 'error', detail: 'nobody knew of the transfer any more' })
    return transfer
  }
  return beginTransfer(draft, transfer)
}

function follow (
  draft: Call,
  transfer: Transfer,
  before: NewsOfPerson | undefined,
  at: number,
  rules: Rules
): void {
  const { state, end, purpose } = transfer.person!
  const isOver = draft.phase === 'ended' || draft.closing !== undefined
  if (hasMetCaller(draft, transfer)) finishTransfer(draft, transfer, at, { result: 'bridged', reason: 'completed' })
  if (state === 'ended') {
    const why = reasonOfPerson(end!, transfer.person!, transfer.completing !== undefined)
    if (!isOver) personIsGone(draft, transfer, at, why)
    personLeft(draft, transfer, at, rules)
    return
  }
  if (isOver || (transfer.outcome && transfer.outcome.result !== 'bridged')) {
    releasePerson(draft, transfer, at)
    return
  }
  if (state === 'joined' && before?.state !== 'joined') personIsThere(draft, purpose.mode, at)
  if (transfer.outcome) return
  const wasCompleting = transfer.state === 'completing'
  if (wasCompleting && !hasFailedToJoin(transfer, before, at)) return
  if (state === 'joining' || state === 'joined') return
  if (wasCompleting) note(draft, at, { from: 'bridge', what: 'merge failed', detail: transfer.person!.mergeFailed })
  transfer.completing = undefined
  transfer.state = state
}

/** The person's call has ended, and they did not get to the caller. */
function personIsGone (draft: Call, transfer: Transfer, at: number, why: Parameters<typeof failTransfer>[1]): void {
  if (transfer.outcome) return
  // A look is about to tell whether the caller is still there.
  const attempt = currentAttempt(draft)
  if (attempt?.room !== undefined && mayHaveMissedEnd(draft, attempt)) failTransfer(transfer, why)
  else returnTransfer(draft, transfer, at, why)
}

/** The person came into the caller's room before the caller left. */
function hasMetCaller (draft: Call, { person, outcome }: Transfer): boolean {
  const { joinedAt } = person!
  return !outcome && joinedAt !== undefined && joinedAt <= (draft.caller.final?.at ?? Infinity)
}

/** The person was on the way into the caller's room, and talks with the consulting agent again. */
function hasFailedToJoin ({ person, completing }: Transfer, before: NewsOfPerson | undefined, at: number): boolean {
  return person!.state !== 'joining' && (before?.state === 'joining' || at >= (completing?.until ?? Infinity))
}

/** Caller and person talk. The agent that consulted the person is needed no more. */
function personIsThere (draft: Call, mode: 'consult' | 'add', at: number): void {
  const attempt = currentAttempt(draft)
  if (!attempt?.room || attempt.end) return
  attempt.agentless = undefined
  unowe(draft, ({ kind }) => kind === 'redispatch')
  if (mode === 'consult') owe(draft, at, { kind: 'remove-agent', target: everyAgentOf(attempt), due: at })
}

/** Stands for an agent's identity. */
export const EVERY_AGENT = '*'

const everyAgentOf = ({ n }: Attempt): string => `${n} ${EVERY_AGENT}`

/** A person's call has ended. The caller must not be left with nobody. */
function personLeft (draft: Call, transfer: Transfer, at: number, rules: Rules): void {
  const { person } = transfer
  if (draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) return
  if (openTransfer(draft)) {
    transfer.leavesCaller = true
    return
  }
  const attempt = currentAttempt(draft)
  if (!attempt || attempt.end) return
  // The caller was dialled elsewhere meanwhile, or talks with an agent in another room.
  if (attempt.n !== person!.purpose.attempt) return
  if (withPerson(draft).length > 0) return
  // An agent who comes now is not the one who was to leave.
  unowe(draft, ({ kind, target }) => kind === 'remove-agent' && target === everyAgentOf(attempt))
  const afterPerson = sentAway(draft, attempt)?.request?.afterPerson
  // Otherwise an agent stayed. A look tells whether it still does.
  if (afterPerson === undefined) oweLook(draft, attempt, at, at)
  // The person did not leave: the room did, or LiveKit put them out. Should the caller still be there, an agent is.
  else if (person!.end?.cause === 'caller-gone') agentGone(draft, attempt, at, rules)
  // LiveKit takes a moment to see that they left. Until then the caller would seem to have company.
  else if (afterPerson === 'agent') oweRedispatchNow(draft, attempt, at, rules, at + TIMES.leaves)
  else endByBridge(draft, at, 'person-gone', rules)
}

/** A person left while another transfer was open. It has come to nothing, so the caller is looked after now. */
export function settleLeavers (draft: Call, at: number, rules: Rules): void {
  if (openTransfer(draft)) return
  for (const transfer of transfersOf(draft)) {
    if (!transfer.leavesCaller) continue
    transfer.leavesCaller = undefined
    personLeft(draft, transfer, at, rules)
  }
}

/** While a person is called, or talks with the caller, their call is looked at now and then. */
function keepChecking (draft: Call, at: number): void {
  unowe(draft, ({ kind }) => kind === 'check-person')
  if (draft.phase === 'ended') return
  const open = openRequest(draft)
  const transfer = open && hasOwnCall(open) ? open : withPerson(draft).at(-1)
  const id = transfer?.request?.id
  const lapsesIn = (open?.completing?.until ?? 0) - at
  if (id !== undefined) oweCheck(draft, id, at, lapsesIn > 0 ? lapsesIn : undefined)
}
