-- Adds phones to the opt-outs. What is not sent yet is checked against them before it goes.
-- KEYS: 1 opt-outs, 2 their counter, 3 why they are, 4 audit
-- ARGV: 1 now (ms or 0), 2 by whom (without '|'), 3 why, 4 act of a person (JSON object) or '', 5.. phones
-- Returns: number of phones that were new.
-- @include acts
local now = clock(ARGV[1])
local new = 0
for i = 5, #ARGV do
  if redis.call('SADD', KEYS[1], ARGV[i]) == 1 then
    new = new + 1
    redis.call('HSET', KEYS[3], ARGV[i], string.format('%.0f:%s|%s', now, ARGV[2], ARGV[3]))
  end
end
if new > 0 then
  redis.call('INCR', KEYS[2])
  note_act(KEYS[4], ARGV[4], new, now)
end
return new
