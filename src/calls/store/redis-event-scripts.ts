import type { Redis } from 'ioredis'

/*
 * What Redis does with waiting events in one atomic step. Each key begins with the same base, which the scripts get as
 * KEYS[1]:
 *   all                        sorted set of `<receiver> <id>` by place, of every event that waits. The place is the
 *                              time of adding, or the one behind the last place
 *   ready:<receiver>           sorted set of calls by the time when their first event is due
 *   lane:<receiver>:<call>     list of ids, in order
 *   event:<receiver>:<id>      hash of one event: call, type, body, at, tries, due, lease
 *   known:<id>                 the event was added a while ago
 */

/** Takes an event out of its lane. `held`: the next one waits until the lease of this one is over. */
const REMOVE = `
local base = KEYS[1]

local function remove (receiver, id, held)
  local key = base .. 'event:' .. receiver .. ':' .. id
  local event = redis.call('HMGET', key, 'call', 'type', 'lease', 'due')
  redis.call('ZREM', base .. 'all', receiver .. ' ' .. id)
  if not event[1] then return nil end
  local ready, lane = base .. 'ready:' .. receiver, base .. 'lane:' .. receiver .. ':' .. event[1]
  local wasFirst = redis.call('LINDEX', lane, 0) == id
  redis.call('LREM', lane, 1, id)
  redis.call('DEL', key)
  local next = redis.call('LINDEX', lane, 0)
  if not next then
    redis.call('ZREM', ready, event[1])
  elseif wasFirst then
    local nextKey = base .. 'event:' .. receiver .. ':' .. next
    local due = tonumber(redis.call('HGET', nextKey, 'due') or 0)
    if held and event[3] and tonumber(event[4]) > due then
      due = tonumber(event[4])
      redis.call('HSET', nextKey, 'due', event[4])
    end
    redis.call('ZADD', ready, due, event[1])
  end
  return { receiver, id, event[1], event[2] }
end

local function dropFirst (reply)
  local first = redis.call('ZRANGE', base .. 'all', 0, 0)[1]
  local receiver, id = string.match(first, '^(%S+) (.*)$')
  for _, value in ipairs(remove(receiver, id, true) or {}) do reply[#reply + 1] = value end
end
`

