-- Confirms or changes the offset between the server's clock and the steady one. What is confirmed goes back to zero
-- by five thousandths of the time that has passed since.
-- KEYS: none
-- ARGV: 1 now (unused), 2 offset that the caller has seen (ms), 3 offset that it wants (ms; the same to confirm it),
--   4 the server's clock that the caller has compared with its own (unix ms)
-- Returns: 1 done, 0 if the offset is another, or is to be changed while others confirm it, 2 if the server's clock was
--   set after the caller had read it, or that was long ago: the caller has read another clock than this one.
-- @include head, clock
local server = math.floor(server_us() / 1000)
if math.abs(server - tonumber(ARGV[4])) > AHEAD_MS then return 2 end
local known = redis.call('HMGET', CLOCK, 'offset_ms', 'seen_ms')
local offset, wanted = tonumber(known[1] or '0'), tonumber(ARGV[3])
if offset ~= tonumber(ARGV[2]) then return 0 end
local unseen = known[2] and server - tonumber(known[2])
if wanted ~= offset then
  if confirmed(unseen) then return 0 end
elseif unseen then
  if unseen >= 0 and unseen < 500 then return 1 end
  local back = math.floor(math.min(math.max(unseen, 0), 2000) * 0.005)
  wanted = offset > 0 and math.max(0, offset - back) or math.min(0, offset + back)
end
redis.call('HSET', CLOCK, 'offset_ms', wanted, 'seen_ms', string.format('%.0f', server))
return 1
