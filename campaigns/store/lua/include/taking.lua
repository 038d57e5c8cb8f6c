-- What the scripts that take entries for a worker's turn have in common. Arguments 2..8 of such a script: the queue,
-- the turn, the number of its call (from 1), its lease (ms), its lease while it can take no more (ms), the number of
-- its requests under way, and how long it would wait for more (ms). `k` names the keys `bells` (of the queue), `turns`,
-- `full` (turns), `workers`, `last_taken` (when a turn last took from the queue) and `left` (bells for other workers).
-- @include turns

-- What `take_from` returns for an account that is left to the workers that have its token.
local LEFT = 'left'
-- An account is left to others for this time in any case. After it, it is left only while a worker of the queue has
-- reported within this time that it has the token.
local LEFT_MS = 60000
-- Bells that are rung in a second for accounts that were left: a worker that cannot act may answer them.
local BELLS_FOR_LEFT = 10
-- Accounts that one call leaves.
local MOST_LEFT = 1000

-- What a worker knows of tokens, from the text ',a,b,|,c,': `own` has the accounts whose token it has, `others` those
-- whose tokens others have. An empty text stands for a worker that works for all accounts: nil. `reports` is the key of
-- the workers' reports, which has `<account>|<queue>` by when a worker of the queue that has the token was last seen.
local function tokens_of(text, reports)
  local own, others = string.match(text, '^([^|]*)|(.*)$')
  return own and {own = own, others = others, reports = reports}
end

local function has_account(accounts, account) return string.find(accounts, ',' .. account .. ',', 1, true) ~= nil end

-- Whether another worker is expected to make the requests of an account, which could act from `since` on. A worker of
-- this queue that has the token may be busy with other accounts for long.
local function left_to_others(tokens, account, since, now)
  if not has_account(tokens.others, account) then return false end
  if now - since <= LEFT_MS then return true end
  local seen = redis.call('ZSCORE', tokens.reports, account .. '|' .. ARGV[2])
  return seen and math.abs(now - tonumber(seen)) <= LEFT_MS
end

-- For an account whose token the worker lacks: what `take_from` returns for it (LEFT, or when it can act again), and
-- whether the worker must pause it. nil if the worker has the token. `hash` is the key of the account.
local function without_token(tokens, account, hash, since, now)
  if not tokens or has_account(tokens.own, account) then return nil end
  local paused_until = tonumber(redis.call('HGET', hash, 'all_until_ms') or '0')
  if paused_until > now then return paused_until, false end
  if left_to_others(tokens, account, since, now) then return LEFT, false end
  return now + 1000, true
end

-- The first call of a turn answers a bell. Dead turns are removed then, and by each call that decides about a bell.
local function begin_call(k, now)
  if ARGV[4] ~= '1' then return end
  expire_turns(k.bells, k.turns, k.full, now)
  redis.call('ZPOPMIN', k.bells)
end

-- Takes from accounts in turn, the one first that can act first: `take_from` takes what an account can give, which
-- could act from the given time on, and returns when it can act again (unix ms), nil if nothing of it is due, or LEFT.
-- Returns how many accounts were left; they stay in front of the others.
local function go_round(accounts, taken, most, take_from, now)
  local tried, number, left = {}, 0, 0
  while number < ACCOUNTS_PER_CALL and left < MOST_LEFT do
    local first = redis.call('ZRANGE', accounts, left, left, 'WITHSCORES')
    local account = first[1]
    if not account or tonumber(first[2]) > now or tried[account] or #taken >= most then return left end
    tried[account] = true
    local again = take_from(account, tonumber(first[2]))
    if again == LEFT then left = left + 1
    else
      number = number + 1
      if again then redis.call('ZADD', accounts, math.max(again, now), account)
      else redis.call('ZREM', accounts, account) end
    end
  end
  return left
end

-- Whether to ring a bell for accounts that were left, and whose workers may not know of them.
local function ring_for_left(k, now)
  if idle_slots(k.workers, k.turns, k.full, ARGV[2], now) <= redis.call('ZCARD', k.bells) then return false end
  local rung = redis.call('INCR', k.left)
  if rung == 1 then redis.call('PEXPIRE', k.left, 1000) end
  if rung > BELLS_FOR_LEFT then return false end
  redis.call('ZADD', k.bells, now, ARGV[3] .. ' left ' .. ARGV[4])
  redis.call('PEXPIRE', k.bells, BELL_LIFE_MS)
  return true
end

-- The answer of such a script: {now, 1 if the turn goes on or 0 if it is over, ms until more can be done (-1: nothing
-- is due), bells to ring for others, and what was taken}. A turn ends where another does what is left to do.
-- `left`: accounts in front that are left to other workers.
local function turn_answer(accounts, k, taken, most, now, left)
  local bells, turns, full, turn = k.bells, k.turns, k.full, ARGV[3]
  local first = redis.call('ZRANGE', accounts, left, left, 'WITHSCORES')
  local wait = first[2] and math.max(0, tonumber(first[2]) - now) or -1
  redis.call('SET', k.last_taken, now, 'PX', 60000)
  redis.call('ZREM', turns, turn)
  redis.call('ZREM', full, turn)
  local others, ring = turns_at(turns, ARGV[2]), left > 0 and ring_for_left(k, now) and 1 or 0
  if #taken == 0 and ARGV[7] == '0' and (others > 0 or wait < 0 or wait > tonumber(ARGV[8])) then
    return {now, 0, wait, ring}
  end
  if #taken < most and wait >= 0 and wait <= LOOKS_AGAIN_MS then
    redis.call('ZADD', turns, now + tonumber(ARGV[5]), turn)
    redis.call('PEXPIRE', turns, LONGEST_TURN_MS)
    return {now, 1, wait, ring, unpack(taken)}
  end
  redis.call('ZADD', full, now + tonumber(ARGV[6]), turn)
  redis.call('PEXPIRE', full, LONGEST_TURN_MS)
  if wait ~= 0 or others > 0 or idle_slots(k.workers, turns, full, ARGV[2], now) <= redis.call('ZCARD', bells) then
    return {now, 1, wait, ring, unpack(taken)}
  end
  redis.call('ZADD', bells, now, turn .. ' ' .. ARGV[4])
  redis.call('PEXPIRE', bells, BELL_LIFE_MS)
  return {now, 1, wait, 1, unpack(taken)}
end
