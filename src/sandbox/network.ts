import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { createTransport } from '../sip/transport.ts'
import type { OpenTransport } from '../sip/transport.ts'

export interface HttpRequest {
  method: string
  /** Absolute for a client. For a server, the target in the request line. */
  url: string
  /** Names in lower case. */
  headers: Record<string, string | undefined>
  body: string
}

export interface HttpReply {
  status: number
  /** Names in lower case. */
  headers: Record<string, string>
  body: string
}

/** How a server handles a request: it replies, breaks the connection, or never replies. */
export type Served = HttpReply & { sent?: () => void } | 'refuse' | 'hang'

export interface HttpClient {
  /** Sends a request. @throws the error of undici or the system (`code`) when no reply arrives */
  send(request: HttpRequest): Promise<HttpReply>
  /** Ends all requests that still wait for a reply. */
  close(): Promise<void>
}

/** How the doubles send and receive. By default they use sockets; tests may pass a network of their own. */
export interface Network {
  /**
   * @param options.connections the most connections to one host, each with one request at a time; by default no limit
   */
  client(options: { timeoutMs: number, connections?: number }): HttpClient
  /** Serves HTTP. Port 0 means any free port. @throws the system's error when it cannot listen */
  serve(
    options: { host: string, port: number },
    handler: (request: HttpRequest) => Promise<Served>
  ): Promise<{ url: string, close(): Promise<void> }>
  openSip: OpenTransport
}

/** The most bytes that a request body may have. */
const MAX_BODY_BYTES = 1024 * 1024

/** Real sockets. */
export const socketNetwork: Network = {
  client ({ timeoutMs, connections }) {
    const agent = new Agent({
      pipelining: 1,
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connect: { timeout: timeoutMs },
      ...connections !== undefined && { connections }
    })
    return {
      async send ({ method, url, headers, body }) {
        const { origin, pathname, search } = new URL(url)
        const reply = await agent.request({ origin, path: pathname + search, method: method as 'POST', headers, body })
        const named = Object.entries(reply.headers).map(([name, value]) => [name, String(value)])
        return { status: reply.statusCode, headers: Object.fromEntries(named), body: await reply.body.text() }
      },
      close: () => agent.destroy()
    }
  },
  async serve ({ host, port: wanted }, handler) {
    const server = createServer((request, response) => {
      const refuse = () => {
        request.socket.destroy()
      }
      bodyOf(request).then(body =>
        handler({ method: request.method ?? 'GET', url: request.url ?? '/', headers: flat(request), body })
      ).then(served => {
        if (served === 'refuse') return refuse()
        if (served === 'hang') return
        if (served.sent !== undefined) response.once('finish', served.sent)
        response.writeHead(served.status, { ...served.headers, 'content-length': Buffer.byteLength(served.body) }).end(
          served.body
        )
      }).catch(refuse)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(wanted, host, resolve)
    })
    const { port } = server.address() as AddressInfo
    return {
      url: `http://${host}:${port}`,
      close: () =>
        new Promise(resolve => {
          server.close(() => resolve())
          server.closeAllConnections()
        })
    }
  },
  openSip: createTransport
}

const flat = (request: IncomingMessage): HttpRequest['headers'] =>
  Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value])
  )

async function bodyOf (request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new Error('request body too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
