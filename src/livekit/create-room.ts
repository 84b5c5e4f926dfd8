import type { CreateRoomRequest } from '@livekit/protocol'
import { AccessToken } from 'livekit-server-sdk'
import { request } from 'undici'
import type { LiveKitFailure } from '../calls/ports.ts'

/** Sends a POST and rejects when there is no reply. */
export type Post = (
  url: string,
  options: { headers: Record<string, string>, body: string, signal: AbortSignal }
) => Promise<{ status: number, text(): Promise<string> }>

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
/** A token is used again for so long, milliseconds: far from its end, whatever LiveKit's clock says. */
const KEEP_TOKEN_MS = 60_000

/**
 * Makes the function that asks LiveKit to make a room: the one request that every caller waits for, and half of what a
 * call costs if it goes through fetch as the SDK's requests do (docs/performance.md). Twirp over JSON, as the SDK sends
 * it.
 * @returns undefined when the room is there, else what LiveKit said; rejects when it said nothing
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

/** Past fetch, whose streams cost more than everything else here. */
const undiciPost: Post = async (url, options) => {
  const { statusCode, body } = await request(url, { method: 'POST', ...options })
  return { status: statusCode, text: () => body.text() }
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

/** What a status that is no success means, whichever request it answers. */
export const failureOfStatus = (status: number): LiveKitFailure =>
  status === 401 || status === 403
    ? 'refused-key'
    : status === 404
      ? 'not-found'
      : status < 500 && status !== 408 && status !== 429
        ? 'refused'
        : 'failed'
