import type { Clock } from '../clock.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import { ackFor, localResponse } from './build.ts'
import { T1_MS, T2_MS, TRANSACTION_TIMEOUT_MS } from './timers.ts'

export interface ClientHandlers {
  onProvisional?(response: SipResponse): void
  /**
   * Receives the final response, once. It is a local 408 when no answer came within 32 s, and a local 503 when the
   * connection broke.
   */
  onFinal(response: SipResponse): void
}

export interface ClientTransactionOptions {
  clock: Clock
  request: SipRequest
  flow: Flow
  handlers: ClientHandlers
  send(message: SipMessage, flow: Flow): void
  /** Removes the transaction: no repetition of its final response is expected any more. */
  forget(): void
}

/** A request that this side sends, until its final response (RFC 3261 17.1). */
export class ClientTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  readonly #options: ClientTransactionOptions
  #state: 'calling' | 'proceeding' | 'completed' = 'calling'
  #ack: { message: SipRequest, flow: Flow } | undefined
  #cancelRepeat = () => {}
  #cancelTimeout = () => {}

  constructor (options: ClientTransactionOptions) {
    this.request = options.request
    this.flow = options.flow
    this.#options = options
  }

  get hasProvisional (): boolean {
    return this.#state !== 'calling'
  }

  /** Sends the request and starts its timers. */
  start (): void {
    const { clock, send } = this.#options
    send(this.request, this.flow)
    this.#repeatAfter(T1_MS)
    this.#cancelTimeout = clock.schedule(TRANSACTION_TIMEOUT_MS, () => this.fail(408, 'Request Timeout'))
  }

  /** Sends the ACK of a 2xx, now and for every repetition of that 2xx (RFC 3261 13.2.2.4). */
  acknowledge (ack: SipRequest, flow: Flow): void {
    this.#ack = { message: ack, flow }
    this.#options.send(ack, flow)
  }

  onResponse (response: SipResponse): void {
    if (this.#state === 'completed') return this.#onRepetition(response)
    if (response.status < 200) return this.#onProvisional(response)
    if (this.#isInvite && response.status >= 300) this.acknowledge(ackFor(this.request, response), this.flow)
    this.#finish(response)
  }

  /** Ends the transaction with a local response, unless it has its final response already. */
  fail (status: number, reason: string, error?: Error): void {
    if (this.#state !== 'completed') this.#finish(localResponse(this.request, status, reason, error))
  }

  /** Cancels all timers. */
  stop (): void {
    this.#cancelRepeat()
    this.#cancelTimeout()
  }

  get #isInvite (): boolean {
    return this.request.method === 'INVITE'
  }

  #onRepetition (response: SipResponse): void {
    if (this.#ack && response.status >= 200) this.#options.send(this.#ack.message, this.#ack.flow)
  }

  #onProvisional (response: SipResponse): void {
    this.#state = 'proceeding'
    if (this.#isInvite) this.stop()
    this.#options.handlers.onProvisional?.(response)
  }

  #finish (response: SipResponse): void {
    const { clock, handlers, forget } = this.#options
    this.#state = 'completed'
    this.stop()
    // Repeated finals must still find the transaction (timers D and K).
    this.#cancelTimeout = clock.schedule(TRANSACTION_TIMEOUT_MS, forget)
    handlers.onFinal(response)
  }

  /** Repeats the request over UDP, which loses messages (timers A and E). */
  #repeatAfter (ms: number): void {
    if (this.flow.transport !== 'udp') return
    this.#cancelRepeat = this.#options.clock.schedule(ms, () => {
      this.#options.send(this.request, this.flow)
      this.#repeatAfter(this.#isInvite ? ms * 2 : Math.min(ms * 2, T2_MS))
    })
  }
}
