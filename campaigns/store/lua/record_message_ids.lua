-- Records the gateway's ids of a batch's mailings, so that messages can be looked up and the listing be trusted.
-- KEYS: 1 batch, 2 known ids of the account, 3.. message keys
-- ARGV: 1 now (ms or 0), 2 ids of the mailings (JSON object: mailing → id), 3 life of the message keys and of the known ids (ms),
--       4 fence under which they were learnt, 5.. for each message key: its value, the message id
-- Returns: 1; 0 and nothing written if the batch was claimed anew since.
local now = clock(ARGV[1])
if redis.call('HGET', KEYS[1], 'fence') ~= ARGV[4] then return 0 end
redis.call('HSET', KEYS[1], 'message_ids', ARGV[2])
for i = 3, #KEYS do
  local at = 5 + (i - 3) * 2
  redis.call('SET', KEYS[i], ARGV[at], 'PX', ARGV[3])
  redis.call('ZADD', KEYS[2], now, ARGV[at + 1])
end
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1001)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
