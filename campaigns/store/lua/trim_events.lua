-- Drops a bounded number of events: old ones, and younger ones too where the stream has reached its cap; but only
-- events that every group has acknowledged. Where the cap is reached by events that some group has yet to read, sending
-- pauses until a tenth of the cap is free.
-- KEYS: 1 events, 2 facts of the stream
-- ARGV: 1 now (ms or 0), 2 life of an event (ms), 3 cap, 4 entries that one call may drop
-- Emits: sending.paused, sending.resumed.
-- Returns: {entries left, entries dropped, 1 if sending pauses for it, else 0, 1 if that has just begun or ended, else
--          0}. Where entries were dropped another call may drop more.
-- @include clock, event, floor
local events, stream = KEYS[1], KEYS[2]
local now, cap, most = clock(ARGV[1]), tonumber(ARGV[3]), tonumber(ARGV[4])
local floor, group = done_before(events)
local paused = redis.call('HEXISTS', stream, 'full_ms') == 1

-- The server frees whole nodes of the stream at once, which is cheap; what is left of a node goes one by one.
local function drop_before(position, number)
  if position == '0-0' then return 0 end
  local dropped = redis.call('XTRIM', events, 'MINID', '~', position, 'LIMIT', number)
  if dropped > 0 then return dropped end
  local rest = redis.call('XRANGE', events, '-', '(' .. position, 'COUNT', math.min(number, 100))
  for _, entry in ipairs(rest) do redis.call('XDEL', events, entry[1]) end
  return #rest
end

local old = string.format('%.0f-0', math.max(0, now - tonumber(ARGV[2])))
if floor and stands_before(floor, old) then old = floor end
local dropped = drop_before(old, most)
local room = paused and math.floor(cap * 0.9) or cap
local left = redis.call('XLEN', events)
if left >= room and dropped == 0 then
  local last = '18446744073709551615-18446744073709551615'
  dropped = drop_before(floor or last, math.min(most, math.max(left - room, 100)))
  left = left - dropped
end
if dropped > 0 then return {left, dropped, paused and 1 or 0, 0} end

if left >= room and floor and not paused then
  -- The name may hold anything, and the event is JSON.
  local name = string.gsub(group, '[%c\128-\255]', '?')
  redis.call('HSET', stream, 'full_ms', now, 'full_group', name)
  emit(events, stream, 'events', 'sending.paused', name, '{"reason":"the event stream is full","entries":' .. left ..
    ',"cap":' .. ARGV[3] .. ',"group":' .. cjson.encode(name) .. '}', now)
elseif left < room and paused then
  local name = redis.call('HGET', stream, 'full_group') or ''
  redis.call('HDEL', stream, 'full_ms', 'full_group')
  emit(events, stream, 'events', 'sending.resumed', name, '{"reason":"the event stream has room again","entries":' ..
    left .. ',"cap":' .. ARGV[3] .. '}', now)
end
local pauses = redis.call('HEXISTS', stream, 'full_ms') == 1
return {left, 0, pauses and 1 or 0, pauses == paused and 0 or 1}
