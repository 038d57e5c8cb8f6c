-- Takes batches to send, of accounts that can act now, each claimed under a permit. Accounts take turns, and the
-- campaigns of an account are taken in their order. A worker's turn at the queue begins, goes on or ends with it.
-- Bases are names to which an account or an id is appended.
-- KEYS: 1 accounts of the queue, 2 bells of the queue, 3 turns, 4 full turns, 5 workers, 6 what this turn took last,
--       7 events, 8 opt-outs, 9 their counter, 10 due set of control, 11 accounts of polling,
--       12 when something was last taken from the queue,
--       bases: 13 due sets of the queue, 14 orders of the queue, 15 due sets of polling, 16 accounts, 17 permits,
--       18 batches, 19 campaigns, 20 bodies; 21 primary, 22 facts of the event stream, bases: 23 images, 24 money of
--       accounts; 25 bells rung for accounts that were left to other workers, 26 reports of workers that
--       have a token (see tokens_of)
-- ARGV: 1 now (ms or 0), 2 queue, 3 turn, 4 number of this call of the turn (from 1), 5 lease of the turn (ms), 6 lease
--       of the turn while it can take no more (ms), 7 requests under way already, 8 how long the turn would wait for
--       more (ms), 9 lease of a batch (ms), 10 'quick' or 'paid', 11..17 limits (see include/permits), 18 accounts
--       whose tokens workers have (see tokens_of), 19 last change of the store and 20 last claim that the
--       worker knows of, 21 replicas that must have a claim, 22 budgets (see include/budget), 23 random text with which
--       the fences of this call begin, 24 number of batches that may be taken
-- Emits: account.paused, account.resumed, batch.sending, batch.unknown, campaign.over_budget,
--   campaign.window_closed, store.changed.
-- Moves: batch planned → sending, unknown; campaign ready → paused.
-- Returns: {now, 1 if the turn goes on or 0 if it is over, ms until more can be done (-1: nothing is due),
--   bells worth ringing for others, then for each batch {1, batch id, body or false, batch as JSON, 1 if its
--   campaign has an image or 0}, or
--   {2, batch id, version seen, version} for one whose phones must be checked first, against opt-outs or cap, or
--   {3, account} for an account whose token the worker does not have, and at last {4, change, claim}: the last of each
--   that the store knows of}
-- @include head, clock, counters, claims, holding_back, order, permits, primary, taking, budget, pacing
-- @include budget_pauses, miscounted
local accounts, bells, turns, full, workers = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local memory, events, optouts, counter, due_control = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local accounts_poll, last_taken, due_base, order_base, due_poll_base = KEYS[11], KEYS[12], KEYS[13], KEYS[14], KEYS[15]
local account_base, permits_base, batch_base, campaign_base = KEYS[16], KEYS[17], KEYS[18], KEYS[19]
local body_base, primary_key, stream, image_base, money_base = KEYS[20], KEYS[21], KEYS[22], KEYS[23], KEYS[24]
local left_bells, token_reports = KEYS[25], KEYS[26]
local now, queue, call = clock(ARGV[1]), ARGV[2], ARGV[4]
local turn_keys = {bells = bells, turns = turns, full = full, workers = workers, last_taken = last_taken,
  left = left_bells}
local tokens = tokens_of(ARGV[18], token_reports)
local lease_ms, kind, limits = tonumber(ARGV[9]), ARGV[10], permit_limits(11)
local budgets, fences, most = budgets_of(ARGV[22]), ARGV[23] .. '.', tonumber(ARGV[24])
local now_us = clock_us(ARGV[1])
-- Nothing is sent while the event stream is full of unread events.
local stream_full = redis.call('HEXISTS', stream, 'full_ms') == 1
-- Steps over what cannot be sent after all, in one call.
local STEPS = 100
-- How long before its time by the rate of its campaign a batch may be checked, and how long the next one waits for it.
local CHECK_MS = 1000

local function spending_of(account)
  return budgets and {account = account_base .. account, money = money_base .. account, events = events, name = account}
end

