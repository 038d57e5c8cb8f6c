-- Claiming a batch: the last step before a byte of a paid request may leave.
-- @include event, batch_counters, suppression_version, doubts, due, miscounted, budget, pacing

-- A batch due less than this after a change may have been due before it by the other server's clock.
local CLOCKS_DIFFER_MS = 60000

-- How old the check for phones that could not be reached may be. More often it would cost more than it spares: many are
-- found while a campaign goes out, and most of them are not in it.
local REACH_MS = 3600000

-- The fields `names` of a hash, by name; those that it lacks are nil.
local function fields_of(key, names)
  local found = {}
  for i, value in ipairs(redis.call('HMGET', key, unpack(names))) do found[names[i]] = value or nil end
  return found
end

local CAMPAIGN_FIELDS = {'state', 'cursor', 'batches', 'spacing_ms', 'canary', 'not_before_ms', 'zone', 'schedule_ms',
  'optouts_v', 'optouts_scoped_v', 'epoch', 'earliest_ms', 'created_ms'}
local BATCH_FIELDS = {'state', 'n', 'attempt', 'kind', 'optouts_v', 'optouts_scoped_v', 'resent_ms', 'callback_ms',
  'epoch', 'not_before_ms', 'since_ms', 'confirming_ms', 'zone', 'cap', 'counted_until_ms', 'suppresses', 'reach_ms'}

-- What is needed of a campaign, and of one of its batches, to decide whether that can be claimed.
local function campaign_fields(campaign) return fields_of(campaign, CAMPAIGN_FIELDS) end
local function batch_fields(batch) return fields_of(batch, BATCH_FIELDS) end

-- Whether a planned batch of the campaign `of` may have been sent by a claim that the store has lost.
local function in_doubt(of, primary, batch)
  if primary.doubt == 0 or tonumber(batch.epoch or '0') >= primary.doubt then return false end
  if tonumber(of.epoch or '0') >= primary.doubt then return false end
  local due = math.min(tonumber(batch.not_before_ms or '0'), tonumber(of.earliest_ms or batch.not_before_ms or '0'))
  return due <= primary.changed + CLOCKS_DIFFER_MS
end

-- planned → unknown: the listing must show first whether it was sent. `attempt` is the one in doubt.
local function put_in_doubt(k, batch, batch_id, campaign_id, account, op, attempt, text, now)
  redis.call('HSET', k.batch, 'state', 'unknown', 'since_ms', now, 'op', op, 'text', text)
  note_doubt(k.batch, 'unknown', text, '', now)
  schedule(k.due_poll, k.accounts_poll, account, 'reconcile|' .. batch_id, now)
  if batch.cap then put_count_right(k.due_control, k.batch, batch_id, 'unknown', now) end
  count_move(k.campaign, batch_id, tonumber(batch.n), 'planned', 'unknown', now)
  emit(k.events, k.campaign, campaign_id, 'batch.unknown', batch_id, '{"from":"planned","attempt":' .. attempt ..
    ',"recipients":' .. batch.n .. ',"reason":"' .. text .. '"}', now)
end

-- The same for a claim that the store may have lost. It counts as claimed since the store was last seen before the
-- change, and as in doubt until the change was noticed.
local function put_in_doubt_by_loss(k, primary, batch, batch_id, campaign_id, account, op, now)
  local attempt = tonumber(batch.attempt) + 1
  reserve(k.spending, k.budgets, k.batch, tonumber(batch.n), now)
  put_in_doubt(k, batch, batch_id, campaign_id, account, op, attempt,
    'the store lost its last claims, and this may have been one of them', now)
  redis.call('HSET', k.batch, 'fence', op, 'attempt', attempt, 'epoch', primary.doubt,
    'claimed_ms', math.max(primary.since, tonumber(batch.since_ms or '0')), 'doubted_ms', now)
  redis.call('HDEL', k.batch, 'checks', 'checked_ms', 'tries', 'check')
  redis.call('HINCRBY', k.primary, 'doubted', 1)
end

-- The version of the suppression list, once it has been asked for: no script that claims changes it.
local version_now

-- Why a batch cannot be claimed as it is ('gone', 'campaign', or 'suppression': its phones are to be checked), and what
-- that needs; nil if it can.
-- A batch whose earlier request, taken for lost, was confirmed by a callback becomes 'unknown' here.
-- `k`: names of batch, campaign, events, due_poll, accounts_poll, due_control, optouts, optouts_counter, and of
-- include/budget `budgets` and `spending`; `primary`: what `notice_change` returned; `of` and `batch`: fields of
-- campaign and batch. A batch that could be sent before a change by which claims were lost becomes 'unknown' too.
local function claimable(k, primary, of, batch, batch_id, campaign_id, account, op, now)
  if batch.state ~= 'planned' then return 'gone' end
  if of.state ~= 'ready' then return 'campaign', of.state end
  local sign = called_back(batch.resent_ms, batch.callback_ms)
  if sign then
    if k.spending and not take_again(k.spending.money, k.batch) then
      reserve(k.spending, k.budgets, k.batch, tonumber(batch.n), now)
    end
    put_in_doubt(k, batch, batch_id, campaign_id, account, op, batch.attempt, sign, now)
    return 'gone'
  end
  if in_doubt(of, primary, batch) then
    put_in_doubt_by_loss(k, primary, batch, batch_id, campaign_id, account, op, now)
    return 'gone'
  end
  -- The phones of a list are known to the gateway only, and cannot be checked here.
  if batch.kind ~= 'list' then
    local seen = version_checked(batch.optouts_v or of.optouts_v, batch.optouts_scoped_v or of.optouts_scoped_v)
    version_now = version_now or optouts_version(k.optouts, k.optouts_counter)
    -- With a frequency cap, its messages must have been counted today.
    local uncounted = batch.cap and tonumber(batch.counted_until_ms or '0') <= now
    local reach_ms = tonumber(batch.reach_ms or of.created_ms or '0')
    if seen ~= version_now or uncounted or (batch.suppresses and reach_ms + REACH_MS <= now) then
      return 'suppression', seen, version_now
    end
  end
end

-- Writes fencing token, attempt and lease. `of` and `batch` as above.
local function claim(k, primary, of, batch, batch_id, campaign_id, fence, lease_ms, now)
  local before, lease_until = tonumber(batch.attempt), now + lease_ms
  local more = {}
  if primary.epoch > 0 then more = {'epoch', primary.epoch} end
  -- From here on a new time for the campaign does not concern this batch.
  if of.schedule_ms then
    more[#more + 1] = 'schedule_ms'
    more[#more + 1] = of.schedule_ms
  end
  redis.call('HSET', k.batch, 'state', 'sending', 'since_ms', now, 'claimed_ms', now, 'op', fence,
    'fence', fence, 'attempt', before + 1, 'lease_until_ms', lease_until, unpack(more))
  if before > 0 or batch.callback_ms then
    -- Of an earlier attempt.
    redis.call('HDEL', k.batch, 'callback_ms', 'callback_uuid', 'checks', 'checked_ms', 'tries')
  end
  reserve(k.spending, k.budgets, k.batch, tonumber(batch.n), now)
  pace(k.campaign, of, tonumber(batch.n), now)
  schedule(k.due_control, nil, nil, 'lease|' .. batch_id, lease_until)
  count_move(k.campaign, batch_id, tonumber(batch.n), 'planned', 'sending', now)
  emit(k.events, k.campaign, campaign_id, 'batch.sending', batch_id,
    '{"from":"planned","attempt":' .. (before + 1) .. ',"recipients":' .. batch.n .. '}', now)
end
