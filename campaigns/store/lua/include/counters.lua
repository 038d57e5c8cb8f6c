-- The counters of accounts, from which metrics are made. A script raises them only where it writes anyway, and where a
-- repeated call does not pass.
-- @include head

-- Raises one counter of an account. The account '' stands for what belongs to none.
local function tally(account, field, by)
  if by == 0 then return end
  if redis.call('HINCRBY', METRICS .. ':' .. account, field, by) == by then redis.call('SADD', METRICS, account) end
end

-- Counts batches and recipients of a campaign that move from one state to another. The state '' is outside: before
-- planning, or removed.
-- Returns the campaign's account.
local function tally_move(campaign, batches, recipients, from, to)
  local of = redis.call('HMGET', campaign, 'account', 'kind')
  local account = of[1] or ''
  tally(account, 'batches|' .. from .. '|' .. to, batches)
  tally(account, 'recipients|' .. (of[2] or '') .. '|' .. from .. '|' .. to, recipients)
  return account
end
