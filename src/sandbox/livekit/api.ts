import type { Clock } from '../../clock.ts'
import type { HttpRequest, Network, Served } from '../network.ts'
import type { Faults } from './faults.ts'
import type { Grant } from './auth.ts'
import type { Json } from './json.ts'
import type { Participant, Room } from './state.ts'
import type { Provisioning } from './provisioning.ts'
import type { Rooms } from './rooms.ts'
import type { SipSide } from './sip-side.ts'
import { checkToken, hasGrant } from './auth.ts'
import { apiDispatch, apiParticipant, apiRoom } from './shapes.ts'
import { isJson, list, number, text, textMap, texts } from './json.ts'
import { durationMs } from './provisioning.ts'
import { TwirpError } from './twirp-error.ts'

export interface ApiOptions {
  host: string
  port: number
  apiKey: string
  apiSecret: string
  clock: Clock
  network: Network
  /** The time that tokens are checked at. */
  tokenTime(): number
  rooms: Rooms
  provisioning: Provisioning
  sip: SipSide
  faults: Faults
  latencyMs: number
  /** How long LiveKit asks around for a room that nobody has before it says 503, ms. */
  unknownRoomMs: number
  onRequest(method: string): void
  onReply(method: string, status: number): void
}

type Method = (request: Json) => Json | Promise<Json>

const notFound = (what: string) => new TwirpError('not_found', `twirp error unknown: ${what} does not exist`)
const agentOf = (json: Json) => ({
  agentName: text(json, 'agent_name'),
  metadata: text(json, 'metadata'),
  deployment: text(json, 'deployment'),
  attributes: textMap(json, 'attributes')
})

