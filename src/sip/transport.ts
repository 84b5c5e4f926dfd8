import { createSocket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { connect as connectTcp, createServer as createTcpServer, isIP } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { Server, Socket } from 'node:net'
import type { SipMessage } from './message.ts'
import type { TransportName } from './address.ts'
import { createFramer, parseMessage, serializeMessage } from './message.ts'
import { formatHost } from './address.ts'

/** Key material in PEM. Without `key` and `cert` a TLS transport calls out but does not listen. */
export interface TlsOptions {
  key?: string | Buffer
  cert?: string | Buffer
  ca?: string | Buffer
  rejectUnauthorized?: boolean
  servername?: string
}

/** A way to one peer: a connection, or a peer's UDP address. */
export interface Flow {
  readonly transport: TransportName
  readonly remote: { host: string, port: number }
  /** Own port of a connection that was opened from here. */
  readonly localPort?: number | undefined
  readonly isOpen: boolean
  send(message: SipMessage): void
}

export interface TransportEvents {
  onMessage(message: SipMessage, flow: Flow): void
  /** A connection broke or ended; requests waiting for an answer on it will not get one. */
  onClose(flow: Flow, error?: Error): void
}

export interface SipTransport {
  readonly name: TransportName
  readonly host: string
  readonly port: number
  /**
   * The flow to a host, opened when there is none. @throws the system's error when it does not resolve or refuses
   * (`code`: ENOTFOUND, ECONNREFUSED, …)
   */
  flowTo(host: string, port: number): Promise<Flow>
  close(): Promise<void>
}

const CONNECT_TIMEOUT_MS = 10_000

/** Opens a transport and listens; port 0 takes any free one. @throws the system's error when it cannot listen */
export type OpenTransport = (
  name: TransportName,
  options: { host: string, port: number, tls?: TlsOptions | undefined },
  events: TransportEvents
) => Promise<SipTransport>

/** Transports over sockets. */
export const createTransport: OpenTransport = (name, options, events) => {
  return name === 'udp' ? createUdp(options, events) : createStream(name, options, events)
}

async function createUdp (options: { host: string, port: number }, events: TransportEvents): Promise<SipTransport> {
  const socket = createSocket(options.host.includes(':') ? 'udp6' : 'udp4')
  let closed = false
  const flow = (host: string, port: number): Flow => ({
    transport: 'udp',
    remote: { host, port },
    get isOpen () {
      return !closed
    },
    send (message) {
      // A packet that cannot be sent is like one that is lost: the retransmission timers deal with it.
      if (!closed) socket.send(serializeMessage(message), port, host, () => {})
    }
  })
  socket.on('message', (data, from) => {
    let message
    try {
      message = parseMessage(data)
    } catch {
      return
    }
    events.onMessage(message, flow(from.address, from.port))
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(options.port, options.host, () => {
      socket.off('error', reject)
      socket.on('error', () => {})
      resolve()
    })
  })
  const { port } = socket.address()
  return {
    name: 'udp',
    host: options.host,
    port,
    async flowTo (host, remotePort) {
      // An address of the other family cannot be sent to from this socket.
      return flow(
        isIP(host) ? host : (await lookup(host, { family: options.host.includes(':') ? 6 : 4 })).address,
        remotePort
      )
    },
    close: () =>
      new Promise(resolve => {
        if (closed) return resolve()
        closed = true
        socket.close(() => resolve())
      })
  }
}

async function createStream (
  name: 'tcp' | 'tls',
  options: { host: string, port: number, tls?: TlsOptions | undefined },
  events: TransportEvents
): Promise<SipTransport> {
  const sockets = new Set<Socket>()
  const flows = new Map<string, Promise<Flow>>()
  let closed = false

  function adopt (socket: Socket, host: string, port: number, key: string): Flow {
    const framer = createFramer()
    let failure: Error | undefined
    const flow: Flow = {
      transport: name,
      remote: { host, port },
      localPort: socket.localPort,
      get isOpen () {
        return socket.writable
      },
      send (message) {
        if (socket.writable) socket.write(serializeMessage(message))
      }
    }
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const message of framer.push(chunk)) events.onMessage(message, flow)
      } catch (error) {
        socket.destroy(error instanceof Error ? error : undefined)
      }
    })
    socket.on('error', error => {
      failure = error
    })
    socket.on('close', () => {
      sockets.delete(socket)
      flows.delete(key)
      if (!closed) events.onClose(flow, failure)
    })
    return flow
  }

  function open (host: string, port: number, key: string): Promise<Flow> {
    return new Promise((resolve, reject) => {
      const { ca, rejectUnauthorized, servername, key: tlsKey, cert } = options.tls ?? {}
      const socket = name === 'tcp'
        ? connectTcp({ host, port })
        : connectTls({
          host,
          port,
          ca,
          key: tlsKey,
          cert,
          rejectUnauthorized,
          servername: servername ?? (isIP(host) ? '' : host)
        })
      // A connection attempt must not outlive close().
      sockets.add(socket)
      socket.setTimeout(CONNECT_TIMEOUT_MS, () =>
        socket.destroy(
          socket.connecting
            ? Object.assign(new Error('connection attempt timed out'), { code: 'ETIMEDOUT' })
            : Object.assign(new Error('TLS handshake timed out'), { code: 'ERR_TLS_HANDSHAKE_TIMEOUT' })
        ))
      socket.once('error', reject)
      socket.once('close', () => {
        sockets.delete(socket)
        reject(Object.assign(new Error('connection closed'), { code: 'ECONNRESET' }))
      })
      socket.once(name === 'tcp' ? 'connect' : 'secureConnect', () => {
        socket.setTimeout(0)
        socket.off('error', reject)
        resolve(adopt(socket, host, port, key))
      })
    })
  }

  function accept (socket: Socket): void {
    const host = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    const port = socket.remotePort ?? 0
    const key = `${formatHost(host)}:${port}`
    flows.set(key, Promise.resolve(adopt(socket, host, port, key)))
  }

  const server = listener(name, options.tls, accept)
  if (server) {
    // A peer that breaks off its TLS handshake is no business of anyone else's.
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port, options.host, () => {
        server.off('error', reject)
        server.on('error', () => {})
        resolve()
      })
    })
  }
  const bound = server?.address()
  return {
    name,
    host: options.host,
    port: bound && typeof bound === 'object' ? bound.port : options.port,
    async flowTo (host, port) {
      const key = `${formatHost(host)}:${port}`
      const known = flows.get(key)
      const existing = known && await known.catch(() => undefined)
      if (existing?.isOpen) return existing
      const opening = open(host, port, key)
      flows.set(key, opening)
      opening.catch(() => flows.delete(key))
      return await opening
    },
    close: () =>
      new Promise(resolve => {
        closed = true
        for (const socket of sockets) socket.destroy()
        if (server) server.close(() => resolve())
        else resolve()
      })
  }
}

/** A server for incoming connections. TLS without a certificate cannot listen. */
function listener (
  name: 'tcp' | 'tls',
  tls: TlsOptions | undefined,
  accept: (socket: Socket) => void
): Server | undefined {
  if (name === 'tcp') return createTcpServer(accept)
  if (tls?.key === undefined || tls.cert === undefined) return undefined
  return createTlsServer({ key: tls.key, cert: tls.cert }, accept)
}
