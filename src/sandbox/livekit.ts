import type { Clock } from '../clock.ts'
import type { TlsOptions, TransportName, UserAgent } from '../sip/user-agent.ts'
import type { Network } from './network.ts'
import type { Trace } from '../ladder/trace.ts'
import type { AgentBehaviour } from './livekit/agents.ts'
import type { Faults } from './livekit/faults.ts'
import type { Json } from './livekit/json.ts'
import type { Room, RoomEvent } from './livekit/state.ts'
import { systemClock } from '../clock.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import { AgentWorkers } from './livekit/agents.ts'
import { serveApi } from './livekit/api.ts'
import { noFaults } from './livekit/faults.ts'
import { text } from './livekit/json.ts'
import { createProvisioning, type Provisioning } from './livekit/provisioning.ts'
import { RoomManager } from './livekit/room-manager.ts'
import { apiDispatch, apiParticipant, apiRoom, webhookBody } from './livekit/shapes.ts'
import { SipSide } from './livekit/sip-side.ts'
import { createWebhooks } from './livekit/webhooks.ts'
import { socketNetwork } from './network.ts'

export type { AgentBehaviour } from './livekit/agents.ts'
export type { ApiFault, Faults, SipFault } from './livekit/faults.ts'

export interface LiveKitDoubleOptions {
  apiKey: string
  apiSecret: string
  /** Receivers of webhooks; more may be pushed to `webhookUrls` of the double later. */
  webhookUrls?: string[]
  /** Provisions an inbound trunk and a Callee rule bound to it. Without it the project is empty. */
  trunk?: {
    username?: string
    password?: string
    /** Default none: every number. */
    numbers?: string[]
    ringingTimeoutS?: number
    roomPrefix?: string
    /** The agent of the rule's own room_config. */
    agentName?: string
    agentMetadata?: string
    metadata?: string
  }
  agents?: AgentBehaviour[]
  clock?: Clock
  /** Default: sockets. */
  network?: Network
  /**
   * The time that tokens are stamped with and checked at; default the clock's. For SDKs that only know the system's.
   */
  tokenTime?: () => number
  trace?: Trace
  /** Receives every event that has a webhook, whether webhooks are sent or not. */
  onEvent?: (event: RoomEvent['event'], room: string) => void
  sipTransport?: TransportName
  /** For `sipTransport: 'tls'`. */
  tls?: TlsOptions
  /** Default 127.0.0.1. */
  host?: string
  /** Default 0: any free port. */
  apiPort?: number
  sipPort?: number
  /** Delay of every API answer, ms. Default 0. */
  apiLatencyMs?: number
  /** Between two 180s, ms. Default 1000. */
  ringIntervalMs?: number
  /** How long LiveKit looks for a room's server before it replies 503, ms. Default 3000. */
  unknownRoomMs?: number
  /**
   * Whether a join makes a room that does not exist: LiveKit's setting `room.auto_create`, on by default. Without it
   * the join of an agent to a deleted room fails, and a SIP call to a room that does not exist gets 486.
   */
  autoCreate?: boolean
}

/** A room as the API shows it. */
export interface RoomView {
  room: Json
  participants: Json[]
  dispatches: Json[]
}

/** A LiveKit project in one process: API, SIP, agents and webhooks, without media. */
export interface LiveKitDouble {
  /** For LIVEKIT_URL. */
  readonly apiUrl: string
  readonly sipHost: string
  readonly sipPort: number
  /** The address of a SIP user here: `sip:<user>@host:port;transport=…`. */
  sipUri(user: string): string
  readonly faults: Faults
  readonly webhookUrls: string[]
  /** May be changed while the double runs; applies to jobs that start later. */
  readonly agents: AgentBehaviour[]
  rooms(): RoomView[]
  room(name: string): RoomView | undefined
  /** Calls a provisioning method (`CreateSIPInboundTrunk`, …) past HTTP. @throws TwirpError */
  provision(method: string, request: Json): Json
  /** Ends the call in a room the way LiveKit does after its media timeout. */
  endMedia(room: string): void
  /**
   * The server that holds the rooms of this moment dies and another one takes over. The rooms stay listed with the
   * participants they had, send no webhook any more, and nobody answers for them: DeleteRoom and RemoveParticipant get
   * 503. A new createRoom or join replaces such a room.
   */
  loseRooms(): void
  /** Resolves when every webhook so far is delivered or given up. */
  webhooksSent(): Promise<void>
  close(): Promise<void>
}

