import type { Redis } from 'ioredis'
import { ACTIVE } from './redis-index.ts'
import { ORDER_SCRIPTS } from './redis-order-scripts.ts'
import { WARM_SCRIPTS, type WarmScripts } from './redis-warm-scripts.ts'

/*
 * What Redis does in one atomic step. A record is `<revision><time><JSON>`: revision and time (of the call's place in
 * the list) have a fixed length. Entries and places are those of redis-index.ts. KEYS: record where there is one,
 * entries, wake-up times.
 */

export const REVISION_LENGTH = 16
export const TIME_LENGTH = 15
export const HEADER_LENGTH = REVISION_LENGTH + TIME_LENGTH

/** Whether an entry belongs to a record that is gone, or that has another place since. */
export const STALE = `
local function stale (records, time, sid)
  return redis.call('GETRANGE', records .. sid, ${REVISION_LENGTH}, ${HEADER_LENGTH - 1}) ~= time
end
`

/** What bridgeSwap replies when it does not reply with the present record. */
export const SWAP = {
  written: 1,
  /** An earlier record of the call had expired and left its entries behind. */
  writtenOverExpired: 2,
  /** It is another process' turn to write. */
  othersTurn: 3,
  /** As many calls are active as the limit allows. */
  full: 4
} as const

/*
 * KEYS: record, entries, times, turn. ARGV: 1 revision that the record must have ('' = there must be no record),
 * 2 record to write ('' = delete it, '=' = write nothing), 3 milliseconds to keep it, 4 call_sid, 5 wake-up time
 * ('' = none, '=' = as it is), 6 name of the writer, 7 milliseconds for which no other writer may write if this
 * write comes too late ('' = none), 8 number of active calls with which nothing is written ('' = no limit), 9
 * number of entries to remove, these entries, then score and entry of each one to add. Replies one of SWAP, or the
 * record that is there.
 */
export const SWAP_LUA = `
local held, turn = redis.call('GETRANGE', KEYS[1], 0, ${REVISION_LENGTH - 1}), redis.call('GET', KEYS[4])
if held ~= ARGV[1] then
  if ARGV[7] ~= '' and not turn then redis.call('SET', KEYS[4], ARGV[6], 'PX', ARGV[7]) end
  return redis.call('GET', KEYS[1])
end
if ARGV[2] == '=' then return ${SWAP.written} end
if turn then
  if turn ~= ARGV[6] then return ${SWAP.othersTurn} end
  redis.call('DEL', KEYS[4])
end
if ARGV[8] ~= '' and redis.call('ZLEXCOUNT', KEYS[2], '[${ACTIVE}\\0', '(${ACTIVE}\\1') >= tonumber(ARGV[8]) then
  return ${SWAP.full}
end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
local new = 1
if ARGV[5] == '' then
  redis.call('ZREM', KEYS[3], ARGV[4])
elseif ARGV[5] ~= '=' then
  new = redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
end
local last = 9 + tonumber(ARGV[9])
if last > 9 then redis.call('ZREM', KEYS[2], unpack(ARGV, 10, last)) end
if #ARGV > last then redis.call('ZADD', KEYS[2], unpack(ARGV, last + 1)) end
if ARGV[2] ~= '' and redis.call('PTTL', KEYS[2]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[2], 2 * ARGV[3])
  redis.call('PEXPIRE', KEYS[3], 2 * ARGV[3])
end
if held == '' and new == 0 then return ${SWAP.writtenOverExpired} end
return ${SWAP.written}`

