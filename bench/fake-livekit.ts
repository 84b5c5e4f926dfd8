import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { port, ROOM_PREFIX } from './environment.ts'
import { WaitingAgents } from './waiting-agents.ts'

/*
 * LiveKit's API as far as a call needs it, in a process of its own and as cheap as possible: it shares the machine with
 * what is measured. What a call hook waits for takes one round trip; everything else is answered at once, unless it is
 * told that everything takes one. Every room has its caller and its agent in it, so that calls stay connected when the
 * bridge looks at them; only in rooms that wait for calls there is at most the agent.
 *
 * The bench tells it what to do: POST /round-trip?ms=40, with `&of=all` for every request; POST /agents?url=… for the
 * bridge whose waiting agents join, and hears of it; POST /hold: from then on nothing is answered; GET /made.
 */

interface Asked {
  name?: string
  names?: string[]
  room?: string
  metadata?: string
  agentName?: string
  agents?: Array<{ metadata?: string }>
}

const API = '/twirp/livekit.'
/** What a call hook, or a pool, waits for. */
const SLOW = new Set(['RoomService/CreateRoom', 'AgentDispatchService/CreateDispatch'])

const agents = new WaitingAgents()
let roundTripMs = 0
let isAllSlow = false
let isHeld = false
let ids = 0
/** Rooms that were made for a call, not for a pool. */
let madeForCalls = 0

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    if (!request.url!.startsWith(API)) return reply(response, told(request))
    if (isHeld) return

    const method = request.url!.slice(API.length)
    const answer = answerTo(method, JSON.parse(Buffer.concat(chunks).toString()) as Asked)
    if (roundTripMs > 0 && (isAllSlow || SLOW.has(method))) setTimeout(reply, roundTripMs, response, answer)
    else reply(response, answer)
  })
})

function reply (response: ServerResponse, body: unknown): void {
  const text = JSON.stringify(body)
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text)
}

/** What the bench says or asks. */
function told ({ url }: IncomingMessage): unknown {
  const { pathname, searchParams } = new URL(url!, 'http://livekit')
  if (pathname === '/round-trip') {
    roundTripMs = Number(searchParams.get('ms'))
    isAllSlow = searchParams.get('of') === 'all'
  }
  if (pathname === '/agents') agents.tell(searchParams.get('url')!)
  if (pathname === '/hold') isHeld = true
  return { madeForCalls }
}

function answerTo (method: string, asked: Asked): unknown {
  switch (method) {
    case 'RoomService/CreateRoom':
      return made(asked)
    case 'AgentDispatchService/CreateDispatch':
      return {
        id: `AD_${++ids}`,
        agent_name: asked.agentName,
        room: asked.room,
        metadata: asked.metadata,
        state: { jobs: [] }
      }
    case 'RoomService/ListRooms':
      return { rooms: (asked.names ?? []).map(name => ({ sid: `RM_${name}`, name })) }
    case 'RoomService/ListParticipants':
      return { participants: presentIn(asked.room!) }
    case 'RoomService/DeleteRoom':
      agents.forget(asked.room!)
      return {}
    default:
      return {}
  }
}

function made ({ name, metadata, agents: [agent] = [] }: Asked): unknown {
  const waits = agent?.metadata?.includes('"mode":"warm"') === true
  if (waits) agents.called(name!, roundTripMs)
  else madeForCalls++
  return {
    sid: `RM_${++ids}`,
    name,
    empty_timeout: 100,
    departure_timeout: 10,
    creation_time: String(Math.floor(Date.now() / 1000)),
    metadata
  }
}

function presentIn (room: string) {
  const agent = {
    sid: `PA_a${room}`,
    identity: 'agent-bench',
    state: 'ACTIVE',
    kind: 'AGENT',
    tracks: [{ sid: 'TR_a', type: 'AUDIO' }]
  }
  const waiting = agents.stateIn(room)
  if (waiting === 'called') return []
  if (waiting === 'waits') return [agent]
  return [
    {
      sid: `PA_${room}`,
      identity: 'sip_caller',
      state: 'ACTIVE',
      kind: 'SIP',
      attributes: { 'sip.callStatus': 'active', 'sip.trunkPhoneNumber': room.slice(ROOM_PREFIX.length + 1) }
    },
    agent
  ]
}

server.keepAliveTimeout = 120_000
server.listen(port(), '127.0.0.1')
