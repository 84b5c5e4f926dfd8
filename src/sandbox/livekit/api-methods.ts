import type { Clock } from '../../clock.ts'
import type { DataMessage } from './agents.ts'
import type { Grant } from './auth.ts'
import type { Json } from './json.ts'
import type { Provisioning } from './provisioning.ts'
import type { RoomAgent, RoomManager } from './room-manager.ts'
import type { SipOut } from './sip-out.ts'
import type { SipSide } from './sip-side.ts'
import type { Participant, Room } from './state.ts'
import { durationMs, isJson, list, number, text, textMap, texts } from './json.ts'
import { apiDispatch, apiParticipant, apiRoom } from './shapes.ts'
import { noServer, TwirpError } from './twirp-error.ts'

export interface MethodOptions {
  clock: Clock
  rooms: RoomManager
  provisioning: Provisioning
  sip: SipSide
  sipOut: SipOut
  /** How long LiveKit looks for the server of a room before it replies 503, in milliseconds. */
  unknownRoomMs: number
  /** Delivers a data message to the agents of a room, or to those that it names. */
  sendData(room: Room, data: DataMessage, identities: readonly string[]): void
  /** Whether the SDK of a participant answers an RPC: not when the agent's process is dead. */
  answersRpc(room: Room, identity: string): boolean
  /** Shows the participants of a room that its metadata have changed. */
  metadataChanged(room: Room): void
}

/** A method of the API, with the grants that it requires. */
export interface Method {
  grants: Grant[]
  run(request: Json): Json | Promise<Json>
}

type Methods = Record<string, Method>

const PROVISIONING = [
  'CreateSIPInboundTrunk',
  'UpdateSIPInboundTrunk',
  'ListSIPInboundTrunk',
  'DeleteSIPTrunk',
  'CreateSIPDispatchRule',
  'UpdateSIPDispatchRule',
  'ListSIPDispatchRule',
  'DeleteSIPDispatchRule',
  'CreateSIPOutboundTrunk',
  'UpdateSIPOutboundTrunk',
  'ListSIPOutboundTrunk'
]

/** The methods of the API by service and name. */
export function apiMethods (options: MethodOptions): Methods {
  return {
    ...roomMethods(options),
    ...participantMethods(options),
    ...dispatchMethods(options),
    ...sipMethods(options)
  }
}

function roomMethods (options: MethodOptions): Methods {
  const { rooms, metadataChanged } = options
  return {
    'RoomService/CreateRoom': {
      grants: ['roomCreate'],
      run: request =>
        apiRoom(rooms.open({
          name: text(request, 'name'),
          emptyTimeout: number(request, 'empty_timeout'),
          departureTimeout: number(request, 'departure_timeout'),
          maxParticipants: number(request, 'max_participants'),
          metadata: text(request, 'metadata'),
          agents: list(request, 'agents').filter(isJson).map(agentOf)
        }))
    },
    'RoomService/DeleteRoom': {
      grants: ['roomCreate'],
      async run (request) {
        rooms.close(await servedRoom(roomNamed(request, rooms), options), 'ROOM_DELETED')
        return {}
      }
    },
    'RoomService/ListRooms': {
      grants: ['roomList'],
      run (request) {
        const names = texts(request, 'names')
        return { rooms: rooms.list().filter(room => names.length === 0 || names.includes(room.name)).map(apiRoom) }
      }
    },
    'RoomService/UpdateRoomMetadata': {
      grants: ['roomAdmin'],
      async run (request) {
        const room = await servedRoom(roomNamed(request, rooms), options)
        const metadata = text(request, 'metadata')
        if (metadata !== room.metadata) {
          room.metadata = metadata
          metadataChanged(room)
        }
        return apiRoom(room)
      }
    }
  }
}

/** LiveKit waits this long for the first sign of an RPC being received, in milliseconds, as recorded. */
const RPC_ACK_MS = 2000

/** Nobody in the double registers methods for RPCs (recorded: test/fixtures/warm/rpc.json). */
function rpcMethod ({ clock, rooms, answersRpc, unknownRoomMs }: MethodOptions): Method {
  const wait = (ms: number) => new Promise<void>(resolve => {
    clock.schedule(ms, resolve)
  })
  return {
    grants: ['roomAdmin'],
    async run (request) {
      const room = rooms.get(text(request, 'room'))
      const identity = text(request, 'destination_identity')
      if (!room?.participants.has(identity)) {
        await wait(unknownRoomMs)
        throw noServer()
      }
      if (answersRpc(room, identity)) {
        throw new TwirpError('invalid_argument', rpcError('1400: Method not supported at destination'))
      }
      const responseMs = number(request, 'response_timeout_ms')
      await wait(Math.min(responseMs, RPC_ACK_MS))
      const what = responseMs < RPC_ACK_MS ? '1502: Response timeout' : '1501: Connection timeout'
      throw new TwirpError('canceled', rpcError(what))
    }
  }
}

