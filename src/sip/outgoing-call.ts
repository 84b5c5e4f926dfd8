import type { CallContext, CallState, InDialogOptions } from './call-context.ts'
import type { ClientTransaction } from './client-transaction.ts'
import type { Dialog, DialogEvents, ReferHandler } from './dialog.ts'
import type { EventSource } from './event.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import { cancelFor, localResponse } from './build.ts'
import { sendInDialog, unreachable } from './call-context.ts'
import { createDialogEvents, dialogOfCaller, nextHop, requestInDialog } from './dialog.ts'
import { answerChallenge, parseChallenge } from './digest.ts'
import { createEvent } from './event.ts'
import { cseq, header, withHeaders } from './message.ts'
import { TRANSACTION_TIMEOUT_MS } from './timers.ts'

/** A call that this user agent makes. */
export interface OutgoingCall {
  readonly callId: string
  /**
   * The final response. Never rejects. Local responses are 408 (no answer within 32 s), 503 (`DNS Error`, connection
   * refused or broken, user agent closed) and 487 (the call was cancelled before any response, or the answer crossed
   * the CANCEL; then this side acknowledges the answer and hangs up).
   */
  readonly final: Promise<SipResponse>
  readonly state: CallState
  onProvisional(fn: (response: SipResponse) => void): void
  /**
   * Gives up. A CANCEL may only follow a provisional response (RFC 3261 9.1). Before one, `final` is 487 at once, and
   * the CANCEL is sent when the first provisional response arrives.
   */
  cancel(headers?: Record<string, string>): void
  /** Hangs up. Resolves with the response to the BYE, or with a local 481 when the call is not answered. */
  bye(headers?: Record<string, string>): Promise<SipResponse>
  /** Sends any other request within the call (REFER, NOTIFY, INFO). */
  send(method: string, options?: { headers?: Record<string, string>, body?: string }): Promise<SipResponse>
  onBye(fn: (request: SipRequest) => void): void
  onNotify(fn: (request: SipRequest) => void): void
  /** An INFO within the call, which may carry a digit (RFC 6086). */
  onInfo(fn: (request: SipRequest) => void): void
  /** Sets the handler that answers a REFER from the far end. Without one the answer is 405. */
  onRefer(fn: ReferHandler): void
}

export interface Credentials {
  username: string
  password: string
}

/** Starts the call that `invite` describes, which has no Via and no Contact yet. */
export function startOutgoingCall (context: CallContext, invite: SipRequest, auth?: Credentials): OutgoingCall {
  const call = new OutgoingInvite(context, invite, auth)
  call.start()
  return call
}

class OutgoingInvite implements OutgoingCall {
  readonly callId: string
  readonly final: Promise<SipResponse>
  readonly onProvisional: EventSource<SipResponse>['on']
  readonly onBye: EventSource<SipRequest>['on']
  readonly onNotify: EventSource<SipRequest>['on']
  readonly onInfo: EventSource<SipRequest>['on']
  readonly #context: CallContext
  readonly #invite: SipRequest
  readonly #auth: Credentials | undefined
  readonly #provisional = createEvent<SipResponse>()
  readonly #events: DialogEvents = createDialogEvents()
  #state: CallState = 'calling'
  #dialog: Dialog | undefined
  #transaction: ClientTransaction | undefined
  #cancelled = false
  #cancelHeaders: Record<string, string> | undefined
  #cancelSent = false
  #settled = false
  #resolveFinal: (response: SipResponse) => void = () => {}

  constructor (context: CallContext, invite: SipRequest, auth: Credentials | undefined) {
    this.#context = context
    this.#invite = invite
    this.#auth = auth
    this.callId = header(invite, 'call-id') ?? ''
    this.onProvisional = this.#provisional.on
    this.onBye = this.#events.bye.on
    this.onNotify = this.#events.notify.on
    this.onInfo = this.#events.info.on
    this.final = new Promise(resolve => {
      this.#resolveFinal = resolve
    })
  }

  get state (): CallState {
    return this.#state
  }

  start (): void {
    this.#context.flowTo(this.#invite.uri).then(
      flow => {
        if (!this.#cancelled) this.#attempt(this.#invite, flow, this.#auth)
      },
      error => this.#settle(unreachable(this.#invite, error), 'ended')
    )
  }

