-- Gives a permit back after its request has ended.
-- KEYS: 1 account, 2 the base of its permits' names
-- ARGV: 1 now (ms or 0), 2 permit id, 3 'used' or 'unused' (no byte was written: the slot is free at once),
--       4 window (us), 5 'ok', 'failed' or '' (says nothing of the account)
-- Returns: number of failures in a row.
-- @include permits
local now, keys = clock_us(ARGV[1]), permit_keys(KEYS[1], KEYS[2])
local held = redis.call('ZREM', keys.busy, ARGV[2])
redis.call('ZREM', keys.read_busy, ARGV[2])
for _, key in ipairs({keys.slots, keys.read_slots, keys.fast_slots}) do
  if redis.call('ZSCORE', key, ARGV[2]) then
    if ARGV[3] == 'unused' then redis.call('ZREM', key, ARGV[2])
    elseif held == 1 then redis.call('ZADD', key, now + tonumber(ARGV[4]), ARGV[2]) end
  end
end
if ARGV[5] == 'ok' then
  if redis.call('HGET', KEYS[1], 'failures') then redis.call('HDEL', KEYS[1], 'failures') end
  return 0
end
if ARGV[5] == 'failed' and held == 1 then return redis.call('HINCRBY', KEYS[1], 'failures', 1) end
return tonumber(redis.call('HGET', KEYS[1], 'failures') or '0')
