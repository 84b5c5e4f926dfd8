import type { Clock } from '../clock.ts'
import type { Dialog, ReferHandler } from './dialog.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import type { ClientTransaction, ServerTransaction } from './transaction.ts'
import type { ClientHandlers } from './transaction.ts'
import { cseq, header, withHeaders } from './message.ts'
import { answerChallenge, parseChallenge } from './digest.ts'
import { cancelFor, localResponse } from './build.ts'
import { createDialogEvents, dialogOfCaller, nextHop, requestInDialog } from './dialog.ts'
import { createEvent } from './event.ts'
import { TRANSACTION_TIMEOUT } from './transaction.ts'

export type CallState = 'calling' | 'ringing' | 'answered' | 'ended'

/** A call this user agent makes. */
export interface OutgoingCall {
  readonly callId: string
  /**
   * The final response; never rejects. Made locally: 408 (nothing came within 32 s), 503 (`DNS Error`, refused or
   * broken connection, agent closed), 487 (cancelled and nothing was heard, or the answer crossed the CANCEL: then the
   * call is acknowledged and hung up).
   */
  readonly final: Promise<SipResponse>
  readonly state: CallState
  onProvisional(fn: (response: SipResponse) => void): void
  /**
   * Gives up. Before any response nothing can be cancelled on the wire (RFC 3261 9.1): `final` is 487 at once, CANCEL
   * follows the first provisional.
   */
  cancel(headers?: Record<string, string>): void
  /** Hangs up; resolves with the response to the BYE, a local 481 when the call is not answered. */
  bye(headers?: Record<string, string>): Promise<SipResponse>
  /** Any other request within the call (REFER, NOTIFY, INFO). */
  send(method: string, options?: { headers?: Record<string, string>, body?: string }): Promise<SipResponse>
  onBye(fn: (request: SipRequest) => void): void
  onNotify(fn: (request: SipRequest) => void): void
  /** Decides what a REFER from the far end is answered with; without a handler 405. */
  onRefer(fn: ReferHandler): void
}

