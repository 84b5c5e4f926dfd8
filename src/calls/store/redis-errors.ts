/** What is wrong with Redis, in words that hold nothing secret, and whether waiting may help. */
export interface RedisFault {
  reason: string
  /** What somebody has to change; absent: it may pass by itself. */
  remedy?: string
  /** Reading still works: that something could be read says nothing. */
  writesOnly?: boolean
}

export const NO_ANSWER: RedisFault = { reason: 'no answer' }
/** All that the client says of a command while it has no connection; why it has none, it said before. */
export const NOT_CONNECTED: RedisFault = { reason: 'not connected' }
const CREDENTIALS: RedisFault = {
  reason: 'wrong or missing credentials',
  remedy: 'Correct user name and password in REDIS_URL (special characters percent-encoded).'
}
const NO_TLS: RedisFault = {
  reason: 'TLS failed',
  remedy: 'Use redis:// if this port speaks no TLS; for a certificate of your own authority set NODE_EXTRA_CA_CERTS.'
}
const NO_REDIS: RedisFault = {
  reason: 'the other side does not speak the Redis protocol',
  remedy: 'Correct host and port in REDIS_URL; use rediss:// if this port speaks TLS.'
}

/** By the code of a socket's error. */
const SOCKET: Record<string, RedisFault> = {
  ECONNREFUSED: { reason: 'connection refused' },
  ECONNRESET: { reason: 'connection lost' },
  EPIPE: { reason: 'connection lost' },
  ETIMEDOUT: NO_ANSWER,
  EHOSTUNREACH: { reason: 'host unreachable' },
  ENETUNREACH: { reason: 'network unreachable' },
  EAI_AGAIN: { reason: 'the name server does not answer' },
  ENOTFOUND: { reason: 'unknown host', remedy: 'Correct the host name in REDIS_URL.' }
}

/** By the first word of a reply. Scripts of older servers wrap it. */
const REPLY: Record<string, RedisFault> = {
  LOADING: { reason: 'still loading its data' },
  MASTERDOWN: { reason: 'its master is down' },
  BUSY: { reason: 'busy with a script' },
  TRYAGAIN: { reason: 'busy' },
  CLUSTERDOWN: { reason: 'its cluster is down' },
  READONLY: { reason: 'a read-only replica', writesOnly: true },
  OOM: { reason: 'out of memory', writesOnly: true },
  MISCONF: { reason: 'it cannot save to disk', writesOnly: true },
  NOREPLICAS: { reason: 'too few replicas', writesOnly: true },
  NOAUTH: CREDENTIALS,
  WRONGPASS: CREDENTIALS,
  NOPERM: {
    reason: 'the user lacks permissions',
    remedy: 'Grant it ~{bridge:* +@connection +@read +@write +@scripting.'
  },
  MOVED: { reason: 'a node of a Redis Cluster', remedy: 'Give a Redis without cluster mode in REDIS_URL.' }
}
const REPLY_CODE = new RegExp(`\\b(${Object.keys(REPLY).join('|')})\\b`)

/** After a failover a connection may lead to what is a replica now. */
export const isReadOnly = (error: Error): boolean => /\bREADONLY\b/.test(error.message)

/**
 * Tells from an error of the Redis client what is wrong. Its own text may quote commands and data, and goes nowhere.
 */
export function faultOf (error: unknown): RedisFault {
  const { name, message = '', code } = error as Error & { code?: string }
  if (name === 'ReplyError') return ofReply(message)
  // Also what a proxy does that has no Redis behind it yet.
  if (/before secure TLS connection/.test(message)) return { reason: 'connection lost while TLS was negotiated' }
  if (code !== undefined && SOCKET[code]) return SOCKET[code]
  if (code !== undefined && /SSL|TLS|CERT|SIGNATURE|EPROTO/.test(code)) return NO_TLS
  if (/^Unknown RESP type|Please report this/.test(message)) return NO_REDIS
  if (/timed? ?out/i.test(message)) return NO_ANSWER
  return NOT_CONNECTED
}

function ofReply (message: string): RedisFault {
  const known = REPLY_CODE.exec(message)?.[1]
  if (known !== undefined) return REPLY[known]!
  // How scripts put it.
  if (/user executing the script can't/.test(message)) return REPLY.NOPERM!
  if (/invalid password|AUTH/.test(message)) return CREDENTIALS
  if (/DB index/i.test(message)) {
    return { reason: 'there is no such database', remedy: 'Correct the number at the end of REDIS_URL.' }
  }
  return { reason: 'it refuses our commands', remedy: 'Use Redis 6.2 or newer, or Valkey.' }
}
