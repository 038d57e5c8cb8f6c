-- Removes phones from the opt-outs of a scope; those of other scopes stay.
-- KEYS: 1 opt-outs of everything, 2 why they are, or the opt-outs of the narrower scope, 3 audit, 4 narrower scopes
-- ARGV: 1 now (ms or 0), 2 name of the scope, or '' for everything, 3 act of a person (JSON object) or '', 4.. phones
-- Returns: number of phones that were opted out of it.
-- @include clock, acts
local everything, notes, audit, scopes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local scope, gone = ARGV[2], 0
for i = 4, #ARGV do
  local noted = redis.call('HDEL', notes, ARGV[i])
  gone = gone + (scope == '' and redis.call('SREM', everything, ARGV[i]) or noted)
end
if scope ~= '' and redis.call('EXISTS', notes) == 0 then redis.call('SREM', scopes, scope) end
if gone > 0 then note_act(audit, ARGV[3], gone, clock(ARGV[1])) end
return gone
