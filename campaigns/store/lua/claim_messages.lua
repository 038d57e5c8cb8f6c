-- Takes mailings of the gateway's listing as evidence for one batch: each belongs to one batch only.
-- KEYS: 1.. the keys of their messages
-- ARGV: 1 now (unused), 2 life (ms), 3.. for each key: its value, '<batch id>:<mailing>'
-- Returns: 1 they are the batch's, now or by a repeated call; 0 and nothing written if one is another batch's.
-- @include head
local messages = keys_from(1)
for i = 1, #messages do
  local owner = redis.call('GET', messages[i])
  if owner and owner ~= ARGV[2 + i] then return 0 end
end
for i = 1, #messages do redis.call('SET', messages[i], ARGV[2 + i], 'PX', ARGV[2]) end
return 1
