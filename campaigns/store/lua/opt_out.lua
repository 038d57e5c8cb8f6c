-- Adds phones to the opt-outs of a scope. Batches that are not sent yet are checked against them before they are.
-- KEYS: 1 opt-outs of everything, 2 counter of opt-outs, 3 why they are, or the opt-outs of the narrower scope,
--       4 audit, 5 narrower scopes
-- ARGV: 1 now (ms or 0), 2 name of the scope, or '' for everything, 3 by whom (without '|'), 4 why, 5 act of a person
--       (JSON object) or '', 6.. phones
-- Returns: number of phones that were new.
-- @include clock, acts, optouts
local everything, counter, notes, audit, scopes = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now = clock(ARGV[1])
local k = {everything = everything, scopes = scopes, notes = notes}
local new = 0
for i = 6, #ARGV do
  if opt_out(k, ARGV[2], ARGV[i], now, ARGV[3], ARGV[4]) then new = new + 1 end
end
if new > 0 then
  redis.call('INCR', counter)
  note_act(audit, ARGV[5], new, now)
end
return new