local function names_of(batch_id, account)
  local campaign_id = string.match(batch_id, '^(.*)-%d+$')
  return {batch = batch_base .. batch_id, campaign = campaign_base .. campaign_id, events = events,
    due_poll = due_poll_base .. account, accounts_poll = accounts_poll, optouts = optouts, optouts_counter = counter,
    due_control = due_control, primary = primary_key, budgets = budgets, spending = spending_of(account)}, campaign_id
end

local function claimed(batch_id)
  return {1, batch_id, redis.call('GET', body_base .. batch_id),
    cjson.encode(redis.call('HGETALL', batch_base .. batch_id)),
    redis.call('EXISTS', image_base .. string.match(batch_id, '^(.*)-%d+$'))}
end

local primary = notice_change(primary_key, workers, events, tonumber(ARGV[19]), tonumber(ARGV[20]),
  tonumber(ARGV[21]), now)
local taken, taken_ids, steps, left = {}, {}, 0, 0

-- What came due takes its place in the order, a bounded number at a time.
local function enter_due(account)
  local due, order = due_base .. account, order_base .. account
  local entries = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, 50)
  if #entries > 0 then redis.call('ZREM', due, unpack(entries)) end
  for _, entry in ipairs(entries) do
    local id = string.match(entry, '|(.*)$')
    local campaign_id = string.match(id, '^(.*)-%d+$') or id
    enter_order(order, account_base .. account, queue, campaign_base .. campaign_id, id)
  end
end

-- The batch at the front of an account's order: its id, the member that it stands there as, its virtual time, and its
-- campaign's fields.
local function front(account)
  while steps < STEPS do
    local first = redis.call('ZRANGE', order_base .. account, 0, 0, 'WITHSCORES')
    local member = first[1]
    if not member then return nil end
    local campaign_id = string.match(member, '^(.*)-%d+$')
    local of = campaign_fields(campaign_base .. (campaign_id or member))
    if campaign_id then return member, member, first[2], of end
    local cursor = tonumber(of.cursor or '0')
    local going = of.state == 'ready' and cursor < tonumber(of.batches or '0')
    if going and of.canary and cursor >= tonumber(of.canary) then
      -- Its canary is out: nothing else is, before that is judged.
      going = false
      redis.call('ZADD', due_control, 'NX', now, 'canary|' .. member)
      redis.call('ZREM', METRICS .. ':' .. account .. ':planned', member)
    end
    local held_until, zone
    if going then held_until, zone = campaign_held_until(campaign_base .. member, of, now) end
    if going and not held_until then return member .. '-' .. cursor, member, first[2], of end
    -- Paused, or all handed out: resuming puts it back. What may not go out yet comes back by itself.
    redis.call('ZREM', order_base .. account, member)
    if held_until then redis.call('ZADD', due_base .. account, held_until, 'at|' .. member) end
    if zone then report_closed(events, account, campaign_base .. member, member, zone, held_until, now) end
    steps = steps + 1
  end
end

-- Takes the front off, and puts its campaign behind what else waits, or makes it due after `wait` ms.
local function pass(account, member, at, of, wait)
  local order, hash = order_base .. account, account_base .. account
  redis.call('ZREM', order, member)
  set_virtual_time(hash, queue, at)
  if string.find(member, '-', 1, true) then return end
  local campaign = campaign_base .. member
  local cursor = redis.call('HINCRBY', campaign, 'cursor', 1)
  if cursor >= tonumber(of.batches) then return end
  if wait > 0 then
    redis.call('ZADD', due_base .. account, math.ceil(now + wait), 'campaign|' .. member)
  else
    enter_order(order, hash, queue, campaign, member)
  end
end

-- Takes the front off, whose campaign may claim a batch at `next_at` by its rate: it is due then or later.
local function wait_for_rate(account, member, at, of, campaign, n, next_at)
  redis.call('ZREM', order_base .. account, member)
  set_virtual_time(account_base .. account, queue, at)
  if string.find(member, '-', 1, true) then
    redis.call('ZADD', due_base .. account, moment_of_its_own(campaign, of, n, next_at, now), 'send|' .. member)
  else
    redis.call('ZADD', due_base .. account, next_at, 'campaign|' .. member)
  end
end

