-- Removes phones from the suppression list.
-- KEYS: 1 opt-outs, 2 why they are, 3 audit
-- ARGV: 1 now (ms or 0), 2 act of a person (JSON object) or '', 3.. phones
-- Returns: number of phones that were on the list.
-- @include clock, acts
local optouts, reasons, audit = KEYS[1], KEYS[2], KEYS[3]
local gone = 0
for i = 3, #ARGV do
  gone = gone + redis.call('SREM', optouts, ARGV[i])
  redis.call('HDEL', reasons, ARGV[i])
end
if gone > 0 then note_act(audit, ARGV[2], gone, clock(ARGV[1])) end
return gone
