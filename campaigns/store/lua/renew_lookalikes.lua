-- Lets batches that may still be sent, or are in doubt, be remembered among those that look alike.
-- KEYS: 1.. sets of lookalikes, one for each member
-- ARGV: 1 now (ms or 0), 2 life (ms), 3 who would be erased in less than this (ms) is remembered for a whole life,
--       4.. members, one for each key; who has been erased stays so
-- Returns: how many were kept. Calling it twice changes nothing.
-- @include head, clock, lookalikes
local lookalikes = keys_from(1)
local now, life, least, kept = clock(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), 0
for i, key in ipairs(lookalikes) do
  local member = ARGV[3 + i]
  local until_ms = tonumber(redis.call('ZSCORE', key, member) or '0')
  if until_ms > now and until_ms - now < least then
    remember_lookalike(key, member, now, life)
    kept = kept + 1
  end
end
return kept
