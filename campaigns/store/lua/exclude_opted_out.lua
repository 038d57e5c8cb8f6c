-- Records that a planned batch was checked against the opt-outs, and takes out of it who must not be messaged.
-- Nobody leaves it twice: whoever rewrites a body moves `optouts_v`, and only one can move it from what it was.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 body, 5 list of those taken out, 6 due set in which it is sent,
--       7.. lookalikes: of its mailings as they were, then of those that are left
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 version of the opt-outs it was checked against before,
--       5 version now, 6 '1' if the body changes, 7 new body (zlib), 8 recipients left, 9 mailings left (JSON),
--       10 number of mailings as they were, 11 life of the lookalikes (ms), 12.. JSON rows of those who opted out
-- Returns: 1 recorded; 0 the batch is elsewhere, or somebody else checked it.
-- @include lookalikes
local now = clock(ARGV[1])
local batch = redis.call('HMGET', KEYS[1], 'state', 'optouts_v', 'n', 'attempt', 'resent_ms')
local seen = batch[2] or redis.call('HGET', KEYS[2], 'optouts_v') or ''
if batch[1] ~= 'planned' or seen ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'optouts_v', ARGV[5])
if ARGV[6] ~= '1' then return 1 end
local left, opted_out = tonumber(ARGV[8]), #ARGV - 11
-- Those who were erased while the batch lay refused have left its body without being counted.
local erased = tonumber(batch[3]) - left - opted_out
redis.call('HSET', KEYS[1], 'n', left, 'mailings', ARGV[9])
-- An earlier request in doubt may still turn up, and it held more phones than any from now on.
if batch[5] then redis.call('HSET', KEYS[1], 'reduced_ms', now) end
local old = tonumber(ARGV[10])
for i = 7, #KEYS do
  if i - 7 >= old then
    remember_lookalike(KEYS[i], ARGV[2] .. ':' .. (i - 7 - old), now, tonumber(ARGV[11]))
  elseif batch[4] == '0' then
    redis.call('ZREM', KEYS[i], ARGV[2] .. ':' .. (i - 7))
  end
end
redis.call('HINCRBY', KEYS[2], 'r:planned', 0 - opted_out - erased)
redis.call('HINCRBY', KEYS[2], 'r:opted_out', opted_out)
redis.call('HINCRBY', KEYS[2], 'r:cancelled', erased)
tally_move(KEYS[2], 0, opted_out, 'planned', 'opted_out')
tally_move(KEYS[2], 0, erased, 'planned', 'cancelled')
for i = 12, #ARGV do redis.call('RPUSH', KEYS[5], ARGV[i]) end
emit(KEYS[3], KEYS[2], ARGV[3], 'batch.reduced', ARGV[2], '{"opted_out":' .. opted_out ..
  ',"erased":' .. erased .. ',"recipients":' .. left .. '}', now)
if left > 0 then
  redis.call('SET', KEYS[4], ARGV[7], 'KEEPTTL')
  return 1
end
redis.call('DEL', KEYS[4])
redis.call('HSET', KEYS[1], 'state', 'cancelled', 'since_ms', now)
redis.call('ZREM', KEYS[6], 'send|' .. ARGV[2])
count(KEYS[2], ARGV[2], 0, 'planned', 'cancelled', now)
emit(KEYS[3], KEYS[2], ARGV[3], 'batch.cancelled', ARGV[2],
  '{"from":"planned","attempt":' .. batch[4] .. ',"recipients":0}', now)
finish_if_over(KEYS[2], KEYS[3], ARGV[3], now)
return 1
