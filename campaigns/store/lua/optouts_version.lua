-- Reads the version of the suppression list.
-- KEYS: 1 opt-outs, 2 their counter
-- ARGV: 1 now (unused)
-- Returns: '<counter>:<size>', which changes with every addition.
-- @include head, suppression_version
local optouts, counter = KEYS[1], KEYS[2]
return optouts_version(optouts, counter)
