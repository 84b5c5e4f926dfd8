import type { Clock } from '../clock.ts'
import type { IncomingCall, IncomingCallControl } from './incoming-call.ts'
import type { CallContext, OutgoingCall } from './outgoing-call.ts'
import type { ServerTransaction } from './transaction.ts'
import type { SipHeader, SipMessage, SipRequest, SipResponse } from './message.ts'
import type { Flow, OpenTransport, SipTransport, TlsOptions } from './transport.ts'
import type { TransportName } from './address.ts'
import { systemClock } from '../clock.ts'
import { formatAddress, formatHost, parseUri, tagOf, targetOf } from './address.ts'
import { header, withHeaders } from './message.ts'
import { newVia, randomToken, responseTo } from './build.ts'
import { createIncomingCall } from './incoming-call.ts'
import { startOutgoingCall, unreachable } from './outgoing-call.ts'
import { createTransactions } from './transaction.ts'
import { createTransport } from './transport.ts'

export type { IncomingCall } from './incoming-call.ts'
export type { CallState, OutgoingCall } from './outgoing-call.ts'
export type { SipMessage, SipRequest, SipResponse } from './message.ts'
export type { TransportName } from './address.ts'
export type { TlsOptions } from './transport.ts'

export interface UserAgentOptions {
  /** Address to listen on, also in Via and Contact. Default 127.0.0.1. */
  host?: string
  /** Default 0: any free port. */
  port?: number
  /** What to listen on; calls go out over what their URI says. Default udp. */
  transport?: TransportName
  tls?: TlsOptions
  /** `User-Agent` header of requests. */
  name?: string
  clock?: Clock
  /** What messages travel over; default: sockets. */
  openTransport?: OpenTransport
  /** Sees every message on the wire, repetitions included. */
  onMessage?: (event: { at: number, dir: '>' | '<', message: SipMessage, remote: string }) => void
}

export interface InviteOptions {
  /** User part, '' for none, or a full URI. */
  from: string
  displayName?: string
  /** Added to the INVITE; one that names a header of its own (From, User-Agent, Contact) replaces it. */
  headers?: Record<string, string>
  /** Session description; `Content-Type` is application/sdp unless `headers` says otherwise. */
  body?: string
  /** Answers one 401 or 407. */
  auth?: { username: string, password: string }
  callId?: string
}

/** A SIP endpoint: makes and takes calls over UDP, TCP and TLS (RFC 3261). No registrar, no proxy, no media. */
export interface UserAgent {
  readonly host: string
  readonly port: number
  /**
   * Calls `uri`; `;transport=` in it selects the transport, UDP without. @throws SipParseError for a URI that is none
   */
  invite(uri: string, options: InviteOptions): OutgoingCall
  /** Takes calls; without a handler they get 404. */
  onInvite(handler: (call: IncomingCall) => void): void
  /** Asks whether somebody is there; never rejects (408 and 503 are made locally). */
  options(uri: string): Promise<SipResponse>
  /** Stops listening and breaks off everything under way without a word to the far ends. */
  close(): Promise<void>
}

const ALLOW = 'INVITE, ACK, CANCEL, BYE, OPTIONS, REFER, NOTIFY'

