-- Remembers a batch that was accepted under a uuid and whose message ids are not known yet.
-- KEYS: 1 batches whose ids are awaited
-- ARGV: 1 now (unused), 2 batch id, 3 its claim (unix ms), 4 how many are remembered, 5 life (ms)
-- Returns: {}.
-- @include head
local awaited = KEYS[1]
redis.call('ZADD', awaited, ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYRANK', awaited, 0, -1 - tonumber(ARGV[4]))
redis.call('PEXPIRE', awaited, ARGV[5])
return {}
