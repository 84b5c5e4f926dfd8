import type { Clock } from '../clock.ts'
import type { ClientHandlers, ClientTransaction } from './client-transaction.ts'
import type { Dialog } from './dialog.ts'
import type { SipRequest, SipResponse } from './message.ts'
import type { ServerTransaction } from './server-transaction.ts'
import type { Flow } from './transport.ts'
import { localResponse } from './build.ts'
import { nextHop, requestInDialog } from './dialog.ts'

export type CallState = 'calling' | 'ringing' | 'answered' | 'ended'

/** What a request within a call may carry. */
export interface InDialogOptions {
  headers?: Record<string, string> | undefined
  body?: string | undefined
}

/** What a call needs from its user agent. */
export interface CallContext {
  readonly clock: Clock
  /** Opens a flow to a URI. @throws the system's error, or SipParseError */
  flowTo(uri: string): Promise<Flow>
  /** Resolves with the flow itself while it is open, and otherwise with a new one to the URI. */
  reuse(flow: Flow, uri: string): Promise<Flow>
  /** Adds Via, Contact and User-Agent. */
  complete(request: SipRequest, flow: Flow): SipRequest
  /** Sends a request in a new transaction. */
  transmit(request: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction
  /** The Contact value for messages on this flow. */
  contact(flow: Flow): string
  /** Delivers the dialog's requests to `serve` and the ACKs of its 2xx to `onAck`. */
  addDialog(
    callId: string,
    localTag: string,
    serve: (transaction: ServerTransaction) => void,
    onAck?: (ack: SipRequest) => void
  ): void
  removeDialog(callId: string, localTag: string): void
}

/** Sends a request within a dialog. Never rejects: a failure resolves with a local response. */
export async function sendInDialog (
  context: CallContext,
  dialog: Dialog,
  method: string,
  options?: InDialogOptions
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

/** The local 503 for a request that could not be sent. Its reason phrase names the cause. */
export function unreachable (request: SipRequest, error: unknown): SipResponse {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return localResponse(request, 503, phraseOf(code), error)
}

function phraseOf (code: string): string {
  if (/^(ENOTFOUND|EAI_)/.test(code)) return 'DNS Error'
  return code === 'ECONNREFUSED' ? 'Connection refused' : 'Service Unavailable'
}
