-- Adds phones to the suppression list. Batches that are not sent yet are checked against it before they are.
-- KEYS: 1 opt-outs, 2 their counter, 3 why they are, 4 audit
-- ARGV: 1 now (ms or 0), 2 by whom (without '|'), 3 why, 4 act of a person (JSON object) or '', 5.. phones
-- Returns: number of phones that were new.
-- @include clock, acts
local optouts, counter, reasons, audit = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now = clock(ARGV[1])
local new = 0
for i = 5, #ARGV do
  if redis.call('SADD', optouts, ARGV[i]) == 1 then
    new = new + 1
    redis.call('HSET', reasons, ARGV[i], string.format('%.0f:%s|%s', now, ARGV[2], ARGV[3]))
  end
end
if new > 0 then
  redis.call('INCR', counter)
  note_act(audit, ARGV[4], new, now)
end
return new
