-- Finds the events that may be dropped.
-- KEYS: 1 events
-- ARGV: 1 now (unused)
-- Returns: the position before which every group has acknowledged all entries; nothing if there are no groups.
-- @include head, floor
local events = KEYS[1]
local floor = done_before(events)
return floor