-- Takes what an account can send now. Returns when it can act again (unix ms), or nil if nothing of it is due.
local function take_from(account, since)
  if stream_full then return now + 1000 end
  local able, must_pause = without_token(tokens, account, account_base .. account, since, now)
  if must_pause then taken[#taken + 1] = {3, account} end
  if able then return able end
  local keys = permit_keys(account, account_base .. account, permits_base .. account)
  enter_due(account)
  while true do
    local batch_id, member, at, of = front(account)
    if not batch_id then break end
    if #taken >= most or steps >= STEPS then return now end
    local k, campaign_id = names_of(batch_id, account)
    local batch = batch_fields(k.batch)
    local held_until, zone = batch_held_until(k.campaign, of, batch, now)
    local fence, n = fences .. (#taken + 1), tonumber(batch.n)
    local next_at = batch.state == 'planned' and of.state == 'ready' and paced_until(k.campaign, of, now)
    local why, found, version
    if held_until then
      why = 'schedule'
    elseif next_at and next_at > now + CHECK_MS then
      why = 'rate'
    else
      why, found, version = claimable(k, primary, of, batch, batch_id, campaign_id, account, fence, now)
      if not why and next_at then why = 'rate' end
      if not why and pause_over_budget(k.spending, budgets, k.campaign, campaign_id, n, now) then
        why = 'over budget'
        -- Its messages may have been counted for the frequency cap.
        if batch.cap then put_count_right(due_control, k.batch, batch_id, 'planned', now) end
      end
    end
    if not why then
      local short_until = short_of_budget(k.spending, budgets, n, campaign_id, now)
      if short_until then return short_until end
      local wait, no = take_permit(keys, limits, fence, kind, now_us)
      if wait > 0 then
        tally(account, 'permit|' .. kind .. '|' .. no, 1)
        return now + math.ceil(wait / 1000)
      end
      claim(k, primary, of, batch, batch_id, campaign_id, fence, lease_ms, now)
      taken[#taken + 1] = claimed(batch_id)
      taken_ids[#taken_ids + 1] = batch_id
      pass(account, member, at, of, spacing_of(of, n))
    elseif why == 'over budget' then
      -- Its campaign is paused, and leaves the order in the next step.
      steps = steps + 1
    elseif why == 'rate' then
      steps = steps + 1
      wait_for_rate(account, member, at, of, k.campaign, n, next_at)
    else
      steps = steps + 1
      pass(account, member, at, of, why == 'suppression' and math.min(spacing_of(of, n), CHECK_MS) or 0)
      if why == 'schedule' then
        redis.call('ZADD', due_base .. account, held_until, 'at|' .. batch_id)
        if zone then report_closed(events, account, k.campaign, campaign_id, zone, held_until, now) end
      elseif why == 'campaign' and found == 'cancelling' then
        -- It was on its way when its campaign was cancelled, and came back unsent.
        redis.call('ZADD', due_control, now, 'cancel|' .. campaign_id)
      elseif why == 'suppression' then
        -- In case the worker that checks it dies.
        redis.call('ZADD', due_base .. account, now + 30000, 'send|' .. batch_id)
        taken[#taken + 1] = {2, batch_id, found, version}
      end
    end
  end
  local first = redis.call('ZRANGE', due_base .. account, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2])
end

hold_tallies()
begin_call(turn_keys, now)
local before = redis.call('GET', memory)
if before and string.match(before, '^(%d+)|') == call then
  -- The answer to this very call was lost: what it took is given again.
  for batch_id in string.gmatch(string.match(before, '|(.*)$'), '[^,]+') do
    local fence = redis.call('HGET', batch_base .. batch_id, 'fence')
    if fence and string.sub(fence, 1, #fences) == fences then taken[#taken + 1] = claimed(batch_id) end
  end
elseif primary.wait == 0 then
  left = go_round(accounts, taken, most, take_from, now)
  if #taken_ids > 0 then
    redis.call('SET', memory, call .. '|' .. table.concat(taken_ids, ','), 'PX', 60000)
    primary.claims = redis.call('HINCRBY', primary_key, 'claims', #taken_ids)
  end
end

local answer = turn_answer(accounts, turn_keys, taken, most, now, left)
if primary.wait > 0 and answer[3] >= 0 then answer[3] = math.min(primary.wait, 250) end
answer[#answer + 1] = {4, primary.epoch, primary.claims}
write_tallies()
return answer
