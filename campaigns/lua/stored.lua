-- Reads what is stored of a mailing's deliveries as one text: two thousand answers apiece cost a client far more.
-- KEYS: 1 deliveries of the mailing
-- ARGV: 1 now (unused)
-- Returns: a JSON array of phone, value, phone, value, ...; '' if nothing is stored.
local flat = redis.call('HGETALL', KEYS[1])
return #flat == 0 and '' or cjson.encode(flat)
