-- Removes phones from the opt-outs.
-- KEYS: 1 opt-outs, 2 why they are, 3 audit
-- ARGV: 1 now (ms or 0), 2 act of a person (JSON object) or '', 3.. phones
-- Returns: number of phones that were on the list.
-- @include acts
local gone = 0
for i = 3, #ARGV do
  gone = gone + redis.call('SREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
if gone > 0 then note_act(KEYS[3], ARGV[2], gone, clock(ARGV[1])) end
return gone
