-- Notices whether another server took the store's place, and whether claims are lost by it.
-- KEYS: 1 primary, 2 workers, 3 events
-- ARGV: 1 now (ms or 0), 2 last change and 3 last claim that the caller knows of, 4 replicas that must have a claim
-- Emits: store.changed.
-- Returns: {last change, last claim, ms for which nothing may be claimed yet}
-- @include clock, primary
local primary_key, workers, events = KEYS[1], KEYS[2], KEYS[3]
local p = notice_change(primary_key, workers, events, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]),
  clock(ARGV[1]))
return {p.epoch, p.claims, p.wait}
