-- Stores one planned batch and its body; the campaign is not ready yet, so no worker sends it.
-- KEYS: 1 campaign, 2 batch, 3 body, 4.. lookalikes, one per mailing
-- ARGV: 1 now (ms or 0), 2 plan token, 3 lease (ms), 4 batch id, 5 recipients, 6 body (zlib), 7 life of the body (ms),
--       8 life of the lookalikes (ms), 9 account, 10 kind, 11 mailings (JSON), 12 not before (unix ms; 0 at once),
--       13.. field, value, ... that the campaign gives each of its batches
-- Moves: batch nothing → planned.
-- Returns: 1 stored (now or by a repeated call), 0 the plan belongs to another producer or is over.
-- @include head, clock, planned_batch
local campaign_key, batch_key, body_key, lookalikes = KEYS[1], KEYS[2], KEYS[3], keys_from(4)
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token')
if plan[1] ~= 'planning' or plan[2] ~= ARGV[2] then return 0 end
redis.call('HSET', campaign_key, 'plan_until_ms', now + tonumber(ARGV[3]))
if redis.call('EXISTS', batch_key) == 1 then return 1 end
store_batch(batch_key, body_key, ARGV[4],
  {n = ARGV[5], body = ARGV[6], mailings = ARGV[11], not_before_ms = tonumber(ARGV[12]), lookalikes = lookalikes},
  {body_life = tonumber(ARGV[7]), lookalikes_life = tonumber(ARGV[8]), account = ARGV[9], kind = ARGV[10]},
  {unpack(ARGV, 13)}, now)
redis.call('HINCRBY', campaign_key, 'batches', 1)
redis.call('HINCRBY', campaign_key, 'b:planned', 1)
redis.call('HINCRBY', campaign_key, 'r:planned', ARGV[5])
redis.call('HINCRBY', campaign_key, 'r:total', ARGV[5])
return 1
