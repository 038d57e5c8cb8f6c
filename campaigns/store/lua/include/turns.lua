-- Which workers are busy with which queue. A bell is a message that makes a worker begin a turn at a queue. `bells` of
-- a queue holds those that were rung and not answered, by when. `turns` holds the turns of all queues that will soon
-- take more, `full` those that wait for their requests under way, both as '<queue> <worker> <turn>' by when they count
-- as dead. `workers` holds '<worker>|<slots>|<queue>,<queue>,' by when it was last seen. All times are unix ms.

-- How long an unanswered bell counts.
local BELL_LIFE_MS = 10000
-- A worker that has given no sign of life for this time has no slots.
local WORKER_LIFE_MS = 20000
-- A turn that asks again within this time counts as one that can take more, so no other worker is called.
local LOOKS_AGAIN_MS = 100
-- Longer than any turn may last: an entry that ends later was written before the clock was set back.
local LONGEST_TURN_MS = 600000
-- Accounts from which one call takes.
local ACCOUNTS_PER_CALL = 20

local function expire_turns(bells, turns, full, now)
  redis.call('ZREMRANGEBYSCORE', bells, '-inf', now - BELL_LIFE_MS)
  redis.call('ZREMRANGEBYSCORE', bells, '(' .. now + 1000, '+inf')
  for _, key in ipairs({turns, full}) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    redis.call('ZREMRANGEBYSCORE', key, '(' .. now + LONGEST_TURN_MS, '+inf')
  end
end

-- Turns at a queue.
local function turns_at(key, queue)
  local number = 0
  for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
    if string.match(member, '^%S+') == queue then number = number + 1 end
  end
  return number
end

-- Whether to ring a bell for something that has just become due: not where a turn will take more or a bell is on its
-- way.
local function ring_first(bells, turns, queue, bell, now)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', turns, '(' .. now, now + LONGEST_TURN_MS)) do
    if string.match(member, '^%S+') == queue then return false end
  end
  if redis.call('ZCOUNT', bells, '(' .. now - BELL_LIFE_MS, now + 1000) > 0 then return false end
  redis.call('ZADD', bells, now, bell)
  redis.call('PEXPIRE', bells, BELL_LIFE_MS)
  return true
end

-- Slots of the workers that serve a queue which no turn occupies, whatever queue it is at. Where no worker has been
-- seen, one is taken to be there.
local function idle_slots(workers, turns, full, queue, now)
  local busy, idle, seen = {}, 0, false
  for _, key in ipairs({turns, full}) do
    for _, member in ipairs(redis.call('ZRANGE', key, 0, -1)) do
      local worker = string.match(member, '^%S+ (%S+)')
      busy[worker] = (busy[worker] or 0) + 1
    end
  end
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', workers, now - WORKER_LIFE_MS, now + WORKER_LIFE_MS)) do
    local worker, slots, queues = string.match(member, '^(.*)|(%d+)|(.*)$')
    if string.find(',' .. queues, ',' .. queue .. ',', 1, true) then
      seen = true
      idle = idle + math.max(0, tonumber(slots) - (busy[worker] or 0))
    end
  end
  return seen and idle or 1
end
