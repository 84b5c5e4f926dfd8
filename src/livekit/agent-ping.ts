import { AccessToken } from 'livekit-server-sdk'
import { undiciPost, type Post } from './post.ts'

export interface AgentPingOptions {
  url: string
  apiKey: string
  apiSecret: string
  post?: Post
}

/** A method that no agent registers: its SDK says so by itself, whatever the agent's program does. */
const METHOD = 'jambonz-livekit-bridge.ping'
const TOKEN_TTL_S = 60
/** LiveKit takes 3 s to say that it knows no such participant, milliseconds. */
const SLACK_MS = 4000

/** `RpcError 1501: Connection timeout`, `RpcError 1502: Response timeout`: the only ones that nobody has sent. */
const UNANSWERED = /RpcError 150[12]\b/
const ANSWERED = /RpcError \d+/

/**
 * Makes the function that asks whether an agent's process is alive. LiveKit lists an agent, its track and its job for
 * 20 s after its process was killed. An RPC is answered by the agent's SDK within milliseconds, and by nobody after
 * that (seen on livekit-server 1.13.3 with `@livekit/agents` 1.9; pkg/rtc/participant.go PerformRpc). The server SDK
 * has no method for it.
 * @returns resolves to undefined where that cannot be told: LiveKit does not answer, does not know the method (before
 *   1.9), or has no such participant; an agent with an old SDK never answers either
 */
export function createAgentPing (
  { url, apiKey, apiSecret, post = undiciPost }: AgentPingOptions
): (room: string, identity: string, timeoutMs: number) => Promise<boolean | undefined> {
  const endpoint = `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/twirp/livekit.RoomService/PerformRpc`

  return async (room, identity, timeoutMs) => {
    const token = new AccessToken(apiKey, apiSecret, { ttl: TOKEN_TTL_S })
    token.addGrant({ roomAdmin: true, room })
    const reply = await post(endpoint, {
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await token.toJwt()}` },
      body: JSON.stringify({
        room,
        destination_identity: identity,
        method: METHOD,
        payload: '',
        response_timeout_ms: timeoutMs
      }),
      signal: AbortSignal.timeout(timeoutMs + SLACK_MS)
    })
    const text = await reply.text()
    if (reply.status === 200) return true
    if (UNANSWERED.test(text)) return false
    return ANSWERED.test(text) ? true : undefined
  }
}
