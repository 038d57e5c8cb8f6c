-- Budgets: the most that an account may spend in a day of the gateway's calendar. The expected price of a batch is
-- reserved by the script that claims it, so that workers never exceed the budget together. It is given back once it is
-- certain that nothing was sent, and corrected once the price is known; what is in doubt stays reserved.
-- A batch has in `reserved` what is still reserved of it, in `reserved_each` the price of a message, in `reserved_on`
-- the day; the same names with `returned` are what was given back of it, until it is claimed again, and with
-- `kept` what an earlier claim reserved that is still in doubt, as a person had it sent again. Amounts are millionths.
-- `money` is the hash that counts for its account. It has in `budget:<day>` the budget that a person set for the day;
-- otherwise the settings of the worker give it. In `confirmed:<day>` is what a second person confirmed.
-- @include held_hashes

-- Days of which an account's figures are kept.
local MONEY_DAYS, MONEY_LIFE_MS = 35, 3456000000

-- The budgets of a worker, from a JSON object: `price` of a message, `every` account's budget and `own` ones by account
-- (millionths), `days` as rows of the moment at which a day begins (unix ms) and its date. '' is for none.
local function budgets_of(text) return text ~= '' and cjson.decode(text) or nil end

-- The budget that the settings give an account; nil if it has none.
local function budget_of(budgets, account)
  return budgets.own[account] or budgets.every
end

-- The date of the day at `now`, and when it ends (unix ms); nil if the worker's calendar lacks it.
local function day_at(budgets, now)
  local days = budgets.days
  for i = 1, #days - 1 do
    if days[i][1] <= now and now < days[i + 1][1] then return days[i][2], days[i + 1][1] end
  end
end

local function amount(micro) return (string.gsub(string.format('%.6f', micro / 1000000), '%.?0+$', '')) end

-- Counts `micro` more for a day; nothing if its figures have expired.
local function count_money(money, day, micro)
  local field = 'used:' .. day
  if micro ~= 0 and redis.call('HEXISTS', money, field) == 1 then
    redis.call('HINCRBY', money, field, string.format('%.0f', micro))
  end
end

-- Begins the figures of a day, and drops those of days that are long over.
local function begin_day(money, day)
  if redis.call('HSETNX', money, 'used:' .. day, 0) == 0 then return end
  redis.call('PEXPIRE', money, MONEY_LIFE_MS)
  local days = (redis.call('HGET', money, 'days') or '') .. day .. ','
  local _, number = string.gsub(days, ',', ',')
  for old in string.gmatch(days, '([^,]+),') do
    if number <= MONEY_DAYS then break end
    redis.call('HDEL', money, 'used:' .. old, 'charged:' .. old, 'messages:' .. old, 'drifted:' .. old,
      'budget:' .. old, 'confirmed:' .. old)
    days, number = string.sub(days, #old + 2), number - 1
  end
  redis.call('HSET', money, 'days', days)
end

local RESERVED = {'reserved', 'reserved_each', 'reserved_on'}
local RETURNED = {'returned', 'returned_each', 'returned_on'}
local KEPT = {'kept', 'kept_each', 'kept_on'}

-- Gives what a batch has under some of these names others. Returns the amount and its day; nil if it has none.
local function rename(batch, from, to)
  local known = hmget(batch, unpack(from))
  if not known[1] then return nil end
  hdel(batch, unpack(from))
  hset(batch, to[1], known[1], to[2], known[2], to[3], known[3])
  return tonumber(known[1]), known[3]
end

-- Gives back what the last claim of a batch reserved.
local function drop_reserved(money, batch)
  local micro, day = rename(batch, RESERVED, RETURNED)
  if micro then count_money(money, day, 0 - micro) end
end

-- The same of a batch that was certainly not sent by that claim, which is over.
local function give_back(money, batch)
  drop_reserved(money, batch)
  rename(batch, KEPT, RESERVED)
end

-- Reserves once more, for its day, what was given back of a batch that was sent after all, as late evidence shows.
-- Returns false if nothing had been given back. An earlier request that is still in doubt is taken for the one that was
-- sent: it is counted already.
local function take_again(money, batch)
  if hget(batch, 'reserved') then return true end
  local micro, day = rename(batch, RETURNED, RESERVED)
  if not micro then return false end
  count_money(money, day, micro)
  return true
end

-- Takes the price of `n` messages from what is reserved of a batch. `counted`: what is counted for them instead.
local function take_from_reserved(money, batch, n, counted)
  local known = hmget(batch, 'reserved', 'reserved_each', 'reserved_on')
  if not known[1] then return end
  local part = math.min(tonumber(known[1]), n * tonumber(known[2]))
  hincrby(batch, 'reserved', string.format('%.0f', 0 - part))
  count_money(money, known[3], (counted or 0) - part)
end

-- Counts what was charged for mailing number `mailing` of a batch, to `n` recipients, instead of what was reserved for
-- it on `day`: before the price is final only where it is more.
local function correct_reserved(money, batch, day, mailing, n, charged, final)
  local field = 'counted:' .. mailing
  local counted = hget(batch, field)
  if counted then
    local now_counted = final and charged or math.max(charged, tonumber(counted))
    count_money(money, day, now_counted - tonumber(counted))
    hset(batch, field, string.format('%.0f', now_counted))
  elseif final or charged > n * tonumber(hget(batch, 'reserved_each') or '0') then
    take_from_reserved(money, batch, n, charged)
    hset(batch, field, string.format('%.0f', charged))
  end
end

-- Reserves the price of `n` messages for a batch, also beyond the budget: whether there is room is checked before, and
-- what is in doubt is reserved in any case. What an earlier claim in doubt reserved is kept, also where none is needed.
local function reserve(k, budgets, batch, n, now)
  rename(batch, RESERVED, KEPT)
  local day = budgets and budget_of(budgets, k.name) and day_at(budgets, now)
  if not day then return end
  local cost = n * budgets.price
  begin_day(k.money, day)
  count_money(k.money, day, cost)
  hdel(batch, unpack(RETURNED))
  hset(batch, 'reserved', string.format('%.0f', cost), 'reserved_each',
    string.format('%.0f', budgets.price), 'reserved_on', day)
end
