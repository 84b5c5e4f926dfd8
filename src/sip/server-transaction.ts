import type { Clock } from '../clock.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import { T1_MS, T2_MS, TRANSACTION_TIMEOUT_MS } from './timers.ts'

/** How long an unanswered call stays silent, in milliseconds. No caller repeats an INVITE that long. */
const SILENCE_MS = 300_000

export interface ServerTransactionOptions {
  clock: Clock
  request: SipRequest
  flow: Flow
  send(message: SipMessage, flow: Flow): void
  /** Removes the transaction: no repetition of its request is expected any more. */
  forget(): void
}

/** A request that the far end sent, until its final response was acknowledged (RFC 3261 17.2). */
export class ServerTransaction {
  readonly request: SipRequest
  readonly flow: Flow
  readonly #options: ServerTransactionOptions
  #lastResponse: SipResponse | undefined
  #isSilent = false
  #cancelRepeat = () => {}
  #cancelRemoval = () => {}

  constructor (options: ServerTransactionOptions) {
    this.request = options.request
    this.flow = options.flow
    this.#options = options
  }

  get isFinal (): boolean {
    return this.#lastResponse !== undefined && this.#lastResponse.status >= 200
  }

  get isSilent (): boolean {
    return this.#isSilent
  }

  /** Sends a response. After a final response, or after `silence`, it does nothing. */
  respond (response: SipResponse): void {
    if (this.#isSilent || this.isFinal) return
    this.#lastResponse = response
    this.#options.send(response, this.flow)
    if (response.status < 200) return

    if (this.request.method === 'INVITE' && this.flow.transport === 'udp') this.#repeatAfter(T1_MS, response)
    this.#forgetAfter(TRANSACTION_TIMEOUT_MS)
  }

  /** Stops the repetitions of the final response, because its ACK arrived. */
  acknowledged (): void {
    this.#cancelRepeat()
  }

  /** From now on answers nothing, not even repetitions of the request. */
  silence (): void {
    this.#isSilent = true
    this.stop()
    this.#forgetAfter(SILENCE_MS)
  }

  /** Answers a repetition of the request with the last response. */
  onRepetition (): void {
    if (this.#lastResponse && !this.#isSilent) this.#options.send(this.#lastResponse, this.flow)
  }

  /** Cancels all timers. */
  stop (): void {
    this.#cancelRepeat()
    this.#cancelRemoval()
  }

  /** Repeats the final response of an INVITE until its ACK arrives (timer G). */
  #repeatAfter (ms: number, response: SipResponse): void {
    this.#cancelRepeat = this.#options.clock.schedule(ms, () => {
      this.#options.send(response, this.flow)
      this.#repeatAfter(Math.min(ms * 2, T2_MS), response)
    })
  }

  #forgetAfter (ms: number): void {
    this.#cancelRemoval = this.#options.clock.schedule(ms, () => {
      this.#cancelRepeat()
      this.#options.forget()
    })
  }
}
