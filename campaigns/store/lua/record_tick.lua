-- Records that a tick was carried out: when, and which beat sent it.
-- KEYS: 1 heartbeat of dispatching, 2 beats
-- ARGV: 1 now (ms or 0), 2 beat, or '' if it has no name, 3 ms without a tick after which a beat is removed,
--       4 life of the keys (s)
-- Returns: 1
-- @include clock
local heartbeat, beats = KEYS[1], KEYS[2]
local now = clock(ARGV[1])
redis.call('SET', heartbeat, now, 'EX', ARGV[4])
if ARGV[2] == '' then return 1 end
local first = now
local seen = redis.call('HGETALL', beats)
for at = 1, #seen, 2 do
  local since, last = string.match(seen[at + 1], '^(%d+)|(%d+)$')
  if tonumber(last) < now - tonumber(ARGV[3]) then
    redis.call('HDEL', beats, seen[at])
  elseif seen[at] == ARGV[2] then
    first = since
  end
end
redis.call('HSET', beats, ARGV[2], string.format('%d|%d', first, now))
redis.call('EXPIRE', beats, ARGV[4])
return 1
