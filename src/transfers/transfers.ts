import { createHash, randomUUID } from 'node:crypto'
import type { Calls } from '../calls/calls.ts'
import { ANONYMOUS, type Call } from '../calls/fold/call.ts'
import { cancellationRefusal, completionRefusal, transferRefusal } from '../calls/fold/on-transfer.ts'
import type { EventOf } from '../calls/fold/events.ts'
import { orderIdOfTransfer } from '../calls/fold/order.ts'
import {
  findTransfer,
  MOST_TRANSFERS,
  openTransfer,
  type Transfer,
  type TransferRequest
} from '../calls/fold/transfers.ts'
import { withoutAbsent } from '../calls/fold/without-absent.ts'
import type { Clock } from '../clock.ts'
import {
  CallEndedError,
  CallNotFoundError,
  DrainingError,
  IdempotencyBodyError,
  IdempotencyKeyError,
  OutboundNotConfiguredError,
  OwnNumberError,
  QueueFullError,
  StoreUnavailableError,
  withExtras
} from '../errors.ts'
import { remoteNumber } from '../jambonz/caller.ts'
import type { Outbound } from '../jambonz/outbound.ts'
import { bodyHash } from '../orders/body-hash.ts'
import { asked, refusalError } from '../orders/dialling-errors.ts'
import { ownNumber } from '../orders/make-order.ts'
import { livesMsOf } from '../orders/orders.ts'
import { hasCaps, type NumberGate } from '../routing/policy/number-gate.ts'
import { decide } from '../routing/policy/policy.ts'
import { explainRefusal } from '../routing/policy/refusals.ts'
import { leadsBack } from '../routing/same-number.ts'
import type { RoutesSource } from '../routing/routes.ts'
import {
  CallerNotInRoomError,
  NotConnectedError,
  NotConsultingError,
  PersonCallError,
  TooManyTransfersError,
  TransferBodyError,
  TransferCompletingError,
  TransferFinishedError,
  TransferNotFoundError,
  TransferOpenError
} from './errors.ts'
import { isSipTarget, longestSOf, makeTransfer, type TransferDefaults, type TransferFacts } from './make-transfer.ts'
import type { TransferBody } from './transfer-body.ts'

export interface TransfersOptions {
  calls: Pick<Calls, 'apply'>
  outbound: Outbound
  gate: Pick<NumberGate, 'enter' | 'withdraw'>
  routes: RoutesSource
  defaults: TransferDefaults
  /** The Jambonz REST settings are there. */
  callControl: boolean
  clock: Clock
  /** Whether this process is about to end. */
  isDraining: () => boolean
}

/** Who asks for what. */
export interface TransferAsked {
  body: TransferBody
  /** Name of the key, or `agent`. */
  requestedBy: string
  /** Text of the Idempotency-Key. */
  key?: string
}

/** A call after it was asked for something about one of its transfers. */
export interface AskedCall {
  call: Call
  transfer: Transfer
}

/** What would be dialled. `limits`: the number policy has some, which count only what is begun. */
export interface CheckedTransfer {
  to: string
  from?: string
  carrier?: string
  limits: boolean
}

/** For how long a transfer counts as under way whose end nobody hears, milliseconds: see jambonz/transfer-door.ts. */
const REFER_LIVES_MS = 60_000

/** Takes requests for transfers. The call itself decides about each, in one commit. */
export class Transfers {
  readonly #options: TransfersOptions

  constructor (options: TransfersOptions) {
    this.#options = options
  }

  /**
   * Begins a transfer, at most once for each key.
   * @param call of the caller
   * @returns `replayed`: the transfer of an earlier request with the same key
   * @throws an error of src/errors.ts or errors.ts with its status. But for {@link StoreUnavailableError} nothing was
   *   begun
   */
  async begin (call: Call, { body, requestedBy, key }: TransferAsked): Promise<AskedCall & { replayed: boolean }> {
    const id = idOf(call, requestedBy, key)
    const hash = key === undefined ? undefined : bodyHash(body)
    const known = findTransfer(call, id)
    if (known) return { ...repeated(call, known, hash), replayed: true }

    const { routes: { table }, clock } = this.#options
    this.#assertOpen(call)
    const needsNumber = body.mode !== 'refer'
    const from = needsNumber ? ownNumber(body.from, table) : undefined
    const common = { id, call, requestedBy, at: clock.now(), ...(from === undefined ? {} : { from }) }
    return this.#enter(body, { ...common, ...(hash === undefined ? {} : { bodyHash: hash }) })
  }

