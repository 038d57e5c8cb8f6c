-- Keeps batches that may still be sent, or are in doubt, in the sets of lookalikes.
-- KEYS: 1.. sets of lookalikes, one for each member
-- ARGV: 1 now (ms or 0), 2 life (ms), 3 a member with less than this left (ms) is kept for a whole life,
--       4.. members, one for each key; one that has expired stays so
-- Returns: how many were kept.
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