const rpcError = (what: string): string => `twirp error unknown: RpcError ${what}`

function participantMethods (options: MethodOptions): Methods {
  const { rooms, sendData } = options
  return {
    'RoomService/PerformRpc': rpcMethod(options),
    'RoomService/ListParticipants': {
      grants: ['roomAdmin'],
      run: request => ({
        participants: [...rooms.get(text(request, 'room'))?.participants.values() ?? []].map(apiParticipant)
      })
    },
    'RoomService/GetParticipant': {
      grants: ['roomAdmin'],
      run: request => apiParticipant(participantIn(rooms, text(request, 'room'), text(request, 'identity')).participant)
    },
    'RoomService/RemoveParticipant': {
      grants: ['roomAdmin'],
      async run (request) {
        const { room, participant } = participantIn(rooms, text(request, 'room'), text(request, 'identity'))
        rooms.leave(await servedRoom(room, options), participant, 'PARTICIPANT_REMOVED')
        return {}
      }
    },
    'RoomService/SendData': {
      grants: ['roomAdmin'],
      async run (request) {
        const room = await servedRoom(rooms.get(text(request, 'room')), options)
        const data = { topic: text(request, 'topic'), data: Buffer.from(text(request, 'data'), 'base64') }
        sendData(room, data, texts(request, 'destination_identities'))
        return {}
      }
    }
  }
}

function dispatchMethods (options: MethodOptions): Methods {
  const { rooms, clock } = options
  return {
    'AgentDispatchService/CreateDispatch': {
      grants: ['roomAdmin'],
      run (request) {
        const room = rooms.open({ name: text(request, 'room') })
        return apiDispatch(room, rooms.dispatch(room, agentOf(request)))
      }
    },
    'AgentDispatchService/ListDispatch': {
      grants: ['roomAdmin'],
      async run (request) {
        const room = await servedRoom(rooms.get(text(request, 'room')), options)
        const id = text(request, 'dispatch_id')
        const dispatches = room.dispatches.filter(d => d.deletedMs === 0 && (id === '' || d.id === id))
        return { agent_dispatches: dispatches.map(dispatch => apiDispatch(room, dispatch)) }
      }
    },
    'AgentDispatchService/DeleteDispatch': {
      grants: ['roomAdmin'],
      async run (request) {
        const room = await servedRoom(rooms.get(text(request, 'room')), options)
        const dispatch = room.dispatches.find(d => d.deletedMs === 0 && d.id === text(request, 'dispatch_id'))
        if (!dispatch) throw doesNotExist('dispatch')
        dispatch.deletedMs = clock.now()
        return apiDispatch(room, dispatch)
      }
    }
  }
}

function sipMethods ({ rooms, sip, sipOut, provisioning }: MethodOptions): Methods {
  const provisioned = PROVISIONING.map((name): [string, Method] => [`SIP/${name}`, {
    grants: ['sip.admin'],
    run: request => provisioning.call(name, request) ?? {}
  }])

  return {
    ...Object.fromEntries(provisioned),
    'SIP/CreateSIPParticipant': {
      grants: ['sip.call'],
      run: request => sipOut.create(request)
    },
    'SIP/TransferSIPParticipant': {
      grants: ['sip.call', 'roomAdmin'],
      async run (request) {
        const { participant } = participantIn(
          rooms,
          text(request, 'room_name'),
          text(request, 'participant_identity')
        )
        await sip.transfer(
          participant,
          text(request, 'transfer_to'),
          textMap(request, 'headers'),
          durationMs(request, 'ringing_timeout') || undefined
        )
        return {}
      }
    }
  }
}

const doesNotExist = (what: string) => new TwirpError('not_found', `twirp error unknown: ${what} does not exist`)

function agentOf (json: Json): RoomAgent {
  return {
    agentName: text(json, 'agent_name'),
    metadata: text(json, 'metadata'),
    deployment: text(json, 'deployment'),
    attributes: textMap(json, 'attributes')
  }
}

/** The room that a request names. @throws TwirpError `not_found` */
function roomNamed (request: Json, rooms: RoomManager): Room {
  const room = rooms.get(text(request, 'room'))
  if (!room) throw doesNotExist('requested room')
  return room
}

/** @throws TwirpError `not_found` */
function participantIn (
  rooms: RoomManager,
  roomName: string,
  identity: string
): { room: Room, participant: Participant } {
  const room = rooms.get(roomName)
  const participant = room?.participants.get(identity)
  if (!room || !participant) throw doesNotExist('participant')
  return { room, participant }
}

/** The room, if a server holds it. @throws TwirpError `unavailable` after LiveKit's wait when none does */
async function servedRoom (room: Room | undefined, { clock, unknownRoomMs }: MethodOptions): Promise<Room> {
  if (room && !room.lost) return room
  await new Promise<void>(resolve => clock.schedule(unknownRoomMs, resolve))
  throw noServer()
}
