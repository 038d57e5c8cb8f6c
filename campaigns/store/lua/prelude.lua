-- Prepended to every script: the clock, events, and the rule of when a campaign is over.

-- The steady clock (see campaigns/times/steady.py). Its key comes before all others, and scripts do not see it: a hash of
-- `offset_ms`, between the server's clock and the steady one, and `seen_ms`, the server's clock when somebody last
-- confirmed the offset by a clock that nobody sets.
local CLOCK = table.remove(KEYS, 1)
-- The set of accounts that have numbers. It is the beginning of the names of their hashes too (see campaigns/store/keys.py).
local METRICS = table.remove(KEYS, 1)
-- An offset counts as confirmed for so long. By so much the server's clock may differ from what a caller expects.
local CONFIRMED_MS, AHEAD_MS, TOLERANCE_US = 6000, 1000, 3000000

-- The server's own clock.
local function server_us()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function confirmed(unseen) return unseen and unseen >= -AHEAD_MS and unseen <= CONFIRMED_MS end

local steady_us

-- The time in microseconds: the one given; or the steady clock's, if that is '0' or, after a '~', what the caller
-- expects it to be (ms). One clock for all machines.
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
    -- Nobody has noticed yet that the server's clock was set.
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

-- Raises a number of an account ('' of none in particular). Only scripts that write anyway may do so, and only where
-- a repeated call does not come by.
local function tally(account, field, by)
  if by == 0 then return end
  if redis.call('HINCRBY', METRICS .. ':' .. account, field, by) == by then redis.call('SADD', METRICS, account) end
end

