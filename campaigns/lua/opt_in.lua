-- Removes phones from the opt-outs.
-- KEYS: 1 opt-outs, 2 why they are
-- ARGV: 1 now (unused), 2.. phones
-- Returns: number of phones that were on the list.
local gone = 0
for i = 2, #ARGV do
  gone = gone + redis.call('SREM', KEYS[1], ARGV[i])
  redis.call('HDEL', KEYS[2], ARGV[i])
end
return gone
