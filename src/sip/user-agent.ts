import type { Clock } from '../clock.ts'
import type { TransportName } from './address.ts'
import type { CallContext } from './call-context.ts'
import type { IncomingCall } from './incoming-call.ts'
import type { SipMessage, SipRequest, SipResponse } from './message.ts'
import type { OutgoingCall } from './outgoing-call.ts'
import type { ServerTransaction } from './server-transaction.ts'
import type { Flow, OpenTransport, SipTransport, TlsOptions } from './transport.ts'
import { systemClock } from '../clock.ts'
import { formatHost, tagOf, targetOf } from './address.ts'
import { newVia, outOfDialogRequest, randomToken, responseTo } from './build.ts'
import { unreachable } from './call-context.ts'
import { ALLOW } from './dialog.ts'
import { IncomingInvite } from './incoming-call.ts'
import { header, withHeaders } from './message.ts'
import { startOutgoingCall } from './outgoing-call.ts'
import { TransactionLayer } from './transaction.ts'
import { createTransport } from './transport.ts'

export type { IncomingCall } from './incoming-call.ts'
export type { CallState } from './call-context.ts'
export type { OutgoingCall } from './outgoing-call.ts'
export type { SipMessage, SipRequest, SipResponse } from './message.ts'
export type { TransportName } from './address.ts'
export type { TlsOptions } from './transport.ts'

export interface UserAgentOptions {
  /** The address to listen on, which Via and Contact carry. By default 127.0.0.1. */
  host?: string
  /** By default 0: any free port. */
  port?: number
  /** The transport to listen on; by default UDP. The URI of an outgoing call selects its transport. */
  transport?: TransportName
  tls?: TlsOptions
  /** Where hosts of outgoing calls are, instead of asking DNS. */
  hosts?: Readonly<Record<string, { host: string, port: number }>>
  /** The `User-Agent` header of requests. */
  name?: string
  clock?: Clock
  /** Opens the transports; by default over sockets. */
  openTransport?: OpenTransport
  /** Receives every message that is sent or received, repetitions included. `at` is in milliseconds. */
  onMessage?: (event: { at: number, dir: '>' | '<', message: SipMessage, remote: string }) => void
}

export interface InviteOptions {
  /** The user part of From ('' for none), or a full URI. */
  from: string
  displayName?: string
  /** Headers of the INVITE. They replace those that the user agent sets itself (From, User-Agent, Contact). */
  headers?: Record<string, string>
  /** The session description. Its `Content-Type` is application/sdp unless `headers` has another one. */
  body?: string
  /** Credentials for one 401 or 407. */
  auth?: { username: string, password: string }
  callId?: string
}

/** A SIP endpoint that makes and takes calls over UDP, TCP and TLS (RFC 3261). No registrar, no proxy, no media. */
export interface UserAgent {
  readonly host: string
  readonly port: number
  /** Calls `uri`, whose `;transport=` selects the transport; by default UDP. @throws SipParseError */
  invite(uri: string, options: InviteOptions): OutgoingCall
  /** Sets the handler of incoming calls. Without one they get 404. */
  onInvite(handler: (call: IncomingCall) => void): void
  /** Sends OPTIONS to a URI. Never rejects: without an answer it resolves with a local 408 or 503. */
  options(uri: string): Promise<SipResponse>
  /** Stops listening and ends all calls and requests without a message to the far ends. */
  close(): Promise<void>
}

/** Starts a user agent. @throws the system's error when it cannot listen */
export async function createUserAgent (options: UserAgentOptions = {}): Promise<UserAgent> {
  const agent = new SocketUserAgent(options)
  await agent.listen()
  return agent
}

/** How the user agent delivers the requests of one call. */
interface DialogHandlers {
  serve(transaction: ServerTransaction): void
  onAck(ack: SipRequest): void
}

class SocketUserAgent implements UserAgent {
  readonly host: string
  readonly #options: UserAgentOptions
  readonly #clock: Clock
  readonly #listensOn: TransportName
  readonly #layer: TransactionLayer
  readonly #context: CallContext
  readonly #transports = new Map<TransportName, Promise<SipTransport>>()
  /** The ports of the open transports. */
  readonly #ports = new Map<TransportName, number>()
  /** The calls that are set up, by Call-ID and local tag. */
  readonly #dialogs = new Map<string, DialogHandlers>()
  readonly #incoming = new WeakMap<ServerTransaction, IncomingInvite>()
  #handler: ((call: IncomingCall) => void) | undefined
  #closed = false

