-- The replicas have a campaign that was kept back for them: it may go out now.
-- KEYS: 1 due set of its queue, 2 accounts of its queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 account
-- Returns: 1
-- @include clock, due
local due, accounts = KEYS[1], KEYS[2]
local entry = 'campaign|' .. ARGV[2]
-- One that is scheduled, or that a worker has taken up already, is left where it is.
if redis.call('ZSCORE', due, entry) then schedule(due, accounts, ARGV[3], entry, clock(ARGV[1])) end
return 1