-- One event. `owner` is the hash whose `seq` numbers the events of `source`; `data` is JSON text. Where the owner has a
-- `correlation_id`, as campaigns may, the event has it too.
local function emit(events, owner, source, kind, subject, data, now)
  local seq = redis.call('HINCRBY', owner, 'seq', 1)
  local entry = {'specversion', '1.0', 'id', source .. '/' .. seq, 'source', source, 'type', kind, 'subject', subject,
    'time', rfc3339(now), 'dataschema', kind .. '/1', 'sequence', seq, 'data', data}
  local correlation_id = redis.call('HGET', owner, 'correlation_id')
  if correlation_id then
    entry[#entry + 1] = 'correlationid'
    entry[#entry + 1] = correlation_id
  end
  redis.call('XADD', events, '*', unpack(entry))
  tally('', 'event|' .. kind, 1)
end

-- Puts `head` (JSON members) before the members of the object `data`.
local function merged(head, data)
  if data == '{}' or data == '' then return '{' .. head .. '}' end
  return '{' .. head .. ',' .. string.sub(data, 2)
end

-- Raises numbers that stand in ARGV from `at` to `last` as field, number, ...
local function tally_all(account, at, last)
  for i = at, last, 2 do tally(account, ARGV[i], tonumber(ARGV[i + 1])) end
end

-- Counts an observation of `ms` in a histogram of an account. `bounds`: of its buckets, each as 'ms=name;'.
local function observe(account, measure, bounds, ms)
  local bucket = '+Inf'
  for bound, name in string.gmatch(bounds, '(%d+)=([^;]+);') do
    if ms <= tonumber(bound) then
      bucket = name
      break
    end
  end
  tally(account, measure .. '|' .. bucket, 1)
  tally(account, measure .. '|sum', ms)
end

-- Counts what moves between states: batches and recipients of a campaign. '' is outside, before and after planning.
-- Returns the campaign's account.
local function tally_move(campaign, batches, recipients, from, to)
  local of = redis.call('HMGET', campaign, 'account', 'kind')
  local account = of[1] or ''
  tally(account, 'batches|' .. from .. '|' .. to, batches)
  tally(account, 'recipients|' .. (of[2] or '') .. '|' .. from .. '|' .. to, recipients)
  return account
end

-- States in which somebody or something must act, and how long that takes is told.
local WAITING = {unknown = true, held = true}

-- States of a campaign in which no planned batch of it goes out.
local STAYS = {planning = true, draft = true, paused = true, cancelling = true}

-- Notes from when on (unix ms, `now` at the earliest) a campaign waits for somebody to send what it has planned, or that
-- it does not wait. To be called after whatever changes its state, its time, or whether it has planned batches.
local function note_planned(account, campaign, campaign_id, now)
  local of = redis.call('HMGET', campaign, 'state', 'b:planned', 'not_before_ms', 'first_ms')
  local waiting = METRICS .. ':' .. account .. ':planned'
  if STAYS[of[1]] or tonumber(of[2] or '0') == 0 then
    redis.call('ZREM', waiting, campaign_id)
  else
    redis.call('ZADD', waiting, math.max(now, tonumber(of[3] or of[4] or '0')), campaign_id)
  end
end

-- Moves a planned batch, or one that was handed out, of `n` recipients to another state: the campaign's counters and
-- the account's numbers.
local function count(campaign, batch_id, n, from, to, now)
  local left = redis.call('HINCRBY', campaign, 'b:' .. from, -1)
  redis.call('HINCRBY', campaign, 'r:' .. from, 0 - n) -- not -n: Lua writes minus nought as -0
  local there = redis.call('HINCRBY', campaign, 'b:' .. to, 1)
  redis.call('HINCRBY', campaign, 'r:' .. to, n)
  local account = tally_move(campaign, 1, n, from, to)
  local waiting = METRICS .. ':' .. account .. ':'
  if WAITING[from] then redis.call('ZREM', waiting .. from, batch_id) end
  if WAITING[to] then redis.call('ZADD', waiting .. to, now, batch_id) end
  if (from == 'planned' and left == 0) or (to == 'planned' and there == 1) then
    note_planned(account, campaign, string.match(batch_id, '^(.*)-%d+$'), now)
  end
end

-- The version of the opt-out list: additions move the counter, whatever else touches the set its size.
local function optouts_version(optouts, counter)
  return (redis.call('GET', counter) or '0') .. ':' .. redis.call('SCARD', optouts)
end

local EXCLUDED = {'invalid', 'duplicate', 'opted_out'}
local BATCH_STATES = {'planned', 'sending', 'unknown', 'held', 'accepted', 'rejected', 'settled', 'cancelled', 'written_off'}

-- Ends the campaign if nothing more will happen by itself and its account balances.
local function finish_if_over(campaign, events, id, now)
  local open = redis.call('HMGET', campaign, 'state', 'b:planned', 'b:sending', 'b:unknown', 'b:accepted')
  local state = open[1]
  if state ~= 'ready' and state ~= 'paused' and state ~= 'cancelling' then return end
  for i = 2, 5 do
    if tonumber(open[i] or '0') ~= 0 then return end
  end
  local names = {'total', unpack(EXCLUDED)}
  for _, name in ipairs(BATCH_STATES) do names[#names + 1] = name end
  local fields, number = {'final'}, {}
  for i, name in ipairs(names) do fields[i + 1] = 'r:' .. name end
  local found = redis.call('HMGET', campaign, unpack(fields))
  local total, final = tonumber(found[2] or '0'), tonumber(found[1] or '0')
  local parts, sum = {}, 0
  for i = 2, #names do
    number[names[i]] = tonumber(found[i + 1] or '0')
    sum = sum + number[names[i]]
    parts[#parts + 1] = '"' .. names[i] .. '":' .. number[names[i]]
  end
  local data = '{"total":' .. total .. ',"final":' .. final .. ',"recipients":{' .. table.concat(parts, ',') .. '}}'
  if sum ~= total or final ~= number.settled then
    if redis.call('HSETNX', campaign, 'unbalanced', '1') == 1 then
      emit(events, campaign, id, 'campaign.unbalanced', id, data, now)
    end
    return
  end
  local over = state == 'cancelling' and 'cancelled' or 'finished'
  redis.call('HSET', campaign, 'state', over, 'ended_ms', now)
  -- Counters that are nought say nothing, and of single messages there are many.
  local empty = {'b:planned', 'b:sending', 'b:unknown', 'b:accepted'}
  for i = 2, #names do
    if number[names[i]] == 0 then empty[#empty + 1] = fields[i + 1] end
  end
  redis.call('HDEL', campaign, unpack(empty))
  emit(events, campaign, id, 'campaign.' .. over, id, data, now)
end