  /**
   * Says whether {@link begin} would begin a transfer now. Nothing is begun, dialled, counted or audited, so a limit of
   * the number policy may still refuse it.
   * @throws why it would not, as {@link begin} does
   */
  async check (call: Call, body: TransferBody): Promise<CheckedTransfer> {
    const { table } = this.#options.routes
    this.#assertOpen(call)
    const from = body.mode === 'refer' ? undefined : ownNumber(body.from, table)
    const decision = decide('transfer', body.to, table)
    if (!decision.allowed) throw refusalError(decision)

    const { target } = decision
    this.#assertTarget(target, body, call, table.country)
    const carrier = await this.#carrierFor(target, body)
    return { to: target, limits: hasCaps(table.policy!), ...withoutAbsent({ from, carrier }) }
  }

  /** Asks the number policy, and counts what it allows until nobody is dialled for it any more. */
  async #enter (
    body: TransferBody,
    common: Pick<TransferFacts, 'id' | 'call' | 'requestedBy' | 'at' | 'from' | 'bodyHash'>
  ): Promise<AskedCall & { replayed: boolean }> {
    const { gate, routes: { table: { policy, country } }, defaults } = this.#options
    const { id, call } = common
    const caller = remoteNumber(call.facts) || ANONYMOUS
    const counted = { id: hasPersonCall(body) ? orderIdOfTransfer(id) : id, caller }
    const livesMs = body.mode === 'refer'
      ? REFER_LIVES_MS
      : livesMsOf({ ringS: body.ring ?? defaults.ringS, longestS: longestSOf({ policy, defaults }) })
    const entered = await gate.enter({
      ...counted,
      door: 'transfer',
      number: body.to,
      callSid: call.callSid,
      livesMs
    })
    if (!entered.allowed) throw refusalError(entered)

    let request: TransferRequest
    try {
      const { target } = entered
      this.#assertTarget(target, body, call, country)
      const carrier = await this.#carrierFor(target, body)
      const known = { target, policy, defaults, countedFor: caller, ...(carrier === undefined ? {} : { carrier }) }
      request = makeTransfer(body, { ...common, ...known })
    } catch (error) {
      if (entered.isCounted) await gate.withdraw(counted)
      throw error
    }
    return this.#begin(call, request, async () => {
      if (entered.isCounted) await gate.withdraw(counted)
    })
  }

  /** @param withdraw is called when surely nothing was begun */
  async #begin (
    { callSid }: Call,
    request: TransferRequest,
    withdraw: () => Promise<void>
  ): Promise<AskedCall & { replayed: boolean }> {
    const { calls, clock } = this.#options
    const call = await calls.apply(callSid, { kind: 'transfer', request, at: clock.now() })
    const transfer = call && findTransfer(call, request.id)
    if (transfer) return { call, transfer, replayed: false }

    await withdraw()
    if (!call) throw new CallNotFoundError(callSid)
    this.#assertTransferable(call)
    throw new NotConnectedError(callSid)
  }

  /**
   * Has the person whom an agent talks with join the caller.
   * @param by name of the key, or `agent`
   * @throws {TransferNotFoundError} and why it cannot be done now
   */
  async complete (call: Call, id: string, by: string): Promise<AskedCall> {
    assertCompletable(call, id)
    const hasTaken = ({ state, outcome }: Transfer) => state === 'completing' || !!outcome
    return this.#apply(call, { kind: 'complete-transfer', id, by }, hasTaken)
  }

  /**
   * Ends a transfer that is not decided yet: the person is hung up on, and the caller stays with the agent, or comes
   * back to it.
   * @param by name of the key, or `agent`
   * @throws {TransferNotFoundError} and why it cannot be done now
   */
  async cancel (call: Call, id: string, by: string): Promise<AskedCall> {
    assertCancellable(call, id)
    return this.#apply(call, { kind: 'cancel-transfer', id, by }, ({ failedFor, outcome }) => !!failedFor || !!outcome)
  }

  async #apply (
    { callSid }: Call,
    event: Pick<EventOf<'complete-transfer' | 'cancel-transfer'>, 'kind' | 'id' | 'by'>,
    hasTaken: (transfer: Transfer) => boolean
  ): Promise<AskedCall> {
    const { calls, clock } = this.#options
    const { kind, id } = event
    const call = await calls.apply(callSid, { ...event, at: clock.now() })
    if (!call) throw new CallNotFoundError(callSid)
    const transfer = transferOf(call, id)
    if (hasTaken(transfer)) return { call, transfer }
    // It went on meanwhile, and the call is not asked any more.
    if (kind === 'complete-transfer') assertCompletable(call, id)
    else assertCancellable(call, id)
    throw new CallEndedError(callSid)
  }

  /** Throws what is known without counting anything. Clients that are refused try again. */
  #assertOpen (call: Call): void {
    const { isDraining, routes: { table }, callControl, outbound } = this.#options
    if (isDraining()) throw withExtras(new DrainingError(), { retryInMs: 1000 })
    if (!table.policy) throw new OutboundNotConfiguredError(explainRefusal('no-policy'))
    if (!callControl) throw new OutboundNotConfiguredError(NO_CALL_CONTROL)
    this.#assertTransferable(call)
    const fullForMs = outbound.fullForMs()
    if (fullForMs !== undefined) throw withExtras(new QueueFullError(), { retryInMs: fullForMs })
  }

  #assertTransferable (call: Call): void {
    const { callSid, order, late } = call
    if (late) throw new StoreUnavailableError('the buffered events of this call are being handed over')
    if (order?.transfer) throw new PersonCallError(callSid, order.transfer.callSid)
    const refusal = transferRefusal(call, { callControl: true })
    if (refusal === 'ended') throw new CallEndedError(callSid)
    if (refusal === 'open-transfer') throw new TransferOpenError(callSid, openTransfer(call)?.request?.id ?? 'a REFER')
    if (refusal === 'too-many') throw new TooManyTransfersError(callSid, MOST_TRANSFERS)
    if (refusal !== undefined) throw new NotConnectedError(callSid)
  }

  #assertTarget (target: string, body: TransferBody, { facts }: Call, country: string | undefined): void {
    if (isSipTarget(target)) {
      if (hasPersonCall(body)) {
        throw new TransferBodyError(
          `to is a SIP address, and mode ${body.mode} calls a phone number. Use blind, screen or refer for it.`
        )
      }
      if (body.carrier !== undefined) {
        throw new TransferBodyError('carrier does not go with a SIP address, which is dialled without one.')
      }
      return
    }
    if (facts.direction === 'inbound' && leadsBack(target, facts.to, country)) {
      throw new OwnNumberError('The caller called this number: the call would come back to us.')
    }
  }

  async #carrierFor (target: string, body: TransferBody): Promise<string | undefined> {
    const { outbound } = this.#options
    if (hasPersonCall(body)) {
      const readiness = await asked(outbound.readiness())
      if (!readiness.ready) throw new OutboundNotConfiguredError(`${readiness.missing}.`)
    }
    if (body.mode === 'refer' || isSipTarget(target)) return undefined
    return asked(outbound.carrierOf(body.carrier))
  }
}

