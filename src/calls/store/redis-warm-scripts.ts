import { DEMAND_KEPT_MS } from './warm-rooms.ts'

/*
 * What Redis does in one atomic step for rooms with waiting agents. See redis-scripts.ts. A room's record is a hash of
 * three texts that Redis does not look into, but for the state: `room` (the rest of the record as JSON), `state`, and
 * `claim` (JSON; '' = none). A pool has three sorted sets of names by the time at which the room ends: `rooms` are all,
 * `waiting` those that are made or ready, `ready` those that may be claimed.
 */

/**
 * Records and sets are dropped after this time without a write, milliseconds. A warm room lives for an hour at most,
 * and its deletion may take some time.
 */
const KEPT_MS = 7_200_000

/** KEYS: 1 record, 2 pools, 3 rooms, 4 waiting, 5 ready. */
const PUT = `
local function put (text, state, claim, name, pool, endsAt)
  redis.call('HSET', KEYS[1], 'room', text, 'state', state, 'claim', claim)
  redis.call('ZADD', KEYS[2], 0, pool)
  redis.call('ZADD', KEYS[3], endsAt, name)
  local waits = state == 'making' or state == 'ready'
  if waits then redis.call('ZADD', KEYS[4], endsAt, name) else redis.call('ZREM', KEYS[4], name) end
  if state == 'ready' then redis.call('ZADD', KEYS[5], endsAt, name) else redis.call('ZREM', KEYS[5], name) end
  for i = 1, 5 do redis.call('PEXPIRE', KEYS[i], ${KEPT_MS}) end
end
`

