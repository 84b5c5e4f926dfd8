import type { SipMessage } from './message.ts'
import type { TransportName } from './address.ts'
import { StreamTransport } from './stream-transport.ts'
import { openUdp } from './udp-transport.ts'

/** Key material in PEM. Without `key` and `cert` a TLS transport opens connections but does not listen. */
export interface TlsOptions {
  key?: string | Buffer
  cert?: string | Buffer
  ca?: string | Buffer
  rejectUnauthorized?: boolean
  servername?: string
}

/** A path to one peer: a connection, or the peer's UDP address. */
export interface Flow {
  readonly transport: TransportName
  readonly remote: { host: string, port: number }
  /** The local port of a connection that this side opened. */
  readonly localPort?: number | undefined
  readonly isOpen: boolean
  send(message: SipMessage): void
}

export interface TransportEvents {
  onMessage(message: SipMessage, flow: Flow): void
  /** A connection broke or ended, so requests that wait for an answer on it will not get one. */
  onClose(flow: Flow, error?: Error): void
}

export interface SipTransport {
  readonly name: TransportName
  readonly host: string
  readonly port: number
  /**
   * The flow to a host. Opens one when there is none.
   *
   * @throws the system's error when the name does not resolve or the host refuses (`code`: ENOTFOUND, ECONNREFUSED, …)
   */
  flowTo(host: string, port: number): Promise<Flow>
  close(): Promise<void>
}

/** Opens a transport and listens; port 0 means any free port. @throws the system's error when it cannot listen */
export type OpenTransport = (
  name: TransportName,
  options: { host: string, port: number, tls?: TlsOptions | undefined },
  events: TransportEvents
) => Promise<SipTransport>

/** Opens transports over sockets. */
export const createTransport: OpenTransport = (name, options, events) =>
  name === 'udp' ? openUdp(options, events) : StreamTransport.open(name, options, events)
