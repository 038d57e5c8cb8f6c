-- Reads the stored deliveries of a mailing as one text: two thousand separate answers cost a client far more. A large
-- mailing comes in portions, since other clients wait meanwhile, so its rows may be of different moments. A caller that
-- compares with them writes against the version that came with the first portion.
-- KEYS: 1 deliveries of the mailing, 2 batch
-- ARGV: 1 now (unused), 2 cursor ('0' at first), 3 rows of a portion; a mailing of no more comes whole
-- Returns: {version of the batch, for `change_deliveries`; cursor of the next portion, '0' if this was the last;
--          a JSON array of phone, value, phone, value, ...; some may come twice, the later value later}.
-- @include head
local deliveries, batch_key = KEYS[1], KEYS[2]
local version, cursor, rows = redis.call('HGET', batch_key, 'v') or '0', '0', nil
if ARGV[2] == '0' and redis.call('HLEN', deliveries) <= tonumber(ARGV[3]) then
  rows = redis.call('HGETALL', deliveries)
else
  cursor, rows = unpack(redis.call('HSCAN', deliveries, ARGV[2], 'COUNT', ARGV[3]))
end
return {version, cursor, #rows == 0 and '[]' or cjson.encode(rows)}
