-- Stores small campaigns of one account and kind. Of each, all is stored at once: it is ready (or a draft) and its
-- batches are due, or nothing of it is stored. Bases are names to which an id, a key or a fingerprint is appended.
-- KEYS: 1 active, 2 index, 3 events, 4 due set of their queue, 5 accounts of their queue, 6 primary, 7 workers,
--       8 opt-outs, 9 their counter, 10 bells of their queue, 11 turns, bases: 12 campaigns, 13 batches, 14 bodies,
--       15 lists of excluded recipients, 16 job keys, 17 lookalikes, 18 opt-outs of narrower scopes
-- ARGV: 1 now (ms or 0), 2 kind, 3 account, 4 queue, 5 replicas that must have what is written, 6 for how long it is
--       kept back, until they have it (ms), 7 life of bodies, 8 life of lookalikes (ms), 9 random text for a bell; then
--       for each campaign its plan, and the bodies (zlib) of its batches. A plan is a JSON object: `id`, `key` (if it
--       has one), `token` (of the plan), `digest` (of the job), `draft` (why it becomes a draft, or ''), `optouts`
--       (version of the opt-outs that it was planned by, or '' if its `phones` are yet to be checked), `scopes` (names
--       of the narrower scopes whose opt-outs it keeps to), `first_ms` (when its first batch may go out, unix ms; 0: at
--       once), `correlation_id` (if it has one), `fields` (of the campaign) and `of_batches` (of each batch), both as
--       name, value, ..., `excluded` (recipients, each as reason and JSON row), `batches` (each as `n`, `mailings`,
--       `not_before_ms`, `lookalikes`; see include/planned_batch)
-- Emits: campaign.cancelled, campaign.draft, campaign.finished, campaign.ready, campaign.unbalanced, store.changed.
-- Moves: batch nothing → planned; campaign nothing → ready, draft; campaign ready, paused → finished; campaign
--   cancelling → cancelled.
-- Returns: {1 if a bell is to be rung or 0, then for each campaign 1 stored, or the id of the campaign that has the
--   key, or 2 one of the phones is opted out: plan by the opt-outs, or 3 its caller got the answer that nothing is
--   stored}. The same to a repeated call, but for the bell.
-- @include clock, counters, due, event, finish_campaign, planned_batch, plans, primary, suppression_version, turns
-- @include waiting
local active, index, events, due, accounts, primary_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local workers, optouts, counter, bells, turns, campaign_base = KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11], KEYS[12]
local batch_base, body_base, excluded_base = KEYS[13], KEYS[14], KEYS[15]
local job_key_base, lookalikes_base, narrower_base = KEYS[16], KEYS[17], KEYS[18]
local STORED, OPTED_OUT, REVOKED = 1, 2, 3
local now, kind, account, queue = clock(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local replicas, kept_back = tonumber(ARGV[5]), tonumber(ARGV[6])
local of = {body_life = tonumber(ARGV[7]), lookalikes_life = tonumber(ARGV[8]), kind = kind, account = account}

-- What all campaigns of this call write together at its end: ids, pairs of a score and a member, and numbers.
local ids, created, due_at, waiting_since, goes_out = {}, {}, {}, {}, false
local brought = {kind = kind, account = account, batches = 0, planned = 0, excluded = {}}
local ready, drafts = 0, 0

-- Adds two values to a list.
local function add(list, one, other)
  local last = #list
  list[last + 1], list[last + 2] = one, other
end

local version
-- Of each narrower scope that was asked about, whether it has opt-outs.
local has_some = {}

-- Whether one of these phones is opted out of a narrower scope.
local function out_of(scope, phones)
  local key = narrower_base .. scope
  if has_some[scope] == nil then has_some[scope] = redis.call('EXISTS', key) == 1 end
  if not has_some[scope] then return false end
  for _, note in ipairs(redis.call('HMGET', key, unpack(phones))) do
    if note then return true end
  end
  return false
end

-- Whether one of a plan's phones is opted out. `plan.optouts` is complete after it.
local function opted_out(plan)
  if plan.optouts ~= '' then return false end
  version = version or optouts_version(optouts, counter)
  plan.optouts = version
  if #plan.phones == 0 then return false end
  if not string.find(version, ':0$') then
    for _, there in ipairs(redis.call('SMISMEMBER', optouts, unpack(plan.phones))) do
      if there == 1 then return true end
    end
  end
  for _, scope in ipairs(plan.scopes) do
    if out_of(scope, plan.phones) then return true end
  end
  return false
end

-- Stores the batches of a plan, whose bodies stand in ARGV from `at` on, and counts their recipients.
local function store_batches(plan, at)
  plan.planned = 0
  for number, batch in ipairs(plan.batches) do
    local id = plan.id .. '-' .. (number - 1)
    batch.body = ARGV[at + number - 1]
    for i, fingerprint in ipairs(batch.lookalikes) do batch.lookalikes[i] = lookalikes_base .. fingerprint end
    store_batch(batch_base .. id, body_base .. id, id, batch, of, plan.of_batches, now)
    plan.planned = plan.planned + batch.n
  end
end

-- Lists the excluded recipients of a plan, and counts them by reason.
local function store_excluded(plan)
  local rows, numbers = {}, {}
  for i, row in ipairs(plan.excluded) do
    rows[i] = row[2]
    numbers[row[1]] = (numbers[row[1]] or 0) + 1
  end
  plan.total = plan.planned + #rows
  if #rows > 0 then redis.call('RPUSH', excluded_base .. plan.id, unpack(rows)) end
  for reason, n in pairs(numbers) do
    add(plan.fields, 'r:' .. reason, n)
    brought.excluded[reason] = (brought.excluded[reason] or 0) + n
  end
end

local primary

-- Writes the campaign's own fields, in which it is ready or a draft, and says so.
local function make_visible(campaign, plan)
  local id, number, fields = plan.id, #plan.batches, plan.fields
  local draft = plan.draft ~= '' and number > 0
  -- What becomes ready after a change cannot have been sent before it.
  primary = primary or notice_change(primary_key, workers, events, 0, 0, replicas, now)
  if primary.epoch > 0 then add(fields, 'epoch', primary.epoch) end
  if plan.first_ms > now then add(fields, 'first_ms', string.format('%.0f', plan.first_ms)) end
  if number > 0 then
    add(fields, 'b:planned', number)
    add(fields, 'r:planned', plan.planned)
  end
  if draft then add(fields, 'draft_why', plan.draft) end
  redis.call('HSET', campaign, 'state', draft and 'draft' or 'ready', 'plan_token', plan.token, 'digest', plan.digest,
    'created_ms', now, 'batches', number, 'r:total', plan.total, 'optouts_v', plan.optouts,
    'optouts_scoped_v', plan.optouts, 'seq', 1, unpack(fields))
  local first = math.max(plan.first_ms, now + kept_back)
  if draft then
    drafts = drafts + 1
  else
    ready = ready + 1
    if number > 0 then
      add(due_at, first, (plan.first_ms > now and 'at|' or 'campaign|') .. id)
      add(waiting_since, first, id)
      goes_out = goes_out or first <= now
    end
  end
  emit(events, campaign, id, draft and 'campaign.draft' or 'campaign.ready', id,
    planned_data(kind, plan.total, plan.planned, number, draft and campaign, plan.draft), now,
    {seq = 1, correlation_id = plan.correlation_id})
  if number == 0 then finish_if_over(campaign, events, id, now) end
end

-- Stores a plan whose bodies stand in ARGV from `at` on. Returns its part of the answer.
local function store(plan, at)
  local campaign, job_key = campaign_base .. plan.id, plan.key and job_key_base .. plan.key
  local known = redis.call('HGET', campaign, 'state')
  if known then return known == 'abandoned' and REVOKED or STORED end
  local owner = job_key and redis.call('GET', job_key)
  if owner and owner ~= plan.id then return owner end
  if opted_out(plan) then return OPTED_OUT end
  store_batches(plan, at)
  store_excluded(plan)
  if job_key then redis.call('SET', job_key, plan.id) end
  make_visible(campaign, plan)
  ids[#ids + 1] = plan.id
  add(created, now, plan.id)
  brought.batches, brought.planned = brought.batches + #plan.batches, brought.planned + plan.planned
  return STORED
end

local answer, at = {0}, 10
while at <= #ARGV do
  local plan = cjson.decode(ARGV[at])
  answer[#answer + 1] = store(plan, at + 1)
  at = at + 1 + #plan.batches
end
if #ids > 0 then
  redis.call('SADD', active, unpack(ids))
  redis.call('ZADD', index, unpack(created))
  tally_planned(brought)
  tally('', 'event|campaign.ready', ready)
  tally('', 'event|campaign.draft', drafts)
end
if #due_at > 0 then
  schedule_all(due, accounts, account, due_at)
  note_waiting(account, waiting_since)
end
if goes_out and ring_first(bells, turns, queue, ARGV[9], now) then answer[1] = 1 end
return answer