const NO_CALL_CONTROL = 'transfers need the Jambonz REST API. Set JAMBONZ_REST_API_BASE_URL, JAMBONZ_ACCOUNT_SID and ' +
  'JAMBONZ_API_KEY.'

/** The person gets a call of their own. */
const hasPersonCall = ({ mode }: TransferBody): boolean => mode === 'consult' || mode === 'add'

/** The id of a transfer: with a key always the same, so that a repeat finds it, whichever replica is asked. */
function idOf ({ callSid }: Call, requestedBy: string, key: string | undefined): string {
  if (key === undefined) return `tr-${randomUUID()}`
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) throw new IdempotencyKeyError()
  return `tr-${createHash('sha256').update(JSON.stringify([callSid, requestedBy, key])).digest('hex').slice(0, 32)}`
}

function repeated (call: Call, transfer: Transfer, hash: string | undefined): AskedCall {
  if (transfer.request?.bodyHash !== hash) throw new IdempotencyBodyError()
  return { call, transfer }
}

/**
 * The transfer of a call with this id.
 * @throws {TransferNotFoundError}
 */
export function transferOf (call: Call, id: string): Transfer {
  const transfer = findTransfer(call, id)
  if (!transfer) throw new TransferNotFoundError(call.callSid, id)
  return transfer
}

function assertCompletable (call: Call, id: string): void {
  const transfer = transferOf(call, id)
  const { request, state } = transfer
  const refusal = completionRefusal(call, transfer)
  if (refusal === 'finished') throw finished(transfer)
  if (refusal === 'nothing-to-complete') {
    throw new NotConsultingError(`Only a transfer of mode consult is completed. Mode of this one: ${request!.mode}.`)
  }
  if (refusal === 'not-consulting') {
    throw new NotConsultingError(`The person talks with no agent yet. State of the transfer: ${state}.`)
  }
  if (refusal === 'not-in-room') throw new CallerNotInRoomError(call.callSid)
}

function assertCancellable (call: Call, id: string): void {
  const transfer = transferOf(call, id)
  const refusal = cancellationRefusal(transfer)
  if (refusal === 'finished') throw finished(transfer)
  if (refusal === 'completing') throw new TransferCompletingError(id)
}

const finished = ({ request, outcome }: Transfer): Error =>
  new TransferFinishedError(request!.id, `${outcome!.result} (${outcome!.reason})`)
