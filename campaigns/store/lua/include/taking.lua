-- What the scripts that take entries for a worker's turn have in common. Arguments 2..8 of such a script: the queue,
-- the turn, the number of its call (from 1), its lease (ms), its lease while it can take no more (ms), the number of
-- its requests under way, and how long it would wait for more (ms). `k` names the keys `bells` (of the queue), `turns`,
-- `full` (turns), `workers` and `last_taken` (when a turn last took from the queue).
-- @include turns

-- When an account can act whose token the worker lacks (`known`: ',a,b,' of those that it has, or '' for all), and
-- whether the worker has to pause it; nil if it has the token.
local function without_token(known, account, hash, now)
  if known == '' or string.find(known, ',' .. account .. ',', 1, true) then return nil end
  local paused = tonumber(redis.call('HGET', hash, 'all_until_ms') or '0')
  if paused > now then return paused, false end
  return now + 1000, true
end

-- The first call of a turn answers a bell. Dead turns are removed then, and by each call that decides about a bell.
local function begin_call(k, now)
  if ARGV[4] ~= '1' then return end
  expire_turns(k.bells, k.turns, k.full, now)
  redis.call('ZPOPMIN', k.bells)
end

-- Takes from accounts in turn, the one first that can act first: `take_from` takes what an account can give, and
-- returns when it can act again (unix ms), or nil if nothing of it is due.
local function go_round(accounts, taken, most, take_from, now)
  local tried = {}
  for _ = 1, ACCOUNTS_PER_CALL do
    local first = redis.call('ZRANGE', accounts, 0, 0, 'WITHSCORES')
    local account = first[1]
    if not account or tonumber(first[2]) > now or tried[account] or #taken >= most then return end
    tried[account] = true
    local again = take_from(account)
    if again then redis.call('ZADD', accounts, math.max(again, now), account)
    else redis.call('ZREM', accounts, account) end
  end
end

-- The answer of such a script: {now, 1 if the turn goes on or 0 if it is over, ms until more can be done (-1: nothing
-- is due), bells to ring for others, and what was taken}. A turn ends where another does what is left to do.
local function turn_answer(accounts, k, taken, most, now)
  local bells, turns, full, turn = k.bells, k.turns, k.full, ARGV[3]
  local first = redis.call('ZRANGE', accounts, 0, 0, 'WITHSCORES')
  local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
  redis.call('SET', k.last_taken, now, 'PX', 60000)
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
  if wait ~= 0 or others > 0 or idle_slots(k.workers, turns, full, ARGV[2], now) <= redis.call('ZCARD', bells) then
    return {now, 1, wait, 0, unpack(taken)}
  end
  redis.call('ZADD', bells, now, turn .. ' ' .. ARGV[4])
  redis.call('PEXPIRE', bells, BELL_LIFE_MS)
  return {now, 1, wait, 1, unpack(taken)}
end