const SCRIPTS = {
  bridgeSwap: { numberOfKeys: 4, lua: SWAP_LUA },
  /*
   * KEYS: times. ARGV: now, most calls, time until which no other asker gets them, key of a record without its
   * call_sid. Replies how many records had expired, then the calls.
   */
  bridgeDue: {
    numberOfKeys: 1,
    lua: `
local reply, most = { 0 }, tonumber(ARGV[2])
while #reply <= most and reply[1] < 1000 do
  local sids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, most - #reply + 1)
  if #sids == 0 then break end
  for _, sid in ipairs(sids) do
    if redis.call('EXISTS', ARGV[4] .. sid) == 1 then
      redis.call('ZADD', KEYS[1], ARGV[3], sid)
      reply[#reply + 1] = sid
    else
      redis.call('ZREM', KEYS[1], sid)
      reply[1] = reply[1] + 1
    end
  end
end
return reply`
  },
  /*
   * KEYS: entries. ARGV: 1 key of a record without its call_sid, 2 place after which to begin ('' = the first), 3 place
   * before which to end ('' = none), 4 most calls, 5 most entries to look at, 6 key of a record without its call_sid
   * that hides a call ('' = none), 7 and further ones: kinds that a call must all have. Replies how many entries were
   * stale, the place at which the next page begins ('' = none), then place and record of each call.
   */
  bridgePage: {
    numberOfKeys: 1,
    lua: `${STALE}
local function bounds (kind)
  local from = ARGV[2] == '' and '[' .. kind .. '\\0' or '(' .. kind .. '\\0' .. ARGV[2]
  return from, '(' .. kind .. (ARGV[3] == '' and '\\1' or '\\0' .. ARGV[3])
end
local most, base, fewest = tonumber(ARGV[4]), 7, math.huge
for i = 7, #ARGV do
  local entries = redis.call('ZLEXCOUNT', KEYS[1], bounds(ARGV[i]))
  if entries < fewest then base, fewest = i, entries end
end
local from, to = bounds(ARGV[base])
local prefix = #ARGV[base] + 2
local entries = redis.call('ZRANGEBYLEX', KEYS[1], from, to, 'LIMIT', 0, ARGV[5])
local reply, last = { 0, '' }, #entries == tonumber(ARGV[5]) and #entries or 0
for n, entry in ipairs(entries) do
  local place = string.sub(entry, prefix)
  local time, sid = string.match(place, '^(%d+)%z([^%z]*)$')
  -- Without a time it is an entry of another kind, which begins with this kind and a zero byte.
  local fits = time and (ARGV[6] == '' or redis.call('EXISTS', ARGV[6] .. sid) == 0)
  for i = 7, #ARGV do
    if i ~= base and not redis.call('ZSCORE', KEYS[1], ARGV[i] .. '\\0' .. place) then fits = false break end
  end
  if fits then
    if stale(ARGV[1], time, sid) then
      redis.call('ZREM', KEYS[1], entry)
      reply[1] = reply[1] + 1
    else
      reply[#reply + 1] = place
      reply[#reply + 1] = redis.call('GET', ARGV[1] .. sid)
      if #reply == 2 + 2 * most then
        last = n
        break
      end
    end
  end
end
if last > 0 then reply[2] = string.sub(entries[last], prefix) end
return reply`
  },
  /*
   * KEYS: entries. ARGV: 1 first place of those that are counted, 2 place before which to end, then kinds. Replies how
   * many entries there are of each in all sets.
   */
  bridgeCountBetween: {
    numberOfKeys: 2,
    lua: `
local reply = {}
for i = 3, #ARGV do
  local from, to = '[' .. ARGV[i] .. '\\0' .. ARGV[1], '(' .. ARGV[i] .. '\\0' .. ARGV[2]
  reply[i - 2] = redis.call('ZLEXCOUNT', KEYS[1], from, to) + redis.call('ZLEXCOUNT', KEYS[2], from, to)
end
return reply`
  },
  /* KEYS: entries. ARGV: kinds. Replies how many entries there are of each. */
  bridgeCount: {
    numberOfKeys: 1,
    lua: `
local reply = {}
for i, kind in ipairs(ARGV) do
  reply[i] = redis.call('ZLEXCOUNT', KEYS[1], '[' .. kind .. '\\0', '(' .. kind .. '\\1')
end
return reply`
  },
  /*
   * KEYS: entries. ARGV: key of a record without its call_sid, entry after which to begin ('' = the first), how many to
   * look at. Removes the stale ones. Replies the last one that was looked at, '' at the end.
   */
  bridgeSweep: {
    numberOfKeys: 1,
    lua: `${STALE}
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local entries = redis.call('ZRANGEBYLEX', KEYS[1], from, '+', 'LIMIT', 0, ARGV[3])
for _, entry in ipairs(entries) do
  local time, sid = string.match(entry, '%z(%d+)%z([^%z]*)$')
  if not time or stale(ARGV[1], time, sid) then redis.call('ZREM', KEYS[1], entry) end
end
if #entries < tonumber(ARGV[3]) then return '' end
return entries[#entries]`
  },
  ...ORDER_SCRIPTS,
  ...WARM_SCRIPTS
}

type Reply<T> = Promise<T>
type Argument = string | number

export interface Scripts extends WarmScripts {
  bridgeSwap(
    record: string,
    entries: string,
    times: string,
    turn: string,
    ...args: Argument[]
  ): Reply<number | string | null>
  bridgeDue(times: string, ...args: Argument[]): Reply<[number, ...string[]]>
  bridgePage(entries: string, ...args: Argument[]): Reply<[number, string, ...string[]]>
  /** As {@link Scripts.bridgePage}, with records as bytes. */
  bridgePageBuffer(entries: string, ...args: Argument[]): Reply<[number, Buffer, ...Buffer[]]>
  bridgeCountBetween(entries: string, others: string, ...args: Argument[]): Reply<number[]>
  bridgeCount(entries: string, ...args: Argument[]): Reply<number[]>
  bridgeSweep(entries: string, ...args: Argument[]): Reply<string>
  bridgeReserve(
    open: string,
    minute: string,
    day: string,
    caller: string,
    ...args: Argument[]
  ): Reply<[number, number]>
  bridgeClaim(key: string, ...args: Argument[]): Reply<string[]>
  bridgeClaimed(key: string, ...args: Argument[]): Reply<number>
}

/** Adds the scripts to a client. Each is sent once per connection, then named by its hash. */
export function withScripts (redis: Redis): Scripts {
  for (const [name, script] of Object.entries(SCRIPTS)) redis.defineCommand(name, script)
  return redis as unknown as Scripts
}
