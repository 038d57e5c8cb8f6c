-- Says what became of a campaign's canary: the others follow, or the campaign pauses. Or until when its results are
-- waited for, or that the gateway is asked for them once more.
-- KEYS: 1 campaign, 2 events, 3 due set in which its batches are sent, 4 accounts of that queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 'passed', 'failed', 'waits' or 'asks', 4 account, 5 data of the event (JSON object),
--       6 why it failed, or '', 7 until when it waits (unix ms)
-- Emits: campaign.canary_passed, campaign.canary_failed.
-- Returns: 1 done; 0 there is nothing to be judged any more.
-- @include due
local now, verdict = clock(ARGV[1]), ARGV[3]
local known = redis.call('HMGET', KEYS[1], 'state', 'canary')
if known[1] ~= 'ready' or not known[2] then return 0 end
if verdict == 'waits' then
  redis.call('HSET', KEYS[1], 'canary_until_ms', ARGV[7])
  return 1
end
if verdict == 'asks' then
  redis.call('HSET', KEYS[1], 'canary_asked_ms', now)
  return 1
end
redis.call('HDEL', KEYS[1], 'canary', 'canary_until_ms', 'canary_asked_ms')
redis.call('HSET', KEYS[1], 'canary_state', verdict, 'canary_why', ARGV[6])
if verdict == 'failed' then
  redis.call('HSET', KEYS[1], 'state', 'paused')
else
  schedule(KEYS[3], KEYS[4], ARGV[4], 'campaign|' .. ARGV[2], now)
end
note_planned(ARGV[4], KEYS[1], ARGV[2], now)
emit(KEYS[2], KEYS[1], ARGV[2], 'campaign.canary_' .. verdict, ARGV[2], ARGV[5], now)
return 1
