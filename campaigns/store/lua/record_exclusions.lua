-- Records recipients that planning excludes. A repeated call is recognised by its number.
-- KEYS: 1 campaign, 2 list of excluded recipients
-- ARGV: 1 now (ms or 0), 2 plan token, 3 lease (ms), 4 number of this call (from 1), 5 reason, 6.. JSON rows
-- Returns: 1 recorded (now or by a repeated call), 0 the plan belongs to another producer or is over.
-- @include clock
local campaign_key, excluded = KEYS[1], KEYS[2]
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token', 'exclusion_calls')
if plan[1] ~= 'planning' or plan[2] ~= ARGV[2] then return 0 end
redis.call('HSET', campaign_key, 'plan_until_ms', now + tonumber(ARGV[3]))
if tonumber(plan[3] or '0') >= tonumber(ARGV[4]) then return 1 end
for i = 6, #ARGV do redis.call('RPUSH', excluded, ARGV[i]) end
redis.call('HINCRBY', campaign_key, 'r:' .. ARGV[5], #ARGV - 5)
redis.call('HINCRBY', campaign_key, 'r:total', #ARGV - 5)
redis.call('HSET', campaign_key, 'exclusion_calls', ARGV[4])
return 1
