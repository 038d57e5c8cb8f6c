-- KEYS: 1 opt-outs, 2 their counter
-- ARGV: 1 now (unused)
-- Returns: '<counter>:<size>', the version of the opt-outs, which moves whenever somebody is added.
-- @include head, suppression_version
local optouts, counter = KEYS[1], KEYS[2]
return optouts_version(optouts, counter)