/** Starts a LiveKit double. @throws the system's error when it cannot listen */
export async function createLiveKitDouble (options: LiveKitDoubleOptions): Promise<LiveKitDouble> {
  const {
    apiKey,
    apiSecret,
    clock = systemClock,
    network = socketNetwork,
    tokenTime = () => clock.now(),
    trace = () => {},
    host = '127.0.0.1',
    sipTransport = 'tcp',
    autoCreate = true
  } = options
  const faults = noFaults()
  const webhookUrls = [...options.webhookUrls ?? []]
  const behaviours = [...options.agents ?? []]
  const provisioning = createProvisioning()
  if (options.trunk) provisionTrunk(provisioning, options.trunk)

  const ua = await openUserAgent(options, { clock, network, trace, host, sipTransport })
  const webhooks = createWebhooks({
    urls: webhookUrls,
    apiKey,
    apiSecret,
    clock,
    network,
    tokenTime,
    isOff: () => faults.webhooks === 'off',
    onSend: what => trace({ at: clock.now(), from: 'livekit', to: 'bridge', what, via: 'http' })
  })
  const rooms = new RoomManager({
    clock,
    emit (event) {
      options.onEvent?.(event.event, event.room.name)
      webhooks.send(event.room.name, JSON.stringify(webhookBody(event, clock.now())), labelOf(event))
    },
    onDispatch: (room, dispatch) => workers.start(room, dispatch)
  })
  const workers = new AgentWorkers({
    behaviours,
    faults,
    clock,
    trace,
    rooms: () => rooms,
    autoCreate,
    transfer (caller, uri, headers) {
      sip.transfer(caller, uri, headers).catch(() => {})
    }
  })
  const sip = new SipSide({
    ua,
    provisioning,
    rooms,
    faults,
    clock,
    ringIntervalMs: options.ringIntervalMs ?? 1000,
    autoCreate,
    onConnected: (room, caller) => workers.connected(room, caller)
  })
  const api = await serveApi({
    host,
    port: options.apiPort ?? 0,
    apiKey,
    apiSecret,
    clock,
    network,
    tokenTime,
    rooms,
    provisioning,
    sip,
    faults,
    latencyMs: options.apiLatencyMs ?? 0,
    unknownRoomMs: options.unknownRoomMs ?? 3000,
    onRequest: what => trace({ at: clock.now(), from: 'bridge', to: 'livekit', what, via: 'http' }),
    onReply: (method, status) =>
      trace({ at: clock.now(), from: 'livekit', to: 'bridge', what: `${status} ${method}`, via: 'http' })
  })

  return {
    apiUrl: api.url,
    sipHost: host,
    sipPort: ua.port,
    sipUri: user => `sip:${user}@${host}:${ua.port};transport=${sipTransport}`,
    faults,
    webhookUrls,
    agents: behaviours,
    rooms: () => rooms.list().map(viewOf),
    room (name) {
      const room = rooms.get(name)
      return room && viewOf(room)
    },
    provision: (method, request) => provisioning.call(method, request) ?? {},
    endMedia (name) {
      for (const participant of rooms.get(name)?.participants.values() ?? []) sip.endMedia(participant)
    },
    loseRooms () {
      for (const room of rooms.list()) rooms.lose(room)
    },
    webhooksSent: webhooks.idle,
    async close () {
      sip.stop()
      workers.stop()
      rooms.stop()
      webhooks.stop()
      await Promise.all([api.close(), ua.close()])
    }
  }
}

function openUserAgent (
  options: LiveKitDoubleOptions,
  around: { clock: Clock, network: Network, trace: Trace, host: string, sipTransport: TransportName }
): Promise<UserAgent> {
  return createUserAgent({
    host: around.host,
    port: options.sipPort ?? 0,
    transport: around.sipTransport,
    clock: around.clock,
    openTransport: around.network.openSip,
    ...(options.tls && { tls: options.tls }),
    onMessage ({ at, dir, message }) {
      const what = message.kind === 'request' ? message.method : `${message.status} ${message.reason}`.trim()
      const [from, to] = dir === '<' ? ['jambonz', 'livekit'] as const : ['livekit', 'jambonz'] as const
      around.trace({ at, from, to, what, via: 'sip' })
    }
  })
}

/** An inbound trunk and a Callee rule bound to it. */
function provisionTrunk (provisioning: Provisioning, trunk: NonNullable<LiveKitDoubleOptions['trunk']>): void {
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

const viewOf = (room: Room): RoomView => ({
  room: apiRoom(room),
  participants: [...room.participants.values()].map(apiParticipant),
  dispatches: room.dispatches.map(dispatch => apiDispatch(room, dispatch))
})

/** What a ladder shows for a webhook: no names or numbers. */
function labelOf ({ event, participant }: RoomEvent): string {
  return [event, participant?.kind, event === 'participant_left' ? participant?.disconnectReason : undefined].filter(
    part => part !== undefined
  ).join(' ')
}
