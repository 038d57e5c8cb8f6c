-- Moves the time of all batches of a campaign that are still here.
-- KEYS: 1 campaign, 2 events, 3 due set in which its batches are sent, 4 accounts of that queue, 5 audit
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 allowed states as ',a,b,', 4 new time (unix ms), 5 when batches may be handed
--       over for it (unix ms), 6 data of the event (JSON object), 7 account, 8 act (JSON object)
-- Emits: campaign.rescheduled.
-- Returns: {1, batches} moved, now or by a repeated call; {0, state} not possible in this state.
-- @include clock, event, waiting, acts, due
local campaign_key, events, due, accounts, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = clock(ARGV[1])
local campaign = redis.call('HMGET', campaign_key, 'state', 'b:planned', 'r:planned', 'schedule_ms', 'earliest_ms')
local state, planned = campaign[1] or '', tonumber(campaign[2] or '0')
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) then return {0, state} end
if planned == 0 or campaign[4] == ARGV[4] then return {1, planned} end
-- A batch may have been sent before a change of the store's server at any time that its campaign ever had.
local earliest = math.min(tonumber(ARGV[5]), tonumber(campaign[5] or ARGV[5]))
redis.call('HSET', campaign_key, 'schedule_ms', ARGV[4], 'not_before_ms', ARGV[5],
  'earliest_ms', string.format('%.0f', earliest))
note_planned(ARGV[7], campaign_key, ARGV[2], now)
if redis.call('ZSCORE', due, 'at|' .. ARGV[2]) then
  schedule(due, accounts, ARGV[7], 'at|' .. ARGV[2], ARGV[5])
end
emit(events, campaign_key, ARGV[2], 'campaign.rescheduled', ARGV[2], merged('"schedule_ms":' .. ARGV[4] ..
  ',"batches":' .. planned .. ',"recipients":' .. (campaign[3] or '0'), ARGV[6]), now)
note_act(audit, ARGV[8], campaign[3] or '0', now)
return {1, planned}
