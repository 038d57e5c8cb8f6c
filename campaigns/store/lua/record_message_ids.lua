-- Records the gateway's ids of a batch's mailings, so that messages can be found by them and
-- the listing can be trusted.
-- KEYS: 1 batch, 2 known ids of the account, 3.. message keys
-- ARGV: 1 now (ms or 0), 2 ids of the mailings (JSON object: mailing → id), 3 life of the message keys and of the known
--       ids (ms),
--       4 fence of the attempt whose answer held them, 5.. for each message key: its value, the message id
-- Returns: 1; 0 and nothing written if the batch was claimed anew since.
-- @include head, clock
local batch_key, known_ids, messages = KEYS[1], KEYS[2], keys_from(3)
local now = clock(ARGV[1])
if redis.call('HGET', batch_key, 'fence') ~= ARGV[4] then return 0 end
redis.call('HSET', batch_key, 'message_ids', ARGV[2])
for i, message in ipairs(messages) do
  local at = 3 + i * 2
  redis.call('SET', message, ARGV[at], 'PX', ARGV[3])
  redis.call('ZADD', known_ids, now, ARGV[at + 1])
end
redis.call('ZREMRANGEBYRANK', known_ids, 0, -1001)
redis.call('PEXPIRE', known_ids, ARGV[3])
return 1