/** What a call needs of its user agent. */
export interface CallContext {
  readonly clock: Clock
  /** Opens the way to a URI. @throws the system's error, or SipParseError */
  flowTo(uri: string): Promise<Flow>
  /** The flow itself while it is open, otherwise a new one to the URI. */
  reuse(flow: Flow, uri: string): Promise<Flow>
  /** Adds Via, Contact and User-Agent. */
  complete(request: SipRequest, flow: Flow): SipRequest
  transmit(request: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction
  contact(flow: Flow): string
  addDialog(
    callId: string,
    localTag: string,
    serve: (tx: ServerTransaction) => void,
    onAck?: (ack: SipRequest) => void
  ): void
  removeDialog(callId: string, localTag: string): void
}

/** Sends a request within a dialog; failures become local responses, it never rejects. */
export async function sendInDialog (
  context: CallContext,
  dialog: Dialog,
  method: string,
  options?: { headers?: Record<string, string> | undefined, body?: string | undefined }
): Promise<SipResponse> {
  const request = requestInDialog(dialog, method, options)
  try {
    const flow = await context.reuse(dialog.flow, nextHop(dialog))
    return await new Promise(resolve => {
      context.transmit(context.complete(request, flow), flow, { onFinal: resolve })
    })
  } catch (error) {
    return unreachable(request, error)
  }
}

/** The local 503 for a request that could not be sent, with a phrase that names why. */
export function unreachable (request: SipRequest, error: unknown): SipResponse {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return localResponse(request, 503, phraseOf(code), error)
}

function phraseOf (code: string): string {
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'DNS Error'
  return code === 'ECONNREFUSED' ? 'Connection refused' : 'Service Unavailable'
}

/** Starts the call that `invite` (without Via and Contact) describes. */
export function startOutgoingCall (
  context: CallContext,
  invite: SipRequest,
  auth?: { username: string, password: string }
): OutgoingCall {
  const callId = header(invite, 'call-id') ?? ''
  const provisional = createEvent<SipResponse>()
  const events = createDialogEvents()
  let state: CallState = 'calling'
  let dialog: Dialog | undefined
  let transaction: ClientTransaction | undefined
  let cancelled = false
  let cancelHeaders: Record<string, string> | undefined
  let cancelSent = false
  let settled = false
  let resolveFinal: (response: SipResponse) => void = () => {}
  const final = new Promise<SipResponse>(resolve => {
    resolveFinal = resolve
  })

  function settle (response: SipResponse, next: CallState): void {
    if (settled) return
    settled = true
    state = next
    resolveFinal(response)
  }

  function end (): void {
    state = 'ended'
    if (dialog) context.removeDialog(dialog.callId, dialog.localTag)
  }

  function sendCancel (): void {
    if (!transaction || cancelSent) return
    cancelSent = true
    context.transmit(cancelFor(transaction.request, cancelHeaders), transaction.flow, { onFinal: () => {} })
  }

  function attempt (request: SipRequest, flow: Flow, mayAuthenticate: boolean): void {
    const sent = context.complete(request, flow)
    transaction = context.transmit(sent, flow, {
      onProvisional (response) {
        if (cancelled) sendCancel()
        if (!settled && response.status > 100) state = 'ringing'
        provisional.emit(response)
      },
      onFinal (response) {
        const again = mayAuthenticate && !cancelled ? authenticated(request, response, auth) : undefined
        if (again) return attempt(again, flow, false)
        if (response.status >= 300) return settle(response, 'ended')
        answered(sent, response, flow)
      }
    })
  }

  function answered (sent: SipRequest, response: SipResponse, flow: Flow): void {
    const established = dialog = dialogOfCaller(sent, response, flow)
    const ack = requestInDialog(established, 'ACK')
    const acknowledged = context.reuse(flow, nextHop(established)).then(
      ackFlow => transaction?.acknowledge(context.complete(ack, ackFlow), ackFlow),
      () => {}
    )
    if (cancelled) {
      settle(localResponse(sent, 487), 'ended')
      acknowledged.then(() => sendInDialog(context, established, 'BYE')).catch(() => {})
      return
    }
    context.addDialog(established.callId, established.localTag, tx =>
      events.serve(tx, {
        sessionDescription: sent.body,
        contact: context.contact(tx.flow),
        onBye: end
      }))
    acknowledged.then(() => settle(response, 'answered')).catch(() => {})
  }

  context.flowTo(invite.uri).then(
    flow => {
      if (!cancelled) attempt(invite, flow, auth !== undefined)
    },
    error => settle(unreachable(invite, error), 'ended')
  )

  return {
    callId,
    final,
    get state () {
      return state
    },
    onProvisional: provisional.on,
    cancel (headers) {
      if (settled || cancelled) return
      cancelled = true
      cancelHeaders = headers
      if (!transaction?.hasProvisional) return settle(localResponse(transaction?.request ?? invite, 487), 'ended')
      sendCancel()
      // A far end that does not answer the CANCEL leaves the call hanging no longer than this (RFC 3261 9.1).
      context.clock.schedule(TRANSACTION_TIMEOUT, () => settle(localResponse(invite, 487), 'ended'))
    },
    async bye (headers) {
      if (!dialog || state !== 'answered') return localResponse(invite, 481)
      end()
      return await sendInDialog(context, dialog, 'BYE', { headers })
    },
    async send (method, options) {
      return dialog ? await sendInDialog(context, dialog, method, options) : localResponse(invite, 481)
    },
    onBye: events.bye.on,
    onNotify: events.notify.on,
    onRefer (fn) {
      events.refer = fn
    }
  }
}

/** The same INVITE with the answer to a 401 or 407: next CSeq, same Call-ID and From-tag (RFC 3261 22.2). */
function authenticated (
  invite: SipRequest,
  response: SipResponse,
  auth: { username: string, password: string } | undefined
): SipRequest | undefined {
  if (!auth || (response.status !== 401 && response.status !== 407)) return undefined
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
