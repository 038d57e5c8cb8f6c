-- Records that a mailing was sent twice. Only the first call has an effect.
-- KEYS: 1 batch, 2 campaign, 3 events
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 number of the mailing, 5 its recipients, 6 data of the event
-- Emits: batch.double_send_detected.
-- Returns: 1 recorded, 0 it was known.
-- @include clock, counters, event
local batch_key, campaign_key, events = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
if redis.call('HSETNX', batch_key, 'double_send:' .. ARGV[4], now) == 0 then return 0 end
redis.call('HINCRBY', campaign_key, 'double_sends', ARGV[5])
tally(redis.call('HGET', batch_key, 'account') or '', 'double', tonumber(ARGV[5]))
emit(events, campaign_key, ARGV[3], 'batch.double_send_detected', ARGV[2], ARGV[6], now)
return 1
