-- Searches many batches for one phone.
-- KEYS: 1.. for each batch: the batch, then the deliveries of its mailings
-- ARGV: 1 now (unused), 2 phone, 3.. for each batch: number of its mailings
-- Returns: for each batch 1 a delivery to the phone is stored, 0 deliveries to all its recipients are stored and none
--          is to the phone, 2 only the body can show it.
-- @include head
local keys = keys_from(1)
local found, at = {}, 1
for i = 3, #ARGV do
  local batch, stored, verdict = keys[at], 0, 2
  for j = at + 1, at + tonumber(ARGV[i]) do
    if redis.call('HEXISTS', keys[j], ARGV[2]) == 1 then verdict = 1 end
    stored = stored + redis.call('HLEN', keys[j])
  end
  if verdict == 2 and stored > 0 and stored >= tonumber(redis.call('HGET', batch, 'n') or '0') then verdict = 0 end
  found[#found + 1] = verdict
  at = at + 1 + tonumber(ARGV[i])
end
return found