  cancel (headers?: Record<string, string>): void {
    if (this.#settled || this.#cancelled) return
    this.#cancelled = true
    this.#cancelHeaders = headers
    if (!this.#transaction?.hasProvisional) {
      return this.#settle(localResponse(this.#transaction?.request ?? this.#invite, 487), 'ended')
    }
    this.#sendCancel()
    // When the far end ignores the CANCEL, the call ends after this time (RFC 3261 9.1).
    this.#context.clock.schedule(TRANSACTION_TIMEOUT_MS, () => {
      this.#settle(localResponse(this.#invite, 487), 'ended')
    })
  }

  async bye (headers?: Record<string, string>): Promise<SipResponse> {
    if (!this.#dialog || this.#state !== 'answered') return localResponse(this.#invite, 481)
    this.#end()
    return await sendInDialog(this.#context, this.#dialog, 'BYE', { headers })
  }

  async send (method: string, options?: InDialogOptions): Promise<SipResponse> {
    if (!this.#dialog) return localResponse(this.#invite, 481)
    return await sendInDialog(this.#context, this.#dialog, method, options)
  }

  onRefer (fn: ReferHandler): void {
    this.#events.refer = fn
  }

  /** Sends the INVITE. With `auth` it answers one challenge. */
  #attempt (invite: SipRequest, flow: Flow, auth: Credentials | undefined): void {
    const sent = this.#context.complete(invite, flow)
    this.#transaction = this.#context.transmit(sent, flow, {
      onProvisional: response => this.#onProvisional(response),
      onFinal: response => {
        const again = auth && !this.#cancelled ? authenticated(invite, response, auth) : undefined
        if (again) return this.#attempt(again, flow, undefined)
        if (response.status >= 300) return this.#settle(response, 'ended')
        this.#onAnswer(sent, response, flow)
      }
    })
  }

  #onProvisional (response: SipResponse): void {
    if (this.#cancelled) this.#sendCancel()
    if (!this.#settled && response.status > 100) this.#state = 'ringing'
    this.#provisional.emit(response)
  }

  #onAnswer (sent: SipRequest, response: SipResponse, flow: Flow): void {
    const context = this.#context
    const dialog = this.#dialog = dialogOfCaller(sent, response, flow)
    const acknowledged = this.#acknowledge(dialog)
    if (this.#cancelled) {
      this.#settle(localResponse(sent, 487), 'ended')
      acknowledged.then(() => sendInDialog(context, dialog, 'BYE')).catch(() => {})
      return
    }
    context.addDialog(dialog.callId, dialog.localTag, transaction =>
      this.#events.serve(transaction, {
        sessionDescription: sent.body,
        contact: context.contact(transaction.flow),
        onBye: () => this.#end()
      }))
    acknowledged.then(() => this.#settle(response, 'answered')).catch(() => {})
  }

  async #acknowledge (dialog: Dialog): Promise<void> {
    const ack = requestInDialog(dialog, 'ACK')
    try {
      const flow = await this.#context.reuse(dialog.flow, nextHop(dialog))
      this.#transaction?.acknowledge(this.#context.complete(ack, flow), flow)
    } catch {
      // The far end repeats its answer when it misses the ACK, and gives up by itself.
    }
  }

  #sendCancel (): void {
    if (!this.#transaction || this.#cancelSent) return
    this.#cancelSent = true
    const { request, flow } = this.#transaction
    this.#context.transmit(cancelFor(request, this.#cancelHeaders), flow, { onFinal: () => {} })
  }

  #settle (response: SipResponse, next: CallState): void {
    if (this.#settled) return
    this.#settled = true
    this.#state = next
    this.#resolveFinal(response)
  }

  #end (): void {
    this.#state = 'ended'
    if (this.#dialog) this.#context.removeDialog(this.#dialog.callId, this.#dialog.localTag)
  }
}

/** The same INVITE with the answer to a 401 or 407: next CSeq, same Call-ID and From-tag (RFC 3261 22.2). */
function authenticated (invite: SipRequest, response: SipResponse, auth: Credentials): SipRequest | undefined {
  if (response.status !== 401 && response.status !== 407) return undefined
  const proxy = response.status === 407
  const challenge = parseChallenge(header(response, proxy ? 'proxy-authenticate' : 'www-authenticate') ?? '')
  const answer = challenge && answerChallenge(challenge, { ...auth, method: 'INVITE', uri: invite.uri })
  if (answer === undefined) return undefined
  return {
    ...invite,
    headers: withHeaders(invite.headers, {
      CSeq: `${cseq(invite).number + 1} INVITE`,
      [proxy ? 'Proxy-Authorization' : 'Authorization']: answer
    })
  }
}
