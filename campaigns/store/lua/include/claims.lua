-- Claiming a batch: the last step before a byte of a paid request may leave.
-- @include event, batch_counters, suppression_version, doubts, due, budget

-- A batch due less than this after a change may have been due before it by the other server's clock.
local CLOCKS_DIFFER_MS = 60000

-- Whether a planned batch may have been sent by a claim that the store has lost.
local function in_doubt(k, primary, batch)
  if primary.doubt == 0 or tonumber(batch[8] or '0') >= primary.doubt then return false end
  local campaign = redis.call('HMGET', k.campaign, 'epoch', 'earliest_ms')
  if tonumber(campaign[1] or '0') >= primary.doubt then return false end
  local due = math.min(tonumber(batch[9] or '0'), tonumber(campaign[2] or batch[9] or '0'))
  return due <= primary.changed + CLOCKS_DIFFER_MS
end

-- planned → unknown: the listing must show first whether it was sent. `attempt` is the one in doubt.
local function put_in_doubt(k, batch, batch_id, campaign_id, account, op, attempt, text, now)
  redis.call('HSET', k.batch, 'state', 'unknown', 'since_ms', now, 'op', op, 'text', text)
  note_doubt(k.batch, 'unknown', text, '', now)
  reserve(k.spending, k.budgets, k.batch, tonumber(batch[2]), true, now)
  schedule(k.due_poll, k.accounts_poll, account, 'reconcile|' .. batch_id, now)
  count_move(k.campaign, batch_id, tonumber(batch[2]), 'planned', 'unknown', now)
  emit(k.events, k.campaign, campaign_id, 'batch.unknown', batch_id, '{"from":"planned","attempt":' .. attempt ..
    ',"recipients":' .. batch[2] .. ',"reason":"' .. text .. '"}', now)
end

-- The same for a claim that the store may have lost. It counts as claimed since the store was last seen before the
-- change, and as in doubt until the change was noticed.
local function put_in_doubt_by_loss(k, primary, batch, batch_id, campaign_id, account, op, now)
  local attempt = tonumber(batch[3]) + 1
  put_in_doubt(k, batch, batch_id, campaign_id, account, op, attempt,
    'the store lost its last claims, and this may have been one of them', now)
  redis.call('HSET', k.batch, 'fence', op, 'attempt', attempt, 'epoch', primary.doubt,
    'claimed_ms', math.max(primary.since, tonumber(batch[10] or '0')), 'doubted_ms', now)
  redis.call('HDEL', k.batch, 'checks', 'checked_ms', 'tries', 'check')
  redis.call('HINCRBY', k.primary, 'doubted', 1)
end

-- Why a batch cannot be claimed as it is ('gone', 'campaign', 'suppression'), or nil and what is needed to claim it.
-- A batch whose earlier request, taken for lost, was confirmed by a callback becomes 'unknown' here.
-- `k`: names of batch, campaign, events, due_poll, accounts_poll, optouts, optouts_counter, and of include/budget
-- `budgets` and `spending`; `primary`: what `notice_change` returned. A batch that could be sent before a change by
-- which claims were lost becomes 'unknown' too.
local function claimable(k, primary, batch_id, campaign_id, account, op, now)
  local batch = redis.call('HMGET', k.batch, 'state', 'n', 'attempt', 'kind', 'optouts_v', 'resent_ms', 'callback_ms',
    'epoch', 'not_before_ms', 'since_ms')
  if batch[1] ~= 'planned' then return 'gone' end
  local campaign_state = redis.call('HGET', k.campaign, 'state')
  if campaign_state ~= 'ready' then return 'campaign', campaign_state end
  local sign = called_back(batch[6], batch[7])
  if sign then
    put_in_doubt(k, batch, batch_id, campaign_id, account, op, batch[3], sign, now)
    return 'gone'
  end
  if in_doubt(k, primary, batch) then
    put_in_doubt_by_loss(k, primary, batch, batch_id, campaign_id, account, op, now)
    return 'gone'
  end
  -- The phones of a list are known to the gateway only, and cannot be checked here.
  if batch[4] ~= 'list' then
    local seen = batch[5] or redis.call('HGET', k.campaign, 'optouts_v') or ''
    local version = optouts_version(k.optouts, k.optouts_counter)
    if seen ~= version then return 'suppression', seen, version end
  end
  return nil, batch
end

-- Writes fencing token, attempt and lease. `batch` is what `claimable` returned.
local function claim(k, primary, batch, batch_id, campaign_id, fence, lease_ms, now)
  local attempt, lease_until = tonumber(batch[3]) + 1, now + lease_ms
  redis.call('HSET', k.batch, 'state', 'sending', 'since_ms', now, 'claimed_ms', now, 'op', fence,
    'fence', fence, 'attempt', attempt, 'lease_until_ms', lease_until)
  if primary.epoch > 0 then redis.call('HSET', k.batch, 'epoch', primary.epoch) end
  -- From here on a new time for the campaign does not concern this batch.
  local schedule_ms = redis.call('HGET', k.campaign, 'schedule_ms')
  if schedule_ms then redis.call('HSET', k.batch, 'schedule_ms', schedule_ms) end
  redis.call('HDEL', k.batch, 'callback_ms', 'callback_uuid', 'checks', 'checked_ms', 'tries') -- of an earlier attempt
  reserve(k.spending, k.budgets, k.batch, tonumber(batch[2]), false, now)
  schedule(k.due_control, nil, nil, 'lease|' .. batch_id, lease_until)
  count_move(k.campaign, batch_id, tonumber(batch[2]), 'planned', 'sending', now)
  emit(k.events, k.campaign, campaign_id, 'batch.sending', batch_id,
    '{"from":"planned","attempt":' .. attempt .. ',"recipients":' .. batch[2] .. '}', now)
end
