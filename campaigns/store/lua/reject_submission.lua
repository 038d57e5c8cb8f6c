-- Keeps the facts of a message in which no job could be found, and reports it in an event.
-- KEYS: 1 rejected (sorted set), 2 facts of the rejected (hash), 3 submissions, 4 events
-- ARGV: 1 now (ms or 0), 2 digest of the message, 3 facts (JSON object), 4 most that are kept, 5 their life (ms)
-- Emits: submission.rejected.
-- Returns: 1 kept, 0 it is known already, because the message was delivered again.
-- @include clock, event
local rejected, facts, submissions, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
if redis.call('HEXISTS', facts, ARGV[2]) == 1 then return 0 end
local data = merged('"message":"' .. ARGV[2] .. '"', ARGV[3])
redis.call('ZADD', rejected, now, ARGV[2])
redis.call('HSET', facts, ARGV[2], data)
-- Usually one is too many. Where the limit was larger before, each call drops some.
local spare = math.min(redis.call('ZCARD', rejected) - tonumber(ARGV[4]), 100)
local old = spare > 0 and redis.call('ZRANGE', rejected, 0, spare - 1) or {}
for _, digest in ipairs(old) do
  redis.call('ZREM', rejected, digest)
  redis.call('HDEL', facts, digest)
end
redis.call('PEXPIRE', rejected, ARGV[5])
redis.call('PEXPIRE', facts, ARGV[5])
emit(events, submissions, 'submissions', 'submission.rejected', ARGV[2], data, now)
return 1
