-- Counts what could not be read in an answer, and says it, unless as much was said before.
-- KEYS: 1 batch, 2 campaign, 3 events
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 field of the batch (method, mailing and reason), 5 how many
--       rows, 6 data of the event (JSON object), 7 field of the account's numbers
-- Returns: 1 if it was news, else 0. Emits answer.unreadable.
local now = clock(ARGV[1])
local before = tonumber(redis.call('HGET', KEYS[1], ARGV[4]) or '0')
local news = tonumber(ARGV[5]) - before
if news <= 0 or redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('HINCRBY', KEYS[2], 'unreadable', news)
tally(redis.call('HGET', KEYS[1], 'account') or '', ARGV[7], news)
emit(KEYS[3], KEYS[2], ARGV[3], 'answer.unreadable', ARGV[2], ARGV[6], now)
return 1
