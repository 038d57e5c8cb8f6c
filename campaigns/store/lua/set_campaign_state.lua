-- Pauses, resumes or cancels a campaign.
-- KEYS: 1 campaign, 2 events, 3 due set in which its batches are sent, 4 accounts of that queue, 5 due set of control,
--       6 audit, 7 account
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 allowed states as ',a,b,', 4 new state, 5 type of the event,
--       6 data (JSON object), 7 account, 8 act (JSON object)
-- Emits: account.resumed, campaign.approved, campaign.cancelled, campaign.cancelling, campaign.finished,
--   campaign.paused, campaign.resumed, campaign.unbalanced.
-- Moves: campaign ready → paused; campaign draft, paused → ready; campaign draft, ready, paused → cancelling; campaign
--   ready, paused → finished; campaign cancelling → cancelled.
-- Returns: {1, state before} changed; {2, state} it was there already; {0, state} not possible.
-- @include clock, event, waiting, finish_campaign, acts, due, budget_pauses
local campaign_key, events, due, accounts, due_control, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local account = {account = KEYS[7], events = events, name = ARGV[7]}
local now = clock(ARGV[1])
local state = redis.call('HGET', campaign_key, 'state') or ''
if state == ARGV[4] then return {2, state} end
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) then return {0, state} end
redis.call('HSET', campaign_key, 'state', ARGV[4])
if ARGV[4] == 'paused' then
  redis.call('HSET', campaign_key, 'pause', ARGV[6])
else
  redis.call('HDEL', campaign_key, 'pause')
end
if ARGV[4] ~= 'ready' then leave_budget(account, ARGV[2], now) end
emit(events, campaign_key, ARGV[2], ARGV[5], ARGV[2], merged('"from":"' .. state .. '"', ARGV[6]), now)
note_act(audit, ARGV[8], '', now)
-- Workers remove a campaign that is not ready from the order of its account.
if ARGV[4] == 'ready' then schedule(due, accounts, ARGV[7], 'campaign|' .. ARGV[2], now) end
note_planned(ARGV[7], campaign_key, ARGV[2], now)
-- In case the process that cancels its batches dies.
if ARGV[4] == 'cancelling' then redis.call('ZADD', due_control, now + 5000, 'cancel|' .. ARGV[2]) end
finish_if_over(campaign_key, events, ARGV[2], now)
return {1, state}
