-- Looks for one phone in many batches at once.
-- KEYS: 1.. for each batch: the batch, then the deliveries of its mailings
-- ARGV: 1 now (unused), 2 phone, 3.. for each batch: number of its mailings
-- Returns: for each batch 1 something was heard of the phone, 0 everybody was heard of and it is not among
--          them, 2 only the body can tell.
-- @include head
local keys = keys_from(1)
local found, at = {}, 1
for i = 3, #ARGV do
  local batch, heard, verdict = keys[at], 0, 2
  for j = at + 1, at + tonumber(ARGV[i]) do
    if redis.call('HEXISTS', keys[j], ARGV[2]) == 1 then verdict = 1 end
    heard = heard + redis.call('HLEN', keys[j])
  end
  if verdict == 2 and heard > 0 and heard >= tonumber(redis.call('HGET', batch, 'n') or '0') then verdict = 0 end
  found[#found + 1] = verdict
  at = at + 1 + tonumber(ARGV[i])
end
return found
