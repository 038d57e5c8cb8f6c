-- Records what the gateway says a mailing cost, each currency by itself. A later figure replaces an earlier one.
-- KEYS: 1 batch, 2 campaign
-- ARGV: 1 now (unused), 2 number of the mailing, then currency, cost in millionths, ...
-- Returns: the number of currencies of the mailing.
local field, costs = 'cost:' .. ARGV[2], {}
local before = redis.call('HGET', KEYS[1], field) or ''
for currency, micro in string.gmatch(before, '([^=;]*)=([0-9]+);') do
  redis.call('HINCRBY', KEYS[2], 'cost:' .. currency, 0 - tonumber(micro))
end
for i = 3, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[2], 'cost:' .. ARGV[i], ARGV[i + 1])
  costs[#costs + 1] = ARGV[i] .. '=' .. ARGV[i + 1] .. ';'
end
redis.call('HSET', KEYS[1], field, table.concat(costs))
return #costs
