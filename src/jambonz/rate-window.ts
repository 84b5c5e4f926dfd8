/*
 * How often Jambonz' REST API may be asked, as data. Our own window slides: so many requests in any five minutes. What
 * Jambonz says of its limit counts too, because it also counts the requests of others.
 */

/** Requests that count until a time. */
interface Spent {
  /** Milliseconds since the epoch. */
  until: number
  requests: number
}

export interface RateWindow {
  /** The most requests in any five minutes. Infinite: Jambonz alone says how many. */
  readonly limit: number
  /** The limit is a guess, until the first answer shows whether Jambonz has one. */
  readonly isGuess: boolean
  /** Oldest first, one entry for each second at most. */
  readonly spent: readonly Spent[]
  /** What Jambonz said last. */
  readonly server?: { limit?: number, remaining: number, resetAt: number }
  /** Jambonz turned a request away: nothing is sent before that, milliseconds since the epoch. */
  readonly closedUntil: number
}

/** What an answer says of Jambonz' limit (RateLimit headers, draft 6, as express-rate-limit sends them). */
export interface RateNews {
  limit?: number
  remaining?: number
  /** Seconds until Jambonz counts from zero again. */
  resetS?: number
  retryAfterS?: number
  /** The limit turned the request away. */
  turnedAway: boolean
}

const WINDOW_MS = 5 * 60_000
/** Requests of the same second are counted together, so that the window stays small. */
const SECOND_MS = 1000
/** Jambonz rounds the time to its reset to seconds. Times that differ by less are the same. */
const SAME_RESET_MS = 2000
/** Until the next try when Jambonz does not say how long to wait, milliseconds. */
const UNSAID_WAIT_MS = 5000
/** Longer waits are not believed, seconds. */
const LONGEST_WAIT_S = 3600

/** What Jambonz allows by default (jambonz-api-server app.js), requests a minute. */
const USUAL_PER_MINUTE = 120

/** @param perMinute undefined: as many as Jambonz says that it allows */
export const openWindow = (perMinute?: number): RateWindow => ({
  limit: (perMinute ?? USUAL_PER_MINUTE) * WINDOW_MS / 60_000,
  isGuess: perMinute === undefined,
  spent: [],
  closedUntil: 0
})

/** Reads what an answer says of Jambonz' limit. */
export function newsOf ({ status, headers }: { status: number, headers: Record<string, unknown> }): RateNews {
  const numberOf = (name: string) => {
    const value = headers[name]
    return typeof value === 'string' && /^\d{1,9}$/.test(value.trim()) ? Number(value) : undefined
  }
  return {
    limit: numberOf('ratelimit-limit'),
    remaining: numberOf('ratelimit-remaining'),
    resetS: numberOf('ratelimit-reset'),
    retryAfterS: numberOf('retry-after'),
    turnedAway: status === 429
  }
}

/** Counts a request that is sent at `now`. */
export function spend (window: RateWindow, now: number): RateWindow {
  const until = (Math.floor(now / SECOND_MS) + 1) * SECOND_MS + WINDOW_MS
  const spent = window.spent.filter(entry => entry.until > now)
  const last = spent.at(-1)
  if (last?.until !== until) return { ...window, spent: [...spent, { until, requests: 1 }] }

  spent[spent.length - 1] = { until, requests: last.requests + 1 }
  return { ...window, spent }
}

/** Takes the latest request back: it was not sent after all. */
export function giveBack (window: RateWindow): RateWindow {
  const spent = [...window.spent]
  const last = spent.pop()
  if (last && last.requests > 1) spent.push({ ...last, requests: last.requests - 1 })
  return { ...window, spent }
}

/** Takes notice of what an answer says of Jambonz' limit. */
export function hear (window: RateWindow, news: RateNews, now: number): RateWindow {
  // express-rate-limit sends its headers with every answer. Without them there is no limit.
  const known = window.isGuess ? { ...window, limit: Infinity, isGuess: false } : window
  const heard = news.remaining === undefined || news.resetS === undefined
    ? known
    : { ...known, server: serverOf(window, news.remaining, news, now) }
  if (!news.turnedAway) return heard

  const waitMs = inMs(news.retryAfterS ?? news.resetS) ?? UNSAID_WAIT_MS
  return { ...heard, closedUntil: Math.max(window.closedUntil, now + waitMs) }
}

/** Answers overtake one another: of one period of Jambonz the lowest number is right. */
function serverOf ({ server }: RateWindow, remaining: number, news: RateNews, now: number): RateWindow['server'] {
  const resetAt = now + (inMs(news.resetS) ?? 0)
  const next = { limit: news.limit, remaining, resetAt }
  if (!server || server.resetAt <= now || resetAt > server.resetAt + SAME_RESET_MS) return next
  if (resetAt < server.resetAt - SAME_RESET_MS) return server

  return { ...next, remaining: Math.min(remaining, server.remaining), resetAt: Math.max(resetAt, server.resetAt) }
}

const inMs = (seconds: number | undefined): number | undefined =>
  seconds === undefined ? undefined : Math.min(seconds, LONGEST_WAIT_S) * 1000

/** Who asks when. */
export interface Turn {
  /** Share of the window, 0 to 1, that is left to more important requests. */
  reserve: number
  /** Requests that are sent before this one. */
  ahead: number
  /** Requests without an answer: Jambonz may not have counted them when it last said how many are left. */
  underWay: number
}

/** When a request may be sent, milliseconds since the epoch; `now` when that is at once. */
export function turnAt (window: RateWindow, turn: Turn, now: number): number {
  return Math.max(now, window.closedUntil, ownTurnAt(window, turn, now), serverTurnAt(window, turn, now))
}

function ownTurnAt ({ limit, spent }: RateWindow, { reserve, ahead }: Turn, now: number): number {
  if (limit === Infinity) return now
  const counting = spent.filter(({ until }) => until > now)
  const used = counting.reduce((sum, { requests }) => sum + requests, 0)
  let missing = used + ahead + 1 - (limit - Math.ceil(limit * reserve))
  if (missing <= 0) return now
  for (const { until, requests } of counting) {
    missing -= requests
    if (missing <= 0) return until
  }
  return now + WINDOW_MS
}

function serverTurnAt ({ server, limit: own }: RateWindow, { reserve, ahead, underWay }: Turn, now: number): number {
  if (!server || server.resetAt <= now) return now
  const kept = Math.ceil(Math.min(server.limit ?? server.remaining, own) * reserve)
  return ahead + underWay < server.remaining - kept ? now : server.resetAt
}
