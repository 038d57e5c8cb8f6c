-- Asks for a permit to make one request for an account. A slot stays taken until one window after its request
-- has ended, so that no window at the gateway can hold more arrivals than the limit, however long requests travel.
-- KEYS: 1 account, 2 slots, 3 busy, 4 read slots, 5 read busy
-- ARGV: 1 now (ms or 0), 2 permit id, 3 '1' for a read, 4 requests per window (0: no limit), 5 window (us),
--       6 concurrency, 7 reads among the slots, 8 reads among the busy, 9 life of a permit (us)
-- Returns: {0} granted, now or by a repeated call; {wait in us, why} otherwise.
local now = clock_us(ARGV[1])
local id, read = ARGV[2], ARGV[3] == '1'
local limit, window, concurrency, life = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[9])
if redis.call('ZSCORE', KEYS[3], id) then return {0} end
local account = redis.call('HMGET', KEYS[1], 'all_until_ms', 'next_us', 'paid_until_ms')
local paused_until = tonumber(account[1] or '0') * 1000
if not read then paused_until = math.max(paused_until, tonumber(account[3] or '0') * 1000) end
if paused_until > now then return {paused_until - now, 'paused'} end

local function wait_for(key, most)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  if redis.call('ZCARD', key) < most then return 0 end
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  return math.max(1, tonumber(first[2]) - now)
end

-- How long another's request takes is not known: ask again soon, but no later than its permit ends.
local busy = wait_for(KEYS[3], concurrency)
if busy == 0 and read then busy = wait_for(KEYS[5], tonumber(ARGV[8])) end
if busy > 0 then return {math.min(busy, 20000), 'busy'} end
if limit > 0 then
  local slots = wait_for(KEYS[2], limit)
  if slots == 0 and read then slots = wait_for(KEYS[4], tonumber(ARGV[7])) end
  local spacing = tonumber(account[2] or '0') - now
  -- A clock that was set back must not stop the account.
  if spacing > window then spacing = 0 end
  if math.max(slots, spacing) > 0 then
    return {math.min(math.max(slots, spacing), math.max(window, 20000)), 'rate'}
  end
  redis.call('HSET', KEYS[1], 'next_us', string.format('%.0f', now + window / limit))
  redis.call('ZADD', KEYS[2], now + life, id)
  redis.call('PEXPIRE', KEYS[2], math.ceil((life + window) / 1000))
  if read then
    redis.call('ZADD', KEYS[4], now + life, id)
    redis.call('PEXPIRE', KEYS[4], math.ceil((life + window) / 1000))
  end
end
redis.call('ZADD', KEYS[3], now + life, id)
redis.call('PEXPIRE', KEYS[3], math.ceil(life / 1000))
if read then
  redis.call('ZADD', KEYS[5], now + life, id)
  redis.call('PEXPIRE', KEYS[5], math.ceil(life / 1000))
end
return {0}
