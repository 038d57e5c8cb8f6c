-- Records an act that takes many scripts, before the first of them.
-- KEYS: 1 audit
-- ARGV: 1 now (ms or 0), 2 act (JSON object), 3 random text that names this call
-- Returns: 1 it was noted, 0 by a call before this one whose answer was lost.
-- @include clock, acts
local audit = KEYS[1]
for _, entry in ipairs(redis.call('XREVRANGE', audit, '+', '-', 'COUNT', 20)) do
  for i = 1, #entry[2], 2 do
    if entry[2][i] == 'call' and entry[2][i + 1] == ARGV[3] then return 0 end
  end
end
note_act(audit, ARGV[2], '', clock(ARGV[1]), ARGV[3])
return 1
