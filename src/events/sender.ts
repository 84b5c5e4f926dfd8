import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { Agent, buildConnector, request } from 'undici'
import type { Clock } from '../clock.ts'
import { isPublicAddress } from './addresses.ts'
import { readRetryAfter } from './pauses.ts'
import type { Receiver } from './receivers.ts'

/** Why a receiver did not take an event. `gone`: it asked for no more events (410). */
export const FAILURES = [
  'timeout',
  'unreachable',
  'private-address',
  'tls',
  'redirected',
  'refused',
  'gone',
  'overloaded',
  'failed'
] as const
export type Failure = typeof FAILURES[number]

export type Sent =
  | { ok: true, status: number }
  /** `retryAfterMs`: the receiver asked for that pause. `detail`: a status or a system's code, and nothing secret. */
  | { ok: false, failure: Failure, detail: string, retryAfterMs?: number }

/** An event as a request carries it. */
export interface Message {
  id: string
  body: string
}

/** Sends events. */
export interface Sender {
  /** Sends an event once. Never rejects. */
  send(receiver: Receiver, message: Message): Promise<Sent>
  /** Ends what is under way: it counts as not sent. */
  close(): Promise<void>
}

export interface SenderOptions {
  /** A request is given up after this, milliseconds. */
  timeoutMs: number
  /** Requests to one receiver at the same time. */
  connections: number
  /** Also to addresses that are not public. */
  allowPrivate: boolean
  /** Names the sender in the User-Agent header. */
  version: string
  clock: Clock
  /** Instead of the system's resolver. */
  lookup?: LookupFunction
}

/** More of an answer is not read, bytes. What it says is not looked at. */
const LONGEST_ANSWER = 64 * 1024
const CONNECT_MS = 5000

/**
 * Sends events as Standard Webhooks (standardwebhooks.com) over HTTP/1.1. It follows no redirect, and each receiver has
 * connections of its own.
 */
export function createSender (options: SenderOptions): Sender {
  const { timeoutMs, connections, version, clock } = options
  const agents = new Map<string, Agent>()
  const headers = { 'content-type': 'application/json', 'user-agent': `jambonz-livekit-bridge/${version}` }

  function agentOf ({ id }: Receiver): Agent {
    const known = agents.get(id)
    if (known) return known
    const limits = { headersTimeout: timeoutMs, bodyTimeout: timeoutMs, maxHeaderSize: 16 * 1024 }
    const agent = new Agent({ connections, pipelining: 1, ...limits, connect: connectorOf(options) })
    agents.set(id, agent)
    return agent
  }

  async function post (receiver: Receiver, { id, body }: Message, signal: AbortSignal): Promise<Sent> {
    const now = clock.now()
    const reply = await request(receiver.url, {
      method: 'POST',
      headers: { ...headers, ...signatureOf(receiver, id, body, now) },
      body,
      signal,
      dispatcher: agentOf(receiver)
    })
    // Reading it to its end keeps the connection for the next event. The status has said all.
    await reply.body.dump({ limit: LONGEST_ANSWER, signal }).catch(() => {})
    return sentBy(reply.statusCode, readRetryAfter(reply.headers['retry-after'], now))
  }

  return {
    async send (receiver, message) {
      const late = new AbortController()
      const cancel = clock.schedule(timeoutMs, () => late.abort())
      try {
        return await post(receiver, message, late.signal)
      } catch (error) {
        return late.signal.aborted ? { ok: false, failure: 'timeout', detail: '' } : failureOf(error)
      } finally {
        cancel()
      }
    },
    async close () {
      await Promise.all([...agents.values()].map(agent => agent.destroy()))
    }
  }
}

/** The headers that prove who sent an event, and when. Several secrets give several signatures. */
function signatureOf ({ secrets }: Receiver, id: string, body: string, now: number): Record<string, string> {
  return {
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now / 1000)),
    'webhook-signature': secrets.map(secret => new Webhook(secret).sign(id, new Date(now), body)).join(' ')
  }
}

function sentBy (status: number, retryAfterMs: number | undefined): Sent {
  if (status >= 200 && status < 300) return { ok: true, status }
  const asked = status === 429 || status === 503 ? retryAfterMs : undefined
  return {
    ok: false,
    failure: failureOfStatus(status),
    detail: `HTTP ${status}`,
    ...(asked === undefined ? {} : { retryAfterMs: asked })
  }
}

function failureOfStatus (status: number): Failure {
  if (status === 410) return 'gone'
  if (status === 429 || status === 503) return 'overloaded'
  if (status >= 500) return 'failed'
  return status >= 400 ? 'refused' : 'redirected'
}

/** The name led to no address that may be connected to. */
class PrivateAddressError extends Error {
  readonly code = 'EPRIVATE'
}

/** Connects to public addresses only: the very address that is connected to was looked at, whatever the name says. */
function connectorOf (options: SenderOptions): buildConnector.connector {
  const { allowPrivate, lookup = systemLookup as LookupFunction } = options
  if (allowPrivate) return buildConnector({ timeout: CONNECT_MS, lookup })
  const connect = buildConnector({ timeout: CONNECT_MS, lookup: publicOnly(lookup) })
  return (options, callback) => {
    // An address needs no lookup. That of IPv6 stands in brackets.
    const address = options.hostname.replace(/^\[|\]$/g, '')
    if (isIP(address) !== 0 && !isPublicAddress(address)) callback(new PrivateAddressError(), null)
    else connect(options, callback)
  }
}

/** Resolves names to the public ones of their addresses. */
export const publicOnly = (lookup: LookupFunction): LookupFunction => (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, found) => {
    if (error) {
      callback(error, '')
      return
    }
    const addresses = (found as LookupAddress[]).filter(({ address }) => isPublicAddress(address))
    const [first] = addresses
    if (!first) callback(new PrivateAddressError(), '')
    else if (options.all) callback(null, addresses)
    else callback(null, first.address, first.family)
  })
}

function failureOf (error: unknown): Sent {
  const { code, cause } = (error ?? {}) as { code?: unknown, cause?: { code?: unknown } }
  const known = [code, cause?.code].find(value => typeof value === 'string' && /^[A-Z_0-9]{1,40}$/.test(value))
  const detail = typeof known === 'string' ? known : ''
  if (detail === 'EPRIVATE') return { ok: false, failure: 'private-address', detail: '' }
  if (/TIMEOUT|TIMEDOUT/.test(detail)) return { ok: false, failure: 'timeout', detail }
  if (/CERT|SSL|TLS|SIGNATURE|EPROTO/.test(detail)) return { ok: false, failure: 'tls', detail }
  return { ok: false, failure: 'unreachable', detail }
}
