-- Abandons a plan: its producer refuses the job, or sweeping finds that the producer died.
-- KEYS: 1 campaign, 2 events, 3 job key (or the campaign again if there is none), 4 active
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 plan token of its producer, or '' for sweeping
-- Emits: campaign.abandoned.
-- Moves: campaign planning → abandoned.
-- Returns: number of batches whose keys may be deleted, -1 if the plan stays.
-- @include clock, event
local campaign_key, events, job_key, active = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
local plan = redis.call('HMGET', campaign_key, 'state', 'plan_token', 'plan_until_ms', 'batches')
if plan[1] == 'abandoned' then return tonumber(plan[4]) end
if plan[1] ~= 'planning' then return -1 end
if ARGV[3] ~= '' and plan[2] ~= ARGV[3] then return -1 end
if ARGV[3] == '' and tonumber(plan[3]) > now then return -1 end
redis.call('HSET', campaign_key, 'state', 'abandoned', 'ended_ms', now)
if job_key ~= campaign_key and redis.call('GET', job_key) == ARGV[2] then redis.call('DEL', job_key) end
if ARGV[3] == '' then
  emit(events, campaign_key, ARGV[2], 'campaign.abandoned', ARGV[2], '{"batches":' .. plan[4] .. '}', now)
end
return tonumber(plan[4])
