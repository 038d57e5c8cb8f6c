-- Keeps what is known of a message in which no job could be found, and says so in an event.
-- KEYS: 1 rejected (sorted set), 2 facts of the rejected (hash), 3 submissions, 4 events
-- ARGV: 1 now (ms or 0), 2 digest of the message, 3 facts (JSON object), 4 most that are kept, 5 their life (ms)
-- Emits: submission.rejected
-- Returns: 1 kept, 0 it is known already (a message that was delivered again).
local now = clock(ARGV[1])
if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 1 then return 0 end
local data = merged('"message":"' .. ARGV[2] .. '"', ARGV[3])
redis.call('ZADD', KEYS[1], now, ARGV[2])
redis.call('HSET', KEYS[2], ARGV[2], data)
-- As a rule one is too many; of a list that was longer before, each call drops some.
local spare = math.min(redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[4]), 100)
local old = spare > 0 and redis.call('ZRANGE', KEYS[1], 0, spare - 1) or {}
for _, digest in ipairs(old) do
  redis.call('ZREM', KEYS[1], digest)
  redis.call('HDEL', KEYS[2], digest)
end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
emit(KEYS[4], KEYS[3], 'submissions', 'submission.rejected', ARGV[2], data, now)
return 1
