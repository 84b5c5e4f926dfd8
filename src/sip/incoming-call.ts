import type { CallContext, CallState, InDialogOptions } from './call-context.ts'
import type { Dialog, DialogEvents, ReferHandler } from './dialog.ts'
import type { EventSource } from './event.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { localResponse, randomToken, responseTo } from './build.ts'
import { sendInDialog } from './call-context.ts'
import { createDialogEvents, dialogOfCallee } from './dialog.ts'
import { createEvent } from './event.ts'
import { header } from './message.ts'

/** A call that the far end makes. */
export interface IncomingCall {
  readonly callId: string
  readonly request: SipRequest
  /** The address that the INVITE came from, as `host:port`. */
  readonly remote: string
  readonly state: CallState
  /** Sends a provisional or final response. After a final one, or after `drop`, it does nothing. */
  respond(status: number, reason?: string, options?: { headers?: Record<string, string>, body?: string }): void
  /** Sets the To-tag, which is random otherwise. @throws when a response was already sent */
  tag(value: string): void
  /** The caller gave up. CANCEL was answered with 200, and the INVITE with 487 unless `ignoreCancel` was called. */
  onCancel(fn: (request: SipRequest) => void): void
  /**
   * From now on a CANCEL still gets its 200, but `respond` must send the final response of the INVITE. This is how a
   * far end behaves that is slow to give up.
   */
  ignoreCancel(): void
  /** The ACK of the 2xx arrived. */
  onAck(fn: (request: SipRequest) => void): void
  onBye(fn: (request: SipRequest) => void): void
  onNotify(fn: (request: SipRequest) => void): void
  /** An INFO within the call, which may carry a digit (RFC 6086). */
  onInfo(fn: (request: SipRequest) => void): void
  /** Sets the handler that answers a REFER from the caller. Without one the answer is 405. */
  onRefer(fn: ReferHandler): void
  /** Hangs up. Resolves with the response to the BYE, or with a local 481 when the call is not answered. */
  bye(headers?: Record<string, string>): Promise<SipResponse>
  /** Asks the caller's side to call `to` instead (RFC 3515). Resolves with the response to the REFER. */
  refer(to: string, headers?: Record<string, string>): Promise<SipResponse>
  /** Sends any other request within the call (NOTIFY, INFO). */
  send(method: string, options?: { headers?: Record<string, string>, body?: string }): Promise<SipResponse>
  /** From now on answers nothing, not even CANCEL. */
  drop(): void
}

/** A received INVITE and the call that it sets up. */
export class IncomingInvite implements IncomingCall {
  readonly callId: string
  readonly request: SipRequest
  readonly remote: string
  readonly onCancel: EventSource<SipRequest>['on']
  readonly onAck: EventSource<SipRequest>['on']
  readonly onBye: EventSource<SipRequest>['on']
  readonly onNotify: EventSource<SipRequest>['on']
  readonly onInfo: EventSource<SipRequest>['on']
  readonly #context: CallContext
  readonly #transaction: ServerTransaction
  readonly #events: DialogEvents = createDialogEvents()
  readonly #cancelEvent = createEvent<SipRequest>()
  readonly #ackEvent = createEvent<SipRequest>()
  #state: CallState = 'calling'
  #toTag = randomToken(4)
  #responded = false
  #obeysCancel = true
  #dialog: Dialog | undefined

  constructor (context: CallContext, transaction: ServerTransaction) {
    const { host, port } = transaction.flow.remote
    this.#context = context
    this.#transaction = transaction
    this.request = transaction.request
    this.callId = header(transaction.request, 'call-id') ?? ''
    this.remote = `${host}:${port}`
    this.onCancel = this.#cancelEvent.on
    this.onAck = this.#ackEvent.on
    this.onBye = this.#events.bye.on
    this.onNotify = this.#events.notify.on
    this.onInfo = this.#events.info.on
  }

  get state (): CallState {
    return this.#state
  }

  respond (status: number, reason?: string, { headers, body }: InDialogOptions = {}): void {
    const transaction = this.#transaction
    if (transaction.isFinal || transaction.isSilent || this.#state === 'ended') return
    this.#responded = true
    const response = responseTo(this.request, status, {
      reason,
      toTag: this.#toTag,
      headers: {
        ...(status >= 200 && status < 300 && { Contact: this.#context.contact(transaction.flow) }),
        ...(body && { 'Content-Type': 'application/sdp' }),
        ...headers
      },
      body
    })
    if (status >= 300) this.#state = 'ended'
    else if (status >= 200) this.#answered(response.body)
    else if (status > 100) this.#state = 'ringing'
    transaction.respond(response)
  }

  tag (value: string): void {
    if (this.#responded) throw new Error('the To-tag must be set before the first response')
    this.#toTag = value
  }

  ignoreCancel (): void {
    this.#obeysCancel = false
  }

  onRefer (fn: ReferHandler): void {
    this.#events.refer = fn
  }

  async bye (headers?: Record<string, string>): Promise<SipResponse> {
    if (!this.#dialog || this.#state !== 'answered') return localResponse(this.request, 481)
    this.#end()
    return await sendInDialog(this.#context, this.#dialog, 'BYE', { headers })
  }

  refer (to: string, headers?: Record<string, string>): Promise<SipResponse> {
    return this.send('REFER', { headers: { 'Refer-To': to.includes('<') ? to : `<${to}>`, ...headers } })
  }

  async send (method: string, options?: InDialogOptions): Promise<SipResponse> {
    if (!this.#dialog || this.#state !== 'answered') return localResponse(this.request, 481)
    return await sendInDialog(this.#context, this.#dialog, method, options)
  }

  drop (): void {
    this.#transaction.silence()
    this.#end()
  }

  /** Answers a CANCEL of this call. The user agent calls it. */
  cancel (cancel: ServerTransaction): void {
    if (this.#transaction.isSilent) return cancel.silence()
    cancel.respond(responseTo(cancel.request, 200, { toTag: this.#toTag }))
    if (this.#transaction.isFinal) return
    if (this.#obeysCancel) this.respond(487)
    this.#cancelEvent.emit(cancel.request)
  }

  #answered (sessionDescription: string): void {
    const context = this.#context
    this.#state = 'answered'
    this.#dialog = dialogOfCallee(this.request, this.#toTag, this.#transaction.flow)
    context.addDialog(
      this.callId,
      this.#toTag,
      transaction =>
        this.#events.serve(transaction, {
          sessionDescription,
          contact: context.contact(transaction.flow),
          onBye: () => this.#end()
        }),
      ack => {
        this.#transaction.acknowledged()
        this.#ackEvent.emit(ack)
      }
    )
  }

  #end (): void {
    this.#state = 'ended'
    this.#context.removeDialog(this.callId, this.#toTag)
  }
}
