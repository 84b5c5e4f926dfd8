import type { Clock } from '../../clock.ts'
import type { Trace } from '../../ladder/trace.ts'
import type { TlsOptions, TransportName } from '../../sip/user-agent.ts'
import type { Network } from '../network.ts'
import type { AgentBehaviour } from './agents.ts'
import type { Provisioning } from './provisioning.ts'
import type { RoomEvent } from './state.ts'
import { systemClock } from '../../clock.ts'
import { socketNetwork } from '../network.ts'
import { text } from './json.ts'

export interface LiveKitDoubleOptions {
  apiKey: string
  apiSecret: string
  /** URLs that receive webhooks. More may be added to the double's `webhookUrls` later. */
  webhookUrls?: string[]
  /** An inbound trunk, and a callee rule bound to it. Without it the project is empty. */
  trunk?: {
    username?: string
    password?: string
    /** By default none, which means every number. */
    numbers?: string[]
    ringingTimeoutS?: number
    roomPrefix?: string
    /** The agent in the rule's room_config. */
    agentName?: string
    agentMetadata?: string
    metadata?: string
  }
  agents?: AgentBehaviour[]
  clock?: Clock
  /** By default sockets. */
  network?: Network
  /**
   * The time for issuing and checking tokens, in milliseconds; by default the clock's. Tests need it for SDKs that only
   * know the system's time.
   */
  tokenTime?: () => number
  trace?: Trace
  /** Receives every event that has a webhook, even when the double sends no webhooks. */
  onEvent?: (event: RoomEvent['event'], room: string) => void
  sipTransport?: TransportName
  /** Where the hosts of outbound trunks are, as a DNS would say. */
  sipHosts?: Record<string, { host: string, port: number }>
  /** For `sipTransport: 'tls'`. */
  tls?: TlsOptions
  /** By default 127.0.0.1. */
  host?: string
  /** By default 0: any free port. */
  apiPort?: number
  sipPort?: number
  /** How long every reply of the API is delayed, in milliseconds; by default 0. */
  apiLatencyMs?: number
  /** The time between two 180s, in milliseconds; by default 1000. */
  ringIntervalMs?: number
  /** How long LiveKit looks for a room's server before it replies 503, in milliseconds; by default 3000. */
  unknownRoomMs?: number
  /**
   * LiveKit's setting `room.auto_create`, on by default: whether a join creates a room that does not exist. When it is
   * off, an agent cannot join a deleted room, and a SIP call to a room that does not exist gets 486.
   */
  autoCreate?: boolean
}

export type Settings = ReturnType<typeof settingsOf>

/** The options with their defaults. */
export function settingsOf (options: LiveKitDoubleOptions) {
  const clock = options.clock ?? systemClock
  const sipTransport: TransportName = options.sipTransport ?? 'tcp'
  return {
    ...options,
    clock,
    sipTransport,
    network: options.network ?? socketNetwork,
    tokenTime: options.tokenTime ?? (() => clock.now()),
    trace: options.trace ?? (() => {}),
    host: options.host ?? '127.0.0.1',
    autoCreate: options.autoCreate ?? true
  }
}

/** Creates an inbound trunk, and a callee rule bound to it. */
export function provisionTrunk (provisioning: Provisioning, trunk: NonNullable<LiveKitDoubleOptions['trunk']>): void {
  const made = provisioning.call('CreateSIPInboundTrunk', {
    trunk: {
      name: 'jambonz-bridge',
      metadata: trunk.metadata ?? '',
      numbers: trunk.numbers ?? [],
      auth_username: trunk.username ?? 'jambonz',
      auth_password: trunk.password ?? '',
      include_headers: 'SIP_X_HEADERS',
      ringing_timeout: `${trunk.ringingTimeoutS ?? 40}s`
    }
  })
  provisioning.call('CreateSIPDispatchRule', {
    dispatch_rule: {
      name: 'jambonz-bridge',
      metadata: trunk.metadata ?? '',
      rule: { dispatch_rule_callee: { room_prefix: trunk.roomPrefix ?? 'jambonz' } },
      trunk_ids: [text(made ?? {}, 'sip_trunk_id')],
      ...(trunk.agentName !== undefined &&
        { room_config: { agents: [{ agent_name: trunk.agentName, metadata: trunk.agentMetadata ?? '' }] } })
    }
  })
}
