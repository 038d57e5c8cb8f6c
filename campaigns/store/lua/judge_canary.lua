-- Records the verdict on a campaign's canary: the other batches follow, or the campaign pauses; or how long to wait for
-- its results; or that the gateway is polled for them once more.
-- KEYS: 1 campaign, 2 events, 3 due set in which its batches are sent, 4 accounts of that queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 'passed', 'failed', 'waits' or 'asks', 4 account,
--       5 data of the event (JSON object), 6 why it failed, or '', 7 until when it waits (unix ms),
--       8 the same as a code with its facts (JSON object), or ''
-- Emits: campaign.canary_failed, campaign.canary_passed.
-- Moves: campaign ready → paused.
-- Returns: 1 done; 0 it is judged already, or the campaign is not ready.
-- @include clock, event, waiting, due
local campaign_key, events, due, accounts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, verdict = clock(ARGV[1]), ARGV[3]
local known = redis.call('HMGET', campaign_key, 'state', 'canary')
if known[1] ~= 'ready' or not known[2] then return 0 end
if verdict == 'waits' then
  redis.call('HSET', campaign_key, 'canary_until_ms', ARGV[7])
  return 1
end
if verdict == 'asks' then
  redis.call('HSET', campaign_key, 'canary_asked_ms', now)
  return 1
end
redis.call('HDEL', campaign_key, 'canary', 'canary_until_ms', 'canary_asked_ms')
redis.call('HSET', campaign_key, 'canary_state', verdict, 'canary_why', ARGV[6], 'canary_cause', ARGV[8])
if verdict == 'failed' then
  redis.call('HSET', campaign_key, 'state', 'paused')
else
  schedule(due, accounts, ARGV[4], 'campaign|' .. ARGV[2], now)
end
note_planned(ARGV[4], campaign_key, ARGV[2], now)
local kind = verdict == 'failed' and 'campaign.canary_failed' or 'campaign.canary_passed'
emit(events, campaign_key, ARGV[2], kind, ARGV[2], ARGV[5], now)
return 1
