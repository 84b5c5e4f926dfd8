import { createHash, createHmac } from 'node:crypto'
import { AccessToken } from 'livekit-server-sdk'

export const WEBHOOK_SECRET = 'wh_secret_abc'
export const API_KEY = 'devkey'
export const API_SECRET = 'devsecretdevsecretdevsecretdevsecret'
export const OPERATOR_TOKEN = 'operator-token-operator-token'

/** Settings of a bridge that recordings are played against. */
export const ENV = {
  PUBLIC_URL: 'https://bridge.example.com',
  LIVEKIT_API_KEY: API_KEY,
  LIVEKIT_API_SECRET: API_SECRET,
  LIVEKIT_SIP_HOST: 'sip.example.com',
  LIVEKIT_SIP_USERNAME: 'jambonz',
  LIVEKIT_SIP_PASSWORD: 'trunk-password',
  LIVEKIT_ROOM_PREFIX: 'jb',
  LIVEKIT_AGENT_NAME: 'demo-agent',
  JAMBONZ_WEBHOOK_SECRET: WEBHOOK_SECRET,
  OPERATOR_TOKEN
}

export interface HttpReply {
  /** 0: there was no answer. */
  status: number
  text: string
}

/** One process of the service, as Jambonz, LiveKit and an operator reach it. */
export interface Bridge {
  post(path: string, headers: Record<string, string>, body: string): Promise<HttpReply>
  get(path: string): Promise<HttpReply>
  /** The process dies: it does nothing any more, and what it knew in memory is lost. */
  kill(): Promise<void>
  close(): Promise<void>
}

/** A signature as Jambonz makes it; `now` in milliseconds since the epoch. */
export function signed (body: string, now: number, secret = WEBHOOK_SECRET): string {
  const seconds = Math.floor(now / 1000)
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

/** The Authorization header of a webhook of LiveKit. */
export async function livekitJwt (body: string): Promise<string> {
  const token = new AccessToken(API_KEY, API_SECRET, { ttl: 300 })
  token.sha256 = createHash('sha256').update(body).digest('base64')
  return token.toJwt()
}
