import type { UserAgent } from '../sip/user-agent.ts'
import type { AgentBehaviour } from './livekit/agents.ts'
import type { Faults } from './livekit/faults.ts'
import type { Json } from './livekit/json.ts'
import type { LiveKitDoubleOptions, Settings } from './livekit/options.ts'
import type { Room, RoomEvent } from './livekit/state.ts'
import { createUserAgent } from '../sip/user-agent.ts'
import { AgentWorkers } from './livekit/agents.ts'
import { serveApi } from './livekit/api.ts'
import { noFaults } from './livekit/faults.ts'
import { provisionTrunk, settingsOf } from './livekit/options.ts'
import { Provisioning } from './livekit/provisioning.ts'
import { RoomManager } from './livekit/room-manager.ts'
import { apiDispatch, apiParticipant, apiRoom, webhookBody } from './livekit/shapes.ts'
import { SipOut } from './livekit/sip-out.ts'
import { SipSide } from './livekit/sip-side.ts'
import { createWebhooks, type Webhooks } from './livekit/webhooks.ts'

export type { AgentBehaviour, AgentJob, CallSeen, DataMessage } from './livekit/agents.ts'
export type { ApiFault, Faults, SipFault } from './livekit/faults.ts'
export type { LiveKitDoubleOptions } from './livekit/options.ts'

/** A room as the API lists it. */
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
  /** The SIP URI of a user of this project: `sip:<user>@host:port;transport=…`. */
  sipUri(user: string): string
  readonly faults: Faults
  readonly webhookUrls: string[]
  /** May change while the double runs. A change applies to jobs that start later. */
  readonly agents: AgentBehaviour[]
  rooms(): RoomView[]
  room(name: string): RoomView | undefined
  /** Calls a provisioning method (`CreateSIPInboundTrunk`, …) without HTTP. @throws TwirpError */
  provision(method: string, request: Json): Json
  /** Closes a room as LiveKit does after its empty timeout. */
  closeRoom(name: string): void
  /** Ends the call in a room as LiveKit does after its media timeout. */
  endMedia(room: string): void
  /** Closes a room as LiveKit does when its empty timeout is over. */
  expire(room: string): void
  /** The agents of a room leave it, as when their worker stops. */
  agentsLeave(room: string): void
  /**
   * The server that holds the present rooms dies, and another one takes over. The rooms stay listed with their
   * participants, but LiveKit sends no more webhooks for them, and DeleteRoom and RemoveParticipant get 503. CreateRoom
   * or a join replaces such a room.
   */
  loseRooms(): void
  /** Resolves when every webhook so far was delivered or given up. */
  webhooksSent(): Promise<void>
  close(): Promise<void>
}

/** Starts a LiveKit double. @throws the system's error when it cannot listen */
export async function createLiveKitDouble (options: LiveKitDoubleOptions): Promise<LiveKitDouble> {
  const settings = settingsOf(options)
  const project = new Project(settings, await openUserAgent(settings))
  await project.serve()
  return project
}

class Project implements LiveKitDouble {
  readonly faults = noFaults()
  readonly webhookUrls: string[]
  readonly agents: AgentBehaviour[]
  readonly #settings: Settings
  readonly #ua: UserAgent
  readonly #provisioning = new Provisioning()
  readonly #webhooks: Webhooks
  readonly #rooms: RoomManager
  readonly #workers: AgentWorkers
  readonly #sip: SipSide
  readonly #sipOut: SipOut
  #api: { url: string, close(): Promise<void> } | undefined

