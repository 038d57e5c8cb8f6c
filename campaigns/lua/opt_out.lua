-- Adds phones to the opt-outs. What is not sent yet is checked against them before it goes.
-- KEYS: 1 opt-outs, 2 their counter, 3 why they are
-- ARGV: 1 now (ms or 0), 2 by whom (without '|'), 3 why, 4.. phones
-- Returns: number of phones that were new.
local now = clock(ARGV[1])
local new = 0
for i = 4, #ARGV do
  if redis.call('SADD', KEYS[1], ARGV[i]) == 1 then
    new = new + 1
    redis.call('HSET', KEYS[3], ARGV[i], string.format('%.0f:%s|%s', now, ARGV[2], ARGV[3]))
  end
end
if new > 0 then redis.call('INCR', KEYS[2]) end
return new
