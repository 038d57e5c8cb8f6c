-- The gateway refused one mailing of an accepted batch after all: its recipients were certainly not sent.
-- What was ever heard of went out, and is not touched, also if another poller heard it just now.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 deliveries of the mailing
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 number of the mailing, 5 its recipients,
--       6 the gateway's words, 7 data of the event (JSON object)
-- Returns: recipients left in the batch.
local now = clock(ARGV[1])
if redis.call('HGET', KEYS[1], 'state') == 'accepted' and redis.call('EXISTS', KEYS[4]) == 0
  and redis.call('HSETNX', KEYS[1], 'rejected:' .. ARGV[4], ARGV[6]) == 1 then
  redis.call('HINCRBY', KEYS[1], 'n', 0 - tonumber(ARGV[5]))
  redis.call('HINCRBY', KEYS[2], 'r:accepted', 0 - tonumber(ARGV[5]))
  redis.call('HINCRBY', KEYS[2], 'r:rejected', ARGV[5])
  tally_move(KEYS[2], 0, tonumber(ARGV[5]), 'accepted', 'rejected')
  emit(KEYS[3], KEYS[2], ARGV[3], 'mailing.rejected', ARGV[2], ARGV[7], now)
end
return tonumber(redis.call('HGET', KEYS[1], 'n'))