export const WARM_SCRIPTS = {
  /*
   * Adds a room. KEYS: those of put, 6 when a room was last added. ARGV: 1 to 6 the room, 7 most rooms that wait and
   * end after 8, 9 shortest time between two rooms, 10 now. Replies whether the room was added, and the milliseconds
   * before which none may be (-1 = not known).
   */
  bridgeWarmAdd: {
    numberOfKeys: 6,
    lua: `${PUT}
if redis.call('EXISTS', KEYS[1]) == 1 then return { 1, -1 } end
local most, every, now = tonumber(ARGV[7]), tonumber(ARGV[9]), tonumber(ARGV[10])
if most < 1 then return { 0, -1 } end
local others = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[8], '+inf', 'LIMIT', most - 1, 1)
if #others == 1 then return { 0, -1 } end
local wait = (redis.call('GET', KEYS[6]) or -math.huge) + every - now
-- The clock of the replica that added the last one may be ahead of this one's.
if wait > 0 then return { 0, math.ceil(math.min(wait, every)) } end
put(unpack(ARGV, 1, 6))
if every >= 1 then redis.call('SET', KEYS[6], ARGV[10], 'PX', math.ceil(every)) end
return { 1, -1 }`
  },
  /*
   * Counts a call and claims a room. KEYS: ready, waiting, demand. ARGV: 1 key of a record without its name, 2 claim,
   * 3 time after which the room must end, 4 and 5 slot and number of the step that is counted. Replies the room's text.
   */
  bridgeWarmClaim: {
    numberOfKeys: 3,
    lua: `
local step, calls = string.match(redis.call('HGET', KEYS[3], ARGV[4]) or '', '^(%d+):(%d+)$')
redis.call('HSET', KEYS[3], ARGV[4], ARGV[5] .. ':' .. (step == ARGV[5] and calls + 1 or 1))
redis.call('PEXPIRE', KEYS[3], ${DEMAND_KEPT_MS})
while true do
  local name = redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. ARGV[3], '+inf', 'LIMIT', 0, 1)[1]
  if not name then return false end
  redis.call('ZREM', KEYS[1], name)
  redis.call('ZREM', KEYS[2], name)
  local text = redis.call('HGET', ARGV[1] .. name, 'room')
  -- A record that has expired leaves its name behind.
  if text then
    redis.call('HSET', ARGV[1] .. name, 'state', 'claimed', 'claim', ARGV[2])
    return text
  end
end`
  },
  /*
   * Replaces a room, if it is the one that was read. KEYS: those of put. ARGV: 1 to 6 the room to write (2, the state,
   * '' = forget it), 7 to 9 text, state and claim that it must have ('' = there must be no record). Replies nothing, or
   * the text, state and claim that are there.
   */
  bridgeWarmSwap: {
    numberOfKeys: 5,
    lua: `${PUT}
local there = redis.call('HMGET', KEYS[1], 'room', 'state', 'claim')
for i = 1, 3 do there[i] = there[i] or '' end
for i = 1, 3 do
  if there[i] ~= ARGV[6 + i] then return there end
end
if ARGV[2] ~= '' then
  put(unpack(ARGV, 1, 6))
  return {}
end
redis.call('DEL', KEYS[1])
for i = 3, 5 do redis.call('ZREM', KEYS[i], ARGV[4]) end
if redis.call('EXISTS', KEYS[3]) == 0 then redis.call('ZREM', KEYS[2], ARGV[5]) end
return {}`
  },
  /*
   * Lists the rooms of a pool. KEYS: rooms, waiting, ready. ARGV: key of a record without its name. Replies text, state
   * and claim of each.
   */
  bridgeWarmList: {
    numberOfKeys: 3,
    lua: `
local names = redis.call('ZRANGE', KEYS[1], 0, -1)
local reply = {}
for _, name in ipairs(names) do
  local room = redis.call('HMGET', ARGV[1] .. name, 'room', 'state', 'claim')
  if room[1] then
    for i = 1, 3 do reply[#reply + 1] = room[i] end
  else
    for i = 1, 3 do redis.call('ZREM', KEYS[i], name) end
  end
end
return reply`
  },
  /* Lists the pools that have rooms. KEYS: pools. ARGV: begin and end of the key of a pool's rooms. */
  bridgeWarmPools: {
    numberOfKeys: 1,
    lua: `
local reply = {}
for _, pool in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. pool .. ARGV[2]) == 1 then
    reply[#reply + 1] = pool
  else
    redis.call('ZREM', KEYS[1], pool)
  end
end
return reply`
  },
  /*
   * KEYS: names of the keepers. ARGV: key of a keeper without its name, replica, for how many milliseconds it is one.
   * The key of each expires by the clock of Redis, because those of the replicas may differ. Replies how many others
   * there are.
   */
  bridgeWarmKeeping: {
    numberOfKeys: 1,
    lua: `
redis.call('ZADD', KEYS[1], 0, ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${KEPT_MS})
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', ARGV[1] .. ARGV[2], '', 'PX', ARGV[3])
else
  redis.call('DEL', ARGV[1] .. ARGV[2])
end
local others = 0
for _, name in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if redis.call('EXISTS', ARGV[1] .. name) == 0 then
    redis.call('ZREM', KEYS[1], name)
  elseif name ~= ARGV[2] then
    others = others + 1
  end
end
return others`
  }
}

type Argument = string | number
/** Keys of put: record, pools, rooms, waiting, ready. */
export type RoomKeys = [string, string, string, string, string]

export interface WarmScripts {
  bridgeWarmAdd(...args: [...keys: RoomKeys, last: string, ...args: Argument[]]): Promise<[number, number]>
  bridgeWarmClaim(ready: string, waiting: string, demand: string, ...args: Argument[]): Promise<string | null>
  bridgeWarmSwap(...args: [...keys: RoomKeys, ...args: Argument[]]): Promise<[] | [string, string, string]>
  bridgeWarmList(rooms: string, waiting: string, ready: string, ...args: Argument[]): Promise<string[]>
  bridgeWarmPools(pools: string, ...args: Argument[]): Promise<string[]>
  bridgeWarmKeeping(keepers: string, ...args: Argument[]): Promise<number>
}
