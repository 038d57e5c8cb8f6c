-- Remembers a batch that was accepted under a uuid and whose message ids are not known yet. Repeating it does no harm.
-- KEYS: 1 batches whose ids are awaited
-- ARGV: 1 now (unused), 2 batch id, 3 its claim (unix ms), 4 how many are remembered, 5 life (ms)
-- Returns: {}.
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -1 - tonumber(ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return {}
