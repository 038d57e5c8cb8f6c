-- Stores one planned batch and its body; the campaign is not ready yet, so nobody sends it.
-- KEYS: 1 campaign, 2 batch, 3 body, 4.. twins, one per mailing
-- ARGV: 1 now (ms or 0), 2 plan token, 3 lease (ms), 4 batch id, 5 recipients, 6 body (zlib), 7 life of the body (ms),
--       8 life of the twins (ms), 9 account, 10 kind, 11 mailings (JSON), 12 not before (unix ms; 0 at once),
--       13.. field, value, ... that the campaign gives each of its batches
-- Returns: 1 stored (now or by a repeated call), 0 the plan is not ours any more.
-- @include lookalikes
local now = clock(ARGV[1])
local plan = redis.call('HMGET', KEYS[1], 'state', 'plan_token')
if plan[1] ~= 'planning' or plan[2] ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], 'plan_until_ms', now + tonumber(ARGV[3]))
if redis.call('EXISTS', KEYS[2]) == 1 then return 1 end
-- What is scheduled waits here until its time: lives count from then.
local later = math.max(0, tonumber(ARGV[12]) - now)
redis.call('SET', KEYS[3], ARGV[6], 'PX', string.format('%.0f', tonumber(ARGV[7]) + later))
redis.call('HSET', KEYS[2], 'state', 'planned', 'since_ms', now, 'n', ARGV[5], 'mailings', ARGV[11],
  'account', ARGV[9], 'kind', ARGV[10], 'attempt', 0, 'final', 0, 'v', 0)
for i = 13, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
if ARGV[12] ~= '0' then redis.call('HSET', KEYS[2], 'not_before_ms', ARGV[12]) end
for i = 4, #KEYS do
  remember_lookalike(KEYS[i], ARGV[4] .. ':' .. (i - 4), now, tonumber(ARGV[8]) + later)
end
redis.call('HINCRBY', KEYS[1], 'batches', 1)
redis.call('HINCRBY', KEYS[1], 'b:planned', 1)
redis.call('HINCRBY', KEYS[1], 'r:planned', ARGV[5])
redis.call('HINCRBY', KEYS[1], 'r:total', ARGV[5])
return 1
