import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { port } from './environment.ts'

/*
 * The part of Jambonz' REST API that calls are placed with, without a limit, in a process of its own. createCall takes
 * as long as a round trip to a server nearby.
 */

const ANSWER_MS = 20
const MEMBERS: Record<string, object> = {
  GET: [{ name: 'bench', is_active: 1, trunk_type: 'static_ip' }],
  PUT: {}
}

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    const reply = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    if (request.method !== 'POST') {
      reply(200, MEMBERS[request.method!] ?? {})
      return
    }
    setTimeout(() => reply(201, { sid: randomUUID(), callId: randomUUID() }), ANSWER_MS)
  })
})

server.keepAliveTimeout = 120_000
server.listen(port(), '127.0.0.1')
