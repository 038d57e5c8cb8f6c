-- Removes members of a group that hold nothing and have been idle for long. One that comes back is created anew by its
-- next command; one that holds entries keeps them until another member claims them.
-- KEYS: 1 events
-- ARGV: 1 now (unused), 2 group, 3 idle (ms)
-- Returns: how many were removed.
-- @include head
local events = KEYS[1]
local group, least_idle_ms = ARGV[2], tonumber(ARGV[3])
local removed = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', events, group)) do
  local member = {}
  for i = 1, #info, 2 do member[info[i]] = info[i + 1] end
  if member['pending'] == 0 and member['idle'] >= least_idle_ms then
    redis.call('XGROUP', 'DELCONSUMER', events, group, member['name'])
    removed = removed + 1
  end
end
return removed
