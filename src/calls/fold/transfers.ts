import type { Call, End } from './call.ts'
import type { Order } from './order.ts'
import type { TransferMode, TransferReason, TransferResult, TransferState } from './vocabulary.ts'
import type { JoinWay, PhoneWay, SipWay } from './way.ts'

/*
 * Transfers: a caller is handed to a person. An agent asks for one by REFER, or anybody who may by the API. A transfer
 * of the API has an id; one by REFER has none.
 */

/** What becomes of the caller when the person to whom the call was handed leaves. */
export const AFTER_PERSON = ['end', 'agent'] as const
export type AfterPerson = typeof AFTER_PERSON[number]

/** What was asked for. */
export interface TransferRequest {
  id: string
  mode: TransferMode
  /** Number or SIP address in the form that is dialled, allowed by the number policy. */
  to: string
  /** Who asked: the name of a key, or `agent`. */
  requestedBy: string
  afterPerson: AfterPerson
  /** How long the person's phone may ring, seconds. */
  ringS: number
  /** Hash of the body under an Idempotency-Key. */
  bodyHash?: string
  /** `consult` and `add`: the person's call. */
  order?: Order
  /** `blind` and `screen`: how the person is dialled. */
  way?: PhoneWay | SipWay
  /** `screen`: what the person hears before pressing a key. */
  prompt?: ScreenPrompt
}

/** What a person hears who is asked to take a call. */
export type ScreenPrompt = { say: string, language?: string } | { play: string }

/** What a person's call is for. */
export interface TransferPurpose {
  /** The transfer. */
  id: string
  mode: 'consult' | 'add'
  /** call_sid of the caller's call. */
  callSid: string
  /** The attempt in whose room the caller is. */
  attempt: number
  /** SIP user that leads into that room, where it was made before its call. Absent: derived from the two. */
  token?: string
  /** From user of the leg into that room, where the person's number is there already. */
  joinAs?: string
  /** What the agent knows, for the agent that talks with the person. */
  brief?: string
}

/** The way of a person into the caller's room. */
export const joinWayOf = ({ callSid, attempt, token, joinAs }: TransferPurpose): JoinWay => ({
  strategy: 'join',
  callSid,
  attempt,
  ...(token === undefined ? {} : { token }),
  ...(joinAs === undefined ? {} : { joinAs })
})

/** What others than the person's call may know of what it is for. */
export function openPurpose ({ brief: _brief, token: _token, ...purpose }: TransferPurpose): TransferPurpose {
  return purpose
}

export interface TransferOutcome {
  result: TransferResult
  reason: TransferReason
  at: number
  sipStatus?: number
  detail?: string
}

export interface Transfer {
  at: number
  /** The attempt in whose room the caller was. */
  attempt: number
  /** Absent: an agent's REFER. */
  request?: TransferRequest
  /** Nobody knew of it any more when its person was heard of. What it came to may have been told already. */
  adopted?: true
  state?: TransferState
  /**
   * `blind`, `screen` and `refer`: Jambonz is asked to call the redirect hook of the caller's leg. Without it until
   * then nothing comes of it.
   */
  redirect?: { n: number, until: number }
  /** How often Jambonz was asked. */
  redirects?: number
  /** `complete` was asked for. Without news of the person until then it has failed. */
  completing?: { until: number }
  /** The attempt that dials the person. */
  dials?: number
  /** Why the person could not be had, before it is known what becomes of the caller. */
  failedFor?: Pick<TransferOutcome, 'reason' | 'sipStatus' | 'detail'>
  /** What the person's call was heard to be. */
  person?: NewsOfPerson
  /** The person's call was asked to end. */
  releasedAt?: number
  /** The person has left the caller while another transfer was open. What becomes of the caller waits for that one. */
  leavesCaller?: true | undefined
  outcome?: TransferOutcome
  referStatus?: number
  finalStatus?: number
  /** Of a REFER. */
  result?: 'transferred' | 'failed'
  /** The result overtook the request. */
  early?: boolean
  /** The caller was dialled back to the agent. */
  returned: boolean
  /** The requests that were passed on, by the hashes of their hooks. Absent in records from before. */
  refers?: string[]
  /** When its result came. */
  finishedAt?: number
}

/** How a person's call stands. */
export const PERSON_STATES = ['calling', 'ringing', 'answered', 'consulting', 'joining', 'joined', 'ended'] as const
export type PersonState = typeof PERSON_STATES[number]

/** What a person's call says of itself to the caller's call. */
export interface NewsOfPerson {
  /** Counts up. Older news that come late say nothing. */
  n: number
  state: PersonState
  /** call_sid of the person's call, or id of its order before Jambonz has named it. */
  callSid: string
  purpose: TransferPurpose
  to: string
  answeredAt?: number
  joinedAt?: number
  /** Why the person was not brought into the caller's room the last time. */
  mergeFailed?: string
  endedAt?: number
  end?: End
  /** The call was found in LiveKit's room, and what had become of it before is not known. */
  found?: true
}

