-- The plan is complete: the campaign becomes ready and its batches due, or it becomes a draft. All of it or nothing.
-- KEYS: 1 campaign, 2 events, 3 due set of its queue, 4 accounts of its queue, 5 due set of control,
--       6 primary, 7 workers
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 plan token, 4 digest of the job, 5 account, 6 when its first batch may go out
--       (unix ms; 0 at once), 7 replicas that must have what is written, 8 for how
--       long it is kept back, until they have it (ms), 9 number of batches, 10 number of recipients handed in,
--       11 why it becomes a draft, or ''. A campaign without batches never becomes a draft
-- Emits: campaign.cancelled, campaign.draft, campaign.finished, campaign.ready, campaign.unbalanced, store.changed.
-- Moves: campaign planning → ready, draft; campaign ready, paused → finished; campaign cancelling → cancelled.
-- Returns: 1 ready or a draft (now or by a repeated call), 0 the plan is another producer's or incomplete.
-- @include clock, plans
local campaign_key, events, due, accounts, due_control = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local primary_key, workers = KEYS[6], KEYS[7]
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token', 'batches', 'kind', 'r:total', 'r:planned',
  'r:invalid', 'r:duplicate', 'r:opted_out')
if plan[2] ~= ARGV[3] then return 0 end
if plan[1] ~= 'planning' then return plan[1] == 'abandoned' and 0 or 1 end
if plan[3] ~= ARGV[9] or plan[5] ~= ARGV[10] then return 0 end
local function number(n) return tonumber(plan[n] or '0') end
redis.call('HSET', campaign_key, 'digest', ARGV[4])
redis.call('HDEL', campaign_key, 'plan_until_ms', 'exclusion_calls')
redis.call('ZREM', due_control, 'plan|' .. ARGV[2])
make_visible({campaign = campaign_key, events = events, due = due, accounts = accounts, primary = primary_key,
  workers = workers},
  ARGV[2], {kind = plan[4], account = ARGV[5], batches = number(3), planned = number(6), total = number(5),
  first = tonumber(ARGV[6]), replicas = tonumber(ARGV[7]), kept_back = tonumber(ARGV[8]), draft = ARGV[11],
  excluded = {invalid = number(7), duplicate = number(8), opted_out = number(9)}}, now)
return 1
