-- Prepended to every script: the clock, events, and the rule of when a campaign is over.

-- The time in unix ms: the one given, or the server's own if that is '0'. One clock for all machines.
local function clock(given)
  if given ~= '0' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

-- The same in microseconds, for the limiter.
local function clock_us(given)
  if given ~= '0' then return tonumber(given) * 1000 end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

-- unix ms as RFC 3339 in UTC (days to civil date, proleptic Gregorian).
local function rfc3339(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    math.floor(rest / 3600), math.floor(rest / 60) % 60, rest % 60, ms % 1000)
end

-- One event. `owner` is the hash whose `seq` numbers the events of `source`; `data` is JSON text.
local function emit(events, owner, source, kind, subject, data, now)
  local seq = redis.call('HINCRBY', owner, 'seq', 1)
  redis.call('XADD', events, '*', 'specversion', '1.0', 'id', source .. '/' .. seq, 'source', source,
    'type', kind, 'subject', subject, 'time', rfc3339(now), 'dataschema', kind .. '/1',
    'sequence', seq, 'data', data)
end

-- Puts `head` (JSON members) before the members of the object `data`.
local function merged(head, data)
  if data == '{}' or data == '' then return '{' .. head .. '}' end
  return '{' .. head .. ',' .. string.sub(data, 2)
end

-- Moves a batch of `n` recipients between the campaign's counters.
local function count(campaign, n, from, to)
  if from then
    redis.call('HINCRBY', campaign, 'b:' .. from, -1)
    redis.call('HINCRBY', campaign, 'r:' .. from, 0 - n) -- not -n: Lua writes minus nought as -0
  end
  redis.call('HINCRBY', campaign, 'b:' .. to, 1)
  redis.call('HINCRBY', campaign, 'r:' .. to, n)
end

-- The version of the opt-out list: additions move the counter, whatever else touches the set its size.
local function optouts_version(optouts, counter)
  return (redis.call('GET', counter) or '0') .. ':' .. redis.call('SCARD', optouts)
end

local TAKEN_OUT = {'invalid', 'duplicate', 'opted_out'}
local BATCH_STATES = {'planned', 'sending', 'unknown', 'held', 'accepted', 'rejected', 'settled', 'cancelled', 'written_off'}

-- Ends the campaign if nothing more will happen by itself and its account balances.
local function conclude(campaign, events, id, now)
  local function number(name) return tonumber(redis.call('HGET', campaign, name) or '0') end
  local state = redis.call('HGET', campaign, 'state')
  if state ~= 'ready' and state ~= 'paused' and state ~= 'cancelling' then return end
  for _, open in ipairs({'planned', 'sending', 'unknown', 'accepted'}) do
    if number('b:' .. open) ~= 0 then return end
  end
  local parts, sum = {}, 0
  for _, name in ipairs(TAKEN_OUT) do
    sum = sum + number('r:' .. name)
    parts[#parts + 1] = '"' .. name .. '":' .. number('r:' .. name)
  end
  for _, name in ipairs(BATCH_STATES) do
    sum = sum + number('r:' .. name)
    parts[#parts + 1] = '"' .. name .. '":' .. number('r:' .. name)
  end
  local total, final = number('r:total'), number('final')
  local data = '{"total":' .. total .. ',"final":' .. final .. ',"recipients":{' .. table.concat(parts, ',') .. '}}'
  if sum ~= total or final ~= number('r:settled') then
    if redis.call('HSETNX', campaign, 'unbalanced', '1') == 1 then
      emit(events, campaign, id, 'campaign.unbalanced', id, data, now)
    end
    return
  end
  local over = state == 'cancelling' and 'cancelled' or 'finished'
  redis.call('HSET', campaign, 'state', over, 'ended_ms', now)
  emit(events, campaign, id, 'campaign.' .. over, id, data, now)
end
