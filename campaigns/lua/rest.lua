-- Lets an account rest, or wakes it. A rest is only ever made longer, except by waking.
-- KEYS: 1 account, 2 events
-- ARGV: 1 now (ms or 0), 2 account, 3 ms to rest (0: wake), 4 reason, 5 data of the event (JSON object)
-- Returns: unix ms until which the account rests (0: it does not).
local now = clock(ARGV[1])
local until_ms = tonumber(redis.call('HGET', KEYS[1], 'paused_until_ms') or '0')
local source = 'accounts/' .. ARGV[2]
if ARGV[3] == '0' then
  if until_ms > now then emit(KEYS[2], KEYS[1], source, 'account.resumed', ARGV[2], ARGV[5], now) end
  redis.call('HDEL', KEYS[1], 'paused_until_ms', 'reason', 'failures')
  return 0
end
local longer = now + tonumber(ARGV[3])
if longer <= until_ms then return until_ms end
local rested = until_ms > now
redis.call('HSET', KEYS[1], 'paused_until_ms', longer, 'reason', ARGV[4])
redis.call('HDEL', KEYS[1], 'failures')
if not rested then
  emit(KEYS[2], KEYS[1], source, 'account.paused', ARGV[2],
    merged('"reason":' .. cjson.encode(ARGV[4]) .. ',"until_ms":' .. longer, ARGV[5]), now)
end
return longer
