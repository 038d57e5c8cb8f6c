-- Takes entries that ask the gateway something that costs nothing (polls, checks of the listing, replies), of accounts
-- that can act now, each with a permit for its first request. Accounts take turns. A taken entry comes due again later
-- by itself, in case its worker dies. A worker's turn at the queue begins, goes on or ends with it.
-- Bases are names to which an account or an id is appended.
-- KEYS: 1 accounts of the queue, 2 bells of the queue, 3 turns, 4 full turns, 5 workers, 6 what this turn took last,
--       7 when something was last taken from the queue, 8 accounts of the other queue that reads,
--       bases: 9 due sets of the queue, 10 due sets of the other queue, 11 accounts, 12 permits, 13 batches;
--       14 bells rung for accounts that were left to other workers, 15 reports of workers that have a token (see
--       tokens_of)
-- ARGV: 1 now (ms or 0), 2 queue, 3 turn, 4 number of this call of the turn (from 1), 5 lease of the turn (ms),
--       6 lease of the turn while it can take no more (ms), 7 requests under way already,
--       8 how long the turn would wait for more (ms), 9 ms until an entry is due again,
--       10..16 limits (see include/permits), 17 accounts whose tokens workers have (see tokens_of),
--       18.. permit ids, one for each entry that may be taken
-- Returns: as take_sends, with {entry, account, permit id, batch as JSON} for each entry, and {'', account} for an
--   account whose token the worker does not have.
-- @include clock, counters, permits, taking
local accounts, bells, turns, full, workers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local memory, last_taken, other_accounts, due_base, other_base = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local account_base, permits_base, batch_base = KEYS[11], KEYS[12], KEYS[13]
local left_bells, token_reports = KEYS[14], KEYS[15]
local now, queue, call, again_ms, limits = clock(ARGV[1]), ARGV[2], ARGV[4], tonumber(ARGV[9]), permit_limits(10)
local turn_keys = {bells = bells, turns = turns, full = full, workers = workers, last_taken = last_taken,
  left = left_bells}
local tokens = tokens_of(ARGV[17], token_reports)
local now_us = clock_us(ARGV[1])
local PERMITS, most = 17, #ARGV - 17
local STEPS = 200
local taken, remembered, steps, left = {}, {}, 0, 0

local function entry_of(entry, account, permit)
  local batch = redis.call('HGETALL', batch_base .. string.match(entry, '|(.*)$'))
  return {entry, account, permit, #batch == 0 and '[]' or cjson.encode(batch)}
end

-- Whether an entry stands for nothing any more.
local function stale(entry)
  local verb, batch_id = string.match(entry, '^(%a+)|(.*)$')
  local state = redis.call('HGET', batch_base .. batch_id, 'state')
  if verb == 'poll' then return state ~= 'accepted' end
  if verb == 'replies' then return state ~= 'accepted' and state ~= 'settled' end
  return not state
end

-- Polls and replies of an account share its reads: where both are due, they alternate.
local function lets_other(account)
  local last = redis.call('HMGET', account_base .. account, 'read_queue', 'read_ms')
  if last[1] ~= queue or limits.requests == 0 then return nil end
  local until_ms = tonumber(last[2]) + math.min(1000, 2 * limits.window / 1000 / limits.read_slots)
  if until_ms <= now or until_ms > now + 1000 then return nil end
  if #redis.call('ZRANGEBYSCORE', other_base .. account, '-inf', now, 'LIMIT', 0, 1) == 0 then return nil end
  return math.ceil(until_ms)
end

-- Takes what an account can ask now. Returns when it can act again (unix ms), or nil if nothing of it is due.
local function take_from(account, since)
  local due, hash = due_base .. account, account_base .. account
  local able, must_pause = without_token(tokens, account, hash, since, now)
  if must_pause then taken[#taken + 1] = {'', account} end
  if able then return able end
  local keys = permit_keys(account, hash, permits_base .. account)
  while true do
    local first = redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')
    if not first[1] then return nil end
    if tonumber(first[2]) > now then return tonumber(first[2]) end
    if #taken >= most or steps >= STEPS then return now end
    if stale(first[1]) then
      redis.call('ZREM', due, first[1])
      steps = steps + 1
    else
      local later = lets_other(account)
      if later then return later end
      local permit = ARGV[PERMITS + #taken + 1]
      local wait, no = take_permit(keys, limits, permit, 'read', now_us)
      if wait > 0 then
        tally(account, 'permit|read|' .. no, 1)
        return now + math.ceil(wait / 1000)
      end
      redis.call('HSET', hash, 'read_queue', queue, 'read_ms', now)
      redis.call('ZADD', due, now + again_ms, first[1])
      taken[#taken + 1] = entry_of(first[1], account, permit)
      remembered[#remembered + 1] = {first[1], account, permit}
    end
  end
end

begin_call(turn_keys, now)
local before = redis.call('GET', memory)
if before and string.match(before, '^(%d+)|') == call then
  -- The answer to this very call was lost: what it took is given again.
  for _, one in ipairs(cjson.decode(string.match(before, '|(.*)$'))) do
    taken[#taken + 1] = entry_of(one[1], one[2], one[3])
  end
else
  left = go_round(accounts, taken, most, take_from, now)
  if #taken > 0 then redis.call('SET', memory, call .. '|' .. cjson.encode(remembered), 'PX', 60000) end
end
return turn_answer(accounts, turn_keys, taken, most, now, left)
