import { createServer } from 'node:http'
import { port, ROOM_PREFIX } from './environment.ts'

/*
 * LiveKit's API as far as a call needs it, in a process of its own and as cheap as possible: it shares the machine with
 * what is measured. What a call hook waits for takes one round trip; everything else is answered at once. Every room
 * has its caller and its agent in it, so that calls stay connected when the bridge looks at them.
 */

let roundTripMs = 0
let rooms = 0

const server = createServer((request, response) => {
  const url = request.url!
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const reply = (body: unknown) => {
      const text = JSON.stringify(body)
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(
        text
      )
    }
    if (url.startsWith('/round-trip?ms=')) {
      roundTripMs = Number(url.split('=')[1])
      reply({})
      return
    }
    const asked = JSON.parse(Buffer.concat(chunks).toString()) as {
      name?: string
      names?: string[]
      room?: string
      metadata?: string
      agentName?: string
    }
    switch (url) {
      case '/twirp/livekit.RoomService/CreateRoom':
        later(() =>
          reply({
            sid: `RM_${++rooms}`,
            name: asked.name,
            empty_timeout: 100,
            departure_timeout: 10,
            creation_time: String(Math.floor(Date.now() / 1000)),
            metadata: asked.metadata
          })
        )
        break
      case '/twirp/livekit.AgentDispatchService/CreateDispatch':
        later(() =>
          reply({
            id: `AD_${++rooms}`,
            agent_name: asked.agentName,
            room: asked.room,
            metadata: asked.metadata,
            state: { jobs: [] }
          })
        )
        break
      case '/twirp/livekit.RoomService/ListRooms':
        reply({ rooms: (asked.names ?? []).map(name => ({ sid: `RM_${name}`, name })) })
        break
      case '/twirp/livekit.RoomService/ListParticipants':
        reply({ participants: presentIn(asked.room!) })
        break
      default:
        reply({})
    }
  })
})

function later (fn: () => void) {
  if (roundTripMs === 0) fn()
  else setTimeout(fn, roundTripMs)
}

const presentIn = (room: string) => [
  {
    sid: `PA_${room}`,
    identity: 'sip_caller',
    state: 'ACTIVE',
    kind: 'SIP',
    attributes: { 'sip.callStatus': 'active', 'sip.trunkPhoneNumber': room.slice(ROOM_PREFIX.length + 1) }
  },
  {
    sid: `PA_a${room}`,
    identity: 'agent-bench',
    state: 'ACTIVE',
    kind: 'AGENT',
    tracks: [{ sid: 'TR_a', type: 'AUDIO' }]
  }
]

server.keepAliveTimeout = 120_000
server.listen(port(), '127.0.0.1')
