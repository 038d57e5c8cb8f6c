-- Reads the server's clock, and what makes a steady one of it.
-- KEYS: none
-- ARGV: 1 now (ms, 0, or ~ms)
-- Returns: {the server's clock (unix ms), offset (ms), the server's clock when the offset was last confirmed (or -1),
--   the steady clock (unix ms)}
-- @include head, clock
local known = redis.call('HMGET', CLOCK, 'offset_ms', 'seen_ms')
return {math.floor(server_us() / 1000), tonumber(known[1] or '0'), tonumber(known[2] or '-1'), clock(ARGV[1])}
