-- Trims the event stream: only what every group has acknowledged, and only what is old enough.
-- KEYS: 1 events
-- ARGV: 1 now (ms or 0), 2 life of an event (ms)
-- Returns: entries left.
local now = clock(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end

-- Whether position a stands before position b ('ms-seq').
local function before(a, b)
  local a_ms, a_seq = string.match(a, '^(%d+)-(%d+)$')
  local b_ms, b_seq = string.match(b, '^(%d+)-(%d+)$')
  if tonumber(a_ms) ~= tonumber(b_ms) then return tonumber(a_ms) < tonumber(b_ms) end
  return tonumber(a_seq) < tonumber(b_seq)
end

local keep = string.format('%.0f-0', math.max(0, now - tonumber(ARGV[2])))
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = {}
  for i = 1, #info, 2 do group[info[i]] = info[i + 1] end
  local first = group['last-delivered-id']
  if tonumber(group['pending']) > 0 then first = redis.call('XPENDING', KEYS[1], group['name'])[2] end
  if before(first, keep) then keep = first end
end
redis.call('XTRIM', KEYS[1], 'MINID', keep)
return redis.call('XLEN', KEYS[1])
