import type { Dialog, ReferHandler } from './dialog.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { CallContext, CallState } from './outgoing-call.ts'
import type { ServerTransaction } from './transaction.ts'
import { header } from './message.ts'
import { localResponse, randomToken, responseTo } from './build.ts'
import { createDialogEvents, dialogOfCallee } from './dialog.ts'
import { createEvent } from './event.ts'
import { sendInDialog } from './outgoing-call.ts'

/** A call that came in. */
export interface IncomingCall {
  readonly callId: string
  readonly request: SipRequest
  /** The address the INVITE came from, `host:port`. */
  readonly remote: string
  readonly state: CallState
  /** Sends a provisional or final response; after a final one, or `drop`, it does nothing. */
  respond(status: number, reason?: string, options?: { headers?: Record<string, string>, body?: string }): void
  /** Sets the To-tag. @throws when a response was already sent */
  tag(value: string): void
  /** The caller gave up. Unless `ignoreCancel` was called, CANCEL has got 200 and the INVITE 487 by then. */
  onCancel(fn: (request: SipRequest) => void): void
  /**
   * From now on CANCEL still gets its 200, but the INVITE's final response is left to `respond` (a far end that is slow
   * to give up).
   */
  ignoreCancel(): void
  /** The ACK of the 2xx came. */
  onAck(fn: (request: SipRequest) => void): void
  onBye(fn: (request: SipRequest) => void): void
  onNotify(fn: (request: SipRequest) => void): void
  /** Decides what a REFER from the caller is answered with; without a handler 405. */
  onRefer(fn: ReferHandler): void
  /** Hangs up; resolves with the response to the BYE, a local 481 when the call is not answered. */
  bye(headers?: Record<string, string>): Promise<SipResponse>
  /** Asks the caller's end to call `to` instead (RFC 3515); resolves with the response to the REFER. */
  refer(to: string, headers?: Record<string, string>): Promise<SipResponse>
  /** Any other request within the call (NOTIFY, INFO). */
  send(method: string, options?: { headers?: Record<string, string>, body?: string }): Promise<SipResponse>
  /** Falls silent: answers nothing any more, not even CANCEL. */
  drop(): void
}

/** A call and what its user agent does to it. */
export interface IncomingCallControl {
  call: IncomingCall
  cancel(tx: ServerTransaction): void
}

/** Wraps a received INVITE. The To-tag is random until `tag` sets it. */
export function createIncomingCall (context: CallContext, tx: ServerTransaction): IncomingCallControl {
  const { request } = tx
  const events = createDialogEvents()
  const cancelEvent = createEvent<SipRequest>()
  const ackEvent = createEvent<SipRequest>()
  const callId = header(request, 'call-id') ?? ''
  let state: CallState = 'calling'
  let toTag = randomToken(4)
  let responded = false
  let obeysCancel = true
  let dialog: Dialog | undefined

  function end (): void {
    state = 'ended'
    context.removeDialog(callId, toTag)
  }

  function respond (
    status: number,
    reason?: string,
    options: { headers?: Record<string, string>, body?: string } = {}
  ): void {
    if (tx.isFinal || tx.isSilent || state === 'ended') return
    responded = true
    const response = responseTo(request, status, {
      reason,
      toTag,
      headers: {
        ...(status >= 200 && status < 300 && { Contact: context.contact(tx.flow) }),
        ...(options.body && { 'Content-Type': 'application/sdp' }),
        ...options.headers
      },
      body: options.body
    })
    if (status >= 300) state = 'ended'
    else if (status >= 200) {
      state = 'answered'
      dialog = dialogOfCallee(request, toTag, tx.flow)
      context.addDialog(callId, toTag, inDialog =>
        events.serve(inDialog, {
          sessionDescription: response.body,
          contact: context.contact(inDialog.flow),
          onBye: end
        }), ack => {
        tx.acknowledged()
        ackEvent.emit(ack)
      })
    } else if (status > 100) state = 'ringing'
    tx.respond(response)
  }

  async function send (
    method: string,
    options?: { headers?: Record<string, string>, body?: string }
  ): Promise<SipResponse> {
    return dialog && state === 'answered'
      ? await sendInDialog(context, dialog, method, options)
      : localResponse(request, 481)
  }

  const call: IncomingCall = {
    callId,
    request,
    remote: `${tx.flow.remote.host}:${tx.flow.remote.port}`,
    get state () {
      return state
    },
    respond,
    tag (value) {
      if (responded) throw new Error('the To-tag is fixed with the first response')
      toTag = value
    },
    onCancel: cancelEvent.on,
    ignoreCancel () {
      obeysCancel = false
    },
    onAck: ackEvent.on,
    onBye: events.bye.on,
    onNotify: events.notify.on,
    onRefer (fn) {
      events.refer = fn
    },
    async bye (headers) {
      if (!dialog || state !== 'answered') return localResponse(request, 481)
      end()
      return await sendInDialog(context, dialog, 'BYE', { headers })
    },
    refer: (to, headers) =>
      send('REFER', {
        headers: { 'Refer-To': to.includes('<') ? to : `<${to}>`, ...headers }
      }),
    send,
    drop () {
      tx.silence()
      end()
    }
  }
  return {
    call,
    cancel (cancelTx) {
      if (tx.isSilent) return cancelTx.silence()
      cancelTx.respond(responseTo(cancelTx.request, 200, { toTag }))
      if (tx.isFinal) return
      if (obeysCancel) respond(487)
      cancelEvent.emit(cancelTx.request)
    }
  }
}
