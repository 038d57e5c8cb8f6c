-- Reads what is stored of a mailing's deliveries as one text: two thousand answers apiece cost a client far more.
-- KEYS: 1 deliveries of the mailing, 2 batch
-- ARGV: 1 now (unused)
-- Returns: {version of the batch, for `intake`; a JSON array of phone, value, phone, value, ...}.
local flat = redis.call('HGETALL', KEYS[1])
return {redis.call('HGET', KEYS[2], 'v') or '0', #flat == 0 and '[]' or cjson.encode(flat)}
