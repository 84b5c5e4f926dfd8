import { createServer } from 'node:http'
import { Webhook } from 'standardwebhooks'

// A receiver of events in TypeScript: verify, remember, answer at once, and work afterwards.
const LARGEST_BODY = 1024 * 1024
const webhook = new Webhook(process.env['EVENTS_SECRET'] ?? '')

interface CallEvent {
  v: number
  id: string
  type: string
  data: { callSid: string | null, end: { cause: string, summary: string } | null }
}

// In production this is a unique key in your database.
const taken = new Set<string>()

const server = createServer(async (request, reply) => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > LARGEST_BODY) return reply.writeHead(413, { connection: 'close' }).end()
    chunks.push(chunk)
  }
  // The signature is over these very bytes. Do not parse them before it is verified.
  const body = Buffer.concat(chunks).toString()
  let event: CallEvent
  try {
    event = webhook.verify(body, request.headers as Record<string, string>) as CallEvent
  } catch {
    return reply.writeHead(400).end()
  }
  reply.writeHead(204).end()
  if (taken.has(event.id)) return
  taken.add(event.id)
  console.log(event.type, event.data.callSid, event.data.end?.summary ?? '')
})

server.listen(Number(process.env['PORT'] ?? 8080), () => console.log('listening'))
