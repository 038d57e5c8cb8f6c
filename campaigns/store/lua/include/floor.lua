-- How far the groups of the event stream have come.

-- Whether position a stands before position b ('ms-seq').
local function stands_before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end

-- The position after another. No entry has a number so large that Lua cannot count it exactly.
local function position_after(position)
  local ms, number = string.match(position, '^(%d+)-(%d+)$')
  return #number > 15 and position or ms .. '-' .. string.format('%.0f', tonumber(number) + 1)
end

-- The position before which every group has done with all entries, and the name of the group that is furthest behind.
-- nil if there are no groups. It asks for the first pending entry of each group and not for a summary, which grows
-- with the number of consumers.
local function done_before(events)
  local floor, furthest
  if redis.call('EXISTS', events) == 0 then return nil end
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', events)) do
    local group = {}
    for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
    local at = position_after(group['last-delivered-id'])
    local pending = redis.call('XPENDING', events, group['name'], '-', '+', 1)[1]
    if pending and stands_before(pending[1], at) then at = pending[1] end
    if not floor or stands_before(at, floor) then floor, furthest = at, group['name'] end
  end
  return floor, furthest
end
