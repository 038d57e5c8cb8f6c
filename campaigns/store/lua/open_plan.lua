-- Opens a campaign for planning, unless its key belongs to another one.
-- KEYS: 1 job key (or the campaign again if there is none), 2 campaign, 3 active, 4 index, 5 due set of control
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 '1' if there is a job key, 4 plan token, 5 lease (ms),
--       6 version of the opt-outs that planning goes by, 7.. field, value, ... of the campaign
-- Moves: campaign nothing → planning.
-- Returns: the id of the campaign that has the key: this one if it was opened (now or by a repeated call).
-- @include clock
local job_key, campaign_key, active, index, due_control = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = clock(ARGV[1])
if redis.call('EXISTS', campaign_key) == 1 then return ARGV[2] end
if ARGV[3] == '1' then
  local owner = redis.call('GET', job_key)
  if owner and owner ~= ARGV[2] then return owner end
  redis.call('SET', job_key, ARGV[2])
end
for i = 7, #ARGV, 2 do redis.call('HSET', campaign_key, ARGV[i], ARGV[i + 1]) end
redis.call('HSET', campaign_key, 'state', 'planning', 'plan_token', ARGV[4], 'created_ms', now,
  'plan_until_ms', now + tonumber(ARGV[5]), 'batches', 0, 'r:total', 0, 'optouts_v', ARGV[6],
  'optouts_scoped_v', ARGV[6])
redis.call('SADD', active, ARGV[2])
redis.call('ZADD', index, now, ARGV[2])
redis.call('ZADD', due_control, now + tonumber(ARGV[5]), 'plan|' .. ARGV[2])
return ARGV[2]
