import { currentAttempt, type Call } from './call.ts'
import { agentGone, oweRedispatchNow } from './agent-watch.ts'
import { note, owe, oweLook, unowe } from './duties.ts'
import type { EventOf } from './events.ts'
import { endByBridge } from './on-time.ts'
import { oweCheck, releasePerson } from './on-transfer.ts'
import type { Rules } from './rules.ts'
import { endTransfer, finishTransfer, reasonOfPerson, returnTransfer } from './transfer-result.ts'
import {
  beginTransfer,
  openRequest,
  transfersOf,
  withPerson,
  type NewsOfPerson,
  type Transfer
} from './transfers.ts'

/** What became of the person whom a transfer calls. */
export function onPersonNews (draft: Call, { at, news }: EventOf<'person-news'>, rules: Rules): void {
  const transfer = transferOf(draft, news) ?? adopt(draft, news, at)
  const before = transfer.person
  if (before && (news.n < before.n || before.state === 'ended')) return
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
  const transfer: Transfer = { at, attempt, request, state: 'calling', returned: false }
  // Another transfer has begun meanwhile, or the caller is gone: nobody waits for this person.
  if (openRequest(draft) || draft.phase === 'ended' || draft.closing) {
    draft.earlierTransfers = [...draft.earlierTransfers ?? [], transfer]
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
  if (state === 'ended') {
    if (transfer.outcome) personLeft(draft, transfer, at, rules)
    else if (isOver) endTransfer(draft, at)
    else returnTransfer(draft, transfer, at, reasonOfPerson(end!, transfer.person!, transfer.completing !== undefined))
    return
  }
  if (isOver || (transfer.outcome && transfer.outcome.result !== 'bridged')) {
    releasePerson(draft, transfer, at)
    return
  }
  if (transfer.outcome) return
  if (state === 'joined') {
    finishTransfer(draft, transfer, at, { result: 'bridged', reason: 'completed' })
    personIsThere(draft, purpose.mode, at)
    return
  }
  if (transfer.state === 'completing' && !hasFailedToJoin(transfer, before, at)) return
  if (state === 'joining') return
  transfer.completing = undefined
  transfer.state = state
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
  if (mode === 'consult') owe(draft, at, { kind: 'remove-agent', target: `${attempt.n} ${EVERY_AGENT}`, due: at })
}

/** Stands for an agent's identity. */
export const EVERY_AGENT = '*'

/** The person who was with the caller has left. The caller must not be left with nobody. */
function personLeft (draft: Call, transfer: Transfer, at: number, rules: Rules): void {
  const { outcome, request } = transfer
  const attempt = currentAttempt(draft)
  if (outcome?.result !== 'bridged' || draft.phase === 'ended' || draft.closing || draft.hangupAt !== undefined) return
  if (withPerson(draft).length > 0 || !attempt || attempt.end || openRequest(draft)) return
  if (transfer.person!.purpose.mode === 'add' && !attempt.view.agent?.left) {
    // The agent stayed. A look tells whether it still does.
    if (!attempt.view.agent) oweLook(draft, attempt, at, at)
    return
  }
  if (transfer.person!.end?.cause === 'caller-gone') {
    // The person did not leave: the room did, or LiveKit put them out. Should the caller still be there, an agent is.
    agentGone(draft, attempt, at, rules)
    return
  }
  if (request?.afterPerson === 'agent') oweRedispatchNow(draft, attempt, at, rules)
  else endByBridge(draft, at, 'person-gone', rules)
}

/** While a person is called, or talks with the caller, their call is looked at now and then. */
function keepChecking (draft: Call, at: number): void {
  unowe(draft, ({ kind }) => kind === 'check-person')
  if (draft.phase === 'ended') return
  const open = openRequest(draft)
  const transfer = open?.person || open?.request.order ? open : withPerson(draft).at(-1)
  const id = transfer?.request?.id
  if (id !== undefined) oweCheck(draft, id, at)
}
