/*
 * What Redis does in one atomic step for calls that are ordered: caps and Idempotency-Keys. See redis-scripts.ts.
 */

export const ORDER_SCRIPTS = {
  /*
   * Counts a dial unless a cap is reached. KEYS: for each cap in the order of caps.ts, the dials that it limits by
   * their time; of those under way the time until which they count. ARGV: 1 id, 2 now, 3 milliseconds for which it
   * counts as under way, 4 and 5 those of a minute and a day, 6 to 9 the caps ('' = none: its key is left alone).
   * Replies which cap is reached (0 = none, -1 = the id is known), and the milliseconds before which there will be no
   * room (-1 = not known).
   */
  bridgeReserve: {
    numberOfKeys: 4,
    lua: `
local id, now, counted, known = ARGV[1], tonumber(ARGV[2]), {}, false
local windows = { 0, tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[5]) }
for i, key in ipairs(KEYS) do
  local cap = tonumber(ARGV[5 + i])
  if cap then
    local old = redis.call('ZRANGEBYSCORE', key, '-inf', now - windows[i], 'LIMIT', 0, 1000)
    if #old > 0 then redis.call('ZREM', key, unpack(old)) end
    known = known or redis.call('ZSCORE', key, id)
    counted[#counted + 1] = { index = i, key = key, cap = cap, window = windows[i] }
  end
end
if known then return { -1, -1 } end
for _, count in ipairs(counted) do
  local cap, from = count.cap, '(' .. (now - count.window)
  if cap == 0 or #redis.call('ZRANGEBYSCORE', count.key, from, '+inf', 'LIMIT', cap - 1, 1) == 1 then
    local oldest = redis.call('ZRANGEBYSCORE', count.key, from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
    return { count.index, count.index > 1 and oldest[2] and oldest[2] + count.window - now or -1 }
  end
end
for _, count in ipairs(counted) do
  local lives = count.index == 1 and tonumber(ARGV[3]) or count.window
  redis.call('ZADD', count.key, count.index == 1 and now + lives or now, id)
  if redis.call('PTTL', count.key) < lives then redis.call('PEXPIRE', count.key, lives) end
end
return { 0, -1 }`
  },
  /*
   * Claims an Idempotency-Key. KEYS: the key, a hash of: hash of the body, order, time until which the claim holds
   * ('' = confirmed), call_sid. ARGV: 1 hash of the body, 2 order, 3 now, 4 milliseconds for which the claim holds,
   * 5 those for which the key is remembered, 6 order from which it is taken over ('' = none). Replies the outcome,
   * then what belongs to it.
   */
  bridgeClaim: {
    numberOfKeys: 1,
    lua: `
local now = tonumber(ARGV[3])
local hash, order, claimed, sid = unpack(redis.call('HMGET', KEYS[1], 'hash', 'order', 'claimed', 'sid'))
if hash and order ~= ARGV[6] and (claimed == '' or tonumber(claimed) > now) then
  if hash ~= ARGV[1] then return { 'other-body' } end
  if claimed ~= '' then return { 'under-way', tostring(tonumber(claimed) - now) } end
  return { 'known', order, sid }
end
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'order', ARGV[2], 'claimed', now + ARGV[4], 'sid', '')
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return { 'claimed' }`
  },
  /*
   * What became of a claim. KEYS: the key. ARGV: 1 order, 2 confirmed, placed or free, 3 call_sid. Replies whether the
   * key belongs to the order.
   */
  bridgeClaimed: {
    numberOfKeys: 1,
    lua: `
if redis.call('HGET', KEYS[1], 'order') ~= ARGV[1] then return 0 end
if ARGV[2] == 'free' then
  redis.call('DEL', KEYS[1])
else
  redis.call('HSET', KEYS[1], 'claimed', '')
  if ARGV[2] == 'placed' then redis.call('HSET', KEYS[1], 'sid', ARGV[3]) end
end
return 1`
  }
}