/** A person's call is being brought into the caller's room. */
export interface Merge {
  at: number
  /** Which time the person's leg is asked for, from 1. */
  n: number
  /** Without a hook of Jambonz until then nothing came of it. */
  until: number
}

/** All transfers of a call that are remembered, oldest first. */
export const transfersOf = ({ earlierTransfers = [], transfer }: Pick<Call, 'earlierTransfers' | 'transfer'>) =>
  transfer ? [...earlierTransfers, transfer] : earlierTransfers

/** The transfer of the API with this id. */
export const findTransfer = (call: Call, id: string): Transfer | undefined =>
  transfersOf(call).find(({ request }) => request?.id === id)

/** The transfer that is not decided yet. */
export function openTransfer ({ transfer, phase }: Call): Transfer | undefined {
  if (!transfer || transfer.outcome) return undefined
  return transfer.request !== undefined || phase === 'transferring' ? transfer : undefined
}

/** The open transfer of the API. */
export function openRequest (call: Call): (Transfer & { request: TransferRequest }) | undefined {
  const transfer = openTransfer(call)
  return transfer?.request ? transfer as Transfer & { request: TransferRequest } : undefined
}

/** What was heard last of the person who was called last with a call of their own (`consult`, `add`). */
export const latestPerson = (call: Call): NewsOfPerson | undefined =>
  transfersOf(call).findLast(({ person }) => person !== undefined)?.person

/** Transfers whose person is in the caller's room, or was when it was last heard of. */
export const withPerson = (call: Call): Transfer[] =>
  transfersOf(call).filter(({ outcome, person }) => outcome?.result === 'bridged' && person?.state === 'joined')

/** Whether a person talked with the caller at that time. */
export const wasWithPerson = (call: Call, time: number): boolean =>
  transfersOf(call).some(({ person }) =>
    person?.joinedAt !== undefined && person.joinedAt <= time && (person.endedAt ?? Infinity) >= time)

/** How a transfer of the API or by REFER ended. Undefined: it is not decided. */
export function outcomeOf (transfer: Transfer): TransferOutcome | undefined {
  const { outcome, result, returned, at, finishedAt = at } = transfer
  if (outcome) return outcome
  if (result === undefined || transfer.request) return undefined
  if (result === 'transferred') return { result: 'bridged', reason: 'completed', at: finishedAt }
  return { result: returned ? 'returned' : 'failed', at: finishedAt, ...whyReferFailed(transfer) }
}

/** Why a REFER moved nobody, by the carrier's words. A carrier that took it may never say what became of it. */
export function whyReferFailed (
  { referStatus, finalStatus }: Transfer
): Pick<TransferOutcome, 'reason' | 'sipStatus' | 'detail'> {
  const sipStatus = finalStatus ?? referStatus
  if (sipStatus !== undefined && sipStatus < 300) {
    return { reason: 'error', sipStatus, detail: 'the carrier accepted the REFER and reported no result' }
  }
  return { reason: finalStatus === undefined ? 'refused' : reasonOfReferred(finalStatus), sipStatus }
}

/** What the final status of the call means that a REFER led to (RFC 3261 section 21). */
function reasonOfReferred (finalStatus: number): TransferReason {
  switch (finalStatus) {
    case 486:
    case 600:
      return 'busy'
    case 408:
    case 480:
    case 487:
      return 'no-answer'
    case 603:
    case 607:
    case 608:
      return 'declined'
    default:
      return 'refused'
  }
}

/** Whether the call's own leg is being dialled to a person. */
export const isTransferWay = (call: Call): boolean =>
  call.transfer?.dials !== undefined && call.transfer.dials === call.attempts.at(-1)?.n

/** Most transfers of a call. The API begins no further one, so that each of its transfers can still be asked about. */
export const MOST_TRANSFERS = 64

/** The current transfer is over, whatever became of it. */
export function forgetTransfer (draft: Call): void {
  if (draft.transfer) draft.earlierTransfers = transfersOf(draft).slice(-MOST_TRANSFERS).map(briefly)
  draft.transfer = undefined
}

/**
 * What is still asked about a transfer that is over. How the person was dialled is not, unless they talk with the
 * caller: should their call be lost, its order tells whom it was for.
 */
function briefly (transfer: Transfer): Transfer {
  const { request, outcome, person } = transfer
  const isTalking = outcome?.result === 'bridged' && person !== undefined && person.state !== 'ended'
  if (!request || !outcome || isTalking) return transfer
  const { order: _order, way: _way, prompt: _prompt, ...rest } = request
  return { ...transfer, request: rest }
}

/** Whether the person of a transfer has a call of their own. */
export const hasOwnCall = ({ request, person }: Transfer): boolean =>
  request?.mode === 'consult' || request?.mode === 'add' || person !== undefined

/** Another transfer begins. */
export function beginTransfer (draft: Call, transfer: Transfer): Transfer {
  forgetTransfer(draft)
  draft.transfers = (draft.transfers ?? 0) + 1
  draft.transfer = transfer
  return transfer
}
