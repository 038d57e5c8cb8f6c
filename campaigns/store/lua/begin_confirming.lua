-- Notes that a list mailing is about to be paid for: only while its batch is the worker's and its campaign may send.
-- KEYS: 1 batch, 2 campaign
-- ARGV: 1 now (ms or 0), 2 fence that the batch must have, 3 the mailing's status word before
-- Returns: {1} noted, now or by a repeated call; {0, states of batch and campaign} it must not be paid for.
-- @include clock
local batch_key, campaign_key = KEYS[1], KEYS[2]
local now = clock(ARGV[1])
local batch = redis.call('HMGET', batch_key, 'state', 'fence')
local campaign = redis.call('HGET', campaign_key, 'state') or ''
if batch[1] ~= 'sending' or batch[2] ~= ARGV[2] or campaign ~= 'ready' then return {0, batch[1] or '', campaign} end
redis.call('HSET', batch_key, 'status_before', ARGV[3], 'confirming_ms', now, 'confirming', ARGV[2])
return {1}
