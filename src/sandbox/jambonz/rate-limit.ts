/** How many requests the REST API takes in a window. Jambonz's own default is 600 in 5 minutes for the whole system. */
export interface RestLimit {
  max: number
  windowMs: number
}

export interface RateLimiter {
  /** Counts a request. Returns the headers of its reply, and whether the request is refused with 429. */
  count(): { headers: Record<string, string>, isRefused: boolean }
}

/**
 * The API server's limit: one count for all clients, in a window that begins with a request, with the headers of
 * express-rate-limit's `standardHeaders: true` (draft-ietf-httpapi-ratelimit-headers-06; jambonz-api-server app.js).
 *
 * @param now milliseconds since the epoch
 */
export function createRateLimiter ({ max, windowMs }: RestLimit, now: () => number): RateLimiter {
  let used = 0
  let resetsAt = 0
  return {
    count () {
      const at = now()
      if (at >= resetsAt) {
        used = 0
        resetsAt = at + windowMs
      }
      used += 1
      const resetS = Math.max(0, Math.ceil((resetsAt - at) / 1000))
      const isRefused = used > max
      return {
        isRefused,
        headers: {
          'ratelimit-policy': `${max};w=${Math.ceil(windowMs / 1000)}`,
          'ratelimit-limit': String(max),
          'ratelimit-remaining': String(Math.max(max - used, 0)),
          'ratelimit-reset': String(resetS),
          ...isRefused && { 'retry-after': String(resetS) }
        }
      }
    }
  }
}
