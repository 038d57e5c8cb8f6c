-- What becomes of a request for which the budget of its account has no room: the account pauses until its day ends; or,
-- where the whole budget of a day would not do, the campaign pauses until a person acts.
-- `k` names account (its hash), money, events and name (of the account). The hash has `budget_until_ms`,
-- `budget_reason`, and of the cheapest request without room `budget_short` (its cost) and `budget_campaign`.
-- @include event, budget, waiting

-- An account whose budget has no room is checked again after this time: a worker may have a higher one.
local BUDGET_CHECKED_MS = 30000

-- Pauses an account that lacks `cost`, until its day ends: once a day with an event.
-- Emits: account.paused.
local function pause_for_budget(k, budget, used, cost, campaign_id, ends, now)
  local reason = 'the daily budget of ' .. amount(budget) .. ' has no room: ' .. amount(used) ..
    ' is spent or reserved, and the next request costs ' .. amount(cost)
  local known = redis.call('HMGET', k.account, 'budget_until_ms', 'budget_short')
  local again = tonumber(known[1] or '0') == ends
  redis.call('HSET', k.account, 'budget_until_ms', string.format('%.0f', ends), 'budget_reason', reason)
  if not again or cost <= tonumber(known[2] or '0') then
    redis.call('HSET', k.account, 'budget_short', string.format('%.0f', cost), 'budget_campaign', campaign_id)
  end
  if again then return end
  emit(k.events, k.account, 'accounts/' .. k.name, 'account.paused', k.name, '{"reason":' .. cjson.encode(reason) ..
    ',"requests":"paid","until_ms":' .. string.format('%.0f', ends) .. ',"budget":"' .. amount(budget) ..
    '","used":"' .. amount(used) .. '"}', now)
end

-- Ends such a pause, which `why` explains.
-- Emits: account.resumed.
local function end_budget_pause(k, until_ms, why, now)
  redis.call('HDEL', k.account, 'budget_until_ms', 'budget_reason', 'budget_short', 'budget_campaign')
  if tonumber(until_ms) <= now then return end
  emit(k.events, k.account, 'accounts/' .. k.name, 'account.resumed', k.name, '{"by":"' .. why .. '"}', now)
end

-- Ends such a pause if there is room for what was lacking: the budget was raised, or a request cost less.
-- Emits: account.resumed.
local function resume_for_budget(k, room, now)
  local known = redis.call('HMGET', k.account, 'budget_until_ms', 'budget_short')
  if known[1] and room >= tonumber(known[2] or '0') then
    end_budget_pause(k, known[1], 'room in the daily budget', now)
  end
end

-- Ends such a pause if it was this campaign that had no room: it does not wait any more.
-- Emits: account.resumed.
local function leave_budget(k, campaign_id, now)
  local known = redis.call('HMGET', k.account, 'budget_until_ms', 'budget_campaign')
  if known[1] and known[2] == campaign_id then
    end_budget_pause(k, known[1], 'no campaign without room in the daily budget', now)
  end
end

-- Pauses a campaign if a request of it to `n` people costs more than the whole budget of today and of the settings: it
-- would keep everything behind it waiting for ever. A person raises the budget and resumes the campaign, or cancels it.
-- Where that budget does not pay for a single message, nothing of the account goes out before a person raises it, and
-- its requests wait. Returns whether the campaign was paused.
-- Emits: account.resumed, campaign.over_budget.
-- Moves: campaign ready → paused.
local function pause_over_budget(k, budgets, campaign, campaign_id, n, now)
  local usual = budgets and budget_of(budgets, k.name)
  local cost = usual and n * budgets.price
  if not usual or cost <= usual then return false end
  local day = day_at(budgets, now)
  local today = day and redis.call('HGET', k.money, 'budget:' .. day) or usual
  local whole = math.max(usual, tonumber(today))
  if not day or whole < budgets.price or cost <= whole then return false end
  local reason = 'a request costs ' .. amount(cost) .. ', and the whole daily budget is ' .. amount(whole)
  redis.call('HSET', campaign, 'state', 'paused', 'pause', '{"cause":"over_budget","why":"' .. reason .. '"}')
  emit(k.events, campaign, campaign_id, 'campaign.over_budget', campaign_id, '{"from":"ready","cost":"' ..
    amount(cost) .. '","budget":"' .. amount(whole) .. '","reason":"' .. reason .. '"}', now)
  note_planned(k.name, campaign, campaign_id, now)
  leave_budget(k, campaign_id, now)
  return true
end

-- When an account may be asked again (unix ms), if its budget lacks what `n` more messages cost; nil if it has that. A
-- list whose size is unknown needs room for one.
-- Emits: account.paused, account.resumed.
local function short_of_budget(k, budgets, n, campaign_id, now)
  local usual = budgets and budget_of(budgets, k.name)
  if not usual then return nil end
  local day, ends = day_at(budgets, now)
  if not day then return now + BUDGET_CHECKED_MS end
  local cost = math.max(n, 1) * budgets.price
  local known = redis.call('HMGET', k.money, 'used:' .. day, 'budget:' .. day)
  local used, budget = tonumber(known[1] or '0'), tonumber(known[2] or usual)
  if used + cost > budget then
    pause_for_budget(k, budget, used, cost, campaign_id, ends, now)
    return math.min(ends, now + BUDGET_CHECKED_MS)
  end
  resume_for_budget(k, budget - used, now)
  return nil
end
