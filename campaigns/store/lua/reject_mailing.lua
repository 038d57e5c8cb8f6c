-- Records that the gateway refused one mailing of an accepted batch: its recipients were certainly not messaged.
-- A mailing with any stored delivery was sent, and is left alone, even if another poller has stored it just now.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 deliveries of the mailing, 5 money of its account, 6 due set of
--       control
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 number of the mailing, 5 its recipients,
--       6 the gateway's words, 7 data of the event (JSON object)
-- Emits: mailing.rejected.
-- Returns: recipients left in the batch.
-- @include clock, counters, event, budget
local batch_key, campaign_key, events, deliveries = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local money, due_control = KEYS[5], KEYS[6]
local now = clock(ARGV[1])
if redis.call('HGET', batch_key, 'state') == 'accepted' and redis.call('EXISTS', deliveries) == 0
  and redis.call('HSETNX', batch_key, 'rejected:' .. ARGV[4], ARGV[6]) == 1 then
  redis.call('HINCRBY', batch_key, 'n', 0 - tonumber(ARGV[5]))
  -- They do not count for the frequency cap after all.
  if redis.call('HEXISTS', batch_key, 'cap') == 1 then redis.call('ZADD', due_control, now, 'count|' .. ARGV[2]) end
  redis.call('HINCRBY', campaign_key, 'r:accepted', 0 - tonumber(ARGV[5]))
  redis.call('HINCRBY', campaign_key, 'r:rejected', ARGV[5])
  tally_move(campaign_key, 0, tonumber(ARGV[5]), 'accepted', 'rejected')
  take_from_reserved(money, batch_key, tonumber(ARGV[5]))
  emit(events, campaign_key, ARGV[3], 'mailing.rejected', ARGV[2], ARGV[7], now)
end
return tonumber(redis.call('HGET', batch_key, 'n'))
