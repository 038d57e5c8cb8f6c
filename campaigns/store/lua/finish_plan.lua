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
-- @include clock, due, event, finish_campaign, plans, primary, waiting
local campaign_key, events, due, accounts, due_control = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local primary_key, workers = KEYS[6], KEYS[7]
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token', 'batches', 'kind', 'r:total', 'r:planned')
if plan[2] ~= ARGV[3] then return 0 end
if plan[1] ~= 'planning' then return plan[1] == 'abandoned' and 0 or 1 end
if plan[3] ~= ARGV[9] or plan[5] ~= ARGV[10] then return 0 end
local function number(n) return tonumber(plan[n] or '0') end
local excluded = {}
for _, reason in ipairs(EXCLUDED) do
  excluded[reason] = tonumber(redis.call('HGET', campaign_key, 'r:' .. reason) or '0')
end
redis.call('HSET', campaign_key, 'digest', ARGV[4])
redis.call('HDEL', campaign_key, 'plan_until_ms', 'exclusion_calls')
redis.call('ZREM', due_control, 'plan|' .. ARGV[2])

local batches, first_ms, draft = number(3), tonumber(ARGV[6]), ARGV[11] ~= '' and number(3) > 0
redis.call('HSET', campaign_key, 'state', draft and 'draft' or 'ready')
-- What becomes ready after a change cannot have been sent before it.
local primary = notice_change(primary_key, workers, events, 0, 0, tonumber(ARGV[7]), now)
if primary.epoch > 0 then redis.call('HSET', campaign_key, 'epoch', primary.epoch) end
if first_ms > now then redis.call('HSET', campaign_key, 'first_ms', string.format('%.0f', first_ms)) end
local first = math.max(first_ms, now + tonumber(ARGV[8]))
if not draft and batches > 0 then
  schedule(due, accounts, ARGV[5], (first_ms > now and 'at|' or 'campaign|') .. ARGV[2], first)
end
tally_planned({kind = plan[4], account = ARGV[5], batches = batches, planned = number(6),
  excluded = excluded})
note_planned(ARGV[5], campaign_key, ARGV[2], first)
if draft then redis.call('HSET', campaign_key, 'draft_why', ARGV[11]) end
emit(events, campaign_key, ARGV[2], draft and 'campaign.draft' or 'campaign.ready', ARGV[2],
  planned_data(plan[4], number(5), number(6), batches, draft and campaign_key, ARGV[11]), now)
if batches == 0 then finish_if_over(campaign_key, events, ARGV[2], now) end
return 1
