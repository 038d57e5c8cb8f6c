-- Undoes the end of planning, which the replicas lack: nothing of the campaign was handed out, and nothing will be.
-- KEYS: 1 campaign, 2 events, 3 due set of its queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 plan token, 4 lease of the plan (ms)
-- Emits: campaign.abandoned.
-- Returns: 1 it is a plan once more (now or by a repeated call), 0 something of it was handed out.
local now = clock(ARGV[1])
local plan = redis.call('HMGET', KEYS[1], 'state', 'plan_token', 'cursor', 'batches', 'r:planned', 'account')
if plan[2] ~= ARGV[3] then return 0 end
if plan[1] == 'planning' then return 1 end
if (plan[3] or '0') ~= '0' then return 0 end
redis.call('HSET', KEYS[1], 'state', 'planning', 'plan_until_ms', now + tonumber(ARGV[4]))
redis.call('ZREM', KEYS[3], 'campaign|' .. ARGV[2], 'at|' .. ARGV[2])
tally_move(KEYS[1], tonumber(plan[4]), tonumber(plan[5] or '0'), 'planned', '')
note_planned(plan[6], KEYS[1], ARGV[2], now)
emit(KEYS[2], KEYS[1], ARGV[2], 'campaign.abandoned', ARGV[2], '{"batches":' .. plan[4] .. '}', now)
return 1