  constructor (settings: Settings, ua: UserAgent) {
    this.#settings = settings
    this.#ua = ua
    this.webhookUrls = [...settings.webhookUrls ?? []]
    this.agents = [...settings.agents ?? []]
    if (settings.trunk) provisionTrunk(this.#provisioning, settings.trunk)
    this.#webhooks = this.#createWebhooks()
    this.#rooms = new RoomManager({
      clock: settings.clock,
      emit: event => this.#onRoomEvent(event),
      onDispatch: (room, dispatch) => this.#workers.start(room, dispatch)
    })
    this.#workers = this.#createWorkers()
    this.#sip = this.#createSipSide()
    this.#sipOut = new SipOut({
      ua,
      provisioning: this.#provisioning,
      rooms: this.#rooms,
      sip: this.#sip,
      clock: settings.clock
    })
  }

  get apiUrl (): string {
    return this.#api?.url ?? ''
  }

  get sipHost (): string {
    return this.#settings.host
  }

  get sipPort (): number {
    return this.#ua.port
  }

  sipUri (user: string): string {
    return `sip:${user}@${this.sipHost}:${this.sipPort};transport=${this.#settings.sipTransport}`
  }

  rooms (): RoomView[] {
    return this.#rooms.list().map(viewOf)
  }

  room (name: string): RoomView | undefined {
    const room = this.#rooms.get(name)
    return room && viewOf(room)
  }

  provision (method: string, request: Json): Json {
    return this.#provisioning.call(method, request) ?? {}
  }

  endMedia (name: string): void {
    for (const participant of this.#rooms.get(name)?.participants.values() ?? []) this.#sip.endMedia(participant)
  }

  agentsLeave (name: string): void {
    const room = this.#rooms.get(name)
    const agents = [...room?.participants.values() ?? []].filter(({ kind }) => kind === 'AGENT')
    for (const agent of agents) this.#rooms.leave(room!, agent, 'CLIENT_INITIATED')
  }

  expire (name: string): void {
    const room = this.#rooms.get(name)
    if (room) this.#rooms.close(room, 'ROOM_CLOSED')
  }

  closeRoom (name: string): void {
    const room = this.#rooms.get(name)
    if (room) this.#rooms.close(room, 'ROOM_CLOSED')
  }

  loseRooms (): void {
    for (const room of this.#rooms.list()) this.#rooms.lose(room)
  }

  webhooksSent (): Promise<void> {
    return this.#webhooks.idle()
  }

  /** Starts the API. @throws the system's error when it cannot listen */
  async serve (): Promise<void> {
    const { host, apiPort, apiKey, apiSecret, clock, network, tokenTime, apiLatencyMs, unknownRoomMs } = this.#settings
    this.#api = await serveApi({
      host,
      port: apiPort ?? 0,
      apiKey,
      apiSecret,
      clock,
      network,
      tokenTime,
      rooms: this.#rooms,
      provisioning: this.#provisioning,
      sip: this.#sip,
      sipOut: this.#sipOut,
      faults: this.faults,
      latencyMs: apiLatencyMs ?? 0,
      unknownRoomMs: unknownRoomMs ?? 3000,
      sendData: (room, data, identities) => this.#workers.receive(room, data, identities),
      answersRpc: (room, identity) => this.#workers.isAlive(room, identity),
      metadataChanged: room => this.#workers.metadataChanged(room),
      onRequest: method => this.#traceHttp('bridge', method),
      onReply: (method, status) => this.#traceHttp('livekit', `${status} ${method}`)
    })
  }

  async close (): Promise<void> {
    this.#sip.stop()
    this.#sipOut.stop()
    this.#workers.stop()
    this.#rooms.stop()
    this.#webhooks.stop()
    await Promise.all([this.#api?.close(), this.#ua.close()])
  }

  #createWebhooks (): Webhooks {
    const { apiKey, apiSecret, clock, network, tokenTime } = this.#settings
    return createWebhooks({
      urls: this.webhookUrls,
      apiKey,
      apiSecret,
      clock,
      network,
      tokenTime,
      isOff: () => this.faults.webhooks === 'off',
      onSend: label => this.#traceHttp('livekit', label)
    })
  }

  #createWorkers (): AgentWorkers {
    const { clock, trace, autoCreate } = this.#settings
    return new AgentWorkers({
      behaviours: this.agents,
      faults: this.faults,
      clock,
      trace,
      rooms: () => this.#rooms,
      autoCreate,
      transfer: (caller, uri, headers) => {
        this.#sip.transfer(caller, uri, headers).catch(() => {})
      }
    })
  }

  #createSipSide (): SipSide {
    const { clock, ringIntervalMs, autoCreate } = this.#settings
    return new SipSide({
      ua: this.#ua,
      provisioning: this.#provisioning,
      rooms: this.#rooms,
      faults: this.faults,
      clock,
      ringIntervalMs: ringIntervalMs ?? 1000,
      autoCreate,
      onConnected: (room, caller) => this.#workers.connected(room, caller)
    })
  }

  #onRoomEvent (event: RoomEvent): void {
    const { onEvent, clock } = this.#settings
    onEvent?.(event.event, event.room.name)
    this.#webhooks.send(event.room.name, JSON.stringify(webhookBody(event, clock.now())), labelOf(event))
  }

  /** Traces an HTTP message between the bridge and LiveKit. */
  #traceHttp (from: 'bridge' | 'livekit', what: string): void {
    const { clock, trace } = this.#settings
    trace({ at: clock.now(), from, to: from === 'bridge' ? 'livekit' : 'bridge', what, via: 'http' })
  }
}

function openUserAgent (settings: Settings): Promise<UserAgent> {
  const { host, sipPort, sipHosts, sipTransport, clock, network, tls, trace } = settings
  return createUserAgent({
    host,
    port: sipPort ?? 0,
    ...sipHosts && { hosts: sipHosts },
    transport: sipTransport,
    clock,
    openTransport: network.openSip,
    ...(tls && { tls }),
    onMessage ({ at, dir, message }) {
      const what = message.kind === 'request' ? message.method : `${message.status} ${message.reason}`.trim()
      const [from, to] = dir === '<' ? ['jambonz', 'livekit'] as const : ['livekit', 'jambonz'] as const
      trace({ at, from, to, what, via: 'sip' })
    }
  })
}

const viewOf = (room: Room): RoomView => ({
  room: apiRoom(room),
  participants: [...room.participants.values()].map(apiParticipant),
  dispatches: room.dispatches.map(dispatch => apiDispatch(room, dispatch))
})

/** A webhook in a ladder, without names and numbers. */
function labelOf ({ event, participant }: RoomEvent): string {
  return [event, participant?.kind, event === 'participant_left' ? participant?.disconnectReason : undefined].filter(
    part => part !== undefined
  ).join(' ')
}
