import { CREATE_CALL } from './names.ts'
import type { Random } from './random.ts'

/**
 * Whose messages: Jambonz's hooks, LiveKit's webhooks, what the bridge asks of either's API, what agents ask of the
 * bridge, the events for the user's systems, and the SIP between Jambonz and LiveKit.
 */
export const SIDES = ['hook', 'webhook', 'livekit-api', 'jambonz-api', 'agent', 'event', 'sip'] as const
export type Side = typeof SIDES[number]

/** How likely it is that something happens to a message. */
interface Rates {
  lost: number
  replyLost: number
  slow: number
  twice: number
  error: number
}

export const WEATHERS = ['calm', 'mild', 'rough', 'wild'] as const
export type Weather = typeof WEATHERS[number]

const NONE: Rates = { lost: 0, replyLost: 0, slow: 0, twice: 0, error: 0 }
const all = (http: Rates, sip: Rates): Record<Side, Rates> => ({
  hook: http,
  webhook: http,
  'livekit-api': http,
  'jambonz-api': http,
  agent: http,
  event: http,
  sip
})
const evenly = (rate: number): Rates => ({ lost: rate, replyLost: rate, slow: rate, twice: rate, error: rate })

const RATES: Record<Weather, Record<Side, Rates>> = {
  calm: all(NONE, NONE),
  mild: all(evenly(0.01), evenly(0.005)),
  rough: all(evenly(0.04), evenly(0.01)),
  // SIP over UDP repeats what is lost, so that little of it is enough for delays of seconds.
  wild: all(evenly(0.12), evenly(0.03))
}

/** What becomes of a request and its reply. Times in milliseconds. */
export interface HttpFate {
  there: number
  back: number
  /** Lost on the way there or back. */
  lost?: 'request' | 'reply'
  /** The sender of what is lost sees its connection break at once, instead of waiting for its timeout. */
  breaks: boolean
  /** It arrives again so much later; that reply goes nowhere. */
  againAfter?: number
  /** The far end answers this instead of doing anything. */
  error?: number
}

export interface SipFate {
  delay: number
  lost: boolean
  againAfter?: number
}

/** LiveKit's bridge counts on a createRoom having happened 15 s after it was sent, or never; so do we. */
const LONGEST_WAY_MS = 6500
/** Jambonz gives up after 10 s; what comes later comes after its next message. */
const LONGEST_STRAY_MS = 14_000

/** Decides over every message; `off` once the weather is to be fine. */
export interface Fates {
  off: boolean
  /** Sides whose messages are all lost. */
  down: Set<Side>
  http(side: Exclude<Side, 'sip'>, what: string, random: Random): HttpFate
  sip(random: Random): SipFate
}

export function createFates (weather: Weather): Fates {
  const fates: Fates = {
    off: false,
    down: new Set(),
    http (side, what, random) {
      const rates = fates.off ? NONE : RATES[weather][side]
      // Always the same number of draws, so that one fault more or less does not change all that follow.
      const [lost, replyLost, slow, twice, error, stray] = Array.from({ length: 6 }, () => random.next()) as [
        number,
        number,
        number,
        number,
        number,
        number
      ]
      const fate: HttpFate = { there: 1 + random.next() * 20, back: 1 + random.next() * 20, breaks: random.chance(0.5) }
      const longest = side === 'livekit-api' ? LONGEST_WAY_MS : LONGEST_STRAY_MS
      if (slow < rates.slow) fate.there += stray * longest
      if (slow > 1 - rates.slow) fate.back += stray * longest
      if (lost < rates.lost || fates.down.has(side)) fate.lost = 'request'
      else if (replyLost < rates.replyLost) fate.lost = 'reply'
      else if (error < rates.error && side !== 'hook' && side !== 'webhook') fate.error = stray < 0.5 ? 500 : 503
      // A second room, or agent, long after the first is what no proxy may make of a request.
      // Nor does Jambonz try a call hook again on its own.
      // Nothing sends a createCall twice: somebody would be called twice.
      if (twice < rates.twice && what !== CREATE_CALL) {
        fate.againAfter = /^Create/.test(what)
          ? 0
          : stray * (what.startsWith('/livekit-api') ? 1000 : 3000)
      }
      return fate
    },
    sip (random) {
      const { lost, twice, slow } = fates.off ? NONE : RATES[weather].sip
      const delay = 1 + random.next() * 15
      return {
        delay: random.chance(slow) ? delay + random.next() * 2500 : delay,
        lost: random.chance(lost),
        ...random.chance(twice) && { againAfter: random.next() * 1000 }
      }
    }
  }
  return fates
}

export const OUTAGES = [
  'api-refuses',
  'api-hangs',
  'api-fails',
  'api-replies-lost',
  'no-webhooks',
  'sip-overloaded',
  'sip-mute',
  'all-down',
  'bridge-unreachable',
  'no-hooks',
  'stale-after-cancel',
  'no-media-server',
  'slow-media'
] as const
/** Outages in which rooms are not deleted, or get no agent; planned only where they are asked for. */
export const ROOM_OUTAGES = [
  'delete-not-found',
  'delete-no-object',
  'delete-no-server',
  'workers-loaded'
] as const
export type Outage = typeof OUTAGES[number] | typeof ROOM_OUTAGES[number]

/** Times when something is down as a whole, ms from the beginning. `rooms`: with {@link ROOM_OUTAGES}. */
export function planOutages (
  random: Random,
  weather: Weather,
  durationMs: number,
  rooms = false
): Array<{ what: Outage, from: number, to: number }> {
  if (weather === 'calm') return []
  const kinds: readonly Outage[] = rooms ? [...OUTAGES, ...ROOM_OUTAGES, ...ROOM_OUTAGES] : OUTAGES
  const outages = []
  for (let at = random.between(5_000, 30_000); at < durationMs; at += random.between(15_000, 60_000)) {
    const what = random.pick(kinds)
    // Longer than LiveKit and Jambonz try again.
    const to = at + random.between(2_000, what === 'bridge-unreachable' || what === 'no-hooks' ? 45_000 : 20_000)
    outages.push({ what, from: at, to })
    at = to
  }
  return outages
}
