-- Records the cost of a mailing as the gateway reports it, per currency. A later figure replaces an earlier one. What
-- the budget reserved for the mailing is corrected: at once where more was charged, and by the final price where less
-- was, since the gateway may charge little by little. Compares what was charged with what was expected.
-- KEYS: 1 batch, 2 campaign, 3 events, 4 account, 5 money of the account
-- ARGV: 1 now (ms or 0), 2 fence under which it was asked for, 3 number of the mailing, 4 campaign id, 5 '1' if the
--       price is final, 6 recipients of the mailing, 7 what was expected (see include/drift) or '',
--       then currency, cost in millionths, ...
-- Emits: account.cost_drift, campaign.cost_drift.
-- Returns: the number of currencies of the mailing; -1 and nothing written if the batch is not at the gateway, as far
--   as this server knows: a replica that took the primary's place may not know yet, and the call is repeated.
-- @include clock, counters, budget, drift
local batch_key, campaign_key, events, account_key, money = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local now, final, recipients = clock(ARGV[1]), ARGV[5] == '1', tonumber(ARGV[6])
local batch = redis.call('HMGET', batch_key, 'state', 'fence', 'account', 'reserved_on')
if (batch[2] or '') ~= ARGV[2] or (batch[1] ~= 'accepted' and batch[1] ~= 'settled') then return -1 end
local field, costs, more = 'cost:' .. ARGV[3], {}, {}
local before, charged, change = redis.call('HGET', batch_key, field) or '', 0, 0
for currency, micro in string.gmatch(before, '([^=;]*)=([0-9]+);') do
  redis.call('HINCRBY', campaign_key, 'cost:' .. currency, 0 - tonumber(micro))
  more[currency] = (more[currency] or 0) - tonumber(micro)
end
for i = 8, #ARGV, 2 do
  redis.call('HINCRBY', campaign_key, 'cost:' .. ARGV[i], ARGV[i + 1])
  more[ARGV[i]] = (more[ARGV[i]] or 0) + tonumber(ARGV[i + 1])
  costs[#costs + 1] = ARGV[i] .. '=' .. ARGV[i + 1] .. ';'
  charged = charged + tonumber(ARGV[i + 1])
end
local account = batch[3] or ''
for currency, micro in pairs(more) do
  -- The gateway may write anything there.
  local name = string.match(currency, '^%u%u%u$') or 'other'
  change = change + micro
  if micro > 0 then tally(account, 'charged|' .. name, micro) else tally(account, 'taken_back|' .. name, 0 - micro) end
end
redis.call('HSET', batch_key, field, table.concat(costs))

if batch[4] then correct_reserved(money, batch_key, batch[4], ARGV[3], recipients, charged, final) end
if ARGV[7] ~= '' then
  local k = {campaign = campaign_key, campaign_id = ARGV[4], account = account_key, name = account, money = money,
    events = events}
  compare_prices(k, cjson.decode(ARGV[7]), before == '' and recipients or 0, change, now)
end
return #costs
