import { connect as connectTcp, createServer as createTcpServer, isIP } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { AddressInfo, Server, Socket } from 'node:net'
import type { Flow, SipTransport, TlsOptions, TransportEvents } from './transport.ts'
import { createFramer, serializeMessage } from './message.ts'
import { formatHost } from './address.ts'

const CONNECT_TIMEOUT_MS = 10_000

export interface StreamOptions {
  host: string
  port: number
  tls?: TlsOptions | undefined
}

/** SIP over TCP or TLS connections, which both sides reuse for as long as they are open. */
export class StreamTransport implements SipTransport {
  readonly name: 'tcp' | 'tls'
  readonly host: string
  readonly #options: StreamOptions
  readonly #events: TransportEvents
  readonly #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  /** `host:port` of the peer → its connection, which may still be opening. */
  readonly #flows = new Map<string, Promise<Flow>>()
  #port: number
  #closed = false

  /** Opens the transport and listens, if it can. @throws the system's error when the address is not free */
  static async open (name: 'tcp' | 'tls', options: StreamOptions, events: TransportEvents): Promise<StreamTransport> {
    const transport = new StreamTransport(name, options, events)
    if (transport.#server) transport.#port = await listen(transport.#server, options)
    return transport
  }

  private constructor (name: 'tcp' | 'tls', options: StreamOptions, events: TransportEvents) {
    this.name = name
    this.host = options.host
    this.#options = options
    this.#events = events
    this.#port = options.port
    this.#server = createServer(name, options.tls, socket => this.#accept(socket))
  }

  get port (): number {
    return this.#port
  }

  async flowTo (host: string, port: number): Promise<Flow> {
    const key = peerKey(host, port)
    const known = this.#flows.get(key)
    // No await without a known flow: two calls at once must not open two connections.
    const existing = known && await known.catch(() => undefined)
    if (existing?.isOpen) return existing

    const opening = this.#connect(host, port)
    this.#flows.set(key, opening)
    opening.catch(() => this.#flows.delete(key))
    return await opening
  }

  close (): Promise<void> {
    return new Promise(resolve => {
      this.#closed = true
      for (const socket of this.#sockets) socket.destroy()
      if (this.#server) this.#server.close(() => resolve())
      else resolve()
    })
  }

  #accept (socket: Socket): void {
    const host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const port = socket.remotePort ?? 0
    this.#flows.set(peerKey(host, port), Promise.resolve(this.#adopt(socket, host, port)))
  }

  #connect (host: string, port: number): Promise<Flow> {
    return new Promise((resolve, reject) => {
      const socket = this.name === 'tcp' ? connectTcp({ host, port }) : openTls(host, port, this.#options.tls)
      // close() must also end a connection attempt.
      this.#sockets.add(socket)
      socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(connectTimeout(socket)))
      socket.once('error', reject)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' }))
      })
      socket.once(this.name === 'tcp' ? 'connect' : 'secureConnect', () => {
        socket.setTimeout(0)
        socket.off('error', reject)
        resolve(this.#adopt(socket, host, port))
      })
    })
  }

  /** Reads messages from an open connection until it ends. */
  #adopt (socket: Socket, host: string, port: number): Flow {
    const framer = createFramer()
    const flow = flowOver(socket, this.name, { host, port })
    let failure: Error | undefined
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of framer.push(chunk)) this.#events.onMessage(message, flow)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    socket.on('error', error => {
      failure = error
    })
    socket.on('close', () => {
      this.#sockets.delete(socket)
      this.#flows.delete(peerKey(host, port))
      if (!this.#closed) this.#events.onClose(flow, failure)
    })
    return flow
  }
}

function flowOver (socket: Socket, transport: 'tcp' | 'tls', remote: { host: string, port: number }): Flow {
  return {
    transport,
    remote,
    localPort: socket.localPort,
    get isOpen () {
      return socket.writable
    },
    send (message) {
      if (socket.writable) socket.write(serializeMessage(message))
    }
  }
}

function openTls (host: string, port: number, tls: TlsOptions = {}): Socket {
  const { ca, key, cert, rejectUnauthorized, servername = isIP(host) ? '' : host } = tls
  return connectTls({ host, port, ca, key, cert, rejectUnauthorized, servername })
}

function connectTimeout (socket: Socket): Error {
  return socket.connecting
    ? Object.assign(new Error('connection attempt timed out'), { code: 'ETIMEDOUT' })
    : Object.assign(new Error('TLS handshake timed out'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
}

/** A server for incoming connections. Undefined for TLS without a certificate, which cannot listen. */
function createServer (
  name: 'tcp' | 'tls',
  tls: TlsOptions | undefined,
  accept: (socket: Socket) => void
): Server | undefined {
  if (name === 'tcp') return createTcpServer(accept)
  if (tls?.key === undefined || tls.cert === undefined) return undefined
  return createTlsServer({ key: tls.key, cert: tls.cert }, accept)
}

/** Resolves with the port that the server listens on. */
async function listen (server: Server, { host, port }: StreamOptions): Promise<number> {
  // A peer that breaks off its TLS handshake does not concern any call.
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  return (server.address() as AddressInfo).port
}

function peerKey (host: string, port: number): string {
  return `${formatHost(host)}:${port}`
}
