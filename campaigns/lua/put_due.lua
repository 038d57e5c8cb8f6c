-- Makes an entry due at a time, whenever it was due before.
-- KEYS: 1 due set
-- ARGV: 1 now (unused), 2 entry, 3 when (unix ms)
-- Returns: {}.
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[2])
return {}
