-- Records that a mailing was sent twice, once and for all.
-- KEYS: 1 batch, 2 campaign, 3 events
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 number of the mailing, 5 its recipients, 6 data of the event
-- Returns: 1 it is news, 0 it was known.
local now = clock(ARGV[1])
if redis.call('HSETNX', KEYS[1], 'double_send:' .. ARGV[4], now) == 0 then return 0 end
redis.call('HINCRBY', KEYS[2], 'double_sends', ARGV[5])
tally(redis.call('HGET', KEYS[1], 'account') or '', 'double', tonumber(ARGV[5]))
emit(KEYS[3], KEYS[2], ARGV[3], 'batch.double_send_detected', ARGV[2], ARGV[6], now)
return 1
