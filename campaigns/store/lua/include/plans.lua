-- The step by which all of a campaign becomes visible at once.
-- @include counters, event, waiting, finish_campaign, due, primary

-- Counts what planning brought. `plan` as below; `excluded`: recipients by reason.
local function tally_planned(plan)
  local recipients = 'recipients|' .. plan.kind .. '||'
  tally(plan.account, 'batches||planned', plan.batches)
  tally(plan.account, recipients .. 'planned', plan.planned)
  for _, reason in ipairs(EXCLUDED) do tally(plan.account, recipients .. reason, plan.excluded[reason] or 0) end
end

-- A complete plan becomes ready and its batches due, or it becomes a draft. `k`: names of campaign, events, due,
-- accounts, primary and workers. `plan`: kind, account, batches, planned, total, first (when its first batch may go
-- out, unix ms; 0: at once), replicas (how many must have what is written), kept_back (ms, until they have it), draft
-- (why it becomes one, or '') and excluded (recipients by reason).
-- Emits: campaign.ready or campaign.draft, and what `finish_if_over` does.
-- Returns whether some of it may go out now.
local function make_visible(k, id, plan, now)
  local state = plan.draft ~= '' and plan.batches > 0 and 'draft' or 'ready'
  redis.call('HSET', k.campaign, 'state', state)
  -- What becomes ready after a change cannot have been sent before it.
  local primary = notice_change(k.primary, k.workers, k.events, 0, 0, plan.replicas, now)
  if primary.epoch > 0 then redis.call('HSET', k.campaign, 'epoch', primary.epoch) end
  if plan.first > now then redis.call('HSET', k.campaign, 'first_ms', string.format('%.0f', plan.first)) end
  local first = math.max(plan.first, now + plan.kept_back)
  if state == 'ready' and plan.batches > 0 then
    schedule(k.due, k.accounts, plan.account, (plan.first > now and 'at|' or 'campaign|') .. id, first)
  end
  tally_planned(plan)
  note_planned(plan.account, k.campaign, id, first)
  local data = '{"kind":"' .. plan.kind .. '","total":' .. plan.total .. ',"planned":' .. plan.planned ..
    ',"batches":' .. plan.batches
  if state == 'draft' then
    redis.call('HSET', k.campaign, 'draft_why', plan.draft)
    local by = redis.call('HGET', k.campaign, 'by') or ''
    data = data .. ',"by":' .. cjson.encode(by) .. ',"reason":' .. cjson.encode(plan.draft)
  end
  emit(k.events, k.campaign, id, state == 'draft' and 'campaign.draft' or 'campaign.ready', id, data .. '}', now)
  if plan.batches == 0 then finish_if_over(k.campaign, k.events, id, now) end
  return state == 'ready' and plan.batches > 0 and first <= now
end
