import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isJson, jsons, number, text, type Json } from './json.ts'
import type { LiveKitWorld, Participant } from './livekit-world.ts'

/** A request of the bridge to LiveKit's API and its answer. */
export interface ApiRequest {
  at: number
  /** `RoomService/DeleteRoom` */
  method: string
  room: string | undefined
  /** `metadata` of the request. */
  metadata: string | undefined
  status: number
}

export interface LiveKitApiOptions {
  now(): number
  /** Undefined: any port that is free. */
  port?: number | undefined
  /** The world that a room belongs to; undefined as name: the request is about all of them. */
  worldOf(room: string): LiveKitWorld
  worlds(): LiveKitWorld[]
  /** A recorded refusal of this request, which is answered instead. */
  refusal(method: string, room: string | undefined): { status: number, body: Json } | undefined
  onRequest(request: ApiRequest): void
}

export interface LiveKitApi {
  url: string
  close(): Promise<void>
}

type Answer = { status: number, body: Json }
const ok = (body: Json): Answer => ({ status: 200, body })
const notFound = (what: string): Answer => ({
  status: 404,
  body: { code: 'not_found', msg: `twirp error unknown: ${what} does not exist` }
})

/** LiveKit's server API over HTTP, with the answers and errors of the recordings. */
export async function serveLiveKitApi (options: LiveKitApiOptions): Promise<LiveKitApi> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const method = (request.url ?? '').replace(/^.*livekit\./, '')
      const args = parsed(Buffer.concat(parts).toString())
      const { status, body } = answer(options, method, args)
      options.onRequest({ at: options.now(), method, room: roomOf(args), metadata: text(args['metadata']), status })
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => closed(server)
  }
}

function closed (server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function parsed (body: string): Json {
  try {
    const value: unknown = JSON.parse(body)
    return isJson(value) ? value : {}
  } catch {
    return {}
  }
}

const roomOf = (args: Json): string | undefined => text(args['room']) ?? text(args['name'])

function answer (options: LiveKitApiOptions, method: string, args: Json): Answer {
  const name = roomOf(args)
  const refused = options.refusal(method, name)
  if (refused) return refused
  if (method === 'RoomService/ListRooms') return ok({ rooms: listed(options, args) })
  if (name === undefined) return { status: 400, body: { code: 'invalid_argument', msg: 'no room named' } }
  const world = options.worldOf(name)
  const identity = text(args['identity']) ?? ''
  switch (method) {
    case 'RoomService/CreateRoom':
      return ok(shownRoom(world.create(name, {
        metadata: text(args['metadata']) ?? '',
        emptyTimeoutS: number(args['emptyTimeout'] ?? args['empty_timeout']) ?? 300,
        departureTimeoutS: number(args['departureTimeout'] ?? args['departure_timeout']) ?? 20,
        agents: jsons(args['agents'])
      })))
    case 'RoomService/DeleteRoom':
      return world.delete(name) ? ok({}) : notFound('requested room')
    case 'RoomService/ListParticipants':
      return ok({ participants: [...world.rooms.get(name)?.participants.values() ?? []].map(shownParticipant) })
    case 'RoomService/RemoveParticipant':
      return world.remove(name, identity) ? ok({}) : notFound('participant')
    case 'RoomService/SendData':
      return world.rooms.has(name)
        ? ok({})
        : { status: 503, body: { code: 'unavailable', msg: 'twirp error unknown: no response from servers' } }
    case 'RoomService/UpdateRoomMetadata': {
      const room = world.rooms.get(name)
      if (!room) return notFound('requested room')
      room.metadata = text(args['metadata']) ?? ''
      return ok(shownRoom(room))
    }
    default:
      return dispatching(world, method, name, args)
  }
}

function dispatching (world: LiveKitWorld, method: string, name: string, args: Json): Answer {
  const room = world.rooms.get(name)
  if (!room) return { status: 503, body: { code: 'unavailable', msg: 'twirp error unknown: no response from servers' } }
  const shown = (agent: Json, i: number) => ({
    id: `AD_${i}`,
    room: name,
    agent_name: agent['agentName'] ?? agent['agent_name'] ?? '',
    metadata: agent['metadata'] ?? '',
    state: { jobs: [] }
  })
  switch (method) {
    case 'AgentDispatchService/ListDispatch':
      return ok({ agent_dispatches: room.agents.map(shown) })
    case 'AgentDispatchService/CreateDispatch':
      room.agents.push(args)
      return ok(shown(args, room.agents.length - 1))
    case 'AgentDispatchService/DeleteDispatch':
      return ok({})
    default:
      return { status: 404, body: { code: 'bad_route', msg: `no handler for ${method}` } }
  }
}

function listed ({ worlds }: LiveKitApiOptions, args: Json): Json[] {
  const names = Array.isArray(args['names']) ? args['names'] : []
  return worlds().flatMap(world => [...world.rooms.values()])
    .filter(({ name }) => names.length === 0 || names.includes(name)).map(shownRoom)
}

type Room = ReturnType<LiveKitWorld['create']>

function shownRoom ({ name, sid, metadata, emptyTimeoutS, departureTimeoutS, createdAt, participants }: Room): Json {
  return {
    name,
    sid,
    metadata,
    empty_timeout: emptyTimeoutS,
    departure_timeout: departureTimeoutS,
    creation_time: String(Math.floor(createdAt / 1000)),
    creation_time_ms: String(createdAt),
    num_participants: participants.size
  }
}

function shownParticipant ({ shown, attributes, tracks }: Participant): Json {
  return { ...shown, attributes, tracks }
}
