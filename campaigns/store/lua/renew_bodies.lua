-- Lets what unsent batches need live on, while their campaign does.
-- KEYS: 1.. bodies and images; what has expired stays so
-- ARGV: 1 now (unused), 2 life (ms), 3 what would have less than this left (ms) is kept for its whole life
-- Returns: how many were kept. Calling it twice changes nothing.
-- @include head
local bodies = keys_from(1)
local life, least, kept = tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for _, key in ipairs(bodies) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left < least then
    redis.call('PEXPIRE', key, string.format('%.0f', life))
    kept = kept + 1
  end
end
return kept
