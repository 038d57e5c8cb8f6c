-- Counts the rows of an answer that could not be read, and reports them in an event if they are more than before.
-- KEYS: 1 batch, 2 campaign, 3 events
-- ARGV: 1 now (ms or 0), 2 batch id, 3 campaign id, 4 field of the batch (method, mailing and reason), 5 how many
--       rows, 6 data of the event (JSON object), 7 field of the account's numbers
-- Emits: answer.unreadable.
-- Returns: 1 if there are more than before, else 0.
-- @include clock, counters, event
local batch_key, campaign_key, events = KEYS[1], KEYS[2], KEYS[3]
local now = clock(ARGV[1])
local before = tonumber(redis.call('HGET', batch_key, ARGV[4]) or '0')
local more = tonumber(ARGV[5]) - before
if more <= 0 or redis.call('EXISTS', batch_key) == 0 then return 0 end
redis.call('HSET', batch_key, ARGV[4], ARGV[5])
redis.call('HINCRBY', campaign_key, 'unreadable', more)
tally(redis.call('HGET', batch_key, 'account') or '', ARGV[7], more)
emit(events, campaign_key, ARGV[3], 'answer.unreadable', ARGV[2], ARGV[6], now)
return 1
