-- The replicas have a campaign that was kept back for them: it may go out now.
-- KEYS: 1 due set of its queue, 2 accounts of its queue
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 account
-- Returns: 1
-- @include due
local entry = 'campaign|' .. ARGV[2]
-- One that is scheduled, or that a worker has taken up already, is left where it is.
if redis.call('ZSCORE', KEYS[1], entry) then schedule(KEYS[1], KEYS[2], ARGV[3], entry, clock(ARGV[1])) end
return 1
