-- Events: one entry of the stream each, written by the script that changes the state.
-- @include counters, held_hashes

-- The time that was last written, and as what: the events of one call share it.
local written_ms, written

-- Unix ms as RFC 3339 in UTC. The date follows from the number of days by the well-known algorithm `civil_from_days`
-- for the proleptic Gregorian calendar, whose names are kept: era of 400 years, day of era, year of era, day of year.
local function rfc3339(ms)
  if ms == written_ms then return written end
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local second_of_day = seconds - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  written_ms = ms
  written = string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day,
    math.floor(second_of_day / 3600), math.floor(second_of_day / 60) % 60, second_of_day % 60, ms % 1000)
  return written
end

-- Writes one event of type `kind` about `subject`. The hash `owner` holds in `seq` the number of the last event of
-- `source`; the id is `<source>/<number>`. A `correlation_id` of the owner goes into the event. `data` is a JSON
-- object. `of`: `seq` and `correlation_id`, if the caller knows them, writes `seq`, and counts the event itself.
local function emit(events, owner, source, kind, subject, data, now, of)
  local seq = of and of.seq or hincrby(owner, 'seq', 1)
  local entry = {'specversion', '1.0', 'id', source .. '/' .. seq, 'source', source, 'type', kind, 'subject', subject,
    'time', rfc3339(now), 'dataschema', kind .. '/1', 'sequence', seq, 'data', data}
  local correlation_id
  if of then correlation_id = of.correlation_id else correlation_id = hget(owner, 'correlation_id') end
  if correlation_id then
    entry[#entry + 1] = 'correlationid'
    entry[#entry + 1] = correlation_id
  end
  redis.call('XADD', events, '*', unpack(entry))
  if not of then tally('', 'event|' .. kind, 1) end
end

-- The JSON object `data` with the members `head` before its own.
local function merged(head, data)
  if data == '{}' or data == '' then return '{' .. head .. '}' end
  return '{' .. head .. ',' .. string.sub(data, 2)
end