/** The methods of the API by service, with the grants they want. */
function methodsOf (
  { rooms, provisioning, sip, clock, unknownRoomMs }: ApiOptions
): Record<string, { grants: Grant[], run: Method }> {
  function participantIn (
    request: Json,
    roomField = 'room',
    identityField = 'identity'
  ): { room: Room, participant: Participant } {
    const room = rooms.get(text(request, roomField))
    const participant = room?.participants.get(text(request, identityField))
    if (!room || !participant) throw notFound('participant')
    return { room, participant }
  }
  async function roomAsked (name: string): Promise<Room> {
    const room = rooms.get(name)
    if (room) return room
    await new Promise<void>(resolve => clock.schedule(unknownRoomMs, resolve))
    throw new TwirpError('unavailable', 'twirp error unknown: no response from servers')
  }
  const provisioned = (method: string) => ({
    grants: ['sip.admin'] as Grant[],
    run: (request: Json) => provisioning.call(method, request) ?? {}
  })

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
      run (request) {
        const room = rooms.get(text(request, 'room'))
        if (!room) throw new TwirpError('not_found', 'twirp error unknown: requested room does not exist')
        rooms.close(room, 'ROOM_DELETED')
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
      run (request) {
        const room = rooms.get(text(request, 'room'))
        if (!room) throw new TwirpError('not_found', 'twirp error unknown: requested room does not exist')
        room.metadata = text(request, 'metadata')
        return apiRoom(room)
      }
    },
    'RoomService/ListParticipants': {
      grants: ['roomAdmin'],
      run: request => ({
        participants: [...rooms.get(text(request, 'room'))?.participants.values() ?? []].map(apiParticipant)
      })
    },
    'RoomService/GetParticipant': {
      grants: ['roomAdmin'],
      run: request => apiParticipant(participantIn(request).participant)
    },
    'RoomService/RemoveParticipant': {
      grants: ['roomAdmin'],
      run (request) {
        const { room, participant } = participantIn(request)
        rooms.leave(room, participant, 'PARTICIPANT_REMOVED')
        return {}
      }
    },
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
        const room = await roomAsked(text(request, 'room'))
        const id = text(request, 'dispatch_id')
        return {
          agent_dispatches: room.dispatches.filter(d => d.deletedMs === 0 && (id === '' || d.id === id)).map(d =>
            apiDispatch(room, d)
          )
        }
      }
    },
    'AgentDispatchService/DeleteDispatch': {
      grants: ['roomAdmin'],
      async run (request) {
        const room = await roomAsked(text(request, 'room'))
        const dispatch = room.dispatches.find(d => d.deletedMs === 0 && d.id === text(request, 'dispatch_id'))
        if (!dispatch) throw notFound('dispatch')
        dispatch.deletedMs = clock.now()
        return apiDispatch(room, dispatch)
      }
    },
    'SIP/CreateSIPInboundTrunk': provisioned('CreateSIPInboundTrunk'),
    'SIP/UpdateSIPInboundTrunk': provisioned('UpdateSIPInboundTrunk'),
    'SIP/ListSIPInboundTrunk': provisioned('ListSIPInboundTrunk'),
    'SIP/DeleteSIPTrunk': provisioned('DeleteSIPTrunk'),
    'SIP/CreateSIPDispatchRule': provisioned('CreateSIPDispatchRule'),
    'SIP/UpdateSIPDispatchRule': provisioned('UpdateSIPDispatchRule'),
    'SIP/ListSIPDispatchRule': provisioned('ListSIPDispatchRule'),
    'SIP/DeleteSIPDispatchRule': provisioned('DeleteSIPDispatchRule'),
    'SIP/CreateSIPOutboundTrunk': provisioned('CreateSIPOutboundTrunk'),
    'SIP/ListSIPOutboundTrunk': provisioned('ListSIPOutboundTrunk'),
    // The double calls nobody: every outbound call fails like one through an unknown trunk.
    'SIP/CreateSIPParticipant': {
      grants: ['sip.call'],
      run () {
        throw new TwirpError('not_found', 'requested sip trunk does not exist')
      }
    },
    'SIP/TransferSIPParticipant': {
      grants: ['sip.call', 'roomAdmin'],
      async run (request) {
        const { participant } = participantIn(request, 'room_name', 'participant_identity')
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

/** Serves LiveKit's Twirp API in JSON. */
export async function serveApi (options: ApiOptions): Promise<{ url: string, close(): Promise<void> }> {
  const { clock, faults } = options
  const methods = methodsOf(options)

  async function handle (request: HttpRequest): Promise<Served> {
    const path = request.url.split('?')[0] ?? ''
    const name = path.replace(/^\/twirp\/livekit\./, '')
    const method = path.startsWith('/twirp/livekit.') && Object.hasOwn(methods, name) ? methods[name] : undefined
    const short = name.split('/').pop() ?? ''
    options.onRequest(short)
    const reply = (status: number, type: string, body: string): Served => {
      options.onReply(short, status)
      return { status, headers: { vary: 'Origin', 'content-type': type }, body }
    }
    const delay = options.latencyMs + (faults.latencyMs[short] ?? 0)
    if (delay > 0) await new Promise<void>(resolve => clock.schedule(delay, resolve))
    const fault = faults.apiMethods[short] ?? faults.api
    if (fault === 'refuse' || fault === 'hang') return fault
    const token = checkToken(request.headers['authorization'], options.apiKey, options.apiSecret, options.tokenTime())
    if (!token.ok) return reply(401, 'text/plain; charset=utf-8', token.message)
    try {
      if (fault === 'fail') throw new TwirpError('internal', 'twirp error unknown: internal error')
      if (!method || request.method !== 'POST') throw new TwirpError('bad_route', `no handler for path "${path}"`)
      const json = parsed(request.body)
      const room = text(json, 'room') || text(json, 'room_name')
      if (!method.grants.every(grant => hasGrant(token.claims, grant, room))) {
        throw new TwirpError('unauthenticated', 'permissions denied')
      }
      const result = await method.run(json)
      return fault === 'lost' ? 'hang' : reply(200, 'application/json', JSON.stringify(result))
    } catch (error) {
      const known = error instanceof TwirpError
        ? error
        : new TwirpError('internal', 'twirp error unknown: internal error')
      return reply(
        known.status,
        'application/json',
        JSON.stringify({ code: known.code, msg: known.message, ...(known.meta && { meta: known.meta }) })
      )
    }
  }

  return await options.network.serve({ host: options.host, port: options.port }, handle)
}

function parsed (body: string): Json {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    json = undefined
  }
  if (!isJson(json)) throw new TwirpError('malformed', 'the json request could not be decoded')
  return json
}
