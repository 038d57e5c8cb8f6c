-- Pauses, resumes or cancels a campaign.
-- KEYS: 1 campaign, 2 events, 3 due set in which its batches are sent, 4 accounts of that queue, 5 due set of control,
--       6 audit
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 allowed states as ',a,b,', 4 new state, 5 type of the event,
--       6 data (JSON object), 7 account, 8 act (JSON object)
-- Returns: {1, state before} changed; {2, state} it was there already; {0, state} not possible.
-- @include due
-- @include acts
local now = clock(ARGV[1])
local state = redis.call('HGET', KEYS[1], 'state') or ''
if state == ARGV[4] then return {2, state} end
if not string.find(ARGV[3], ',' .. state .. ',', 1, true) then return {0, state} end
redis.call('HSET', KEYS[1], 'state', ARGV[4])
emit(KEYS[2], KEYS[1], ARGV[2], ARGV[5], ARGV[2], merged('"from":"' .. state .. '"', ARGV[6]), now)
note_act(KEYS[6], ARGV[8], '', now)
-- Workers put a campaign that is not ready out of the order of its account.
if ARGV[4] == 'ready' then schedule(KEYS[3], KEYS[4], ARGV[7], 'campaign|' .. ARGV[2], now) end
note_planned(ARGV[7], KEYS[1], ARGV[2], now)
-- In case the process that cancels its batches dies.
if ARGV[4] == 'cancelling' then redis.call('ZADD', KEYS[5], now + 5000, 'cancel|' .. ARGV[2]) end
finish_if_over(KEYS[1], KEYS[2], ARGV[2], now)
return {1, state}