  constructor (options: UserAgentOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#listensOn = options.transport ?? 'udp'
    this.host = options.host ?? '127.0.0.1'
    this.#layer = new TransactionLayer({
      clock: this.#clock,
      send: (message, flow) => {
        this.#report('>', message, flow)
        flow.send(message)
      },
      onRequest: transaction => this.#onRequest(transaction),
      onAck: ack => this.#dialogs.get(dialogKeyOf(ack))?.onAck(ack)
    })
    this.#context = this.#callContext()
  }

  async listen (): Promise<void> {
    await this.#transport(this.#listensOn)
  }

  get port (): number {
    return this.#ports.get(this.#listensOn) ?? 0
  }

  invite (uri: string, options: InviteOptions): OutgoingCall {
    const { from, displayName, headers, body = '', auth, callId = this.#newCallId() } = options
    const request = outOfDialogRequest('INVITE', uri, { from, displayName, callId, host: this.host })
    const added = { Allow: ALLOW, ...(body !== '' && { 'Content-Type': 'application/sdp' }), ...headers }
    return startOutgoingCall(this.#context, { ...request, headers: withHeaders(request.headers, added), body }, auth)
  }

  onInvite (handler: (call: IncomingCall) => void): void {
    this.#handler = handler
  }

  async options (uri: string): Promise<SipResponse> {
    const request = outOfDialogRequest('OPTIONS', uri, { from: '', callId: this.#newCallId(), host: this.host })
    try {
      const flow = await this.#flowTo(uri)
      return await new Promise(resolve => {
        this.#layer.request(this.#complete(request, flow), flow, { onFinal: resolve })
      })
    } catch (error) {
      return unreachable(request, error)
    }
  }

  async close (): Promise<void> {
    this.#closed = true
    this.#layer.close()
    const closing = [...this.#transports.values()].map(transport => transport.then(opened => opened.close(), () => {}))
    await Promise.all(closing)
  }

  /** What calls may use of the user agent. */
  #callContext (): CallContext {
    return {
      clock: this.#clock,
      flowTo: uri => this.#flowTo(uri),
      // An open connection is used again, because the peer may not be reachable in any other way.
      reuse: async (flow, uri) => flow.transport !== 'udp' && flow.isOpen ? flow : await this.#flowTo(uri),
      complete: (request, flow) => this.#complete(request, flow),
      transmit: (request, flow, handlers) => this.#layer.request(request, flow, handlers),
      contact: flow => this.#contact(flow),
      addDialog: (callId, localTag, serve, onAck = () => {}) => {
        this.#dialogs.set(dialogKey(callId, localTag), { serve, onAck })
      },
      removeDialog: (callId, localTag) => {
        this.#dialogs.delete(dialogKey(callId, localTag))
      }
    }
  }

  async #flowTo (uri: string): Promise<Flow> {
    const target = targetOf(uri)
    if (this.#closed) throw new Error('user agent closed')
    const { host, port } = this.#options.hosts?.[target.host] ?? target
    const transport = await this.#transport(target.transport)
    return await transport.flowTo(host, port)
  }

  /** The transport of that name. Opens it when it is first needed. */
  #transport (name: TransportName): Promise<SipTransport> {
    const known = this.#transports.get(name)
    if (known) return known

    const { openTransport = createTransport, port = 0, tls } = this.#options
    const opening = openTransport(name, { host: this.host, port: name === this.#listensOn ? port : 0, tls }, {
      onMessage: (message, flow) => this.#onMessage(message, flow),
      onClose: (flow, error) => this.#layer.flowClosed(flow, error)
    }).then(transport => {
      this.#ports.set(name, transport.port)
      return transport
    })
    this.#transports.set(name, opening)
    return opening
  }

  #onMessage (message: SipMessage, flow: Flow): void {
    this.#report('<', message, flow)
    try {
      this.#layer.receive(message, flow)
    } catch {
      // A message that parses but contradicts itself is dropped. Its sender repeats it until its timers end.
    }
  }

  #report (dir: '>' | '<', message: SipMessage, flow: Flow): void {
    const { host, port } = flow.remote
    this.#options.onMessage?.({ at: this.#clock.now(), dir, message, remote: `${formatHost(host)}:${port}` })
  }

  #onRequest (transaction: ServerTransaction): void {
    const { request } = transaction
    const dialog = this.#dialogs.get(dialogKeyOf(request))
    if (request.method === 'CANCEL') return this.#onCancel(transaction)
    if (dialog) return dialog.serve(transaction)
    if (tagOf(header(request, 'to')) !== undefined) return transaction.respond(responseTo(request, 481))

    const toTag = randomToken(4)
    const headers = { Allow: ALLOW }
    if (request.method === 'OPTIONS') return transaction.respond(responseTo(request, 200, { toTag, headers }))
    if (request.method !== 'INVITE') return transaction.respond(responseTo(request, 405, { toTag, headers }))
    if (!this.#handler) return transaction.respond(responseTo(request, 404, { toTag }))

    const call = new IncomingInvite(this.#context, transaction)
    this.#incoming.set(transaction, call)
    this.#handler(call)
  }

  #onCancel (transaction: ServerTransaction): void {
    const invite = this.#layer.inviteOf(transaction.request)
    const call = invite && this.#incoming.get(invite)
    if (call) return call.cancel(transaction)
    transaction.respond(responseTo(transaction.request, 481, { toTag: randomToken(4) }))
  }

  #complete (request: SipRequest, flow: Flow): SipRequest {
    const via = { name: 'Via', value: newVia(flow.transport, this.host, this.#portFor(flow)) }
    const missing: Record<string, string> = {}
    if (header(request, 'contact') === undefined) missing.Contact = this.#contact(flow)
    const { name } = this.#options
    if (name !== undefined && header(request, 'user-agent') === undefined) missing['User-Agent'] = name
    return { ...request, headers: withHeaders([via, ...request.headers], missing) }
  }

  #contact (flow: Flow): string {
    const suffix = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`
    return `<sip:${formatHost(this.host)}:${this.#portFor(flow)}${suffix}>`
  }

  /**
   * The port where the far end reaches this user agent. TLS without a certificate does not listen, so it has only the
   * port of the connection itself.
   */
  #portFor (flow: Flow): number {
    return this.#ports.get(flow.transport) || flow.localPort || (this.#options.port ?? 0)
  }

  #newCallId (): string {
    return `${randomToken()}@${this.host}`
  }
}

/** The key of the dialog that a request of the far end belongs to: our own tag is in its To. */
function dialogKeyOf (request: SipRequest): string {
  return dialogKey(header(request, 'call-id') ?? '', tagOf(header(request, 'to')) ?? '')
}

function dialogKey (callId: string, localTag: string): string {
  return `${callId} ${localTag}`
}
