-- One clock for all machines: the server's, corrected by the offset that processes have confirmed.
-- @include head

-- How long a confirmation of the offset counts, how far before it the server's clock may stand, and by how much it may
-- differ from what a caller expects.
local CONFIRMED_MS, AHEAD_MS, TOLERANCE_US = 6000, 1000, 3000000

-- The server's own clock in microseconds.
local function server_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function confirmed(unseen) return unseen and unseen >= -AHEAD_MS and unseen <= CONFIRMED_MS end

local steady_us

-- The time in microseconds. `given` is the time itself (ms); '0' for the steady clock; or '~' and what the caller
-- expects of the steady clock (ms).
local function clock_us(given)
  local expected = string.match(given, '^~(%d+)$')
  if not expected and given ~= '0' then return tonumber(given) * 1000 end
  if steady_us then return steady_us end
  local server, known = server_us(), redis.call('HMGET', CLOCK, 'offset_ms', 'seen_ms')
  local offset, seen = tonumber(known[1] or '0'), known[2] and tonumber(known[2])
  local unseen = seen and server / 1000 - seen
  steady_us = server + offset * 1000
  if confirmed(unseen) then return steady_us end
  if expected then
    -- The server's clock was set, and no process has noticed yet.
    if math.abs(steady_us - expected * 1000) > TOLERANCE_US then steady_us = expected * 1000 end
  elseif unseen and unseen < 0 then
    steady_us = (seen + offset) * 1000
  end
  return steady_us
end

-- The same in unix ms.
local function clock(given)
  return math.floor(clock_us(given) / 1000)
end
