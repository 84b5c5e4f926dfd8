import type { SipHeader, SipMessage, SipRequest, SipResponse } from './message.ts'
import type { EventSource } from './event.ts'
import type { Flow } from './transport.ts'
import type { ServerTransaction } from './server-transaction.ts'
import { cseq, header, headerList, withHeaders } from './message.ts'
import { parseAddress, tagOf } from './address.ts'
import { localResponse, responseTo } from './build.ts'
import { createEvent } from './event.ts'

/**
 * The state that both ends of a call share once it is set up (RFC 3261 12). From and To are as this side sends them.
 */
export interface Dialog {
  callId: string
  localTag: string
  from: string
  to: string
  /** The peer's Contact, which is the request URI of requests in the dialog. */
  target: string
  routes: string[]
  sequence: number
  flow: Flow
}

/** The caller's dialog after a 2xx, or after an 18x with a tag. */
export function dialogOfCaller (invite: SipRequest, response: SipResponse, flow: Flow): Dialog {
  return {
    callId: header(invite, 'call-id') ?? '',
    localTag: tagOf(header(invite, 'from')) ?? '',
    from: header(invite, 'from') ?? '',
    to: header(response, 'to') ?? '',
    target: contactOf(response) ?? invite.uri,
    routes: headerList(response, 'record-route').reverse(),
    sequence: cseq(invite).number,
    flow
  }
}

/** The callee's dialog of a received INVITE that is answered with `localTag`. */
export function dialogOfCallee (invite: SipRequest, localTag: string, flow: Flow): Dialog {
  return {
    callId: header(invite, 'call-id') ?? '',
    localTag,
    from: `${header(invite, 'to') ?? ''};tag=${localTag}`,
    to: header(invite, 'from') ?? '',
    target: contactOf(invite) ?? parseAddress(header(invite, 'from') ?? '').uri,
    routes: headerList(invite, 'record-route'),
    // LiveKit numbers its own requests from the caller's CSeq on. Any start is allowed (RFC 3261 12.1.1).
    sequence: cseq(invite).number,
    flow
  }
}

function contactOf (message: SipMessage): string | undefined {
  const [contact] = headerList(message, 'contact')
  return contact === undefined ? undefined : parseAddress(contact).uri
}

/**
 * A request within the dialog. The user agent adds Via and Contact. An ACK has the CSeq number of the INVITE, and any
 * other request the next number.
 */
export function requestInDialog (
  dialog: Dialog,
  method: string,
  options: { headers?: Record<string, string> | undefined, body?: string | undefined } = {}
): SipRequest {
  if (method !== 'ACK') dialog.sequence++
  const headers: SipHeader[] = [
    { name: 'Max-Forwards', value: '70' },
    ...dialog.routes.map(value => ({ name: 'Route', value })),
    { name: 'From', value: dialog.from },
    { name: 'To', value: dialog.to },
    { name: 'Call-ID', value: dialog.callId },
    { name: 'CSeq', value: `${dialog.sequence} ${method}` }
  ]
  return {
    kind: 'request',
    method,
    uri: dialog.target,
    headers: withHeaders(headers, options.headers),
    body: options.body ?? ''
  }
}

/** The URI that a request in the dialog is sent to: the first route, or else the target (RFC 3261 12.2.1.1). */
export function nextHop (dialog: Dialog): string {
  const [route] = dialog.routes
  return route === undefined ? dialog.target : parseAddress(route).uri
}

/** The answer to a REFER. */
export interface ReferReply {
  status: number
  reason?: string
  headers?: Record<string, string>
}
export type ReferHandler = (request: SipRequest) => ReferReply | Promise<ReferReply>

/** The requests that a call of either direction receives within its dialog. */
export interface DialogEvents {
  readonly bye: EventSource<SipRequest>
  readonly notify: EventSource<SipRequest>
  readonly info: EventSource<SipRequest>
  refer: ReferHandler | undefined
  /** Answers a request that belongs to this dialog. `onBye` runs before the listeners of `bye`. */
  serve(tx: ServerTransaction, options: { sessionDescription: string, contact: string, onBye(): void }): void
}

/** The methods that this user agent understands. */
export const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY, INFO'

/**
 * Serves the requests of one dialog: BYE, NOTIFY and INFO get 200, REFER gets the answer of its handler, a re-INVITE
 * gets the old session description, and any other method gets 405.
 */
export function createDialogEvents (): DialogEvents {
  const events: DialogEvents = {
    bye: createEvent(),
    notify: createEvent(),
    info: createEvent(),
    refer: undefined,
    serve (tx, options) {
      const { request } = tx
      switch (request.method) {
        case 'BYE':
          tx.respond(responseTo(request, 200))
          options.onBye()
          return events.bye.emit(request)
        case 'NOTIFY':
          tx.respond(responseTo(request, 200))
          return events.notify.emit(request)
        case 'INFO':
          tx.respond(responseTo(request, 200))
          return events.info.emit(request)
        case 'OPTIONS':
          return tx.respond(responseTo(request, 200, { headers: { Allow: ALLOW } }))
        case 'INVITE':
          return tx.respond(
            responseTo(request, 200, {
              headers: { Contact: options.contact, 'Content-Type': 'application/sdp' },
              body: options.sessionDescription
            })
          )
        case 'REFER':
          return refer(tx)
        default:
          return tx.respond(responseTo(request, 405, { headers: { Allow: ALLOW } }))
      }
    }
  }
  function refer (tx: ServerTransaction): void {
    if (!events.refer) return tx.respond(responseTo(tx.request, 405, { headers: { Allow: ALLOW } }))
    Promise.resolve(events.refer(tx.request)).then(
      reply => tx.respond(responseTo(tx.request, reply.status, { reason: reply.reason, headers: reply.headers })),
      () => tx.respond(localResponse(tx.request, 500))
    )
  }
  return events
}
