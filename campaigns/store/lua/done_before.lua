-- KEYS: 1 events
-- ARGV: 1 now (unused)
-- Returns: the position before which every group has acknowledged all entries; nothing if there are no groups.
-- @include floor
local floor = done_before(KEYS[1])
return floor
