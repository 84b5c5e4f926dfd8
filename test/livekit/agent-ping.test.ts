import { readFileSync } from 'node:fs'
import t from 'tap'
import { createAgentPing } from '../../src/livekit/agent-ping.ts'
import { fixture } from '../fixtures/paths.ts'

interface Recorded {
  requests: Array<{ to: string, response_timeout_ms: number, status: number, body: object }>
}

const { requests } = JSON.parse(readFileSync(fixture('warm/rpc.json'), 'utf8')) as Recorded

/** Asks a LiveKit that gives this answer, and remembers what it was asked. */
function pinged (status: number, body: string) {
  const asked: Array<{ url: string, headers: Record<string, string>, body: string }> = []
  const ping = createAgentPing({
    url: 'wss://livekit.example.com/',
    apiKey: 'key',
    apiSecret: 'secret-of-at-least-thirty-two-characters',
    async post (url, { headers, body: sent }) {
      asked.push({ url, headers, body: sent })
      return { status, text: async () => body }
    }
  })
  return { asked, answer: ping('jb_room', 'agent-1', 500) }
}

const MEANING: Record<string, boolean | undefined> = {
  agent: true,
  'killed agent': false,
  nobody: undefined,
  'no room': undefined
}

for (const { to, response_timeout_ms: ms, status, body } of requests) {
  await t.test(`recorded: ${to}, ${ms} ms`, async t => {
    t.equal(await pinged(status, JSON.stringify(body)).answer, MEANING[to])
  })
}

await t.test('an agent whose program answers is alive, and so is one whose answer is an error of its own', async t => {
  t.equal(await pinged(200, '{"payload":"pong"}').answer, true)
  const own = { code: 'unknown', msg: 'twirp error unknown: RpcError 1500: Application error' }
  t.equal(await pinged(400, JSON.stringify(own)).answer, true)
})

await t.test('a LiveKit that does not know the method, or fails, tells nothing', async t => {
  t.equal(await pinged(404, '{"code":"bad_route","msg":"no handler for path"}').answer, undefined)
  t.equal(await pinged(500, 'oops').answer, undefined)
})

await t.test('the request names room and agent, with a token for this room alone', async t => {
  const { asked, answer } = pinged(200, '{}')
  await answer
  const [{ url, headers, body }] = asked as [typeof asked[number]]
  t.equal(url, 'https://livekit.example.com/twirp/livekit.RoomService/PerformRpc')
  t.match(JSON.parse(body), { room: 'jb_room', destination_identity: 'agent-1', response_timeout_ms: 500 })
  const [, claims] = headers['authorization']!.split('.')
  t.match(JSON.parse(Buffer.from(claims!, 'base64url').toString()), { video: { roomAdmin: true, room: 'jb_room' } })
})
