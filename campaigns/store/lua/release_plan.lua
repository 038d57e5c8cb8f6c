-- Lets a campaign go out that was kept back until the replicas had it.
-- KEYS: 1 due set of its queue, 2 accounts of its queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 account
-- Returns: 1
-- @include clock, due
local due, accounts = KEYS[1], KEYS[2]
local entry = 'campaign|' .. ARGV[2]
-- A scheduled campaign, or one that a worker has taken already, stays where it is.
if redis.call('ZSCORE', due, entry) then schedule(due, accounts, ARGV[3], entry, clock(ARGV[1])) end
return 1
