-- Asks for a permit to make one request for an account. A slot stays taken until one window after its request
-- has ended, so that no window at the gateway can hold more arrivals than the limit, however long requests travel.
-- Quick messages have a fast lane: while the account sent one within the last minute, a part of the limit is left
-- to them, and they need not keep the distance at which all other requests follow each other.
-- KEYS: 1 account, 2 slots, 3 busy, 4 read slots, 5 read busy, 6 fast slots
-- ARGV: 1 now (ms or 0), 2 permit id, 3 'read', 'quick' or 'paid', 4 requests per window (0: no limit),
--       5 window (us), 6 concurrency, 7 reads among the slots, 8 reads among the busy, 9 life of a permit (us),
--       10 slots of the fast lane
-- Returns: {0} granted, now or by a repeated call; {wait in us, why} otherwise.
local now = clock_us(ARGV[1])
local id, read, quick = ARGV[2], ARGV[3] == 'read', ARGV[3] == 'quick'
local limit, window, concurrency, life = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[9])
if redis.call('ZSCORE', KEYS[3], id) then return {0} end
local account = redis.call('HMGET', KEYS[1], 'all_until_ms', 'next_us', 'paid_until_ms', 'quick_us')
local paused_until = tonumber(account[1] or '0') * 1000
if not read then paused_until = math.max(paused_until, tonumber(account[3] or '0') * 1000) end
if paused_until > now then return {paused_until - now, 'paused'} end
if quick then redis.call('HSET', KEYS[1], 'quick_us', string.format('%.0f', now)) end
local fast_lane = quick or now - tonumber(account[4] or '0') < 60000000

local function taken(key)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  return redis.call('ZCARD', key)
end

local function first_ends(key)
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return first[2] and math.max(1, tonumber(first[2]) - now) or 0
end

local function take(key, more)
  redis.call('ZADD', key, now + life, id)
  redis.call('PEXPIRE', key, math.ceil((life + more) / 1000))
end

-- How long another's request takes is not known: ask again soon, but no later than its permit ends.
local most = (fast_lane and not quick and concurrency > 1) and concurrency - 1 or concurrency
local busy = taken(KEYS[3]) >= most and first_ends(KEYS[3]) or 0
if busy == 0 and read and taken(KEYS[5]) >= tonumber(ARGV[8]) then busy = first_ends(KEYS[5]) end
if busy > 0 then return {math.min(busy, 20000), 'busy'} end
if limit > 0 then
  local reserved, slots, fast = tonumber(ARGV[10]), taken(KEYS[2]), taken(KEYS[6])
  if not fast_lane then reserved = 0 end
  local spacing = tonumber(account[2] or '0') - now
  -- A clock that was set back must not stop the account.
  if spacing > window then spacing = 0 end
  local wait = math.max(spacing, 0)
  if slots >= limit or slots - fast >= limit - reserved then wait = math.max(wait, first_ends(KEYS[2])) end
  if read and taken(KEYS[4]) >= tonumber(ARGV[7]) then wait = math.max(wait, first_ends(KEYS[4])) end
  local overtakes = quick and wait > 0 and slots < limit and fast < reserved
  if wait > 0 and not overtakes then return {math.min(wait, math.max(window, 20000)), 'rate'} end
  redis.call('HSET', KEYS[1], 'next_us', string.format('%.0f', now + math.max(spacing, 0) + window / limit))
  take(KEYS[2], window)
  if read then take(KEYS[4], window) end
  if overtakes then take(KEYS[6], window) end
end
take(KEYS[3], 0)
if read then take(KEYS[5], 0) end
return {0}
