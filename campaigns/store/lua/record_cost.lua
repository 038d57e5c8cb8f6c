-- Records the cost of a mailing as the gateway reports it, per currency. A later figure replaces an earlier one.
-- KEYS: 1 batch, 2 campaign
-- ARGV: 1 now (unused), 2 fence under which it was asked for, 3 number of the mailing,
--       then currency, cost in millionths, ...
-- Returns: the number of currencies of the mailing; -1 and nothing written if the batch is not at the gateway, as far
--   as this server knows: a replica that took the primary's place may not know yet, and the call is repeated.
-- @include counters
local batch_key, campaign_key = KEYS[1], KEYS[2]
local batch = redis.call('HMGET', batch_key, 'state', 'fence', 'account')
if (batch[2] or '') ~= ARGV[2] or (batch[1] ~= 'accepted' and batch[1] ~= 'settled') then return -1 end
local field, costs, more = 'cost:' .. ARGV[3], {}, {}
local before = redis.call('HGET', batch_key, field) or ''
for currency, micro in string.gmatch(before, '([^=;]*)=([0-9]+);') do
  redis.call('HINCRBY', campaign_key, 'cost:' .. currency, 0 - tonumber(micro))
  more[currency] = (more[currency] or 0) - tonumber(micro)
end
for i = 4, #ARGV, 2 do
  redis.call('HINCRBY', campaign_key, 'cost:' .. ARGV[i], ARGV[i + 1])
  more[ARGV[i]] = (more[ARGV[i]] or 0) + tonumber(ARGV[i + 1])
  costs[#costs + 1] = ARGV[i] .. '=' .. ARGV[i + 1] .. ';'
end
local account = batch[3] or ''
for currency, micro in pairs(more) do
  -- The gateway may write anything there.
  local name = string.match(currency, '^%u%u%u$') or 'other'
  if micro > 0 then tally(account, 'charged|' .. name, micro) else tally(account, 'taken_back|' .. name, 0 - micro) end
end
redis.call('HSET', batch_key, field, table.concat(costs))
return #costs
