import type { Redis } from 'ioredis'
import { HEADER_LENGTH, REVISION_LENGTH, SWAP, SWAP_LUA } from './redis-scripts.ts'

/*
 * The history in Redis. A record is `<version><time><kinds>\n<call>`: the version and the time of its place have the
 * lengths that revision and time have in the record of a call, so that both are read by the same scripts. Its kinds,
 * as JSON, tell which entries it has, and the rest is the packed call (history.ts). KEYS: records, entries, and when
 * each call is to be dropped.
 */

export const HISTORY_VERSION = 'history-1'.padEnd(REVISION_LENGTH)

/** Drops a call with its entries. The key of a record is made here: all of them are in one hash slot. */
const DROP = `
local function drop (records, entries, times, sid)
  local record = redis.call('GET', records .. sid)
  if record then
    local stop = string.find(record, '\\n', ${HEADER_LENGTH + 1}, true)
    local place = '\\0' .. string.sub(record, ${REVISION_LENGTH + 1}, ${HEADER_LENGTH}) .. '\\0' .. sid
    local own = cjson.decode(string.sub(record, ${HEADER_LENGTH + 1}, stop - 1))
    for i, kind in ipairs(own) do own[i] = kind .. place end
    redis.call('ZREM', entries, unpack(own))
    redis.call('DEL', records .. sid)
  end
  redis.call('ZREM', times, sid)
  return record and 0 or 1
end
local function dropSome (records, entries, times, now, most, limit)
  local sids = redis.call('ZRANGEBYSCORE', times, '-inf', now, 'LIMIT', 0, limit)
  if #sids < limit then
    local over = redis.call('ZCARD', times) - most
    if over > #sids then sids = redis.call('ZRANGE', times, 0, math.min(over, limit) - 1) end
  end
  local expired = 0
  for _, sid in ipairs(sids) do expired = expired + drop(records, entries, times, sid) end
  return { #sids, expired }
end
`

const SCRIPTS = {
  /*
   * Forgets a call and puts it into the history. KEYS: the four of bridgeSwap, then history's entries and times. ARGV:
   * 1 key of a record of the history without its call_sid, 2 record, 3 its kinds as JSON, 4 milliseconds to keep it, 5
   * time until which it is kept, 6 now, 7 most calls in the history, then ARGV of bridgeSwap. Replies as bridgeSwap.
   */
  bridgeRetire: {
    numberOfKeys: 6,
    lua: `${DROP}
local function swap (ARGV)
${SWAP_LUA}
end
local own = {}
for i = 8, #ARGV do own[i - 7] = ARGV[i] end
local reply = swap(own)
if reply ~= ${SWAP.written} and reply ~= ${SWAP.writtenOverExpired} then return reply end
local records, sid = ARGV[1], own[4]
drop(records, KEYS[5], KEYS[6], sid)
local place = '\\0' .. string.sub(ARGV[2], ${REVISION_LENGTH + 1}, ${HEADER_LENGTH}) .. '\\0' .. sid
local entries = {}
for i, kind in ipairs(cjson.decode(ARGV[3])) do
  entries[2 * i - 1] = 0
  entries[2 * i] = kind .. place
end
redis.call('SET', records .. sid, ARGV[2], 'PX', ARGV[4])
redis.call('ZADD', KEYS[5], unpack(entries))
redis.call('ZADD', KEYS[6], ARGV[5], sid)
for _, key in ipairs({ KEYS[5], KEYS[6] }) do
  if redis.call('PTTL', key) < tonumber(ARGV[4]) then redis.call('PEXPIRE', key, 2 * ARGV[4]) end
end
dropSome(records, KEYS[5], KEYS[6], ARGV[6], tonumber(ARGV[7]), 2)
return reply`
  },
  /*
   * Drops calls whose time is over, or that are too many. KEYS: entries, times. ARGV: 1 key of a record without its
   * call_sid, 2 now, 3 most calls, 4 how many to drop at most. Replies how many were dropped, and how many of them had
   * expired and left their entries behind.
   */
  bridgeDrop: {
    numberOfKeys: 2,
    lua: `${DROP}
return dropSome(ARGV[1], KEYS[1], KEYS[2], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]))`
  }
}

type Argument = string | number | Buffer

export interface HistoryScripts {
  bridgeRetire(
    record: string,
    entries: string,
    times: string,
    turn: string,
    historyEntries: string,
    historyTimes: string,
    ...args: Argument[]
  ): Promise<number | string | null>
  bridgeDrop(entries: string, times: string, ...args: Argument[]): Promise<[dropped: number, expired: number]>
}

/** Adds the scripts to a client. Each is sent once per connection, then named by its hash. */
export function withHistoryScripts (redis: Redis): HistoryScripts {
  for (const [name, script] of Object.entries(SCRIPTS)) redis.defineCommand(name, script)
  return redis as unknown as HistoryScripts
}
