-- Keeps the bodies and images of unsent batches while their campaign lasts.
-- KEYS: 1.. bodies and images; what has expired stays so
-- ARGV: 1 now (unused), 2 life (ms), 3 a key with less than this left (ms) is kept for a whole life
-- Returns: how many were kept.
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
