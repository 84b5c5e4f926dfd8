import { Agent } from 'undici'

/**
 * How long an idle connection to LiveKit is kept, milliseconds. Go servers announce no keep-alive time, and Node's
 * default of 4 s would reconnect for nearly every call. Load balancers close idle connections after 60 s.
 */
const KEEP_ALIVE_MS = 30_000

/**
 * Makes the dispatcher for requests to LiveKit. It keeps idle connections, so that a call need not wait for a new one.
 * @param connectTimeoutMs how long connecting may take, milliseconds
 */
export const createKeepAliveAgent = (connectTimeoutMs: number): Agent =>
  new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    connect: { timeout: connectTimeoutMs }
  })
