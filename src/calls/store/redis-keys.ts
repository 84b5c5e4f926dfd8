import type { Settings } from '../../config.ts'

/** Version of the keys and indexes. Records have a version of their own, and older ones are read (fold/migrate.ts). */
const KEY_VERSION = 1

/**
 * The prefix of every key. Bridges of several LiveKit projects may share a Redis, but not each other's calls.
 */
export const keyPrefixOf = (
  { LIVEKIT_ROOM_PREFIX: prefix, LIVEKIT_URL: livekit }: Pick<Settings, 'LIVEKIT_ROOM_PREFIX' | 'LIVEKIT_URL'>
): string => `bridge:v${KEY_VERSION}:${prefix}@${new URL(livekit).host}`

export interface Keys {
  /** The keys that an update of a call may change: record, entries, wake-up times, whose turn it is to write. */
  ofCall(callSid: string): [string, string, string, string]
  /** The key of a record without its call_sid. */
  record: string
  entries: string
  times: string
  /** When a replica last listened. */
  listening: string
  /** The keys that count what is dialled: under way, of the minute, of the day, of one caller's day. */
  caps(caller: string): [string, string, string, string]
  warm: WarmKeys
  /** Begins the key of an Idempotency-Key. */
  idempotency: string
  /** The channel on which processes tell each other news. */
  news: string
  /** Begins every key of the events that wait for delivery. */
  events: string
  /** Of the history: the key of a record without its call_sid, entries, when each call is to be dropped. */
  history: { record: string, entries: string, times: string }
}

/** Keys of the rooms with waiting agents. */
export interface WarmKeys {
  /** Begins the key of a room's record. */
  room: string
  /** Ids of the pools. */
  pools: string
  /** Begins the keys of a pool. */
  pool: string
  /** Replicas that look after the pools. */
  keepers: string
}

/** The key of something that belongs to a pool. What it holds is described in redis-warm-scripts.ts. */
export const warmKey = (
  { pool: begin }: WarmKeys,
  pool: string,
  name: 'rooms' | 'waiting' | 'ready' | 'last' | 'demand'
): string => `${begin}${pool}:${name}`

/** @param prefix is put into braces, so that all keys are in one hash slot and scripts may use them together */
export function redisKeys (prefix: string): Keys {
  const [record, entries, times, turn, listening] = [
    `{${prefix}}:call:`,
    `{${prefix}}:entries`,
    `{${prefix}}:times`,
    `{${prefix}}:turn:`,
    `{${prefix}}:listening`
  ]
  const caps = `{${prefix}}:caps:`
  return {
    ofCall: callSid => [record + callSid, entries, times, turn + callSid],
    record,
    entries,
    times,
    listening,
    news: `{${prefix}}:news`,
    idempotency: `{${prefix}}:idempotency:`,
    events: `{${prefix}}:events:`,
    history: {
      record: `{${prefix}}:history:call:`,
      entries: `{${prefix}}:history:entries`,
      times: `{${prefix}}:history:times`
    },
    warm: {
      room: `{${prefix}}:warm:room:`,
      pools: `{${prefix}}:warm:pools`,
      pool: `{${prefix}}:warm:pool:`,
      keepers: `{${prefix}}:warm:keepers`
    },
    caps: caller => [`${caps}open`, `${caps}minute`, `${caps}day`, `${caps}caller:${caller}`]
  }
}
