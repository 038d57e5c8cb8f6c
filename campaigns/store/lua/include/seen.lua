-- Phones that messages reached or did not. After some messages in a row that did not reach it a phone is suppressed: it
-- is excluded until it is seen again.

-- Phones are on: a message reached each of them, or they replied.
local function note_seen(unreached, suppressed, phones)
  for first = 1, #phones, 500 do
    local last = math.min(first + 499, #phones)
    redis.call('HDEL', unreached, unpack(phones, first, last))
    redis.call('HDEL', suppressed, unpack(phones, first, last))
  end
end

-- Counting begins anew for all phones after this time (180 days): many are never written to again.
local COUNTED_MS = 15552000000

-- A message did not reach each of these phones. `most` in a row suppress a phone.
local function note_unreached(unreached, suppressed, phones, most, now)
  for _, phone in ipairs(phones) do
    local times = redis.call('HINCRBY', unreached, phone, 1)
    if times >= most then redis.call('HSETNX', suppressed, phone, string.format('%.0f|%d', now, times)) end
  end
  if #phones > 0 and redis.call('PTTL', unreached) == -1 then redis.call('PEXPIRE', unreached, COUNTED_MS) end
end
