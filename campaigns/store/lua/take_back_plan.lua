-- Undoes the end of planning, which the replicas lack, unless something of the campaign was handed out.
-- KEYS: 1 campaign, 2 events, 3 due set of its queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 plan token, 4 lease of the plan (ms)
-- Emits: campaign.abandoned.
-- Moves: campaign draft, ready, paused, cancelling, finished, cancelled → planning.
-- Returns: 1 it is a plan once more (now or by a repeated call), 0 something of it was handed out, or the plan is over.
-- @include clock, counters, event, waiting
local campaign_key, events, due = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token', 'cursor', 'batches', 'r:planned', 'account')
if plan[2] ~= ARGV[3] then return 0 end
if plan[1] == 'planning' then return 1 end
if plan[1] == 'abandoned' then return 0 end
if (plan[3] or '0') ~= '0' then return 0 end
redis.call('HSET', campaign_key, 'state', 'planning', 'plan_until_ms', now + tonumber(ARGV[4]))
redis.call('ZREM', due, 'campaign|' .. ARGV[2], 'at|' .. ARGV[2])
tally_move(campaign_key, tonumber(plan[4]), tonumber(plan[5] or '0'), 'planned', '')
note_planned(plan[6], campaign_key, ARGV[2], now)
emit(events, campaign_key, ARGV[2], 'campaign.abandoned', ARGV[2], '{"batches":' .. plan[4] .. '}', now)
return 1