const SCRIPTS = {
  /*
   * ARGV: id, call, type, body, now, most events, milliseconds to remember the id ('' = it is added even if it is
   * remembered), milliseconds to keep the event, most events to drop, then receivers. Replies how many receivers it
   * was added for, these, then receiver, id, call and type of each event that was dropped.
   */
  bridgeEventAdd: `${REMOVE}
local id, call, now, keep = ARGV[1], ARGV[2], ARGV[5], ARGV[8]
if ARGV[7] ~= '' and redis.call('EXISTS', base .. 'known:' .. id) == 1 then return { 0 } end
local reply = { 0 }
local last = tonumber(redis.call('ZRANGE', base .. 'all', -1, -1, 'WITHSCORES')[2] or 0)
for i = 10, #ARGV do
  local receiver = ARGV[i]
  local key = base .. 'event:' .. receiver .. ':' .. id
  if redis.call('EXISTS', key) == 0 then
    local lane, ready = base .. 'lane:' .. receiver .. ':' .. call, base .. 'ready:' .. receiver
    last = math.max(tonumber(now), last + 1)
    redis.call('HSET', key, 'call', call, 'type', ARGV[3], 'body', ARGV[4], 'at', now, 'tries', 0, 'due', now)
    if redis.call('RPUSH', lane, id) == 1 then redis.call('ZADD', ready, now, call) end
    redis.call('ZADD', base .. 'all', last, receiver .. ' ' .. id)
    for _, used in ipairs({ key, lane, ready, base .. 'all' }) do redis.call('PEXPIRE', used, keep) end
    reply[1] = reply[1] + 1
    reply[#reply + 1] = receiver
  end
end
local excess = math.min(redis.call('ZCARD', base .. 'all') - tonumber(ARGV[6]), tonumber(ARGV[9]))
for _ = 1, excess do dropFirst(reply) end
if ARGV[7] ~= '' then redis.call('SET', base .. 'known:' .. id, 1, 'PX', ARGV[7]) end
return reply`,
  /*
   * ARGV: receiver, now, end of the lease, name of the lease, most events. Replies when there is next something to take
   * ('' = never), then id, call, type, body, time of adding and tries of each event.
   */
  bridgeEventTake: `
local base, receiver, now = KEYS[1], ARGV[1], tonumber(ARGV[2])
local ready, reply = base .. 'ready:' .. receiver, { '' }
for _, call in ipairs(redis.call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, ARGV[5])) do
  local id = redis.call('LINDEX', base .. 'lane:' .. receiver .. ':' .. call, 0)
  local key = base .. 'event:' .. receiver .. ':' .. (id or '')
  if not id or redis.call('EXISTS', key) == 0 then
    redis.call('ZREM', ready, call)
  else
    redis.call('HINCRBY', key, 'tries', 1)
    redis.call('HSET', key, 'due', ARGV[3], 'lease', ARGV[4])
    redis.call('ZADD', ready, ARGV[3], call)
    local event = redis.call('HMGET', key, 'type', 'body', 'at', 'tries')
    for _, value in ipairs({ id, call, event[1], event[2], event[3], event[4] }) do reply[#reply + 1] = value end
  end
end
reply[1] = redis.call('ZRANGE', ready, 0, 0, 'WITHSCORES')[2] or ''
return reply`,
  /* ARGV: receiver, id. */
  bridgeEventDone: `${REMOVE}
remove(ARGV[1], ARGV[2], false)
return 1`,
  /* ARGV: receiver, id, name of the lease, when it is due. */
  bridgeEventFailed: `
local base = KEYS[1]
local key = base .. 'event:' .. ARGV[1] .. ':' .. ARGV[2]
local event = redis.call('HMGET', key, 'lease', 'call')
if event[1] ~= ARGV[3] then return 0 end
redis.call('HDEL', key, 'lease')
redis.call('HSET', key, 'due', ARGV[4])
redis.call('ZADD', base .. 'ready:' .. ARGV[1], ARGV[4], event[2])
return 1`,
  /* ARGV: time of adding, most events. Replies receiver, id, call and type of each event that was dropped. */
  bridgeEventExpire: `${REMOVE}
local reply = {}
for _ = 1, tonumber(ARGV[2]) do
  local first = redis.call('ZRANGE', base .. 'all', 0, 0)[1]
  if not first then break end
  local receiver, id = string.match(first, '^(%S+) (.*)$')
  local at = redis.call('HGET', base .. 'event:' .. receiver .. ':' .. id, 'at')
  if at and tonumber(at) > tonumber(ARGV[1]) then break end
  dropFirst(reply)
end
return reply`,
  /* ARGV: place after which to begin, most events. Replies place, receiver, id, call, type, at, tries, due of each. */
  bridgeEventList: `
local base, reply = KEYS[1], {}
local found = redis.call('ZRANGEBYSCORE', base .. 'all', '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #found, 2 do
  local receiver, id = string.match(found[i], '^(%S+) (.*)$')
  local event = redis.call('HMGET', base .. 'event:' .. receiver .. ':' .. id, 'call', 'type', 'at', 'tries', 'due')
  if event[1] then
    local row = { found[i + 1], receiver, id, event[1], event[2], event[3], event[4], event[5] }
    for _, value in ipairs(row) do reply[#reply + 1] = value end
  end
end
return reply`,
  /* Replies how many events wait, and when the oldest one was added ('' = never). */
  bridgeEventStats: `
local base = KEYS[1]
local first = redis.call('ZRANGE', base .. 'all', 0, 0)[1]
if not first then return { 0, '' } end
local receiver, id = string.match(first, '^(%S+) (.*)$')
local at = redis.call('HGET', base .. 'event:' .. receiver .. ':' .. id, 'at')
return { redis.call('ZCARD', base .. 'all'), at or '' }`
}

type Argument = string | number
type Script<Reply> = (base: string, ...args: Argument[]) => Promise<Reply>

export interface EventScripts {
  bridgeEventAdd: Script<[number, ...string[]]>
  bridgeEventTake: Script<[string, ...string[]]>
  bridgeEventDone: Script<number>
  bridgeEventFailed: Script<number>
  bridgeEventExpire: Script<string[]>
  bridgeEventList: Script<string[]>
  bridgeEventStats: Script<[number, string]>
}

/** Adds the scripts to a client. Each is sent once per connection, then named by its hash. */
export function withEventScripts (redis: Redis): EventScripts {
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    redis.defineCommand(name, { numberOfKeys: 1, lua })
  }
  return redis as unknown as EventScripts
}
