-- What was charged against what was expected, by campaign, and by account and day of sending.
-- @include event, budget

-- The data of the event, if the mean price of the `messages` that cost `micro` is too high for the first time.
-- `expected` as below; `figures` is the hash that has the field `flag` once it was reported; `more` joins the data.
local function drifted(expected, figures, flag, messages, micro, more)
  if messages < expected.least or micro <= messages * expected.price * (1 + expected.share)
    or redis.call('HSETNX', figures, flag, '1') == 0 then return nil end
  return '{"expected":"' .. amount(expected.price) .. '","mean":"' .. amount(micro / messages) .. '","messages":' ..
    messages .. ',"charged":"' .. amount(micro) .. '"' .. more .. '}'
end

-- Counts `messages` more with a price, and `micro` more that was charged. `expected`: `price` of a message
-- (millionths), `day` on which they were sent, `share` by which the mean may be higher, and the `least` number of
-- messages that is compared. `k` names campaign, account, money, events, campaign_id and name (of the account).
-- Emits: account.cost_drift, campaign.cost_drift.
local function compare_prices(k, expected, messages, micro, now)
  if messages == 0 and micro == 0 then return end
  local day = expected.day
  begin_day(k.money, day)
  local of_campaign = drifted(expected, k.campaign, 'drifted',
    redis.call('HINCRBY', k.campaign, 'messages', messages), redis.call('HINCRBY', k.campaign, 'charged', micro), '')
  if of_campaign then
    emit(k.events, k.campaign, k.campaign_id, 'campaign.cost_drift', k.campaign_id, of_campaign, now)
  end
  local of_day = drifted(expected, k.money, 'drifted:' .. day,
    redis.call('HINCRBY', k.money, 'messages:' .. day, messages),
    redis.call('HINCRBY', k.money, 'charged:' .. day, micro), ',"day":"' .. day .. '"')
  if of_day then
    emit(k.events, k.account, 'accounts/' .. k.name, 'account.cost_drift', k.name, of_day, now)
  end
end
