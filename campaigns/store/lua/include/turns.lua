-- Who works at what. A bell is a message that makes a worker begin a turn at a queue. `bells` of a queue holds those
-- that were rung and not answered, by when. `turns` holds the turns of all queues that will soon take more, `full` those
-- that wait for what they have under way, both as '<queue> <worker> <turn>' by when they count as dead.
-- `workers` holds '<worker>|<slots>|<queue>,<queue>,' by when it was last seen. All times are unix ms.

-- How long a bell counts that nobody answers.
local BELL_LIFE_MS = 10000
-- A worker that was not seen for so long has no slots.
local WORKER_LIFE_MS = 20000
-- A turn that looks again within so long counts as one that can take more: nobody else need be roused.
local LOOKS_AGAIN_MS = 100
-- Longer than any turn may last: what ends later stands there because the clock was set back.
local LONGEST_TURN_MS = 600000
-- Accounts that one call looks at.
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

-- Whether a bell is to be rung for something that has just become due: not where a turn will take more, or a bell is on its
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

-- What the scripts that take for a turn have in common. Their KEYS 2..5 are bells of the queue, turns, full turns and
-- workers; their ARGV 2..8 the queue, the turn, the number of its call, its lease, its lease while it can take no more
-- (ms), the number of its requests under way, and how long it would wait for more (ms).

-- When an account can act whose token the worker lacks (`known`: ',a,b,' of those that it has, or '' for all), and
-- whether the worker has to pause it; nil if it has the token.
local function without_token(known, account, hash, now)
  if known == '' or string.find(known, ',' .. account .. ',', 1, true) then return nil end
  local paused = tonumber(redis.call('HGET', hash, 'all_until_ms') or '0')
  if paused > now then return paused, false end
  return now + 1000, true
end

-- The first call of a turn answers a bell. What has died is noticed then, and by whoever rings.
local function begin_call(now)
  if ARGV[4] ~= '1' then return end
  expire_turns(KEYS[2], KEYS[3], KEYS[4], now)
  redis.call('ZPOPMIN', KEYS[2])
end

-- Takes from accounts in turn, the one first that can act first: `take_from` takes what an account can give, and returns
-- when it can act again (unix ms), or nil if nothing of it is due.
local function go_round(accounts, taken, most, take_from, now)
  local looked = {}
  for _ = 1, ACCOUNTS_PER_CALL do
    local first = redis.call('ZRANGE', accounts, 0, 0, 'WITHSCORES')
    local account = first[1]
    if not account or tonumber(first[2]) > now or looked[account] or #taken >= most then return end
    looked[account] = true
    local again = take_from(account)
    if again then redis.call('ZADD', accounts, math.max(again, now), account)
    else redis.call('ZREM', accounts, account) end
  end
end

-- The answer of such a script: {now, 1 if the turn goes on or 0 if it is over, ms until more can be done (-1: nothing
-- is due), bells to ring for others, and what was taken}. A turn ends where another does what is left to do.
local function turn_answer(accounts, last_taken, taken, most, now)
  local bells, turns, full, turn = KEYS[2], KEYS[3], KEYS[4], ARGV[3]
  local first = redis.call('ZRANGE', accounts, 0, 0, 'WITHSCORES')
  local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
  redis.call('SET', last_taken, now, 'PX', 60000)
  redis.call('ZREM', turns, turn)
  redis.call('ZREM', full, turn)
  local others = turns_at(turns, ARGV[2])
  if #taken == 0 and ARGV[7] == '0' and (others > 0 or wait < 0 or wait > tonumber(ARGV[8])) then
    return {now, 0, wait, 0}
  end
  if #taken < most and wait >= 0 and wait <= LOOKS_AGAIN_MS then
    redis.call('ZADD', turns, now + tonumber(ARGV[5]), turn)
    redis.call('PEXPIRE', turns, LONGEST_TURN_MS)
    return {now, 1, wait, 0, unpack(taken)}
  end
  redis.call('ZADD', full, now + tonumber(ARGV[6]), turn)
  redis.call('PEXPIRE', full, LONGEST_TURN_MS)
  if wait ~= 0 or others > 0 or idle_slots(KEYS[5], turns, full, ARGV[2], now) <= redis.call('ZCARD', bells) then
    return {now, 1, wait, 0, unpack(taken)}
  end
  redis.call('ZADD', bells, now, turn .. ' ' .. ARGV[4])
  redis.call('PEXPIRE', bells, BELL_LIFE_MS)
  return {now, 1, wait, 1, unpack(taken)}
end
