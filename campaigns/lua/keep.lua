-- Lets what unsent batches need live on, while their campaign does.
-- KEYS: what lives for a time; what has expired stays so.
-- ARGV: 1 now (unused), 2 life (ms)
-- Returns: how many would have had less than half of their life left. Calling it twice changes nothing.
local life, kept = tonumber(ARGV[2]), 0
for _, key in ipairs(KEYS) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left < life / 2 then
    redis.call('PEXPIRE', key, string.format('%.0f', life))
    kept = kept + 1
  end
end
return kept