/** Starts a user agent. @throws the system's error when it cannot listen */
export async function createUserAgent (options: UserAgentOptions = {}): Promise<UserAgent> {
  const {
    host = '127.0.0.1',
    port = 0,
    transport: own = 'udp',
    name,
    clock = systemClock,
    openTransport = createTransport
  } = options
  const transports = new Map<TransportName, Promise<SipTransport>>()
  const ports = new Map<TransportName, number>()
  const dialogs = new Map<string, { serve(tx: ServerTransaction): void, onAck(ack: SipRequest): void }>()
  const incoming = new WeakMap<ServerTransaction, IncomingCallControl>()
  let handler: ((call: IncomingCall) => void) | undefined
  let closed = false

  const layer = createTransactions({
    clock,
    send (message, flow) {
      report('>', message, flow)
      flow.send(message)
    },
    onRequest: serve,
    onAck: ack => dialogs.get(dialogKey(ack))?.onAck(ack)
  })

  function report (dir: '>' | '<', message: SipMessage, flow: Flow): void {
    options.onMessage?.({
      at: clock.now(),
      dir,
      message,
      remote: `${formatHost(flow.remote.host)}:${flow.remote.port}`
    })
  }

  function transportNamed (name: TransportName): Promise<SipTransport> {
    let transport = transports.get(name)
    if (!transport) {
      transport = openTransport(name, { host, port: name === own ? port : 0, tls: options.tls }, {
        onMessage (message, flow) {
          report('<', message, flow)
          try {
            layer.receive(message, flow)
          } catch {
            // A message that parses but contradicts itself is dropped; the retransmission timers of its sender go on.
          }
        },
        onClose: (flow, error) => layer.flowClosed(flow, error)
      }).then(opened => {
        ports.set(name, opened.port)
        return opened
      })
      transports.set(name, transport)
    }
    return transport
  }

  /**
   * Where the far end finds us: a transport that does not listen (TLS without a certificate) has the connection's own
   * port alone.
   */
  const portFor = (flow: Flow): number => ports.get(flow.transport) || flow.localPort || port

  const context: CallContext = {
    clock,
    async flowTo (uri) {
      const target = targetOf(uri)
      if (closed) throw new Error('user agent closed')
      return await (await transportNamed(target.transport)).flowTo(target.host, target.port)
    },
    // A connection that is still open is used again: the peer may be reachable over nothing else.
    reuse: async (flow, uri) => flow.transport !== 'udp' && flow.isOpen ? flow : await context.flowTo(uri),
    complete (request, flow) {
      const headers: SipHeader[] = [
        { name: 'Via', value: newVia(flow.transport, host, portFor(flow)) },
        ...request.headers
      ]
      const missing: Record<string, string> = {}
      if (header(request, 'contact') === undefined) missing.Contact = context.contact(flow)
      if (name !== undefined && header(request, 'user-agent') === undefined) missing['User-Agent'] = name
      return { ...request, headers: withHeaders(headers, missing) }
    },
    transmit: layer.request,
    contact (flow) {
      const suffix = flow.transport === 'udp' ? '' : `;transport=${flow.transport}`
      return `<sip:${formatHost(host)}:${portFor(flow)}${suffix}>`
    },
    addDialog (callId, localTag, serveInDialog, onAck = () => {}) {
      dialogs.set(`${callId} ${localTag}`, { serve: serveInDialog, onAck })
    },
    removeDialog (callId, localTag) {
      dialogs.delete(`${callId} ${localTag}`)
    }
  }

  function serve (tx: ServerTransaction): void {
    const { request } = tx
    const dialog = dialogs.get(dialogKey(request))
    if (request.method === 'CANCEL') {
      const invite = layer.inviteOf(request)
      const control = invite && incoming.get(invite)
      if (control) return control.cancel(tx)
      return tx.respond(responseTo(request, 481, { toTag: randomToken(4) }))
    }
    if (dialog) return dialog.serve(tx)
    if (tagOf(header(request, 'to')) !== undefined) return tx.respond(responseTo(request, 481))
    if (request.method === 'OPTIONS') {
      return tx.respond(responseTo(request, 200, { toTag: randomToken(4), headers: { Allow: ALLOW } }))
    }
    if (request.method !== 'INVITE') {
      return tx.respond(responseTo(request, 405, { toTag: randomToken(4), headers: { Allow: ALLOW } }))
    }
    if (!handler) return tx.respond(responseTo(request, 404, { toTag: randomToken(4) }))
    const control = createIncomingCall(context, tx)
    incoming.set(tx, control)
    handler(control.call)
  }

  function request (
    method: string,
    uri: string,
    from: { user: string, displayName?: string | undefined },
    callId: string
  ): SipRequest {
    const { scheme, user, host: remoteHost, port: remotePort } = parseUri(uri)
    // The transport parameter has no place in To (RFC 3261 19.1.1).
    const to = `${scheme}:${user === '' ? '' : `${user}@`}${formatHost(remoteHost)}${
      remotePort === undefined ? '' : `:${remotePort}`
    }`
    const fromUri = /^(sips?|tel):/i.test(from.user)
      ? from.user
      : `sip:${from.user === '' ? '' : `${from.user}@`}${formatHost(host)}`
    return {
      kind: 'request',
      method,
      uri,
      headers: [
        { name: 'Max-Forwards', value: '70' },
        { name: 'From', value: formatAddress({ displayName: from.displayName, uri: fromUri, tag: randomToken(4) }) },
        { name: 'To', value: formatAddress({ uri: to }) },
        { name: 'Call-ID', value: callId },
        { name: 'CSeq', value: `1 ${method}` }
      ],
      body: ''
    }
  }

  const listening = await transportNamed(own)
  return {
    host,
    port: listening.port,
    invite (uri, { from, displayName, headers, body = '', auth, callId = `${randomToken()}@${host}` }) {
      const bare = request('INVITE', uri, { user: from, displayName }, callId)
      const extra = { Allow: ALLOW, ...(body !== '' && { 'Content-Type': 'application/sdp' }), ...headers }
      return startOutgoingCall(context, { ...bare, headers: withHeaders(bare.headers, extra), body }, auth)
    },
    onInvite (fn) {
      handler = fn
    },
    async options (uri) {
      const bare = request('OPTIONS', uri, { user: '' }, `${randomToken()}@${host}`)
      try {
        const flow = await context.flowTo(uri)
        return await new Promise(resolve => {
          layer.request(context.complete(bare, flow), flow, { onFinal: resolve })
        })
      } catch (error) {
        return unreachable(bare, error)
      }
    },
    async close () {
      closed = true
      layer.close()
      await Promise.all([...transports.values()].map(transport => transport.then(opened => opened.close(), () => {})))
    }
  }
}

/** Call-ID and our own tag, which is in the To of what the far end sends. */
function dialogKey (message: SipRequest): string {
  return `${header(message, 'call-id') ?? ''} ${tagOf(header(message, 'to')) ?? ''}`
}
