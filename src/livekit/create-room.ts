import type { CreateRoomRequest } from '@livekit/protocol'
import { AccessToken } from 'livekit-server-sdk'
import type { LiveKitFailure } from '../calls/ports.ts'
import { undiciPost, type Post } from './post.ts'

/** What LiveKit answered instead of making a room. */
export interface Refusal {
  status: number
  code?: string
}

export interface CreateRoomOptions {
  url: string
  apiKey: string
  apiSecret: string
  timeoutS: number
  post?: Post
}

type Fields<T> = { [K in keyof T]?: T[K] extends Array<infer U> ? Array<Fields<U>> : T[K] }

const TOKEN_TTL_S = 600
/** For this long a token is used again, milliseconds: it is far from its end then, whatever LiveKit's clock says. */
const KEEP_TOKEN_MS = 60_000

/**
 * Makes the function that asks LiveKit to make a room. Every caller waits for this request, and through fetch, as the
 * SDK sends its requests, it would be half of what a call costs (docs/performance.md). It is Twirp over JSON, like the
 * SDK's.
 * @returns undefined when the room exists, else LiveKit's refusal; rejects when LiveKit does not answer
 */
export function createRoomRequester (
  { url, apiKey, apiSecret, timeoutS, post = undiciPost }: CreateRoomOptions
): (room: Fields<CreateRoomRequest>) => Promise<Refusal | undefined> {
  const endpoint = `${url.replace(/^ws/, 'http').replace(/\/+$/, '')}/twirp/livekit.RoomService/CreateRoom`
  let token: { jwt: Promise<string>, until: number } | undefined

  function authorization (): Promise<string> {
    if (!token || Date.now() >= token.until) {
      const fresh = new AccessToken(apiKey, apiSecret, { ttl: TOKEN_TTL_S })
      fresh.addGrant({ roomCreate: true })
      token = { jwt: fresh.toJwt(), until: Date.now() + KEEP_TOKEN_MS }
    }
    return token.jwt
  }

  return async room => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${await authorization()}` }
    const reply = await post(endpoint, {
      headers,
      body: JSON.stringify(room),
      signal: AbortSignal.timeout(timeoutS * 1000)
    })
    const text = await reply.text()
    return reply.status === 200 ? undefined : { status: reply.status, code: codeOf(text) }
  }
}

/** Twirp's error code; its message may hold the token. */
function codeOf (reply: string): string | undefined {
  try {
    const { code } = JSON.parse(reply) as { code?: unknown }
    return typeof code === 'string' ? code : undefined
  } catch {
    return undefined
  }
}

/** What the status of a failed request means, whichever request it answers. */
export function failureOfStatus (status: number): LiveKitFailure {
  if (status === 401 || status === 403) return 'refused-key'
  if (status === 404) return 'not-found'
  // 408 and 429 may pass by themselves, like a server's own failure.
  if (status >= 500 || status === 408 || status === 429) return 'failed'

  return 'refused'
}
