-- The counters of accounts, from which metrics are made. A script raises them only where it writes anyway, and where a
-- repeated call does not pass.
-- @include head

-- What is held until `write_tallies`: account → field → number. nil while each counter is raised at once.
local raised_later

-- Holds what is raised from here on, so that a script that raises many counters needs two commands an account and not
-- one a counter. It calls `write_tallies` before it returns.
local function hold_tallies() raised_later = {} end

-- Raises one counter of an account. The account '' stands for what belongs to none.
local function tally(account, field, by)
  if by == 0 then return end
  if raised_later then
    raised_later[account] = raised_later[account] or {}
    raised_later[account][field] = (raised_later[account][field] or 0) + by
    return
  end
  if redis.call('HINCRBY', METRICS .. ':' .. account, field, by) == by then redis.call('SADD', METRICS, account) end
end

-- Raises what is held.
local function write_tallies()
  for account, raised in pairs(raised_later) do
    local key, fields, args, is_new = METRICS .. ':' .. account, {}, {}, false
    for field in pairs(raised) do fields[#fields + 1] = field end
    for i, known in ipairs(redis.call('HMGET', key, unpack(fields))) do
      is_new = is_new or not known
      args[#args + 1] = fields[i]
      args[#args + 1] = string.format('%.0f', tonumber(known or '0') + raised[fields[i]])
    end
    redis.call('HSET', key, unpack(args))
    if is_new then redis.call('SADD', METRICS, account) end
  end
end

-- Counts batches and recipients of an account's campaign of a kind that move from one state to another. The state '' is
-- outside: before planning, or removed.
local function tally_moved(account, kind, batches, recipients, from, to)
  tally(account, 'batches|' .. from .. '|' .. to, batches)
  tally(account, 'recipients|' .. kind .. '|' .. from .. '|' .. to, recipients)
end

-- The same of a campaign, whose account and kind are looked up.
local function tally_move(campaign, batches, recipients, from, to)
  local of = redis.call('HMGET', campaign, 'account', 'kind')
  tally_moved(of[1] or '', of[2] or '', batches, recipients, from, to)
end
