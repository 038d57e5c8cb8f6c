-- Decides whether to ring a bell for a queue in which something may be due.
-- KEYS: 1 accounts of the queue (of control: its due set), 2 bells of the queue, 3 turns, 4 full turns, 5 workers,
--       6 when something was last taken from the queue
-- ARGV: 1 now (ms or 0), 2 queue, 3 random text, 4 ms without an answer after which a bell counts as lost; 0: ring only
--       where no turn can take more and no bell is on its way, 5 a turn that ends, or ''
-- Returns: 1 a bell is to be rung, 0 none is.
-- @include clock, turns
local accounts, bells, turns, full, workers, last_taken = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local now, silence = clock(ARGV[1]), tonumber(ARGV[4])
expire_turns(bells, turns, full, now)
redis.call('ZREM', turns, ARGV[5])
redis.call('ZREM', full, ARGV[5])
local first = redis.call('ZRANGE', accounts, 0, 0, 'WITHSCORES')
if not first[2] or tonumber(first[2]) > now then return 0 end
if silence == 0 then return ring_first(bells, turns, ARGV[2], ARGV[3], now) and 1 or 0 end
-- Where all workers are busy, the next free one answers the bell that is out.
if idle_slots(workers, turns, full, ARGV[2], now) <= 0 then return 0 end
local taken = tonumber(redis.call('GET', last_taken) or '0')
if taken > now - silence and taken <= now then return 0 end
redis.call('ZREMRANGEBYSCORE', bells, '-inf', now - silence)
if redis.call('ZCARD', bells) > 0 then return 0 end
redis.call('ZADD', bells, now, ARGV[3])
redis.call('PEXPIRE', bells, BELL_LIFE_MS)
return 1
