import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { callerIn, referenceIn, referenceOf, type JambonzWorld, type RestReply } from './jambonz-world.ts'
import { isJson, type Json } from './json.ts'

/** Serves Jambonz' REST API over HTTP. @param worlds those whose calls it has, with the ids that their calls have */
export async function serveJambonzApi (
  worlds: () => Array<{ world: JambonzWorld, callSids: string[] }>
): Promise<{ url: string, close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part)).on('end', () => {
      const body = parsed(Buffer.concat(parts).toString())
      answer(worlds(), request.method ?? 'GET', request.url ?? '', body).then(reply => {
        if (reply === 'lost') request.socket.destroy()
        else response.writeHead(reply.status).end(textOf(reply))
      }, () => request.socket.destroy())
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  server.unref()
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  }
}

const textOf = ({ body }: RestReply): string => typeof body === 'string' ? body : JSON.stringify(body)

function parsed (text: string): Json {
  try {
    const value: unknown = JSON.parse(text)
    return isJson(value) ? value : {}
  } catch {
    return {}
  }
}

/** Every call is of one world. A list has the calls of all of them. */
async function answer (
  worlds: Array<{ world: JambonzWorld, callSids: string[] }>,
  method: string,
  url: string,
  body: Json
): Promise<RestReply | 'lost'> {
  const path = url.replace(/^\/v1/, '')
  const isList = method === 'GET' && /\/Calls(\?|$)/.test(path)
  if (isList) {
    const lists = await Promise.all(worlds.map(({ world }) => world.ask(method, path, body)))
    return { status: 200, body: lists.flatMap(reply => reply === 'lost' ? [] : reply.body as Json[]) }
  }
  const [reference, caller] = [referenceIn(body), callerIn(body)]
  const own = worlds.find(({ callSids }) =>
    callSids.some(callSid => path.endsWith(`/Calls/${callSid}`) || callSid === caller ||
      referenceOf(callSid) === reference))
  const world = own ?? worlds[0]
  return world ? world.world.ask(method, path, body) : { status: 404, body: '' }
}
