import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import { AGENT, API_KEY, API_SECRET, livekitUrl, port, ROOM_PREFIX, SIP_HOST, WEBHOOK_SECRET } from './environment.ts'

/*
 * The limit: the least that anything in Node can do for a call. It proves the signature over the raw body, makes the
 * same room with the same one request, and answers with the same verbs. No framework, no SDK, no schema, no record of
 * the call, no log, no metric.
 */

interface Hook {
  call_sid: string
  from: string
  to: string
  direction: string
  application_sid: string
}

const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

function jwt (): string {
  const now = Math.floor(Date.now() / 1000)
  const head = `${base64url({ alg: 'HS256' })}.${
    base64url({ video: { roomCreate: true }, iss: API_KEY, exp: now + 600, nbf: now })
  }`
  return `${head}.${createHmac('sha256', API_SECRET).update(head).digest('base64url')}`
}

function isSigned (header: string, raw: Buffer): boolean {
  const [, time, signature] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(header) ?? []
  if (time === undefined) return false
  return timingSafeEqual(
    createHmac('sha256', WEBHOOK_SECRET).update(`${time}.`).update(raw).digest(),
    Buffer.from(signature!, 'hex')
  )
}

const rawBody = (request: IncomingMessage): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', reject)
  })

async function verbs (hook: Hook) {
  const { call_sid: callSid, from, to, direction, application_sid: applicationSid } = hook
  const token = `c${createHmac('sha256', API_SECRET).update(callSid).digest('hex').slice(0, 26)}`
  const created = await fetch(`${livekitUrl()}/twirp/livekit.RoomService/CreateRoom`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${jwt()}` },
    body: JSON.stringify({
      name: `${ROOM_PREFIX}_${token}`,
      emptyTimeout: 100,
      departureTimeout: 10,
      metadata: JSON.stringify({
        v: 1,
        callSid,
        attempt: 1,
        direction,
        from,
        to,
        withheld: false,
        applicationSid,
        agent: AGENT,
        receivedAt: Date.now()
      }),
      agents: [{
        agentName: AGENT,
        metadata: JSON.stringify({
          v: 1,
          call: { callSid, direction, from, to, callerName: '', attempt: 1, headers: {} },
          app: ''
        })
      }]
    })
  })
  await created.json()
  return [
    {
      verb: 'dial',
      id: 'attempt-1',
      actionHook: `http://127.0.0.1/action?call=${callSid}&attempt=1#rc=2&rp=all`,
      answerOnBridge: true,
      anchorMedia: true,
      timeout: 40,
      timeLimit: 7200,
      callerId: from,
      headers: { 'X-LK-Call': callSid },
      target: [{
        type: 'sip',
        sipUri: `sip:${token}@${SIP_HOST};transport=tcp`,
        auth: { username: 'jambonz', password: 'trunk-password' }
      }],
      referHook: `http://127.0.0.1/refer?call=${callSid}&attempt=1`,
      dialMusic: 'tone_stream://L=20;%(2000,4000,440,480)'
    },
    { verb: 'sip:decline', status: 480, reason: 'Agent Unavailable' }
  ]
}

createServer(async (request, response) => {
  try {
    const raw = await rawBody(request)
    if (!isSigned(String(request.headers['jambonz-signature']), raw)) {
      response.writeHead(401).end()
      return
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(
      JSON.stringify(await verbs(JSON.parse(raw.toString()) as Hook))
    )
  } catch {
    response.writeHead(500).end()
  }
}).listen(port(), '127.0.0.1')
