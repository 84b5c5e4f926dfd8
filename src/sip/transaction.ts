import type { Clock } from '../clock.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import type { Flow } from './transport.ts'
import type { ClientHandlers } from './client-transaction.ts'
import { cseq, header, headerList, splitList } from './message.ts'
import { parseParams } from './address.ts'
import { ClientTransaction } from './client-transaction.ts'
import { ServerTransaction } from './server-transaction.ts'

export interface TransactionLayerOptions {
  clock: Clock
  send(message: SipMessage, flow: Flow): void
  /** Receives every new request except ACK. Repetitions are answered here. */
  onRequest(transaction: ServerTransaction): void
  /** Receives the ACK of a 2xx, which belongs to no transaction. */
  onAck(ack: SipRequest): void
}

/**
 * The transactions of RFC 3261 17, simplified: it runs timers A, B, E, F, G and H, and repeats requests and final
 * responses over UDP only.
 */
export class TransactionLayer {
  readonly #options: TransactionLayerOptions
  readonly #clients = new Map<string, ClientTransaction>()
  readonly #servers = new Map<string, ServerTransaction>()

  constructor (options: TransactionLayerOptions) {
    this.#options = options
  }

  /** Sends a request in a new transaction. */
  request (request: SipRequest, flow: Flow, handlers: ClientHandlers): ClientTransaction {
    const { clock, send } = this.#options
    const key = clientKey(request, request.method)
    const forget = () => { this.#clients.delete(key) }
    const transaction = new ClientTransaction({ clock, request, flow, handlers, send, forget })
    this.#clients.set(key, transaction)
    transaction.start()
    return transaction
  }

  /** Gives a message from the wire to its transaction. Drops messages that no answer could reach. */
  receive (message: SipMessage, flow: Flow): void {
    if (message.kind === 'response') return this.#receiveResponse(message)
    // Without these headers a response has no address (RFC 3261 8.1.1).
    if (!['via', 'from', 'to', 'call-id', 'cseq'].every(name => header(message, name))) return
    if (cseq(message).method !== message.method) return
    this.#receiveRequest(withReceived(message, flow), flow)
  }

  /** The INVITE that a CANCEL refers to: it has the same branch (RFC 3261 9.2). */
  inviteOf (cancel: SipRequest): ServerTransaction | undefined {
    return this.#servers.get(serverKey({ ...cancel, method: 'INVITE' }))
  }

  /** Ends the transactions of a broken connection, with the system's error if there is one. */
  flowClosed (flow: Flow, error?: Error): void {
    for (const client of [...this.#clients.values()]) {
      if (client.flow === flow) client.fail(503, 'Connection closed', error)
    }
  }

  close (): void {
    for (const client of [...this.#clients.values()]) client.fail(503, 'User agent closed')
    for (const transaction of [...this.#clients.values(), ...this.#servers.values()]) transaction.stop()
    this.#clients.clear()
    this.#servers.clear()
  }

  #receiveResponse (response: SipResponse): void {
    if (header(response, 'via') === undefined || header(response, 'cseq') === undefined) return
    this.#clients.get(clientKey(response, cseq(response).method))?.onResponse(response)
  }

  #receiveRequest (request: SipRequest, flow: Flow): void {
    const { clock, send } = this.#options
    const key = serverKey(request)
    const known = this.#servers.get(key)
    if (request.method === 'ACK') {
      // Only the ACK of a non-2xx final has the branch of its INVITE.
      if (known?.isFinal) known.acknowledged()
      else this.#options.onAck(request)
      return
    }
    if (known) return known.onRepetition()

    const forget = () => { this.#servers.delete(key) }
    const transaction = new ServerTransaction({ clock, request, flow, send, forget })
    this.#servers.set(key, transaction)
    this.#options.onRequest(transaction)
  }
}

/** RFC 3261 17.1.3: branch and method. */
function clientKey (message: SipMessage, method: string): string {
  return `${branchOf(message)} ${method}`
}

function branchOf (message: SipMessage): string {
  return parseParams((headerList(message, 'via')[0] ?? '').split(';').slice(1).join(';')).branch ?? ''
}

/** RFC 3261 17.2.3: branch, sent-by and method. An ACK has the key of its INVITE. */
function serverKey (message: SipRequest): string {
  const [sentBy = ''] = (headerList(message, 'via')[0] ?? '').split(';')
  const method = message.method === 'ACK' ? 'INVITE' : message.method
  return [branchOf(message), sentBy.trim().split(/\s+/)[1] ?? '', header(message, 'call-id'), method].join(' ')
}

/** The request with `received` and `rport` in its top Via (RFC 3581 4). */
function withReceived (message: SipRequest, flow: Flow): SipRequest {
  const at = message.headers.findIndex(h => ['via', 'v'].includes(h.name.toLowerCase()))
  const via = message.headers[at]
  if (!via) return message
  const [top = '', ...others] = splitList(via.value)
  const marked = `${top.replace(/;\s*rport(?=\s*(;|$))/i, `;rport=${flow.remote.port}`)};received=${flow.remote.host}`
  const headers = [...message.headers]
  headers[at] = { name: via.name, value: [marked, ...others].join(', ') }
  return { ...message, headers }
}
