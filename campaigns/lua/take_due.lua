-- Takes what is due. Each entry becomes due again later by itself, in case its wake-up is lost.
-- KEYS: 1 due set
-- ARGV: 1 now (ms or 0), 2 at most so many, 3 ms until an entry is due again, 4 verb and bar ('send|'), or '' for all
-- Returns: {now, entry, entry, ...}
local now = clock(ARGV[1])
local entries = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, ARGV[2])
local taken = {now}
for _, entry in ipairs(entries) do
  if ARGV[4] == '' or string.sub(entry, 1, #ARGV[4]) == ARGV[4] then
    redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), entry)
    taken[#taken + 1] = entry
  end
end
return taken
