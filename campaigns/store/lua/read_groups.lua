-- Reads how far every group of the event stream is. The cost grows with the number of groups, not with what they read.
-- KEYS: 1 events
-- ARGV: 1 now (unused)
-- Returns: for each group {name, consumers, entries taken and not acknowledged, position of the newest entry that it
--   took, position of the oldest entry that it has not acknowledged or '', number of entries that it has not
--   acknowledged (no more than that; servers before 7.0 do not count what a group has yet to take)}
-- @include head
local events = KEYS[1]
local found = {}
if redis.call('EXISTS', events) == 0 then return found end
local entries = redis.call('XLEN', events)
for _, info in ipairs(redis.call('XINFO', 'GROUPS', events)) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  local last, pending = group['last-delivered-id'], tonumber(group['pending'])
  local oldest, unread = redis.call('XPENDING', events, group['name'], '-', '+', 1)[1], pending
  -- There is none after the last position of all.
  local next = redis.pcall('XRANGE', events, '(' .. last, '+', 'COUNT', 1)
  if next[1] then unread = math.min(entries, pending + (tonumber(group['lag'] or entries) or entries)) end
  local at = oldest and oldest[1] or next[1] and next[1][1] or ''
  found[#found + 1] = {group['name'], group['consumers'], pending, last, at, unread}
end
return found
