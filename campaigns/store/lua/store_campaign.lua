-- Stores a small campaign, all of it at once: it is ready (or a draft) and its batches are due, or nothing is stored.
-- KEYS: 1 job key (or the campaign again if there is none), 2 campaign, 3 active, 4 index, 5 events, 6 due set of its
--       queue, 7 accounts of its queue, 8 primary, 9 workers, 10 opt-outs, 11 their counter, 12 bells of its queue,
--       13 turns, 14 list of excluded recipients, 15.. of each batch: batch, body, and lookalikes, one per mailing
-- ARGV: 1 now (ms or 0), 2 campaign id, 3 '1' if there is a job key, 4 plan token, 5 digest of the job, 6 kind, 7
--       account, 8 queue, 9 when its first batch may go out (unix ms; 0 at once), 10 replicas that must have what is
--       written, 11 for how long it is kept back, until they have it (ms), 12 why it becomes a draft, or '', 13 version
--       of the opt-outs that it was planned by, or '' if its phones are yet to be checked, 14 life of bodies, 15 life
--       of lookalikes (ms), 16 random text for a bell; then parts, each with its length before it: phones to be
--       checked; fields and values of the campaign; fields and values of each batch; excluded recipients, as reason and
--       JSON row; batches, as recipients, body (zlib), mailings (JSON), not before (unix ms; 0 at once) and number of
--       mailings
-- Emits: campaign.cancelled, campaign.draft, campaign.finished, campaign.ready, campaign.unbalanced, store.changed.
-- Moves: batch nothing → planned; campaign nothing → ready, draft; campaign ready, paused → finished; campaign
--   cancelling → cancelled.
-- Returns: {1, 1 if a bell is to be rung or 0} stored; {2, id of the campaign that has the key}; {3, 0} one of the
--   phones is opted out: plan by the opt-outs; {4, 0} its caller got the answer that nothing is stored. The same to a
--   repeated call, but for the bell.
-- @include head, clock, suppression_version, planned_batch, plans, turns
local job_key, campaign_key, active, index, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local due, accounts, primary_key, workers, optouts = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local counter, bells, turns, excluded = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local of_each = keys_from(15)
local now, id = clock(ARGV[1]), ARGV[2]
local known = redis.call('HGET', campaign_key, 'state')
if known then return known == 'abandoned' and {4, 0} or {1, 0} end
if ARGV[3] == '1' then
  local owner = redis.call('GET', job_key)
  if owner and owner ~= id then return {2, owner} end
end

local at = 17
local function part()
  local first = at + 1
  at = first + tonumber(ARGV[at])
  return {unpack(ARGV, first, at - 1)}
end

local version, phones = ARGV[13], part()
if version == '' then
  version = optouts_version(optouts, counter)
  if #phones > 0 and not string.find(version, ':0$') then
    for _, there in ipairs(redis.call('SMISMEMBER', optouts, unpack(phones))) do
      if there == 1 then return {3, 0} end
    end
  end
end
local fields, of_batches, rows, batches = part(), part(), part(), part()
local plan = {kind = ARGV[6], account = ARGV[7], batches = #batches / 5, planned = 0, total = 0,
  first = tonumber(ARGV[9]), replicas = tonumber(ARGV[10]), kept_back = tonumber(ARGV[11]),
  draft = ARGV[12], excluded = {}}

for i = 1, #rows, 2 do
  redis.call('RPUSH', excluded, rows[i + 1])
  plan.excluded[rows[i]] = (plan.excluded[rows[i]] or 0) + 1
end
local of = {body_life = tonumber(ARGV[14]), lookalikes_life = tonumber(ARGV[15]), kind = plan.kind,
  account = plan.account}
local at_key, number = 1, 0
for i = 1, #batches, 5 do
  local last = at_key + 1 + tonumber(batches[i + 4])
  store_batch({batch = of_each[at_key], body = of_each[at_key + 1], lookalikes = {unpack(of_each, at_key + 2, last)}},
    id .. '-' .. number, {unpack(batches, i, i + 3)}, of, of_batches, now)
  plan.planned = plan.planned + tonumber(batches[i])
  at_key, number = last + 1, number + 1
end
plan.total = plan.planned

if ARGV[3] == '1' then redis.call('SET', job_key, id) end
for reason, n in pairs(plan.excluded) do
  redis.call('HSET', campaign_key, 'r:' .. reason, n)
  plan.total = plan.total + n
end
if number > 0 then redis.call('HSET', campaign_key, 'b:planned', number, 'r:planned', plan.planned) end
redis.call('HSET', campaign_key, 'plan_token', ARGV[4], 'digest', ARGV[5], 'created_ms', now, 'batches', number,
  'r:total', plan.total, 'optouts_v', version, unpack(fields))
redis.call('SADD', active, id)
redis.call('ZADD', index, now, id)
local goes_out = make_visible({campaign = campaign_key, events = events, due = due, accounts = accounts,
  primary = primary_key, workers = workers}, id, plan, now)
return {1, goes_out and ring_first(bells, turns, ARGV[8], ARGV[16], now) and 1 or 0}
