import { systemClock, type Clock } from '../clock.ts'
import { createUserAgent, type TransportName } from '../sip/user-agent.ts'
import { socketNetwork, type HttpReply, type Network } from './network.ts'
import { serveRegistrations } from './retell/api.ts'
import { Registrations, type Registration } from './retell/registrations.ts'
import { SipSide } from './retell/sip-side.ts'

export type { Registration } from './retell/registrations.ts'

/** How the API answers a registration: as it should, never, with a broken connection, or with something else. */
export type RegisterFault = 'ok' | 'hang' | 'refuse' | (Partial<HttpReply> & { status: number })

/** Faults may change while the double runs. A change applies to later requests and calls. */
export interface Faults {
  register: RegisterFault
  /** Delay of every answer of the API, milliseconds. */
  latencyMs: number
  /** For how long new ids are valid, milliseconds. */
  lifetimeMs: number
  /** How the SIP side answers INVITEs for valid ids: with a call, with nothing but 180s, or with this status. */
  sip: 'ok' | 'silent' | number
}

export interface RetellDoubleOptions {
  apiKey: string
  /** Ids of the agents that the key's workspace has. */
  agents: string[]
  clock?: Clock
  /** By default sockets. */
  network?: Network
  /** By default 127.0.0.1. */
  host?: string
  /** By default 0: any free port. */
  apiPort?: number
  sipPort?: number
  /** By default TCP, which Retell recommends. */
  sipTransport?: TransportName
  /** How long a call rings before it is answered, milliseconds; by default 0. */
  ringMs?: number
  /** What an answered caller receives: no RTP packet, or a tone. By default `none`, which needs no sockets. */
  media?: 'none' | 'tone'
}

/** Retell in one process: registration of calls, and SIP for registered ones. */
export interface RetellDouble {
  /** For RETELL_API_BASE_URL. */
  readonly apiUrl: string
  /** For RETELL_SIP_HOST: `host:port`. */
  readonly sipHost: string
  readonly faults: Faults
  /** Every registration so far, in order. */
  registrations(): readonly Registration[]
  /** Hangs up an answered call by its id, as the agent does. */
  hangUp(callId: string): Promise<void>
  close(): Promise<void>
}

/** How long an id is valid, milliseconds (docs.retellai.com, "Register Phone Call": "The timeout is 5 minutes"). */
const LIFETIME_MS = 5 * 60_000

/**
 * Starts a Retell double. It knows only what Retell's documentation says (docs.retellai.com, "Register Phone Call" and
 * "Custom Telephony"); no recording of a real one was there to compare it with.
 * @throws the system's error when it cannot listen
 */
export async function createRetellDouble (options: RetellDoubleOptions): Promise<RetellDouble> {
  const { apiKey, agents, clock = systemClock, network = socketNetwork, host = '127.0.0.1' } = options
  const { ringMs = 0, media = 'none' } = options
  const faults: Faults = { register: 'ok', latencyMs: 0, lifetimeMs: LIFETIME_MS, sip: 'ok' }
  const registrations = new Registrations(clock, () => faults.lifetimeMs)
  const ua = await createUserAgent({
    host,
    port: options.sipPort ?? 0,
    transport: options.sipTransport ?? 'tcp',
    clock,
    openTransport: network.openSip
  })
  const sip = new SipSide({ ua, registrations, faults, clock, ringMs, media })
  const api = await serveRegistrations({
    host,
    port: options.apiPort ?? 0,
    network,
    apiKey,
    agents,
    registrations,
    faults,
    clock
  }).catch(async (error: unknown) => {
    await ua.close()
    throw error
  })

  return {
    apiUrl: api.url,
    sipHost: `${host}:${ua.port}`,
    faults,
    registrations: () => registrations.all(),
    hangUp: callId => sip.hangUp(callId),
    async close () {
      sip.stop()
      await Promise.all([api.close(), ua.close()])
    }
  }
}
